//! What the store is told of windows by and by, and what becomes of a write of which nobody knows whether it stands.
//!
//! Where the connection is lost between a commit and its answer, what was written may stand or not; written once more, it would
//! count twice. So each write of a node about a person leaves the node's mark beside what it adds. Where the mark is not there
//! afterwards, what has happened is added; where it is, what was taken for somebody who was not given it is given back. That leaves
//! another mark, so that it may be tried again itself. Until it is done, this node writes nothing else of the person.

use futures_util::future::join_all;
use tokio::runtime::Handle;

use super::Ledger;
use super::account::Plan;
use super::entry::{Behind, Entry, bundle};
use super::nodes::Common;
use super::store::{self, Mark};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Statement, StoreError};

/// A write of which it is not known whether it stands.
#[derive(Debug)]
pub(super) struct Unsure {
    /// The mark that it has left, if it stands.
    mark: i64,
    /// What has to stand in any case: it has happened.
    told: Behind,
    /// What must not stand: it was taken for somebody who was not given it.
    taken: Vec<Entry>,
}

impl Unsure {
    /// What has happened is told.
    const fn telling(mark: i64, told: Behind) -> Self {
        Self { mark, told, taken: Vec::new() }
    }

    /// What was planned is taken, and what was held before given back.
    pub(super) fn taking(mark: i64, plan: &Plan) -> Self {
        let mut told = Behind::default();
        plan.given_back().for_each(|entry| told.note(entry));
        Self { mark, told, taken: plan.in_vain() }
    }

    /// What makes it as if it had been known.
    fn statements(&self, person: &SubjectId, node: i64) -> Vec<Statement> {
        let mark = Mark { node, number: self.mark };
        let told = bundle(self.told.entries());
        let taken = bundle(self.taken.iter().map(|entry| entry.back()));
        let told = told.iter().map(|bundle| store::add_unless(person, bundle, mark));
        told.chain(taken.iter().map(|bundle| store::add_if(person, bundle, mark))).collect()
    }
}

/// So many people's windows are told of in one commit.
const TOLD_AT_ONCE: usize = 64;

impl Ledger {
    /// Tells the store what it does not know yet, and reads anew what was used of what others have changed. At the `end`,
    /// whatever was taken ahead is given back.
    pub async fn maintain(&self, now: Timestamp, end: bool) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for some in self.untidy().chunks(TOLD_AT_ONCE) {
            // Together they are one commit.
            let told = join_all(some.iter().map(|person| self.tidy(person, now, end))).await;
            outcome = told.into_iter().fold(outcome, Result::and);
        }
        if self.is_sweep_due(now) {
            self.forget_before(now);
            if let Some(store) = self.store() {
                store.write(store::sweep(now)).await?;
            }
        }
        outcome
    }

    /// Gives back what was taken for nothing. Other nodes know it as soon as the store does.
    pub(super) fn give_back(
        &self,
        person: &SubjectId,
        entries: impl IntoIterator<Item = Entry>,
        now: Timestamp,
    ) {
        let keeps = self.keeps();
        self.with(person, |account| {
            for entry in entries {
                account.put(entry.back(), keeps);
            }
        });
        if self.is_shared()
            && let Ok(runtime) = Handle::try_current()
        {
            let (ledger, person) = (self.clone(), person.clone());
            runtime.spawn(async move {
                if let Err(error) = ledger.tidy(&person, now, false).await {
                    tracing::warn!(%error, "what was taken for nothing is given back later");
                }
            });
        }
    }

    /// Tells the store of one person, with what they have ahead where it is not used any more; or, where it `gives_all`, all of
    /// that.
    pub(super) async fn tidy(
        &self,
        person: &SubjectId,
        now: Timestamp,
        gives_all: bool,
    ) -> Result<(), StoreError> {
        let asking = self.with(person, |account| account.asking.clone());
        let _one_at_a_time = asking.lock().await;
        let Some(common) = self.common() else { return self.tell_own(person).await };
        self.settle_unsure(&common, person, now).await?;
        let is_news = self.with(person, |account| {
            account.look_after_slices(gives_all);
            account.has_news()
        });
        if is_news {
            self.tell(&common, person, now).await?;
        }
        if self.with(person, |account| account.is_wanted) {
            self.read(&common, person, now).await?;
        }
        Ok(())
    }

    /// Finishes a write of which it is not known whether it stands, if there is one.
    pub(super) async fn settle_unsure(
        &self,
        common: &Common,
        person: &SubjectId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let next = common.turn();
        let statements = self.with(person, |account| {
            let unsure = account.unsure.as_ref()?;
            let mut statements = vec![store::force_turn(person, next, now)];
            statements.extend(unsure.statements(person, common.node));
            let mark = Mark { node: common.node, number: unsure.mark }.settled();
            account.is_told_ahead = account.is_ahead();
            account.turn = None;
            statements.push(store::leave_mark(person, mark, account.is_told_ahead, now));
            Some(statements)
        });
        let Some(statements) = statements else { return Ok(()) };
        common.store.write(statements).await?;
        self.with(person, |account| account.unsure = None);
        Ok(())
    }

    /// Tells what the other nodes have to know of a person.
    async fn tell(&self, common: &Common, person: &SubjectId, now: Timestamp) -> Result<(), StoreError> {
        let (next, number) = (common.turn(), common.turn());
        let mark = Mark { node: common.node, number };
        let (turn, is_change, statements) = self.with(person, |account| {
            let behind = std::mem::take(&mut account.behind);
            let (mut turn, mut statements) = (None, Vec::new());
            // Whether something is held ahead changes no window.
            let is_change = !behind.is_empty();
            if is_change {
                turn = account.turn.take();
                statements.extend(turn.map(|turn| store::take_turn(person, turn, next, now)));
                statements.push(store::force_turn(person, next, now));
            }
            let bundles = bundle(behind.entries());
            statements.extend(bundles.iter().map(|bundle| store::add_unless(person, bundle, mark)));
            account.is_told_ahead = account.is_ahead();
            statements.push(store::leave_mark(person, mark, account.is_told_ahead, now));
            account.unsure = Some(Unsure::telling(number, behind));
            (turn, is_change, statements)
        });
        let changed = common.store.write(statements).await?;
        self.with(person, |account| {
            account.unsure = None;
            if is_change {
                // Where another node came first, its changes are not known here.
                let is_of_last = turn.is_some() && changed.first() == Some(&1);
                account.turn = is_of_last.then_some(next);
                account.is_wanted |= !is_of_last;
            }
        });
        Ok(())
    }

    /// Keeps whom lists have named, where this node is alone: what is written twice is the same.
    async fn tell_own(&self, person: &SubjectId) -> Result<(), StoreError> {
        let Some(store) = self.store() else { return Ok(()) };
        let behind = self.with(person, |account| std::mem::take(&mut account.behind));
        let bundles = bundle(behind.entries());
        let written = store.write(bundles.iter().map(|bundle| store::add(person, bundle)).collect()).await;
        if written.is_err() {
            self.with(person, |account| account.behind.put_back(behind));
        }
        written.map(drop)
    }
}
