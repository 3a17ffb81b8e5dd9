//! What stands in a cell, as people read it.

use jiff::tz::TimeZone;

use super::super::table::Cell;
use super::super::words::{Texts, Words};
use super::Style;
use crate::domain::count::Count;
use crate::foundation::clock::Timestamp;
use crate::foundation::text::plain;
use crate::platform::page::language::Language;

/// Says things in a language, by the clocks of a zone.
pub(super) struct Speaker<'s> {
    pub(super) words: &'static Words,
    pub(super) language: Language,
    pub(super) zone: &'s TimeZone,
}

impl<'s> Speaker<'s> {
    pub(super) fn of(style: &'s Style) -> Self {
        Self { words: Words::of(style.language), language: style.language, zone: &style.zone }
    }

    pub(super) fn texts(&self) -> &'static Texts {
        &self.words.report
    }

    /// What a cell says.
    pub(super) fn cell(&self, cell: &Cell) -> String {
        let (texts, words) = (self.texts(), self.words);
        match cell {
            Cell::Nothing => String::new(),
            Cell::Text(text) => plain(text),
            Cell::Texts(all) => plain(&all.join(", ")),
            Cell::Number(number) => number.to_string(),
            Cell::Count(count) => self.count(*count),
            Cell::Percent(percent) => texts.percent.with(&[("n", percent)]),
            Cell::Time(time) => self.time(*time),
            Cell::Span(first, last) if self.time(*first) == self.time(*last) => self.time(*first),
            Cell::Span(first, last) => {
                texts.span.with(&[("first", &self.time(*first)), ("last", &self.time(*last))])
            }
            Cell::Action(action) => words.action.of(*action).to_string(),
            Cell::Did(actions) => self.all(actions.iter().map(|action| texts.did.of(*action).to_string())),
            Cell::Purposes(purposes) => {
                self.all(purposes.iter().map(|purpose| words.purpose.of(*purpose).to_string()))
            }
            Cell::Basis(purpose) => {
                let reference = purpose.basis().reference();
                texts.basis.with(&[("purpose", words.purpose.of(*purpose)), ("reference", &reference)])
            }
            Cell::Reason(reason) => words.reason.of(*reason).title.to_string(),
            Cell::Ending(ending) => texts.endings.of(*ending).to_string(),
            Cell::Written(text) => text.lines().map(plain).collect::<Vec<_>>().join("\n"),
            Cell::Missing(missing) => texts.missing.of(*missing).to_string(),
            Cell::Given(reason) => words.break_glass.reason.of(*reason).to_string(),
            Cell::Relation(relation) => texts.relations.of(*relation).to_string(),
            Cell::Finding(finding) => texts.findings.of(*finding).to_string(),
            Cell::Sheet(state) => texts.sheets.of(*state).to_string(),
            Cell::Yes(yes) => if *yes { &texts.yes } else { &texts.no }.to_string(),
        }
    }

    /// A moment to the minute, by the clocks of the zone.
    pub(super) fn time(&self, time: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(time.as_millis()).map_or_else(
            |_| time.to_string(),
            |at| at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        )
    }

    fn all(&self, items: impl Iterator<Item = String>) -> String {
        self.words.list.and(&items.collect::<Vec<_>>())
    }

    fn count(&self, count: Count) -> String {
        match count {
            Count::Exactly(number) => number.to_string(),
            Count::AtLeast(number) => self.texts().at_least.with(&[("n", &number)]),
            Count::Unknown(_) => self.texts().unknown.to_string(),
            Count::NotCounted => String::new(),
        }
    }
}
