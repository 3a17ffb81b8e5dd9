//! Who says what becomes of each value of JSON, while its bytes pass.

use super::Fault;

/// What becomes of a value.
#[derive(Debug)]
pub(super) enum Fate<F> {
    /// It passes; `F` is what the guide wants to know inside of it, if it holds values.
    Keep(F),
    /// It passes, and if it is a string the guide is told what it says.
    Tell(F),
    /// The mark stands in its place.
    Mask,
    /// It goes, with its name.
    Remove,
    /// It goes, since it says again what was taken out elsewhere; it is no value of its own.
    GoAlong,
}

/// What kind of value begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Object,
    Array,
    Null,
    /// A string, a number, `true` or `false`.
    Scalar,
}

/// Where a value stands in what holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// It is a document.
    Root,
    /// In an object, under this name.
    Member(&'a [u8]),
    /// In an array, at this place from 0.
    Element(u64),
}

/// Says what becomes of each value.
pub(super) trait Guide {
    /// What it knows of an object or array.
    type Frame: std::fmt::Debug;

    /// A value begins, within what is known of what holds it.
    fn begin(
        &mut self,
        within: Option<&mut Self::Frame>,
        step: Step<'_>,
        value: Value,
    ) -> Result<Fate<Self::Frame>, Fault>;

    /// The string says this whose telling was asked for.
    fn told(&mut self, within: Option<&mut Self::Frame>, text: &[u8]) -> Result<(), Fault>;

    /// An object or array ends; what is put at its end, without a comma. Empty: nothing.
    fn end(&mut self, frame: Self::Frame) -> Result<String, Fault>;
}
