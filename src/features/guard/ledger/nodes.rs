//! A ledger of several nodes: a person's windows are one over all of them.
//!
//! The rows in the store are the truth, and each change of a person's windows is a turn of theirs. Whoever may be denied
//! something is held to that: a node decides by its copy of the windows, and the write stands only if its copy is of the
//! last turn; where it is not, it reads anew and decides anew. So two nodes never give the same room. Of amounts a node takes
//! a slice ahead, lest each piece of a reply asks. Whoever may not be denied anything never waits: what they take is told by
//! and by, and what it is compared with may be a moment old.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::account::{Account, Keeps, Plan};
use super::demand::Demand;
use super::entry::{Behind, Entry, Kind, bundle};
use super::person::Windows;
use super::slot::{ExportSlot, Place};
use super::{Ledger, lock, store};
use crate::domain::limit::{Exceeded, Limits};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::{Entropy, random};
use crate::platform::store::{Store, StoreError};

/// What a ledger that nodes share has beside its memory.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) store: Store,
    /// Patients are digested by it, at all nodes alike.
    pub(super) patients: DigestKey,
    entropy: Arc<dyn Entropy>,
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A window has no room.
    Beyond(Exceeded),
    /// What was taken already cannot be known: the store does not answer.
    Unknown,
}

/// What was taken of the windows for one demand. Dropped before it is [absorbed](Self::absorb), it is given back.
#[derive(Debug)]
pub(super) struct Grant {
    ledger: Ledger,
    person: SubjectId,
    /// What gives it back: what was opened is not.
    back: Vec<Entry>,
    /// Patients whom no list had named before.
    first: Vec<u64>,
}

/// How often a person's windows are read anew and tried, where other nodes change them all the while.
const TRIES: usize = 16;
/// For so long a request waits at most.
const WAITED_FOR: Duration = Duration::from_secs(2);
/// So many people's windows are told of in one commit.
const TOLD_AT_ONCE: usize = 64;

impl Common {
    pub(super) fn new(store: Store, patients: DigestKey, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, patients, entropy }
    }

    fn turn(&self) -> i64 {
        // One that was never there before; 0 is the turn of whom nobody knows.
        i64::from_be_bytes(random(&*self.entropy)) | 1
    }
}

impl Grant {
    /// It is kept. Gives the patients whom no list had named before.
    pub(super) fn absorb(mut self) -> Vec<u64> {
        self.back.clear();
        std::mem::take(&mut self.first)
    }

    /// It is kept, as the right to that many exports.
    fn slots(mut self, exports: u32, time: Timestamp) -> Vec<ExportSlot> {
        self.back.clear();
        let slot = |_| ExportSlot::new(self.ledger.clone(), self.person.clone(), Place::Taken(time));
        (0..exports).map(slot).collect()
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if !self.back.is_empty() {
            self.ledger.with(&self.person, |account| {
                for entry in &self.back {
                    account.put(*entry, Keeps::All);
                }
            });
        }
    }
}

impl Ledger {
    /// Takes what one request takes, or nothing, as all nodes have it: for whoever may be denied it.
    pub(super) async fn ask_for_slots(
        &self,
        person: &SubjectId,
        demand: Demand,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ExportSlot>, Refused> {
        let is_known = demand.exports == 0
            && self.with(person, |account| {
                account.windows.forget_before(now);
                let is_known = account.windows.has_opened(&demand.opened, limits, now);
                for entry in demand.entries(now).filter(|_| is_known) {
                    account.put(entry, Keeps::All);
                }
                is_known
            });
        if is_known {
            return Ok(Vec::new());
        }
        let exports = demand.exports;
        let asked = tokio::spawn(self.clone().ask(person.clone(), demand, *limits, now));
        let grant = asked.await.unwrap_or(Err(Refused::Unknown))?;
        Ok(grant.slots(exports, now))
    }

    /// Takes what is asked for, as all nodes have it. Not to be given up half way: what the store has taken would be lost to
    /// the person until its window has passed.
    pub(super) async fn ask(
        self,
        person: SubjectId,
        demand: Demand,
        limits: Limits,
        now: Timestamp,
    ) -> Result<Grant, Refused> {
        let Some(common) = self.common().filter(|common| common.store.is_in_touch()) else {
            return Err(Refused::Unknown);
        };
        let asked = tokio::time::timeout(WAITED_FOR, self.settle(&common, &person, &demand, &limits, now));
        let plan = match asked.await {
            Ok(Ok(planned)) => planned.map_err(Refused::Beyond)?,
            Ok(Err(error)) => {
                tracing::error!(%error, "what somebody has taken cannot be known: nothing more is given");
                return Err(Refused::Unknown);
            }
            Err(_) => {
                tracing::error!("what somebody has taken was not known in time: nothing more is given");
                return Err(Refused::Unknown);
            }
        };
        let exports = Entry { amount: i64::from(demand.exports), ..Entry::export(now) };
        let sums = demand.usage.entries(demand.amounts, now);
        let first = plan.first.iter().map(|patient| Entry::seen(Kind::Listed, *patient, now));
        let back = std::iter::once(exports).chain(sums).chain(first).map(Entry::back).collect();
        Ok(Grant { ledger: self, person, back, first: plan.first })
    }

    async fn settle(
        &self,
        common: &Common,
        person: &SubjectId,
        demand: &Demand,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Result<Plan, Exceeded>, StoreError> {
        let asking = self.with(person, |account| account.asking.clone());
        let _one_at_a_time = asking.lock().await;
        let mut is_fresh = false;
        for _ in 0..TRIES {
            let turn = if let Some(turn) = self.with(person, |account| account.turn) {
                turn
            } else {
                is_fresh = true;
                self.read(common, person, now).await?
            };
            let plan = match self.with(person, |account| account.plan(demand, limits, now)) {
                Ok(plan) => plan,
                Err(exceeded) if is_fresh => return Ok(Err(exceeded)),
                // Another node may have given back what it took.
                Err(_) => {
                    self.with(person, |account| account.turn = None);
                    continue;
                }
            };
            let next = common.turn();
            let mut statements = vec![store::take_turn(person, turn, next, now)];
            let bundles = bundle(plan.entries.iter().copied());
            statements.extend(bundles.iter().map(|bundle| store::add_in_turn(person, bundle, next)));
            // Unless it is known to have been done, another may have come first.
            self.with(person, |account| account.turn = None);
            if common.store.write(statements).await?.first() == Some(&1) {
                self.with(person, |account| {
                    account.took(&plan);
                    account.turn = Some(next);
                });
                return Ok(Ok(plan));
            }
            is_fresh = false;
        }
        Err(StoreError::Overloaded)
    }

    /// Reads a person's windows as all nodes have them. Gives the turn that they are of.
    async fn read(&self, common: &Common, person: &SubjectId, now: Timestamp) -> Result<i64, StoreError> {
        let rows = common.store.find(store::of(person, now)).await?;
        let turn = rows.first().map_or(Ok(0), |row| row.integer(0))?;
        self.with(person, |account| {
            account.windows = Windows::default();
            let Account { windows, behind, .. } = account;
            rows.iter().filter_map(store::read).chain(behind.entries()).for_each(|entry| {
                windows.put(entry);
            });
            account.turn = Some(turn);
            account.is_wanted = false;
        });
        Ok(turn)
    }

    /// Tells the store what it does not know yet, and reads anew what was used of what others have changed. At the `end`,
    /// whatever was taken ahead is given back.
    pub async fn maintain(&self, now: Timestamp, end: bool) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for some in self.untidy().chunks(TOLD_AT_ONCE) {
            // Together they are one commit.
            let told = join_all(some.iter().map(|person| self.tidy(person, now, end))).await;
            outcome = told.into_iter().fold(outcome, Result::and);
        }
        if let Some(store) = self.store().filter(|_| self.is_sweep_due(now)) {
            store.write(store::sweep(now)).await?;
        }
        outcome
    }

    async fn tidy(&self, person: &SubjectId, now: Timestamp, end: bool) -> Result<(), StoreError> {
        let (asking, common) = (self.with(person, |account| account.asking.clone()), self.common());
        let _one_at_a_time = asking.lock().await;
        let (behind, turn) = self.with(person, |account| {
            account.look_after_slices(end);
            (std::mem::take(&mut account.behind), account.turn)
        });
        if !behind.is_empty() {
            self.tell(person, behind, turn, now).await?;
        }
        match common {
            Some(common) if self.with(person, |account| account.is_wanted) => {
                self.read(&common, person, now).await.map(drop)
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn tell(
        &self,
        person: &SubjectId,
        behind: Behind,
        turn: Option<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(store) = self.store() else { return Ok(()) };
        let next = self.common().map(|common| common.turn());
        let mut statements = Vec::new();
        if let Some(next) = next {
            statements.extend(turn.map(|turn| store::take_turn(person, turn, next, now)));
            statements.push(store::force_turn(person, next, now));
        }
        statements.extend(bundle(behind.entries()).iter().map(|bundle| store::add(person, bundle)));
        let written = store.write(statements).await;
        self.with(person, |account| {
            // Where another node came first, its changes are not known here.
            let is_of_last =
                turn.is_some() && written.as_ref().is_ok_and(|changed| changed.first() == Some(&1));
            account.turn = next.filter(|_| is_of_last);
            account.is_wanted |= next.is_some() && !is_of_last;
            if written.is_err() {
                account.behind.put_back(behind);
            }
        });
        written.map(drop)
    }

    /// Has all windows read anew before they are used again: something was missed.
    pub fn reload(&self) {
        for shard in &*self.shards {
            for account in lock(shard).people.values_mut() {
                account.turn = None;
            }
        }
    }
}
