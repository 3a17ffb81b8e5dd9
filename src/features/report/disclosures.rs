//! An accounting of disclosures (45 CFR 164.528): to whom, what, why.
//!
//! Repeated disclosures to one recipient for one purpose are one row with the first, how often, and the last (164.528(b)(3)).
//! What went out of several patients at once is this one's where the event keeps that they were listed. Where it does not know whom
//! it was about (no numbers, too many patients, no end), it may have held this one, and is told as such (164.528(b)(4) allows it for
//! research).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Collect;
use super::rows::bounded;
use super::table::{Cell, Column, Section, SectionName};
use crate::domain::application::{ApplicationName, Category};
use crate::domain::event::Event;
use crate::domain::patient::PatientDigests;
use crate::domain::purpose::Purpose;
use crate::foundation::clock::Timestamp;

/// The disclosures of one patient.
#[derive(Debug)]
pub(super) struct Accounting {
    patient: PatientDigests,
    disclosed: Grouped,
    may_have_held: Grouped,
}

#[derive(Debug, Default)]
struct Grouped {
    groups: BTreeMap<Key, Group>,
    left_out: u64,
}

/// What makes two disclosures one row.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    recipient: Recipient,
    purpose: Option<Purpose>,
    number: Option<String>,
    application: Option<ApplicationName>,
    categories: Arc<[Category]>,
}

/// To whom something went.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Recipient {
    /// As they were named, in lower case.
    Named(String),
    /// Nobody has named them, so none is like another: the number of the event.
    Unnamed(u64),
}

#[derive(Debug)]
struct Group {
    /// Of the first.
    sequence: u64,
    first: Timestamp,
    last: Timestamp,
    times: u64,
    recipient: Option<String>,
    records: Cell,
}

impl Accounting {
    pub(super) fn of(patient: PatientDigests) -> Self {
        Self { patient, disclosed: Grouped::default(), may_have_held: Grouped::default() }
    }
}

impl Collect for Accounting {
    fn take(&mut self, event: &Event) {
        if !event.is_disclosure() {
            return;
        }
        let is_known = event.opening.patient.is_some() || event.lists(&self.patient).is_some();
        if event.concerns(&self.patient) {
            self.disclosed.add(event);
        } else if !is_known {
            self.may_have_held.add(event);
        }
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        vec![
            self.disclosed.section(SectionName::Disclosed),
            self.may_have_held.section(SectionName::MayHaveHeld),
        ]
    }
}

impl Grouped {
    fn add(&mut self, event: &Event) {
        let opening = &event.opening;
        let given = opening.justification.as_ref();
        let recipient = given.and_then(|given| given.recipient.clone());
        let key = Key {
            recipient: recipient.as_ref().map_or(Recipient::Unnamed(event.sequence), |name| {
                Recipient::Named(name.trim().to_lowercase())
            }),
            purpose: opening.subject.as_ref().map(|subject| subject.purpose),
            number: given.and_then(|given| given.number.clone()),
            application: opening.application.clone(),
            categories: opening.categories.clone(),
        };
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            sequence: event.sequence,
            first: opening.time,
            last: opening.time,
            times: 0,
            recipient,
            records: Cell::records(event),
        });
        group.times += 1;
        group.last = group.last.max(opening.time);
        if opening.time < group.first {
            (group.first, group.sequence, group.records) =
                (opening.time, event.sequence, Cell::records(event));
        }
    }

    fn section(self, name: SectionName) -> Section {
        let mut groups: Vec<(Key, Group)> = self.groups.into_iter().collect();
        groups.sort_by_key(|(_, group)| (group.first, group.sequence));
        let mut section = bounded(name, COLUMNS, groups.into_iter().map(row).collect());
        section.left_out += self.left_out;
        section
    }
}

fn row((key, group): (Key, Group)) -> Vec<Cell> {
    vec![
        Cell::Time(group.first),
        Cell::text(group.recipient),
        Cell::text(key.application.map(|name| name.to_string())),
        Cell::data(&*key.categories),
        group.records,
        key.purpose.map_or(Cell::Nothing, Cell::Basis),
        Cell::text(key.number),
        Cell::Number(group.times),
        if group.times > 1 { Cell::Time(group.last) } else { Cell::Nothing },
    ]
}

const COLUMNS: &[Column] = &[
    Column::First,
    Column::Recipient,
    Column::Application,
    Column::Data,
    Column::Records,
    Column::Why,
    Column::Number,
    Column::Times,
    Column::Last,
];
/// The most rows that are kept while events come in.
const GROUPS_MAX: usize = 20_000;
