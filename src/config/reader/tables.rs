//! Tables within tables: opening them, what they must not hold and what they must.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Reader;
use crate::config::keys::{Absent, Key, Kind, MAIN, PART, Table};
use crate::config::locations::dotted;
use crate::config::reading::{Mistake, Reading};
use crate::config::source::Source;
use crate::config::spelling::nearest;

impl<'a> Reader<'a> {
    /// A reader of `values` that begin at `start` of the source. Records unknown and missing keys.
    pub(in crate::config) fn open(
        reading: &'a Reading<'a>,
        source: &'a Source,
        table: &'static Table,
        key: String,
        values: Option<&'a DeTable<'a>>,
        start: usize,
    ) -> Self {
        let reader = Self { table, values, source, reading, key, start };
        if reader.values.is_some() {
            reading.locate(&reader.key, source.place(start));
        }
        reader.refuse_unknown();
        reader.ask_for_missing();
        reader
    }

    /// A table; as if it were written empty if it is absent.
    pub(in crate::config) fn table(&self, name: &str) -> Option<Self> {
        if self.has(name) {
            return self.optional_table(name);
        }
        let Some(Key { kind: Kind::Table(table), .. }) = self.table.key(name) else { return None };
        Some(Self::open(self.reading, self.source, table, self.key_of(name), None, self.start))
    }

    /// A table that is written.
    pub(in crate::config) fn optional_table(&self, name: &str) -> Option<Self> {
        let Some(Key { kind: Kind::Table(table), .. }) = self.table.key(name) else { return None };
        let (start, value) = self.written(name)?;
        let key = self.key_of(name);
        let DeValue::Table(values) = value.get_ref() else {
            return self.wrong_type(value.get_ref(), &key, "a table");
        };
        Some(Self::open(self.reading, self.source, table, key, Some(values), start))
    }

    /// A list of tables, whose positions count from `first`.
    pub(in crate::config) fn tables(&self, name: &str, first: usize) -> Vec<Self> {
        let Some(Key { kind: Kind::Tables(table), absent, .. }) = self.table.key(name) else { return vec![] };
        let Some((_, value)) = self.written(name) else { return vec![] };
        let key = self.key_of(name);
        let right = format!("a list of tables: {}", table.header);
        let DeValue::Array(array) = value.get_ref() else {
            let _: Option<()> = self.wrong_type(value.get_ref(), &key, &right);
            return vec![];
        };
        if array.is_empty() && matches!(absent, Absent::Refused) {
            self.reading.error(&key, "the list is empty", right.clone());
        }
        let open = |(position, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let key = format!("{key}[{position}]");
            let start = value.span().start;
            self.reading.locate(&key, self.source.place(start));
            let DeValue::Table(values) = value.get_ref() else {
                return self.wrong_type(value.get_ref(), &key, &right);
            };
            Some(Self::open(self.reading, self.source, table, key, Some(values), start))
        };
        (first..).zip(array.iter()).filter_map(open).collect()
    }

    /// Tables by the names that operators gave, in the order in which they are written.
    pub(in crate::config) fn named(&self, name: &str) -> Vec<(String, Self)> {
        let Some(Key { kind: Kind::Named(table), .. }) = self.table.key(name) else { return vec![] };
        let Some((_, value)) = self.written(name) else { return vec![] };
        let key = self.key_of(name);
        let right = format!("tables by name: {}", table.header);
        let DeValue::Table(entries) = value.get_ref() else {
            let _: Option<()> = self.wrong_type(value.get_ref(), &key, &right);
            return vec![];
        };
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let open = |(name, value): (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| {
            let (start, name) = (name.span().start, name.get_ref().to_string());
            let key = dotted(&key, &name);
            self.reading.locate(&key, self.source.place(start));
            let DeValue::Table(values) = value.get_ref() else {
                return self.wrong_type(value.get_ref(), &key, &right);
            };
            Some((name, Self::open(self.reading, self.source, table, key, Some(values), start)))
        };
        entries.into_iter().filter_map(open).collect()
    }

    fn refuse_unknown(&self) {
        for (key, value) in self.values.into_iter().flatten() {
            let name = key.get_ref().as_ref();
            let place = self.source.place(key.span().start);
            if self.table.key(name).is_some() {
                self.reading.locate(&self.key_of(name), self.source.place(value_start(key, value)));
                continue;
            }
            let mistake = Mistake::new(format!("`{name}` is not a key here"), self.instead_of(name));
            self.reading.error_at(place, &self.key_of(name), mistake);
        }
    }

    fn instead_of(&self, name: &str) -> String {
        if std::ptr::eq(self.table, &raw const PART) && MAIN.key(name).is_some() {
            return format!("`{name}` in the main file, not in one that it includes");
        }
        let known = self.table.keys.iter().map(|key| key.name);
        match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", known.collect::<Vec<_>>().join(", ")),
        }
    }

    fn ask_for_missing(&self) {
        let missing = |key: &&Key| {
            // A table that is absent is opened all the same, and what it needs is asked for there.
            let asked_for_inside = matches!(key.kind, Kind::Table(_));
            matches!(key.absent, Absent::Refused) && !asked_for_inside && !self.has(key.name)
        };
        for key in self.table.keys.iter().filter(missing) {
            let mistake = Mistake::new(format!("`{}` is missing", key.name), key.kind.right());
            self.reading.error_at(self.source.place(self.start), &self.key_of(key.name), mistake);
        }
    }
}

/// Where a table of its own header stands, its key does; an inline value has its own place.
fn value_start(key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> usize {
    match value.get_ref() {
        DeValue::Table(_) | DeValue::Array(_) => key.span().start,
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => value.span().start,
    }
}
