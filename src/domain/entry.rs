//! Reads an entry of the journal in one pass: its first member says what it is, and what follows is read as that. A
//! reader that takes the members in any order has to keep all of them until it knows, which is twice the work.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::event::{Closing, Entry, Opening};

/// The member that comes first.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum First {
    Entry,
}

/// What it says.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    Opening,
    Closing,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry that says first what it is")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Entry, A::Error> {
        let First::Entry = members.next_key()?.ok_or_else(|| A::Error::missing_field("entry"))?;
        let which = members.next_value()?;
        let rest = MapAccessDeserializer::new(members);
        match which {
            Which::Opening => Opening::deserialize(rest).map(Box::new).map(Entry::Opening),
            Which::Closing => Closing::deserialize(rest).map(Entry::Closing),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::any_event::{any_closing, any_opening};

    /// Read by serde, which takes the members in any order.
    #[derive(Deserialize)]
    #[serde(tag = "entry", rename_all = "snake_case")]
    enum InAnyOrder {
        Opening(Box<Opening>),
        Closing(Closing),
    }

    fn agree(entry: &Entry) -> Result<(), TestCaseError> {
        let text = serde_json::to_string(entry).unwrap();
        let in_any_order = serde_json::from_str(&text).ok().map(|entry| match entry {
            InAnyOrder::Opening(opening) => Entry::Opening(opening),
            InAnyOrder::Closing(closing) => Entry::Closing(closing),
        });
        prop_assert_eq!(read(&text).ok(), in_any_order);
        Ok(())
    }

    proptest! {
        #[test]
        fn an_entry_is_read_as_serde_reads_it(opening in any_opening(), closing in any_closing()) {
            agree(&Entry::Opening(Box::new(opening)))?;
            agree(&Entry::Closing(closing))?;
        }
    }

    fn read(text: &str) -> Result<Entry, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn what_an_entry_is_comes_first_and_is_one_of_two() {
        let rest = r#""event":"018f0000-0000-7000-8000-000000000000","time":"2026-03-01T08:00:00.000Z","outcome":"completed","bytes_in":0,"bytes_out":0,"duration_us":7"#;
        assert!(matches!(read(&format!(r#"{{"entry":"closing",{rest}}}"#)), Ok(Entry::Closing(_))));
        for other in [
            format!(r#"{{{rest},"entry":"closing"}}"#),
            format!(r#"{{"entry":"opening",{rest}}}"#),
            format!(r#"{{"entry":"other",{rest}}}"#),
            format!("{{{rest}}}"),
            "{}".to_owned(),
            "[]".to_owned(),
        ] {
            assert!(read(&other).is_err(), "{other}");
        }
    }
}
