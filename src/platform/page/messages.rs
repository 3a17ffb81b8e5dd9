//! Texts with places to fill in, and the message files that hold them.
//!
//! A message file is embedded and read into a type: a key that is missing or unknown is an error
//! when it is read, so that no page can lack a text.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

use super::language::Language;

/// A message file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the messages cannot be read: {0}")]
pub struct MessagesError(#[from] toml::de::Error);

/// Reads a message file.
pub fn read<T: DeserializeOwned>(file: &str) -> Result<T, MessagesError> {
    Ok(toml::from_str(file)?)
}

/// The words that some pages need, in each language; each file is read once, when its language is first asked for.
#[derive(Debug)]
pub struct InEach<T>([OnceLock<T>; Language::ALL.len()]);

impl<T: DeserializeOwned> InEach<T> {
    /// Nothing is read yet.
    pub const fn new() -> Self {
        Self([const { OnceLock::new() }; Language::ALL.len()])
    }

    /// The words of `language`.
    ///
    /// # Panics
    ///
    /// Where an embedded file lacks a word of `T`; whoever declares one has a test that reads every language.
    #[expect(clippy::expect_used, reason = "the files are part of the program; tests read them")]
    pub fn of(&self, language: Language) -> &T {
        let [english, spanish] = &self.0;
        let words = match language {
            Language::English => english,
            Language::Spanish => spanish,
        };
        words.get_or_init(|| read(language.messages()).expect("the embedded messages are complete"))
    }
}

impl<T: DeserializeOwned> Default for InEach<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A text of a message file, with `{name}` where something is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The text as written, for texts without places.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text with its places filled. What is filled in is not read again, so a value that looks
    /// like a place stays as it is; a place without a value stays as written.
    pub fn with(&self, values: &[(&str, &dyn fmt::Display)]) -> String {
        let mut filled = String::with_capacity(self.0.len() + 32);
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let place = after
                .split_once('}')
                .and_then(|(name, tail)| Some((values.iter().find(|value| value.0 == name)?.1, tail)));
            rest = if let Some((value, tail)) = place {
                filled.push_str(&value.to_string());
                tail
            } else {
                filled.push('{');
                after
            };
        }
        filled.push_str(rest);
        filled
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text for one and a text for any other number, with `{n}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    one: Text,
    many: Text,
}

impl Counted {
    /// The text for `number`, written as `numbers` has it.
    pub fn of(&self, number: u64, numbers: &Numbers) -> String {
        let text = if number == 1 { &self.one } else { &self.many };
        text.with(&[("n", &numbers.write(number))])
    }
}

/// How a language writes large numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    separator: String,
    from_digits: usize,
}

impl Numbers {
    /// `number` in groups of three digits, if it has enough digits for that.
    pub fn write(&self, number: u64) -> String {
        let digits = number.to_string();
        if digits.len() < self.from_digits {
            return digits;
        }
        let mut written = String::with_capacity(digits.len() * 2);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                written.push_str(&self.separator);
            }
            written.push(digit);
        }
        written
    }
}

/// How a language joins a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    and: Text,
    or: Text,
}

impl Lists {
    /// `a, b and c`.
    pub fn and(&self, items: &[String]) -> String {
        join(items, &self.and)
    }

    /// `a, b or c`.
    pub fn or(&self, items: &[String]) -> String {
        join(items, &self.or)
    }
}

fn join(items: &[String], last_two: &Text) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => last_two.with(&[("first", &first.join(", ")), ("last", last)]),
    }
}

/// A closed list, all of whose members have texts.
pub trait Listed: Copy + Ord + fmt::Display + 'static {
    /// Every member.
    const MEMBERS: &'static [Self];
}

/// What each member of a closed list is called. Reading it fails if a member is missing.
#[derive(Clone, Debug)]
pub struct Each<K, V>(BTreeMap<K, V>);

impl<K: Listed, V> Each<K, V> {
    /// What `key` is called.
    #[expect(
        clippy::indexing_slicing,
        reason = "reading the messages has checked that every member is there"
    )]
    pub fn of(&self, key: K) -> &V {
        &self.0[&key]
    }
}

impl<'de, K: Listed + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Each<K, V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<K, V>::deserialize(deserializer)?;
        match K::MEMBERS.iter().find(|member| !texts.contains_key(member)) {
            Some(missing) => Err(D::Error::custom(format_args!("there is no text for `{missing}`"))),
            None => Ok(Self(texts)),
        }
    }
}
