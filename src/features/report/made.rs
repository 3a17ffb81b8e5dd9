//! What a report was made from, so that it can be made again.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::Read;
use crate::domain::event::Event;
use crate::foundation::clock::Timestamp;

/// What a report was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MadeOf {
    /// The journal.
    #[serde(flatten)]
    pub read: Read,
    /// How many events fit what was asked.
    pub events: u64,
    /// When the first of them began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When the last of them began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Of how many the end is not known.
    pub unknown_ends: u64,
    /// The rules that were in force, by their versions; at most [`MadeOf::VERSIONS_MAX`].
    pub rules: BTreeSet<Arc<str>>,
}

impl MadeOf {
    /// How many versions of the rules are named.
    pub const VERSIONS_MAX: usize = 64;

    pub(super) fn note(&mut self, event: &Event) {
        let time = event.opening.time;
        self.events += 1;
        self.unknown_ends += u64::from(event.closing.is_none());
        self.from = Some(self.from.map_or(time, |from| from.min(time)));
        self.to = Some(self.to.map_or(time, |to| to.max(time)));
        let Some(version) = &event.opening.rules_version else { return };
        if self.rules.len() < Self::VERSIONS_MAX && !self.rules.contains(version) {
            self.rules.insert(version.clone());
        }
    }
}
