//! What a person has taken already, in an hour, a shift of 12 hours and a day, all rolling: exports and what they held, records
//! looked at, and distinct patients listed and opened. Of what is summed up or listed an hour of looking and a day of taking
//! away are always kept, other windows where a limit of the request bounds them.
//!
//! In memory, and shared by all workers; touched by exports, opened records, and lists of people whose lists are
//! bounded, never by every request. What a reply takes is taken before it is released, so that two tabs do not
//! double an allowance. Of one node, the journal restores it at start, but for which patients were listed, whom it does not
//! name: the store keeps those for their hour. Where nodes share a store, it holds all, and the windows of a person are one
//! over all nodes (`nodes.rs`).

mod account;
mod ahead;
mod claim;
mod demand;
mod entry;
mod nodes;
mod person;
mod slot;
mod store;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use siphasher::sip::SipHasher13;

use self::account::{Account, Keeps};
use self::demand::{Bounds, Demand, Usage};
use self::entry::{Entry, Kind};
use self::nodes::Common;
use self::slot::Place;
use super::count::Named;
use crate::domain::event::Taken;
use crate::domain::limit::{Exceeded, Limits, Window};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::{Entropy, SystemEntropy, random};
use crate::platform::store::{Store, StoreError};

pub use ahead::WINDOW_PART;
pub use claim::{Amounts, Claim};
pub use nodes::Refused;
pub use slot::ExportSlot;
pub use store::MIGRATIONS;

/// The longest window.
const DAY: Duration = Window::Day.lasts();

/// What everybody has taken. Clones share it.
#[derive(Clone)]
pub struct Ledger {
    shards: Arc<[Mutex<Shard>]>,
    hash: RandomState,
    /// Names a patient of a list in one application.
    names: SipHasher13,
    kept: Kept,
    sweep_after: Arc<Mutex<Timestamp>>,
}

/// Where it is kept, beside memory.
#[derive(Clone)]
enum Kept {
    Nowhere,
    /// In a store of this node.
    Here(Store),
    /// In the store of several nodes.
    Together(Arc<Common>),
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

#[derive(Default)]
struct Shard {
    people: HashMap<SubjectId, Account>,
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

impl Ledger {
    /// An empty ledger, in memory alone.
    pub fn new() -> Self {
        Self::keeping(Kept::Nowhere, &random(&SystemEntropy))
    }

    fn keeping(kept: Kept, names: &[u8; 16]) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hash: RandomState::new(),
            names: SipHasher13::new_with_key(names),
            kept,
            sweep_after: Arc::default(),
        }
    }

    /// The ledger that `store` keeps. `own` is this node's key for what it remembers of patients; nodes that share a store
    /// agree on another.
    pub async fn load(
        store: Store,
        own: &DigestKey,
        entropy: Arc<dyn Entropy>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        if store.is_shared() {
            store.write(vec![store::put_key(&random(&*entropy))]).await?;
            let rows = store.find(store::key()).await?;
            let key = rows.first().map(|row| row.bytes(0)).transpose()?.and_then(|key| key.try_into().ok());
            let key = DigestKey::from_bytes(key.ok_or(StoreError::Unexpected)?);
            let names = names(&key);
            return Ok(Self::keeping(Kept::Together(Arc::new(Common::new(store, key, entropy))), &names));
        }
        let ledger = Self::keeping(Kept::Here(store.clone()), &names(own));
        for window in Window::ALL {
            let rows = store.find(store::listed(*window, now)).await?;
            for (person, entry) in rows.iter().filter_map(|row| store::read_listed(*window, row)) {
                ledger.with(&person, |account| account.windows.put(entry));
            }
        }
        Ok(ledger)
    }

    /// Whether other nodes take of the same windows. The store knows then what was taken, and no journal has to tell it.
    pub const fn is_shared(&self) -> bool {
        matches!(self.kept, Kept::Together(_))
    }

    /// The key by which patients are known here; none where this node's own is as good.
    pub fn patient_key(&self) -> Option<&DigestKey> {
        match &self.kept {
            Kept::Together(common) => Some(&common.patients),
            Kept::Nowhere | Kept::Here(_) => None,
        }
    }

    /// Takes what one request takes, or nothing, for somebody who `is_bound` by it: who is denied what is beyond a limit.
    /// Asks the store, where other nodes take of the same windows.
    pub async fn take_bound(
        &self,
        subject: &SubjectId,
        taken: &Taken,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ExportSlot>, Refused> {
        if !self.is_shared() {
            return self.take(subject, taken, limits, now, Err).map_err(Refused::Beyond);
        }
        let opened = taken.opened.iter().map(short).collect();
        let demand = Demand { exports: taken.exports, opened, ..Demand::default() };
        // Apart, so that the future of every request stays small.
        Box::pin(self.ask_for_slots(subject, demand, limits, now)).await
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
            let slot = match self.try_export(subject, limits, now) {
                Ok(slot) => Some(slot),
                Err(exceeded) => {
                    beyond(exceeded)?;
                    self.try_export(subject, &Limits::NONE, now).ok()
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
            let usage = if exports > 0 { Usage::Taken } else { Usage::Looked };
            let keeps = self.keeps();
            let mut shard = lock(self.shard(subject));
            let account = shard.people.entry(subject.clone()).or_default();
            for entry in usage.entries(came.amounts, Bounds::unknown(), time) {
                account.put(entry, keeps);
            }
        }
        self.record_opened(subject, &taken.opened, time);
    }

    /// Reserves one export for `subject`, where the windows have room for one.
    pub fn try_export(
        &self,
        subject: &SubjectId,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<ExportSlot, Exceeded> {
        let mut shard = lock(self.shard(subject));
        let account = shard.people.entry(subject.clone()).or_default();
        account.windows.forget_before(now);
        if let Some(exceeded) = account.windows.would_take(1, limits, now) {
            return Err(exceeded);
        }
        let place = if self.is_shared() {
            account.put(Entry::export(now), Keeps::All);
            Place::Taken(now)
        } else {
            account.windows.reserved += 1;
            Place::Reserved
        };
        Ok(ExportSlot::new(self.clone(), subject.clone(), place))
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
        let (keeps, patients) = (self.keeps(), patients.iter().map(short).collect::<Vec<_>>());
        let mut shard = lock(self.shard(subject));
        let account = shard.people.entry(subject.clone()).or_default();
        account.windows.forget_before(now);
        let (distinct, exceeded) = account.windows.would_open(&patients, limits, now);
        for patient in patients.into_iter().filter(|_| exceeded.is_none()) {
            account.put(Entry::seen(Kind::Opened, patient, now), keeps);
        }
        Opened { distinct, exceeded }
    }

    /// An export that has happened is remembered, whatever was allowed.
    pub fn record_export(&self, subject: &SubjectId, time: Timestamp) {
        let keeps = self.keeps();
        let mut shard = lock(self.shard(subject));
        shard.people.entry(subject.clone()).or_default().put(Entry::export(time), keeps);
    }

    /// Records that were opened are remembered, whatever was allowed: beyond a limit which only advises and, at
    /// start, what the journal tells.
    pub fn record_opened(&self, subject: &SubjectId, patients: &[PatientDigest], time: Timestamp) {
        if patients.is_empty() {
            return;
        }
        let keeps = self.keeps();
        let mut shard = lock(self.shard(subject));
        let account = shard.people.entry(subject.clone()).or_default();
        for patient in patients {
            account.put(Entry::seen(Kind::Opened, short(patient), time), keeps);
        }
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "whichever bits of the hash remain, the number is below the number of shards"
    )]
    fn shard(&self, subject: &SubjectId) -> &Mutex<Shard> {
        &self.shards[self.hash.hash_one(subject) as usize % SHARDS]
    }

    fn with<R>(&self, subject: &SubjectId, change: impl FnOnce(&mut Account) -> R) -> R {
        let mut shard = lock(self.shard(subject));
        change(shard.people.entry(subject.clone()).or_default())
    }

    const fn keeps(&self) -> Keeps {
        match self.kept {
            Kept::Nowhere => Keeps::Nothing,
            Kept::Here(_) => Keeps::Listed,
            Kept::Together(_) => Keeps::All,
        }
    }

    fn common(&self) -> Option<Arc<Common>> {
        match &self.kept {
            Kept::Together(common) => Some(common.clone()),
            Kept::Nowhere | Kept::Here(_) => None,
        }
    }

    fn store(&self) -> Option<Store> {
        match &self.kept {
            Kept::Nowhere => None,
            Kept::Here(store) => Some(store.clone()),
            Kept::Together(common) => Some(common.store.clone()),
        }
    }

    /// Of whom there is something to tell the store, or to ask it.
    fn untidy(&self) -> Vec<SubjectId> {
        let of = |shard: &Mutex<Shard>| {
            let people = &lock(shard).people;
            let untidy = people.iter().filter(|(_, account)| account.is_untidy());
            untidy.map(|(person, _)| person.clone()).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of).collect()
    }

    /// Forgets those whose windows are empty.
    fn forget_before(&self, now: Timestamp) {
        for shard in &*self.shards {
            lock(shard).people.retain(|_, account| {
                account.windows.forget_before(now);
                !account.is_empty()
            });
        }
    }

    /// Whether memory and store are to be swept, by whoever is told so.
    fn is_sweep_due(&self, now: Timestamp) -> bool {
        let mut after = lock(&self.sweep_after);
        let is_due = now >= *after;
        if is_due {
            *after = now.plus(SWEEP);
        }
        is_due
    }
}

/// Nothing here can be half done when a thread panics: each change is one push or one insert.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As much of a patient's digest as is remembered.
fn short(patient: &PatientDigest) -> u64 {
    let [first, ..] = patient.digest().as_bytes().as_chunks::<8>().0 else { return 0 };
    u64::from_be_bytes(*first)
}

/// Has patients of lists named by a key derived from `key` in this process; gives another one, for the applications that name
/// them.
fn names(key: &DigestKey) -> [u8; 16] {
    let digest = key.digest(&[b"patients of lists"]);
    let ([in_replies, in_applications], _) = digest.as_bytes().as_chunks::<16>() else { return [0; 16] };
    Named::agree(in_replies);
    *in_applications
}
