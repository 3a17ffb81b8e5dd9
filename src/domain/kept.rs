//! A value that is written into many events and never changes: its text is made once and kept.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A value with the JSON text that it was first written as. Reads like the value itself, which cannot be
/// changed any more.
#[derive(Debug)]
pub struct Kept<T> {
    value: T,
    text: OnceLock<Option<Box<RawValue>>>,
}

impl<T> Kept<T> {
    /// Not written yet.
    pub const fn new(value: T) -> Self {
        Self { value, text: OnceLock::new() }
    }
}

impl<T: Serialize> Kept<T> {
    /// Its JSON text; `None` if the value has none.
    pub fn text(&self) -> Option<&RawValue> {
        self.text.get_or_init(|| to_raw_value(&self.value).ok()).as_deref()
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Kept<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Serialize> Serialize for Kept<T> {
    /// For JSON, as everything is that we keep.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => text.serialize(serializer),
            None => self.value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_value_is_written_like_the_value_each_time_and_read_back() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Pair {
            name: String,
            number: u8,
        }
        let pair = || Pair { name: "O\"Hara \u{202e}".to_owned(), number: 7 };
        let (kept, plain) = (Kept::new(pair()), serde_json::to_string(&pair()).unwrap());
        for _ in 0..2 {
            assert_eq!(serde_json::to_string(&kept).unwrap(), plain);
        }
        assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::to_value(pair()).unwrap());
        assert_eq!(serde_json::from_str::<Kept<Pair>>(&plain).unwrap(), kept);
        assert_eq!(kept.number, 7);
    }
}
