//! The one thread that writes: takes all that waits, one transaction, one sync, answers all.
//!
//! Batches form by themselves while the disk is busy; no timer. Each job stands in a savepoint, so
//! that one that fails takes nothing else with it.

use std::sync::Mutex;
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::super::{Statement, StoreError};
use super::value::execute;

/// The most jobs in one transaction.
const BATCH_MAX: usize = 1_024;

type Answer = Result<Vec<usize>, StoreError>;

struct Job {
    statements: Vec<Statement>,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the store is dropped: the thread then finishes what waits, and ends.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("statements", &self.statements.len()).finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn start(connection: Connection, waiting_max: usize) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(waiting_max);
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || run(connection, queue))?;
        Ok(Self { jobs: Some(jobs), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Answer {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(StoreError::stopped)?;
        jobs.try_send(Job { statements, answer }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::stopped(),
        })?;
        answered.await.map_err(|_| StoreError::stopped())?
    }

    /// How many writes wait.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        let thread = self.thread.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer had panicked");
        }
    }
}

fn run(mut connection: Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        commit(&mut connection, batch);
    }
}

/// Carries a batch out and answers each of its jobs, after the sync.
fn commit(connection: &mut Connection, batch: Vec<Job>) {
    let (jobs, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|Job { statements, answer }| (statements, answer)).unzip();
    let outcome = transact(connection, &jobs);
    for (position, answer) in answers.into_iter().enumerate() {
        let of_this_job = match &outcome {
            Ok(results) => results.get(position).cloned().unwrap_or(Err(StoreError::Unexpected)),
            Err(error) => Err(error.clone()),
        };
        // Whoever asked may have left; the write stands all the same.
        drop(answer.send(of_this_job));
    }
}

fn transact(connection: &mut Connection, jobs: &[Vec<Statement>]) -> Result<Vec<Answer>, StoreError> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(jobs.len());
    for statements in jobs {
        results.push(carry_out(&mut transaction, statements));
    }
    transaction.commit()?;
    Ok(results)
}

fn carry_out(transaction: &mut Transaction<'_>, statements: &[Statement]) -> Answer {
    let savepoint = transaction.savepoint()?;
    let changed = statements
        .iter()
        .map(|statement| execute(statement, &savepoint))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    savepoint.commit()?;
    Ok(changed)
}
