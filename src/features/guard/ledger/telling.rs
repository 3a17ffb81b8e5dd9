//! What the store is told of windows by and by, and what becomes of a write of which nobody knows whether it stands.
//!
//! Where the connection is lost between a commit and its answer, what was written may stand or not; written once more, it would
//! count twice. So each write of a node about a person leaves the node's mark beside what it adds. Written again under the
//! same mark, it adds what is not there, and nothing else; and what was taken for somebody who was not given it is given back
//! only where the mark is there. Until that is done, nothing else is written of the person by this node.

use futures_util::future::join_all;

use super::Ledger;
use super::entry::{Behind, Entry, bundle};
use super::nodes::Common;
use super::store::{self, Mark};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Statement, StoreError};

/// A write of which it is not known whether it stands, under this mark.
#[derive(Debug)]
pub(super) struct Unsure {
    pub(super) mark: i64,
    pub(super) wrote: Wrote,
}

/// What was written.
#[derive(Debug)]
pub(super) enum Wrote {
    /// What had happened: it has to stand.
    Told(Behind),
    /// What was taken for somebody who was not given it: it must not stand.
    Taken(Vec<Entry>),
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
        let (next, after) = (common.turn(), common.turn());
        let statements = self.with(person, |account| {
            let unsure = account.unsure.as_ref()?;
            let mark = Mark { node: common.node, number: unsure.mark };
            let mut statements = vec![store::force_turn(person, next, now)];
            let left = match &unsure.wrote {
                Wrote::Told(behind) => {
                    let bundles = bundle(behind.entries());
                    statements.extend(bundles.iter().map(|bundle| store::add_unless(person, bundle, mark)));
                    mark
                }
                Wrote::Taken(entries) => {
                    let bundles = bundle(entries.iter().map(|entry| entry.back()));
                    statements.extend(bundles.iter().map(|bundle| store::add_if(person, bundle, mark)));
                    // Another one: it is given back once.
                    Mark { number: after, ..mark }
                }
            };
            account.is_told_ahead = account.is_ahead();
            statements.push(store::leave_mark(person, left, account.is_told_ahead, now));
            account.turn = None;
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
        let (turn, statements) = self.with(person, |account| {
            let (turn, behind) = (account.turn.take(), std::mem::take(&mut account.behind));
            let mut statements: Vec<Statement> =
                turn.map(|turn| store::take_turn(person, turn, next, now)).into_iter().collect();
            statements.push(store::force_turn(person, next, now));
            let bundles = bundle(behind.entries());
            statements.extend(bundles.iter().map(|bundle| store::add_unless(person, bundle, mark)));
            account.is_told_ahead = account.is_ahead();
            statements.push(store::leave_mark(person, mark, account.is_told_ahead, now));
            account.unsure = Some(Unsure { mark: number, wrote: Wrote::Told(behind) });
            (turn, statements)
        });
        let changed = common.store.write(statements).await?;
        self.with(person, |account| {
            account.unsure = None;
            // Where another node came first, its changes are not known here.
            let is_of_last = turn.is_some() && changed.first() == Some(&1);
            account.turn = is_of_last.then_some(next);
            account.is_wanted |= !is_of_last;
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
