//! Reads one table by its list of keys. Records what is wrong and goes on, so that one run finds all.
//!
//! A reader answers `None` where it recorded a problem or where an optional key is absent; a default
//! is read as if it had been written.

mod tables;

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Absent, Key, Kind, Table};
use super::locations::dotted;
use super::reading::{Mistake, Reading};
use super::source::Source;
use super::units;
use crate::features::route::settings::{Condition, Test};

/// Reads one table.
#[derive(Clone, Debug)]
pub(in crate::config) struct Reader<'a> {
    table: &'static Table,
    values: Option<&'a DeTable<'a>>,
    source: &'a Source,
    reading: &'a Reading<'a>,
    key: String,
    start: usize,
}

/// A value under its full key.
type Found<'v, 'i> = (&'v DeValue<'i>, String);

impl<'a> Reader<'a> {
    /// The dotted key of the table.
    pub(in crate::config) fn key(&self) -> &str {
        &self.key
    }

    /// The dotted key of one of its keys.
    pub(in crate::config) fn key_of(&self, name: &str) -> String {
        dotted(&self.key, name)
    }

    /// Where everything gathers.
    pub(in crate::config) fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// The file.
    pub(in crate::config) fn source(&self) -> &'a Source {
        self.source
    }

    /// The text under a key, if there is one; whatever is wrong with it is told elsewhere.
    pub(in crate::config) fn peek(&self, name: &str) -> Option<&'a str> {
        self.written(name).and_then(|(_, value)| value.get_ref().as_str())
    }

    /// Whether the key is written.
    pub(in crate::config) fn has(&self, name: &str) -> bool {
        self.written(name).is_some()
    }

    /// Records that the value of one of its keys is wrong.
    pub(in crate::config) fn error(&self, name: &str, what: impl Into<String>, right: impl Into<String>) {
        self.reading.error(&self.key_of(name), what, right);
    }

    /// A text, turned into what it stands for.
    pub(in crate::config) fn text_with<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Mistake>,
    ) -> Option<T> {
        self.value(name, |(value, key)| {
            let text = self.as_text(value, &key, &self.example(name))?;
            self.settle(&key, parse(text))
        })
    }

    /// A text that stands for something with a parser of its own.
    pub(in crate::config) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Option<T> {
        self.text_with(name, |text| self.parse(name, text))
    }

    /// A text that is not blank.
    pub(in crate::config) fn text(&self, name: &str) -> Option<String> {
        self.text_with(name, |text| not_blank(text, &self.example(name)))
    }

    /// A text or a list of texts, each turned into what it stands for.
    pub(in crate::config) fn list_with<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, Mistake>,
    ) -> Option<Vec<T>> {
        let may_be_empty = self.table.key(name).is_some_and(|key| matches!(key.absent, Absent::Is("[]")));
        self.value(name, |(value, key)| {
            let settled = self.each(value, &key, &self.example(name), &parse)?;
            // An empty list would be read as "none" by some and as "any" by others.
            if settled.is_empty() && !may_be_empty {
                self.reading.error(
                    &key,
                    "the list is empty",
                    format!("at least one of {}", self.example(name)),
                );
                return None;
            }
            Some(settled)
        })
    }

    /// A list of texts that stand for something with a parser of its own.
    pub(in crate::config) fn list<T: FromStr<Err: Display>>(&self, name: &str) -> Option<Vec<T>> {
        self.list_with(name, |text| self.parse(name, text))
    }

    /// A list of texts that are not blank.
    pub(in crate::config) fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.list_with(name, |text| not_blank(text, &self.example(name)))
    }

    /// A whole number within the range of its key.
    pub(in crate::config) fn whole(&self, name: &str) -> Option<u64> {
        self.value(name, |(value, key)| {
            let right = self.example(name);
            let DeValue::Integer(number) = value else { return self.wrong_type(value, &key, &right) };
            let Some(Key { kind: Kind::Whole(min, max), .. }) = self.table.key(name) else { return None };
            let within = |number: &u64| (min..=max).contains(&number);
            let whole = u64::from_str_radix(number.as_str(), number.radix()).ok().filter(within);
            self.settle(&key, whole.ok_or_else(|| Mistake::new(format!("{number} is out of range"), right)))
        })
    }

    /// `true` or `false`.
    pub(in crate::config) fn yes_no(&self, name: &str) -> Option<bool> {
        self.value(name, |(value, key)| {
            let DeValue::Boolean(yes) = value else {
                return self.wrong_type(value, &key, "`true` or `false`");
            };
            Some(*yes)
        })
    }

    /// A duration within the range of its key.
    pub(in crate::config) fn duration(&self, name: &str) -> Option<Duration> {
        let Some(Key { kind: Kind::Duration(min, max), .. }) = self.table.key(name) else { return None };
        self.text_with(name, |text| {
            in_range(text, units::duration(text), units::duration(min), units::duration(max))
                .map_err(|what| Mistake::new(what, self.example(name)))
        })
    }

    /// A size within the range of its key.
    pub(in crate::config) fn size(&self, name: &str) -> Option<u64> {
        let Some(Key { kind: Kind::Size(min, max), .. }) = self.table.key(name) else { return None };
        self.text_with(name, |text| {
            in_range(text, units::size(text), units::size(min), units::size(max))
                .map_err(|what| Mistake::new(what, self.example(name)))
        })
    }

    /// Conditions by name.
    pub(in crate::config) fn conditions(
        &self,
        name: &str,
        key_of: impl Fn(&str) -> Result<String, Mistake>,
    ) -> Option<Vec<Condition>> {
        let all = self.entries(name)?.into_iter().map(|(written, value, key)| {
            let test = self.test(value, &key);
            let named = self.settle(&key, key_of(written));
            Some(Condition { key: named?, test: test? })
        });
        collect_all(all)
    }

    /// Texts by our words.
    pub(in crate::config) fn map(&self, name: &str) -> Option<Vec<(String, String)>> {
        let all = self.entries(name)?.into_iter().map(|(written, value, key)| {
            let text = self.as_text(value, &key, "a text")?;
            let text = self.settle(&key, not_blank(text, "a text"))?;
            Some((written.to_owned(), text))
        });
        collect_all(all)
    }

    fn written(&self, name: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        let (key, value) = self.values?.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((key.span().start, value))
    }

    /// Hands the written value, or else the default, to `read`.
    fn value<T>(&self, name: &str, read: impl FnOnce(Found<'_, '_>) -> Option<T>) -> Option<T> {
        debug_assert!(self.table.key(name).is_some(), "`{name}` is not in the list of keys");
        let key = self.key_of(name);
        if let Some((_, value)) = self.written(name) {
            return read((value.get_ref(), key));
        }
        let Absent::Is(default) = self.table.key(name)?.absent else { return None };
        read((DeValue::parse(default).ok()?.get_ref(), key))
    }

    fn entries(&self, name: &str) -> Option<Vec<(&'a str, &'a DeValue<'a>, String)>> {
        let (_, value) = self.written(name)?;
        let parent = self.key_of(name);
        let DeValue::Table(entries) = value.get_ref() else {
            return self.wrong_type(value.get_ref(), &parent, "a table");
        };
        let entry = |(name, value): (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let key = dotted(&parent, name.get_ref());
            self.reading.locate(&key, self.source.place(value.span().start));
            (name.get_ref().as_ref(), value.get_ref(), key)
        };
        Some(entries.iter().map(entry).collect())
    }

    fn test(&self, value: &DeValue<'_>, key: &str) -> Option<Test> {
        let right = "`true` (present), `false` (absent), a text (equal) or a list of texts (one of)";
        match value {
            DeValue::Boolean(true) => Some(Test::Present),
            DeValue::Boolean(false) => Some(Test::Absent),
            DeValue::String(text) => Some(Test::Equals(text.to_string())),
            DeValue::Array(array) if array.is_empty() => {
                self.reading.error(key, "an empty list is never met", right);
                None
            }
            DeValue::Array(_) => self.each(value, key, right, &|text| Ok(text.to_owned())).map(Test::OneOf),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                self.wrong_type(value, key, right)
            }
        }
    }

    fn each<T>(
        &self,
        value: &DeValue<'_>,
        key: &str,
        right: &str,
        parse: &dyn Fn(&str) -> Result<T, Mistake>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(array) = value else {
            let text = self.as_text(value, key, right)?;
            return self.settle(key, parse(text)).map(|one| vec![one]);
        };
        let parent = key;
        let all = (1..).zip(array.iter()).map(|(position, value): (usize, _)| {
            let key = format!("{key}[{position}]");
            // A default stands nowhere.
            if self.reading.has_key(parent) {
                self.reading.locate(&key, self.source.place(value.span().start));
            }
            let text = self.as_text(value.get_ref(), &key, right)?;
            self.settle(&key, parse(text))
        });
        collect_all(all)
    }

    fn parse<T: FromStr<Err: Display>>(&self, name: &str, text: &str) -> Result<T, Mistake> {
        text.parse().map_err(|error: T::Err| {
            let meant = self.table.key(name).and_then(|key| key.kind.meant(text));
            let right = meant.map_or_else(|| self.example(name), |word| format!("did you mean `{word}`?"));
            Mistake::new(error.to_string(), right)
        })
    }

    fn settle<T>(&self, key: &str, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|Mistake { what, right }| self.reading.error(key, what, right)).ok()
    }

    fn as_text<'v>(&self, value: &'v DeValue<'_>, key: &str, right: &str) -> Option<&'v str> {
        match value.as_str() {
            Some(text) => Some(text),
            None => self.wrong_type(value, key, right),
        }
    }

    fn wrong_type<T>(&self, value: &DeValue<'_>, key: &str, right: &str) -> Option<T> {
        self.reading.error(key, format!("{} does not belong here", type_of(value)), right);
        None
    }

    fn example(&self, name: &str) -> String {
        self.table.key(name).map(|key| key.kind.right()).unwrap_or_default()
    }
}

/// All of them, or none if one is missing: but each is asked, so that each tells its problem.
pub(in crate::config) fn collect_all<T>(all: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let all: Vec<Option<T>> = all.collect();
    all.into_iter().collect()
}

fn not_blank(text: &str, right: &str) -> Result<String, Mistake> {
    if text.trim().is_empty() {
        return Err(Mistake::new("the text is empty", right));
    }
    Ok(text.to_owned())
}

fn in_range<T: PartialOrd>(
    text: &str,
    value: Option<T>,
    min: Option<T>,
    max: Option<T>,
) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("`{text}` is not a number and a unit"))?;
    if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
        return Err(format!("`{text}` is out of range"));
    }
    Ok(value)
}

const fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
