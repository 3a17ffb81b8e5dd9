//! What a person has taken already: exports, and what they held, in 24 hours; distinct patients opened in a shift of
//! 12 hours and in one; records looked at, and distinct patients listed, in an hour. All rolling.
//!
//! In memory, and shared by all workers; touched by exports, opened records, and lists of people whose lists are
//! bounded, never by every request. What a reply takes is taken before it is released, so that two tabs do not
//! double an allowance. The journal restores it at start, but for which patients were listed, whom it does not name.

mod claim;
mod person;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::person::Windows;
use crate::domain::event::Taken;
use crate::domain::limit::{Exceeded, LimitName, Limits};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

pub use claim::{Amounts, Claim};

/// The window of what ends in `_per_hour`.
pub const HOUR: Duration = Duration::from_secs(60 * 60);

/// The window of what ends in `_per_day`.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The window of `patients_opened_per_shift`.
pub const SHIFT: Duration = Duration::from_secs(12 * 60 * 60);

/// What everybody has taken. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    shards: Arc<[Mutex<Shard>]>,
    key: RandomState,
}

/// How many distinct patients a person has opened in the shift, those that are about to be opened included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many.
    pub distinct: u64,
    /// The limit that they pass.
    pub exceeded: Option<Exceeded>,
}

/// A reply that came, as the journal tells of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// What it held.
    pub amounts: Amounts,
    /// It was a file where one only looks.
    pub found_file: bool,
}

/// The right to release one export. Dropped without [`ExportSlot::commit`], it is given back.
#[must_use = "a slot that is dropped is given back"]
pub struct ExportSlot {
    ledger: Ledger,
    subject: SubjectId,
    is_committed: bool,
}

#[derive(Default)]
struct Shard {
    people: HashMap<SubjectId, Windows>,
    sweep_after: Timestamp,
}

const SHARDS: usize = 16;

/// How often those whose windows are empty are forgotten.
const SWEEP: Duration = Duration::from_secs(10 * 60);

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger(..)")
    }
}

impl fmt::Debug for ExportSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportSlot").field("is_committed", &self.is_committed).finish_non_exhaustive()
    }
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), key: RandomState::new() }
    }

    /// Takes what one request takes, or nothing. `beyond` is told of each limit that is passed, and says whether it
    /// passes all the same.
    pub fn take<E>(
        &self,
        subject: &SubjectId,
        taken: &Taken,
        limits: &Limits,
        now: Timestamp,
        mut beyond: impl FnMut(Exceeded) -> Result<(), E>,
    ) -> Result<Vec<ExportSlot>, E> {
        let mut slots = Vec::new();
        for _ in 0..taken.exports {
            let slot = match self.try_export(subject, limits.exports_per_day, now) {
                Ok(slot) => Some(slot),
                Err(exceeded) => {
                    beyond(exceeded)?;
                    self.try_export(subject, None, now).ok()
                }
            };
            slots.extend(slot);
        }
        if !taken.opened.is_empty()
            && let Some(exceeded) = self.opened(subject, &taken.opened, limits, now).exceeded
        {
            beyond(exceeded)?;
            self.record_opened(subject, &taken.opened, now);
        }
        Ok(slots)
    }

    /// Remembers what a request has taken, at start: the journal tells of it, in any order. What was opened counts as
    /// soon as it was permitted, the rest if it came.
    pub fn recall(&self, subject: &SubjectId, taken: &Taken, came: Option<Came>, time: Timestamp) {
        if let Some(came) = came {
            let exports = if taken.exports == 0 { u32::from(came.found_file) } else { taken.exports };
            for _ in 0..exports {
                self.record_export(subject, time);
            }
            let mut shard = self.shard(subject, time);
            let windows = shard.people.entry(subject.clone()).or_default();
            if exports > 0 {
                windows.export_amounts(came.amounts, time);
            } else {
                windows.list(came.amounts, &[], time);
            }
        }
        self.record_opened(subject, &taken.opened, time);
    }

    /// Reserves one export for `subject`, of whom `allowed` may be released in a day.
    pub fn try_export(
        &self,
        subject: &SubjectId,
        allowed: Option<u64>,
        now: Timestamp,
    ) -> Result<ExportSlot, Exceeded> {
        let mut shard = self.shard(subject, now);
        let windows = shard.people.entry(subject.clone()).or_default();
        windows.forget_before(now);
        let actual = windows.exports.len() as u64 + windows.reserved + 1;
        match allowed {
            Some(allowed) if actual > allowed => {
                Err(Exceeded { limit: LimitName::ExportsPerDay, allowed, actual })
            }
            Some(_) | None => {
                windows.reserved += 1;
                Ok(ExportSlot { ledger: self.clone(), subject: subject.clone(), is_committed: false })
            }
        }
    }

    /// `subject` is about to open the records of `patients`, each named once. Remembers them unless they exceed that: where they are let pass all the same,
    /// [`Ledger::record_opened`] them.
    pub fn opened(
        &self,
        subject: &SubjectId,
        patients: &[PatientDigest],
        limits: &Limits,
        now: Timestamp,
    ) -> Opened {
        let mut shard = self.shard(subject, now);
        let windows = shard.people.entry(subject.clone()).or_default();
        windows.forget_before(now);
        let (distinct, exceeded) = windows.would_open(patients, limits, now);
        if exceeded.is_none() {
            for patient in patients {
                windows.open(*patient, now);
            }
        }
        Opened { distinct, exceeded }
    }

    /// An export that has happened is remembered, whatever was allowed.
    pub fn record_export(&self, subject: &SubjectId, time: Timestamp) {
        let mut shard = self.shard(subject, time);
        shard.people.entry(subject.clone()).or_default().export(time);
    }

    /// Records that were opened are remembered, whatever was allowed: beyond a limit which only advises and, at
    /// start, what the journal tells.
    pub fn record_opened(&self, subject: &SubjectId, patients: &[PatientDigest], time: Timestamp) {
        if patients.is_empty() {
            return;
        }
        let mut shard = self.shard(subject, time);
        let windows = shard.people.entry(subject.clone()).or_default();
        for patient in patients {
            windows.open(*patient, time);
        }
    }

    fn shard(&self, subject: &SubjectId, now: Timestamp) -> MutexGuard<'_, Shard> {
        let mut shard = self.lock(subject);
        if now >= shard.sweep_after {
            shard.sweep_after = now.plus(SWEEP);
            shard.people.retain(|_, windows| {
                windows.forget_before(now);
                !windows.is_empty()
            });
        }
        shard
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "whichever bits of the hash remain, the number is below the number of shards"
    )]
    fn lock(&self, subject: &SubjectId) -> MutexGuard<'_, Shard> {
        let number = self.key.hash_one(subject) as usize % SHARDS;
        // Nothing here can be half done when a thread panics: each change is one push or one insert.
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<R>(&self, subject: &SubjectId, change: impl FnOnce(&mut Windows) -> R) -> R {
        let mut shard = self.lock(subject);
        change(shard.people.entry(subject.clone()).or_default())
    }
}

impl ExportSlot {
    /// The export was released, or begun to be.
    pub fn commit(mut self, now: Timestamp) {
        self.is_committed = true;
        self.ledger.with(&self.subject, |windows| {
            windows.reserved = windows.reserved.saturating_sub(1);
            windows.export(now);
        });
    }
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        if !self.is_committed {
            self.ledger.with(&self.subject, |windows| windows.reserved = windows.reserved.saturating_sub(1));
        }
    }
}
