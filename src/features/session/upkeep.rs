//! The work on sessions that may wait: saving when people were seen, deleting, forgetting.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::nodes::{self, Nodes};
use super::sessions::{SessionError, Sessions, lock};
use super::store;
use crate::foundation::clock::Timestamp;
use crate::platform::store::Statement;

impl Sessions {
    /// The work that may wait: saves when people were last seen, deletes what the store still
    /// holds, forgets what is long gone. To be called every few seconds, and once before the end.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), SessionError> {
        self.settle(now).await?;
        self.save_touched().await?;
        self.save_findings().await?;
        self.sweep_next(now).await
    }

    async fn save_touched(&self) -> Result<(), SessionError> {
        let touched = std::mem::take(&mut *lock(&self.touched));
        for (done, some) in touched.chunks(BATCH).enumerate() {
            let statements = some.iter().map(|session| store::save_seen(session)).collect();
            let told = if self.store.is_shared() { Nodes::seen(some) } else { Vec::new() };
            let written = self.store.write_telling(statements, told).await;
            if let Err(error) = written {
                for session in touched.iter().skip(done * BATCH) {
                    session.unsaved.store(true, Ordering::SeqCst);
                    lock(&self.touched).push(session.clone());
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Which sessions were found locked or expired: a node that knows of longer times goes by it, too, and so does this one
    /// after a restart.
    async fn save_findings(&self) -> Result<(), SessionError> {
        let findings = self.findings.take();
        for (done, some) in findings.chunks(BATCH).enumerate() {
            let statements = some.iter().map(|finding| finding.statement()).collect();
            let written = self.store.write_telling(statements, nodes::found(some)).await;
            if let Err(error) = written {
                self.findings.put_back(findings.iter().skip(done * BATCH).copied());
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Deletes the rows of ended sessions. An id leaves the list only when its row is gone, also if
    /// whoever asked for it has left meanwhile.
    pub(super) async fn delete_ended(&self) -> Result<(), SessionError> {
        let ended = lock(&self.undeleted).clone();
        for some in ended.chunks(BATCH) {
            let statements = some.iter().map(|id| store::delete(*id)).collect();
            let untold = self.nodes.untold();
            let gone = some.iter().map(|id| nodes::changed(*id));
            let told = untold.changes().chain(gone).collect();
            self.store.write_telling(statements, told).await?;
            untold.are_told();
            lock(&self.undeleted).retain(|id| !some.contains(id));
        }
        // What was ended may be at another node alone.
        let untold = self.nodes.untold();
        if !untold.is_empty() {
            self.store.write_telling(Vec::new(), untold.changes().collect()).await?;
            untold.are_told();
        }
        Ok(())
    }

    async fn sweep_next(&self, now: Timestamp) -> Result<(), SessionError> {
        let shard = self.sweep.fetch_add(1, Ordering::Relaxed);
        let mut rows: Vec<Statement> = Vec::new();
        for session in self.table.in_shard(shard) {
            if !self.stands(&session, now) && session.is_forgotten(GRACE, now) {
                self.table.forget(&session);
                if session.program.is_none() {
                    rows.push(store::delete_at(&session));
                }
            }
        }
        if !rows.is_empty() {
            self.store.write(rows).await?;
        }
        Ok(())
    }
}

/// How long a session that is gone is kept, so that its browser can be told what became of it.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// Statements in one write of the background work.
const BATCH: usize = 500;
