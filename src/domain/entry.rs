//! Reads an entry of the journal in one pass: its first member says what it is, and what follows is read as that. A
//! reader that takes the members in any order has to keep all of them until it knows, which is twice the work.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::event::{Closing, Entry, Opening};

/// An entry of which as much is read as these say: an `O` of an opening one, a `C` of a closing one. Of the members that
/// they do not ask for, only that they are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryAs<O, C> {
    /// An event begins.
    Opening(O),
    /// An event ends.
    Closing(C),
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        EntryAs::<Box<Opening>, Closing>::deserialize(deserializer).map(|entry| match entry {
            EntryAs::Opening(opening) => Self::Opening(opening),
            EntryAs::Closing(closing) => Self::Closing(closing),
        })
    }
}

impl<'de, O: Deserialize<'de>, C: Deserialize<'de>> Deserialize<'de> for EntryAs<O, C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor(PhantomData))
    }
}

struct EntryVisitor<O, C>(PhantomData<(O, C)>);

impl<'de, O: Deserialize<'de>, C: Deserialize<'de>> Visitor<'de> for EntryVisitor<O, C> {
    type Value = EntryAs<O, C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry that says first what it is")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let First::Entry = members.next_key()?.ok_or_else(|| A::Error::missing_field(WHICH))?;
        let which = members.next_value()?;
        let rest = MapAccessDeserializer::new(Rest(members));
        match which {
            Which::Opening => O::deserialize(rest).map(EntryAs::Opening),
            Which::Closing => C::deserialize(rest).map(EntryAs::Closing),
        }
    }
}

/// The member that comes first.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum First {
    Entry,
}

const WHICH: &str = "entry";

/// What it says.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    Opening,
    Closing,
}

/// The members that follow. Whoever reads them does not know the first and would pass over it if it came again: that an
/// entry is one thing here and another there.
struct Rest<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(Key(seed))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

/// The key of one of them.
struct Key<K>(K);

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Key<K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<K::Value, E> {
        if name == WHICH {
            Err(E::duplicate_field(WHICH))
        } else {
            self.0.deserialize(name.into_deserializer())
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
    #[expect(clippy::large_enum_variant, reason = "it is moved into an entry at once")]
    enum InAnyOrder {
        Opening(Box<Opening>),
        Closing(Closing),
    }

    fn agree(entry: &Entry) -> Result<(), TestCaseError> {
        let text = serde_json::to_string(entry).unwrap();
        // A time beyond all years is written and not read.
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

    const REST: &str = r#""event":"018f0000-0000-7000-8000-000000000000","time":"2026-03-01T08:00:00.000Z","outcome":"completed","bytes_in":0,"bytes_out":0,"duration_us":7"#;

    #[test]
    fn what_an_entry_is_comes_first_and_is_one_of_two() {
        assert!(matches!(read(&format!(r#"{{"entry":"closing",{REST}}}"#)), Ok(Entry::Closing(_))));
        assert!(matches!(
            read(&format!(r#" {{ "\u0065ntry" : "closing" , {REST} }} "#)),
            Ok(Entry::Closing(_))
        ));
        for other in [
            format!(r#"{{{REST},"entry":"closing"}}"#),
            format!(r#"{{"entry":"opening",{REST}}}"#),
            format!(r#"{{"entry":"other",{REST}}}"#),
            format!(r#"{{"entry":null,{REST}}}"#),
            format!(r#"{{"entry":"closing",{REST}"#),
            format!(r#"{{"entry":"closing",{REST}}}{{}}"#),
            format!("{{{REST}}}"),
            r#"{"entry":"closing"}"#.to_owned(),
            "{}".to_owned(),
            r#"["closing"]"#.to_owned(),
            "[]".to_owned(),
            String::new(),
        ] {
            assert!(read(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn no_member_comes_twice_whatever_it_says() {
        #[derive(Debug, Deserialize)]
        struct Nothing {}

        for (name, again) in [
            ("entry", r#""entry":"closing""#),
            ("entry", r#""entry":"opening""#),
            ("entry", r#""\u0065ntry":7"#),
            ("bytes_in", r#""bytes_in":0"#),
            ("event", r#""event":"018f0000-0000-7000-8000-000000000000""#),
        ] {
            let said = format!("duplicate field `{name}`");
            let last = format!(r#"{{"entry":"closing",{REST},{again}}}"#);
            let second = format!(r#"{{"entry":"closing",{again},{REST}}}"#);
            for twice in [&last, &second] {
                let error = read(twice).unwrap_err().to_string();
                assert!(error.contains(&said), "{error}: {twice}");
                let in_part = serde_json::from_str::<EntryAs<Nothing, Nothing>>(twice);
                assert_eq!(in_part.is_err(), name == "entry", "{twice}");
            }
        }
    }

    #[test]
    fn a_member_of_a_later_release_is_passed_over() {
        let later = format!(r#"{{"entry":"closing","later":{{"entry":"opening"}},{REST}}}"#);
        assert_eq!(read(&later).unwrap(), read(&format!(r#"{{"entry":"closing",{REST}}}"#)).unwrap());
    }
}
