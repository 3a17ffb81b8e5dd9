//! What was in force, and when: the versions of the rules that events name, who approved them, what changed from each to the next, and the texts of the
//! last of them.
//!
//! A date is the end of the time that is asked for. The texts come from beside the journal, and were held against the version. A
//! version that comes back after another is told where it was seen first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::lines::changes;
use super::rows::bounded;
use super::table::{Cell, Column, Missing, Section, SectionName};
use super::{Collect, InForce};
use crate::domain::event::Event;
use crate::foundation::clock::Timestamp;

/// Which rules were in force when.
#[derive(Debug, Default)]
pub(super) struct Policy {
    versions: BTreeMap<Arc<str>, Seen>,
    left_out: u64,
    /// The last of all, by the number of its event.
    latest: Option<(u64, Arc<str>)>,
    texts: BTreeMap<Arc<str>, InForce>,
}

/// When a version was in force.
#[derive(Debug)]
struct Seen {
    sequence: u64,
    first: Timestamp,
    last: Timestamp,
    events: u64,
}

impl Collect for Policy {
    fn take(&mut self, event: &Event) {
        let Some(version) = &event.opening.rules_version else { return };
        let time = event.opening.time;
        if self.latest.as_ref().is_none_or(|(sequence, _)| *sequence < event.sequence) {
            self.latest = Some((event.sequence, version.clone()));
        }
        if let Some(seen) = self.versions.get_mut(version) {
            seen.sequence = seen.sequence.min(event.sequence);
            seen.first = seen.first.min(time);
            seen.last = seen.last.max(time);
            seen.events += 1;
        } else if self.versions.len() < VERSIONS_MAX {
            let seen = Seen { sequence: event.sequence, first: time, last: time, events: 1 };
            self.versions.insert(version.clone(), seen);
        } else {
            self.left_out += 1;
        }
    }

    fn versions(&self) -> Vec<Arc<str>> {
        let in_order = self.in_order();
        let last = in_order.iter().rev().take(COMPARED_MAX).rev().cloned();
        let latest = self.latest.iter().map(|(_, version)| version.clone());
        let mut versions: Vec<Arc<str>> = last.collect();
        versions
            .extend(latest.filter(|latest| !in_order.iter().rev().take(COMPARED_MAX).any(|it| it == latest)));
        versions
    }

    fn tell(&mut self, version: Arc<str>, in_force: InForce) {
        self.texts.insert(version, in_force);
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        vec![self.seen(), self.changed(), self.in_force()]
    }
}

impl Policy {
    /// The versions, as they came to be.
    fn in_order(&self) -> Vec<Arc<str>> {
        let mut seen: Vec<_> = self.versions.iter().collect();
        seen.sort_by_key(|(_, seen)| seen.sequence);
        seen.into_iter().map(|(version, _)| version.clone()).collect()
    }

    fn seen(&self) -> Section {
        let row = |version: Arc<str>| {
            let seen = self.versions.get(&version)?;
            let approved_by = self.texts.get(&version).map_or(Cell::Nothing, approved_by);
            Some(vec![
                Cell::Text(version.to_string()),
                Cell::Time(seen.first),
                Cell::Time(seen.last),
                Cell::Number(seen.events),
                approved_by,
            ])
        };
        let rows = self.in_order().into_iter().filter_map(row).collect();
        let mut section = bounded(SectionName::Versions, VERSION_COLUMNS, rows);
        section.left_out += self.left_out;
        section
    }

    /// What each version has changed of the one before.
    fn changed(&self) -> Section {
        let in_order = self.in_order();
        let mut rows = Vec::new();
        let mut not_compared = 0;
        for (old, new) in in_order.iter().zip(in_order.iter().skip(1)) {
            match (self.texts.get(old), self.texts.get(new)) {
                (Some(from), Some(to)) => rows.extend(compared(new, from, to)),
                (None, _) | (_, None) => not_compared += 1,
            }
        }
        let mut section = bounded(SectionName::Changes, CHANGE_COLUMNS, rows);
        section.left_out += not_compared;
        section
    }

    /// What the last of them says.
    fn in_force(&self) -> Section {
        let version = self.latest.as_ref().map(|(_, version)| version);
        let told = version.and_then(|version| Some((version, self.texts.get(version)?)));
        let rows = told.map_or_else(Vec::new, |(version, in_force)| match in_force {
            InForce::Whole(texts) => texts
                .iter()
                .map(|(path, text)| {
                    vec![
                        Cell::Text(version.to_string()),
                        Cell::Text(path.clone()),
                        Cell::Written(text.clone()),
                    ]
                })
                .collect(),
            InForce::Changed => vec![missing(version, Missing::Changed, TEXT_COLUMNS.len())],
            InForce::Absent => vec![missing(version, Missing::Absent, TEXT_COLUMNS.len())],
        });
        bounded(SectionName::InForce, TEXT_COLUMNS, rows)
    }
}

/// Who stood for a version, as its main file says (`approved_by`).
fn approved_by(in_force: &InForce) -> Cell {
    #[derive(Deserialize)]
    struct Approved {
        #[serde(default)]
        approved_by: Vec<String>,
    }
    match in_force {
        InForce::Whole(texts) => {
            // The main file is the first; no other says it.
            let main = texts.first().and_then(|(_, text)| toml::from_str::<Approved>(text).ok());
            match main.map(|main| main.approved_by).unwrap_or_default() {
                nobody if nobody.is_empty() => Cell::Nothing,
                people => Cell::Texts(people),
            }
        }
        InForce::Changed | InForce::Absent => Cell::Nothing,
    }
}

/// A row for each change that a version has brought.
fn compared(version: &str, from: &InForce, to: &InForce) -> Vec<Vec<Cell>> {
    let (old, new) = match (from, to) {
        (InForce::Whole(old), InForce::Whole(new)) => (old, new),
        (_, InForce::Changed) | (InForce::Changed, _) => {
            return vec![missing(version, Missing::Changed, CHANGE_COLUMNS.len())];
        }
        (_, InForce::Absent) | (InForce::Absent, _) => {
            return vec![missing(version, Missing::Absent, CHANGE_COLUMNS.len())];
        }
    };
    let texts = |of: &[(String, String)]| of.iter().cloned().collect::<BTreeMap<String, String>>();
    let (old, new) = (texts(old), texts(new));
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let text = |of: &BTreeMap<String, String>, path: &String| of.get(path).cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for path in paths {
        rows.extend(changes(&text(&old, path), &text(&new, path)).into_iter().map(|change| {
            vec![
                Cell::Text(version.to_owned()),
                Cell::Text(path.clone()),
                Cell::Number(change.line),
                written(change.was),
                written(change.is),
            ]
        }));
    }
    rows
}

fn written(text: String) -> Cell {
    if text.is_empty() { Cell::Nothing } else { Cell::Written(text) }
}

/// A row that says why there is no text.
fn missing(version: &str, why: Missing, columns: usize) -> Vec<Cell> {
    let mut row = vec![Cell::Text(version.to_owned()), Cell::Missing(why)];
    row.resize(columns, Cell::Nothing);
    row
}

const VERSION_COLUMNS: &[Column] =
    &[Column::Version, Column::Since, Column::Last, Column::Events, Column::ApprovedBy];
const CHANGE_COLUMNS: &[Column] = &[Column::Version, Column::File, Column::Line, Column::Was, Column::Is];
const TEXT_COLUMNS: &[Column] = &[Column::Version, Column::File, Column::Text];
const VERSIONS_MAX: usize = 10_000;
/// The last so many versions are compared, each with the one before.
const COMPARED_MAX: usize = 50;
