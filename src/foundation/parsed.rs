//! Values that are written as texts: read without a copy of the text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// Reads a text and parses it. A journal holds millions of such texts: none is allocated on the way.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    deserializer.deserialize_str(Parsing(PhantomData))
}

struct Parsing<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Parsing<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<u8, serde_json::Error> {
        parsed(&mut serde_json::Deserializer::from_str(json))
    }

    #[test]
    fn a_text_is_parsed_escaped_or_not_and_nothing_else_is_a_text() {
        assert_eq!(read("\"42\"").unwrap(), 42);
        assert_eq!(read("\"\\u0034\\u0032\"").unwrap(), 42);
        assert!(read("\"300\"").unwrap_err().to_string().contains("too large"));
        assert!(read("42").unwrap_err().to_string().contains("expected a string"));
    }
}
