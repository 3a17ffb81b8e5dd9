//! A ledger of several nodes: a person's windows are one over all of them.
//!
//! The rows in the store are the truth, and each change of a person's windows is a turn of theirs. Whoever may be denied
//! something is held to that: a node decides by its copy of the windows, and the write stands only if its copy is of the
//! last turn; where it is not, it reads anew and decides anew. So two nodes never give the same room. Of amounts a node takes
//! a slice ahead, lest each piece of a reply asks (`ahead.rs`). Whoever may not be denied anything never waits: what they take is
//! told by and by (`telling.rs`), and what it is compared with may be a moment old.

use std::sync::Arc;
use std::time::Duration;

use super::account::{Account, Keeps, Plan};
use super::demand::Demand;
use super::entry::{Entry, bundle};
use super::person::Windows;
use super::slot::{ExportSlot, Place};
use super::store::Mark;
use super::telling::Unsure;
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
    /// Tells this node from others, and from itself before its last start.
    pub(super) node: i64,
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
    /// What is given back of it: what was opened is not.
    back: Vec<Entry>,
    time: Timestamp,
    /// Patients whom no list had named before, by window.
    first: Vec<Entry>,
}

/// How often a person's windows are read anew and tried, where other nodes change them all the while.
const TRIES: usize = 16;
/// For so long a request waits at most.
const WAITED_FOR: Duration = Duration::from_secs(2);

impl Common {
    pub(super) fn new(store: Store, patients: DigestKey, entropy: Arc<dyn Entropy>) -> Self {
        let node = i64::from_be_bytes(random(&*entropy));
        Self { store, patients, node, entropy }
    }

    /// A number of a turn or a mark: one that was never there before.
    pub(super) fn turn(&self) -> i64 {
        // 0 is the turn of whom nobody knows.
        i64::from_be_bytes(random(&*self.entropy)) | 1
    }
}

impl Grant {
    /// It is kept. Gives the patients whom no list had named before.
    pub(super) fn absorb(mut self) -> Vec<Entry> {
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
            self.ledger.give_back(&self.person, std::mem::take(&mut self.back), self.time);
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
                for entry in demand.entries(limits, now).filter(|_| is_known) {
                    account.put(entry, Keeps::All);
                }
                is_known
            });
        if is_known {
            return Ok(Vec::new());
        }
        let exports = demand.exports;
        let asked = tokio::spawn(self.clone().ask(person.clone(), demand, Box::new(*limits), now));
        let grant = asked.await.unwrap_or(Err(Refused::Unknown))?;
        Ok(grant.slots(exports, now))
    }

    /// Takes what is asked for, as all nodes have it. Not to be given up half way: of what the store has taken then nobody
    /// knows until it is given back.
    pub(super) async fn ask(
        self,
        person: SubjectId,
        demand: Demand,
        limits: Box<Limits>,
        now: Timestamp,
    ) -> Result<Grant, Refused> {
        let Some(common) = self.common().filter(|common| common.store.is_in_touch()) else {
            return Err(Refused::Unknown);
        };
        let asked = tokio::time::timeout(WAITED_FOR, self.find_room(&common, &person, &demand, &limits, now));
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
        let sums = demand.usage.entries(demand.amounts, demand.usage.bounds(&limits), now);
        let first = plan.first.iter().copied();
        let back =
            std::iter::once(exports).chain(sums).chain(first).filter(|entry| entry.amount != 0).collect();
        Ok(Grant { ledger: self, person, back, time: now, first: plan.first })
    }

    /// Takes it, if need be of what other nodes have taken ahead.
    async fn find_room(
        &self,
        common: &Common,
        person: &SubjectId,
        demand: &Demand,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Result<Plan, Exceeded>, StoreError> {
        let settled = self.settle(common, person, demand, limits, now).await?;
        if settled.is_ok() || !self.call_in(common, person, demand).await? {
            return Ok(settled);
        }
        let settled = self.settle(common, person, demand, limits, now).await?;
        if settled.is_err() {
            // As long as nothing changes, whoever comes next need not wait for it.
            self.with(person, |account| account.called_in_vain = account.turn);
        }
        Ok(settled)
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
        self.settle_unsure(common, person, now).await?;
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
            if self.take_planned(common, person, &plan, turn, now).await? {
                return Ok(Ok(plan));
            }
            is_fresh = false;
        }
        Err(StoreError::Overloaded)
    }

    /// Takes what was planned, if `turn` is still the last one. Where that is not known in the end, it is given back before
    /// anything else is done.
    async fn take_planned(
        &self,
        common: &Common,
        person: &SubjectId,
        plan: &Plan,
        turn: i64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let next = common.turn();
        let mark = Mark { node: common.node, number: next };
        let is_ahead = self.with(person, |account| {
            // Unless it is known to have been done, another may have come first.
            account.turn = None;
            account.unsure = Some(Unsure::taking(next, plan));
            account.is_ahead() || plan.takes_ahead()
        });
        let mut statements = vec![
            store::take_turn(person, turn, next, now),
            store::leave_mark_in_turn(person, mark, is_ahead, now),
        ];
        let bundles = bundle(plan.changes());
        statements.extend(bundles.iter().map(|bundle| store::add_if(person, bundle, mark)));
        let is_taken = common.store.write(statements).await?.first() == Some(&1);
        self.with(person, |account| {
            account.unsure = None;
            if is_taken {
                account.took(plan);
                account.turn = Some(next);
                account.is_told_ahead = is_ahead;
            } else {
                account.did_not_take(plan);
            }
        });
        Ok(is_taken)
    }

    /// Reads a person's windows as all nodes have them. Gives the turn that they are of.
    pub(super) async fn read(
        &self,
        common: &Common,
        person: &SubjectId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
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

    /// Has all windows read anew before they are used again: something was missed.
    pub fn reload(&self) {
        for shard in &*self.shards {
            for account in lock(shard).people.values_mut() {
                account.turn = None;
            }
        }
    }
}
