//! What a person has taken already: exports in 24 hours, distinct patients in a shift of 12 hours, both rolling.
//!
//! Exact, in memory, and shared by all workers; touched by exports and opened records only, never by
//! every request. An export is reserved before its reply is released, so that two tabs do not
//! double an allowance. The journal restores it at start.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::limit::{Exceeded, LimitName};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// The window of `exports_per_day`.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The window of `patients_opened_per_shift`.
pub const SHIFT: Duration = Duration::from_secs(12 * 60 * 60);

/// What everybody has taken. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    shards: Arc<[Mutex<Shard>]>,
    key: RandomState,
}

/// How many distinct patients a person has opened in the shift, this one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many.
    pub distinct: u64,
    /// The limit that this one passes.
    pub exceeded: Option<Exceeded>,
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

#[derive(Default)]
struct Windows {
    /// When, in order.
    exports: VecDeque<Timestamp>,
    /// Reserved, and neither released nor given back.
    reserved: u64,
    /// When each patient was opened last.
    opened: HashMap<PatientDigest, Timestamp>,
}

const SHARDS: usize = 16;

/// What one person can make us remember. Far beyond any limit; past it, counts are lower bounds.
const REMEMBERED_MAX: usize = 10_000;

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

    /// `subject` is about to open the record of `patient`; `allowed` distinct ones may be opened in a shift. Remembers
    /// it unless it exceeds that: where it is let pass all the same, [`Ledger::record_opened`] it.
    pub fn opened(
        &self,
        subject: &SubjectId,
        patient: PatientDigest,
        allowed: Option<u64>,
        now: Timestamp,
    ) -> Opened {
        let mut shard = self.shard(subject, now);
        let windows = shard.people.entry(subject.clone()).or_default();
        windows.forget_before(now);
        let known = windows.opened.contains_key(&patient);
        let distinct = windows.opened.len() as u64 + u64::from(!known);
        match allowed {
            // Going back to a record that is open already is always free.
            Some(allowed) if distinct > allowed && !known => {
                let exceeded =
                    Exceeded { limit: LimitName::PatientsOpenedPerShift, allowed, actual: distinct };
                Opened { distinct, exceeded: Some(exceeded) }
            }
            Some(_) | None => {
                windows.open(patient, now);
                Opened { distinct, exceeded: None }
            }
        }
    }

    /// An export that has happened is remembered, whatever was allowed: at start, what the journal tells of
    /// the last day, in any order.
    pub fn record_export(&self, subject: &SubjectId, time: Timestamp) {
        let mut shard = self.shard(subject, time);
        shard.people.entry(subject.clone()).or_default().export(time);
    }

    /// A record that was opened is remembered, whatever was allowed: beyond a limit which only advises and, at
    /// start, what the journal tells.
    pub fn record_opened(&self, subject: &SubjectId, patient: PatientDigest, time: Timestamp) {
        let mut shard = self.shard(subject, time);
        shard.people.entry(subject.clone()).or_default().open(patient, time);
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

impl Windows {
    fn forget_before(&mut self, now: Timestamp) {
        let (day, shift) = (now.minus(DAY), now.minus(SHIFT));
        while self.exports.front().is_some_and(|time| *time <= day) {
            self.exports.pop_front();
        }
        self.opened.retain(|_, time| *time > shift);
    }

    fn is_empty(&self) -> bool {
        self.exports.is_empty() && self.opened.is_empty() && self.reserved == 0
    }

    fn export(&mut self, time: Timestamp) {
        let at = self.exports.partition_point(|earlier| *earlier <= time);
        self.exports.insert(at, time);
        if self.exports.len() > REMEMBERED_MAX {
            self.exports.pop_front();
        }
    }

    fn open(&mut self, patient: PatientDigest, time: Timestamp) {
        if let Some(last) = self.opened.get_mut(&patient) {
            *last = time.max(*last);
        } else if self.opened.len() < REMEMBERED_MAX {
            self.opened.insert(patient, time);
        }
    }
}
