//! What was in force, and when: the versions of the rules that events name, and the texts of the last of them.
//!
//! A date is the end of the time that is asked for. The texts come from beside the journal, and were held against the version.

use std::collections::BTreeMap;
use std::sync::Arc;

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
    in_force: Option<InForce>,
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

    fn version(&self) -> Option<&str> {
        self.latest.as_ref().map(|(_, version)| &**version)
    }

    fn tell(&mut self, in_force: InForce) {
        self.in_force = Some(in_force);
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { versions, left_out, latest, in_force } = *self;
        let mut seen: Vec<_> = versions.into_iter().collect();
        seen.sort_by_key(|(_, seen)| seen.sequence);
        let rows = seen.into_iter().map(|(version, seen)| {
            vec![
                Cell::Text(version.to_string()),
                Cell::Time(seen.first),
                Cell::Time(seen.last),
                Cell::Number(seen.events),
            ]
        });
        let mut versions = bounded(SectionName::Versions, VERSION_COLUMNS, rows.collect());
        versions.left_out += left_out;
        let version = || Cell::text(latest.as_ref().map(|(_, version)| version.to_string()));
        let rows = match in_force {
            Some(InForce::Whole(texts)) => {
                let row = |(path, text)| vec![version(), Cell::Text(path), Cell::Written(text)];
                texts.into_iter().map(row).collect()
            }
            Some(InForce::Changed) => vec![vec![version(), Cell::Missing(Missing::Changed), Cell::Nothing]],
            Some(InForce::Absent) => vec![vec![version(), Cell::Missing(Missing::Absent), Cell::Nothing]],
            None => Vec::new(),
        };
        vec![versions, bounded(SectionName::InForce, TEXT_COLUMNS, rows)]
    }
}

const VERSION_COLUMNS: &[Column] = &[Column::Version, Column::Since, Column::Last, Column::Events];
const TEXT_COLUMNS: &[Column] = &[Column::Version, Column::File, Column::Text];
const VERSIONS_MAX: usize = 10_000;
