//! Protected health information that cannot be printed.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Protected health information (PHI): no `Display`, no content in `Debug`, no `Serialize`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Marks `value` as PHI.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that must match, digest or forward it.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(..)")
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Phi<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}
