//! How an archive stands, for whoever watches over it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::foundation::clock::Timestamp;

/// How an archive stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArchiveNow {
    /// Segments that are in the archive.
    pub archived: u64,
    /// Full segments that are not there yet.
    pub waiting: u64,
    /// The latest time of the entries before the first that waits: how old what is archived is. Absent before anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_to: Option<Timestamp>,
    /// Since when a segment has been waiting; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// How often something could not be done since the start.
    pub failures: u64,
    /// What could not be done the last time; absent where all could.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// The same, as it changes.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<ArchiveNow>);

impl Standing {
    pub(super) fn now(&self) -> ArchiveNow {
        self.lock().clone()
    }

    /// So many are there, up to that time, and so many wait; when that was seen.
    pub(super) fn counted(&self, archived: u64, to: Option<Timestamp>, waiting: u64, now: Timestamp) {
        let mut standing = self.lock();
        let was_waiting = standing.waiting_since.filter(|_| standing.archived == archived);
        standing.waiting_since = (waiting > 0).then(|| was_waiting.unwrap_or(now));
        (standing.archived, standing.archived_to, standing.waiting) = (archived, to, waiting);
    }

    /// Whether it went well before.
    pub(super) fn failed(&self, fault: String) -> bool {
        let mut standing = self.lock();
        standing.failures += 1;
        standing.fault.replace(fault).is_none()
    }

    /// Whether it did not go well before.
    pub(super) fn went_well(&self) -> bool {
        self.lock().fault.take().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, ArchiveNow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
