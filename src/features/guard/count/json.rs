//! Records of JSON: the elements of the array at a pointer, or of what GraphQL answers.
//!
//! A document that does not have its declared shape is not "no records" but unknown, since an
//! application that renames a member must not open the door: nothing at the pointer, or something
//! other than an array there, is [`WhyUnknown::Unparsable`]. Three things are exactly no records: an
//! empty body, `null` at the pointer or on the way to it, and an error message, which is a small object
//! with an `error`, `errors`, `message`, `detail` or `fault` member and nothing at the pointer. A
//! member on the way that comes twice in one object can be read in two ways and is unknown.
//!
//! A query of GraphQL names all that stands in its reply as it likes (aliases, GraphQL section 2.7), so that nothing below `data` is
//! known by its name. What a root field answers is a list, an object with lists, such as a connection (`edges`, `nodes`), or
//! one thing; the elements of each outermost list are records, by however many names a query asks for them. An object is one
//! record at least: a query may ask for a thousand by their numbers, and their empty lists are no emptier than those of a
//! connection. Where a list's record names no patient, or an object without a list, the number of patients is unknown.

use std::borrow::Cow;

use super::lexer::{Broken, Lexer, Sink, Wants};
use super::patients::Patients;
use super::text::{NameFilter, Scalar, Text};
use super::{ERROR_BYTES_MAX, ERROR_MEMBERS, Tally};
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{RecordsPointer, Segment};

/// Counts the elements of the array at a pointer, and the distinct values of one member inside of them.
#[derive(Debug)]
pub struct JsonScanner {
    lexer: Lexer<false>,
    records: Records,
    bytes: u64,
}

impl JsonScanner {
    /// A scanner for the array at `pointer` whose records name their patient in the member `patient`.
    pub fn new(pointer: &RecordsPointer, patient: Option<&str>) -> Self {
        let records = Records {
            pointer: pointer.clone(),
            patient: patient.map(|name| name.as_bytes().into()),
            filter: patient.map_or(NameFilter::NONE, |name| NameFilter::NONE.with(name.as_bytes())),
            ..Records::default()
        };
        Self { lexer: Lexer::default(), records, bytes: 0 }
    }

    /// A scanner for what GraphQL answers (section 7.1, `data`), whose records name their patient in the member `patient`.
    pub fn graphql(patient: Option<&str>) -> Self {
        let mut scanner = Self::new(&RecordsPointer::read("/data/*"), patient);
        scanner.records.may_be_object = true;
        scanner
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.records.patients
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.lexer.push(piece, &mut self.records);
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.lexer.is_broken() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally {
            records: Count::AtLeast(self.records.number),
            patients: self.records.patients(Patients::so_far),
        }
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        let is_blank = self.lexer.is_blank();
        if self.lexer.finish(&mut self.records).is_err() {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        if self.records.misfit && !is_blank {
            let is_error = self.records.error && !self.records.found && self.bytes <= ERROR_BYTES_MAX;
            return if is_error { Tally::NONE } else { Tally::unknown(WhyUnknown::Unparsable) };
        }
        Tally {
            records: Count::Exactly(self.records.number),
            patients: self.records.patients(Patients::count),
        }
    }
}

/// A container on the way to the array.
#[derive(Debug)]
struct Level {
    array: bool,
    index: u64,
    found: bool,
}

/// An object that may stand in place of the array, and is open.
#[derive(Debug)]
struct InPlace {
    /// The depth inside of it.
    depth: usize,
    /// How many records there were before.
    before: u64,
    /// It holds arrays.
    holds_arrays: bool,
    /// It names a patient outside of them.
    is_named: bool,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the document, not a state"
)]
struct Records {
    pointer: RecordsPointer,
    patient: Option<Box<[u8]>>,
    filter: NameFilter,
    /// The open containers that are on the way.
    way: Vec<Level>,
    /// All open containers.
    depth: usize,
    /// The depth inside the array, while it is open.
    array: Option<usize>,
    /// An object may stand in place of the array, with arrays in it.
    may_be_object: bool,
    object: Option<InPlace>,
    /// The record that is open has named a patient; so has whatever is none.
    is_named: bool,
    /// A record ended that named none.
    unnamed: bool,
    /// The value that comes now is on the way.
    is_next: bool,
    /// The scalar that comes now names a patient.
    is_patient: bool,
    found: bool,
    misfit: bool,
    error: bool,
    number: u64,
    patients: Patients,
}

enum Value {
    Array,
    Object,
    Null,
    Other,
}

impl Records {
    fn patients(&self, count: impl Fn(&Patients) -> Count) -> Count {
        match &self.patient {
            None => Count::NotCounted,
            // Whoever asks chooses by what name, if at all.
            Some(_) if self.may_be_object && self.unnamed => Count::Unknown(WhyUnknown::Unparsable),
            Some(_) => count(&self.patients),
        }
    }

    /// An array of records opens.
    const fn begin_array(&mut self) {
        self.array = Some(self.depth + 1);
        self.is_named = true;
    }

    /// The next element of the array begins, or the array has ended.
    const fn end_record(&mut self) {
        self.unnamed |= !std::mem::replace(&mut self.is_named, false);
    }

    /// What stands in place of the array has ended, if that is what closes.
    fn end_object(&mut self) {
        if let Some(object) = self.object.take_if(|object| object.depth == self.depth) {
            self.number = self.number.max(object.before + 1);
            self.unnamed |= !(object.holds_arrays || object.is_named);
        }
    }

    fn name_patient(&mut self, scalar: Scalar<'_>) {
        let text = match scalar {
            Scalar::String(text) => text.decoded(),
            Scalar::Number(text) => Cow::Borrowed(text),
            Scalar::Boolean | Scalar::Null | Scalar::Unread => return,
        };
        if text.is_empty() {
            return;
        }
        self.patients.name(&text);
        match &mut self.object {
            Some(object) if self.array.is_none() => object.is_named = true,
            Some(_) | None => self.is_named = true,
        }
    }

    /// A value begins that is outside of the records.
    fn walk(&mut self, value: &Value) {
        if !self.is_on_the_way() {
            return;
        }
        if let Some(level) = self.way.last_mut() {
            level.found = true;
        }
        let is_last = self.way.len() == self.pointer.segments().len();
        match value {
            Value::Array if is_last => {
                self.begin_array();
                self.found = true;
            }
            Value::Object if is_last && self.may_be_object => {
                let before = self.number;
                self.object =
                    Some(InPlace { depth: self.depth + 1, before, holds_arrays: false, is_named: false });
                self.found = true;
            }
            Value::Other if is_last && self.may_be_object => {
                self.number += 1;
                self.found = true;
            }
            Value::Array => self.way.push(Level { array: true, index: 0, found: false }),
            Value::Object if !is_last => self.way.push(Level { array: false, index: 0, found: false }),
            Value::Null => {}
            Value::Object | Value::Other => {
                self.misfit = true;
                self.found |= is_last;
            }
        }
    }

    fn is_on_the_way(&mut self) -> bool {
        if self.depth != self.way.len() {
            return false;
        }
        let segment = self.way.len().checked_sub(1).and_then(|last| self.pointer.segments().get(last));
        match (self.way.last_mut(), segment) {
            (Some(level), Some(segment)) if level.array => {
                let index = level.index;
                level.index += 1;
                match segment {
                    Segment::Every => true,
                    Segment::Named { index: wanted, .. } => *wanted == Some(index),
                }
            }
            (Some(_), _) => std::mem::take(&mut self.is_next),
            (None, _) => true,
        }
    }
}

impl Sink for Records {
    #[inline]
    fn names(&self) -> NameFilter {
        self.filter
    }

    #[inline]
    fn wants(&self) -> Wants {
        match self.array {
            None if self.object.is_none() => Wants::Scalars,
            _ if self.is_patient => Wants::Strings,
            Some(depth) if depth == self.depth => Wants::Scalars,
            _ if self.patient.is_some() => Wants::Names,
            _ => Wants::Structure,
        }
    }

    #[inline]
    fn key(&mut self, name: Text<'_>) -> Result<(), Broken> {
        if self.array.is_some() || self.object.is_some() {
            self.is_patient = self.patient.as_ref().is_some_and(|patient| name.is(patient));
            return Ok(());
        }
        if self.depth == 1 {
            self.error |= ERROR_MEMBERS.iter().any(|member| name.is(member.as_bytes()));
        }
        if self.depth == self.way.len()
            && let Some(level) = self.way.last()
            && let Some(segment) = self.pointer.segments().get(self.way.len() - 1)
        {
            self.is_next = match segment {
                Segment::Every => true,
                Segment::Named { name: wanted, .. } => name.is(wanted),
            };
            if matches!(segment, Segment::Named { .. }) && self.is_next && level.found {
                return Err(Broken);
            }
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, array: bool) -> Result<(), Broken> {
        self.is_patient = false;
        match (self.array, &mut self.object) {
            (Some(depth), _) if depth == self.depth => {
                self.number += 1;
                self.end_record();
            }
            (None, Some(object)) if array => {
                object.holds_arrays = true;
                self.begin_array();
            }
            (Some(_), _) | (None, Some(_)) => {}
            (None, None) => self.walk(if array { &Value::Array } else { &Value::Object }),
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        if self.array == Some(self.depth) {
            self.array = None;
            self.end_record();
        } else if self.array.is_none() && self.object.is_some() {
            self.end_object();
        } else if self.array.is_none() && self.depth == self.way.len() {
            let every =
                matches!(self.pointer.segments().get(self.way.len().wrapping_sub(1)), Some(Segment::Every));
            let level = self.way.pop();
            self.misfit |= level.is_some_and(|level| !(level.found || every));
        }
        self.depth = self.depth.saturating_sub(1);
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken> {
        if self.array.is_some() || self.object.is_some() {
            if self.array == Some(self.depth) {
                self.number += 1;
                self.end_record();
            }
            if std::mem::take(&mut self.is_patient) {
                self.name_patient(scalar);
            }
            return Ok(());
        }
        self.walk(if matches!(scalar, Scalar::Null) { &Value::Null } else { &Value::Other });
        Ok(())
    }

    #[inline]
    fn is_in_element(&self) -> Option<bool> {
        match self.array {
            Some(depth) if self.patient.is_none() && self.depth <= depth + 1 => Some(self.depth > depth),
            _ => None,
        }
    }

    #[inline]
    fn elements(&mut self, number: u32, is_open: bool) {
        self.number += u64::from(number);
        self.depth = self.array.unwrap_or_default() + usize::from(is_open);
    }
}
