//! The one task that writes: takes all that waits, one transaction, one commit, answers all.
//!
//! The statements of a batch are sent one after another without waiting for answers (pipelining). Only if one fails is
//! the batch rolled back and carried out again with a savepoint for each job, so that the one that fails takes nothing
//! else with it: what nearly never happens costs the batches, in which nothing fails, nothing.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{MaybeDone, maybe_done};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Statement as Prepared;

use super::super::changes::Change;
use super::super::{Statement, StoreError};
use super::connect::{Connector, Link, Purpose, fits};
use super::failure::{is_away, meaning};
use super::line::Line;
use super::{feed, lock};

/// The most jobs in one transaction.
const BATCH_MAX: usize = 256;
/// Within which a batch is carried out; longer than what the server allows a statement, whose word is the better one.
const COMMITTED_WITHIN: Duration = Duration::from_secs(12);

type Answer = Result<Vec<usize>, StoreError>;

pub(super) struct Job {
    pub(super) statements: Vec<Statement>,
    pub(super) changes: Vec<Change>,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("statements", &self.statements.len()).finish_non_exhaustive()
    }
}

/// A job's statements: its own, and those that add its changes.
struct Work {
    statements: Vec<Statement>,
    own: usize,
}

impl Work {
    fn of(mut statements: Vec<Statement>, changes: &[Change], node: &str) -> Self {
        let own = statements.len();
        let add =
            |change: &Change| Statement::new(feed::ADD).with(node).with(change.part()).with(change.key());
        statements.extend(changes.iter().map(add));
        Self { statements, own }
    }

    const fn tells(&self) -> bool {
        self.own < self.statements.len()
    }

    /// What is answered: how many rows each of the job's own statements has changed.
    fn answer(&self, changed: Vec<usize>) -> Vec<usize> {
        changed.into_iter().take(self.own).collect()
    }
}

pub(super) async fn run(connector: Connector, mut queue: mpsc::Receiver<Job>) {
    let mut line = Line::new(connector, Purpose::Write);
    while let Some(first) = queue.recv().await {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = queue.try_recv()
        {
            batch.push(job);
        }
        let (works, answers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|Job { statements, changes, answer }| (Work::of(statements, &changes, line.node()), answer))
            .unzip();
        let outcomes = commit(&mut line, &works).await;
        for (position, answer) in answers.into_iter().enumerate() {
            let of_this_job = match &outcomes {
                Ok(outcomes) => outcomes.get(position).cloned().unwrap_or(Err(StoreError::Unexpected)),
                Err(error) => Err(error.clone()),
            };
            // Whoever asked may have left; the write stands all the same.
            drop(answer.send(of_this_job));
        }
    }
}

/// Why a batch was not carried out.
enum Failure {
    /// Nothing of it stands.
    Undone(StoreError),
    /// Nobody knows: the connection was lost between the commit and its answer.
    Unknown(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Undone(error)
    }
}

/// Carries a batch out. Where the connection is lost before the commit was sent, nothing stands, and it is tried once
/// more; afterwards it is not: what was counted or compared may not be done twice.
async fn commit(line: &mut Line, works: &[Work]) -> Result<Vec<Answer>, StoreError> {
    for is_last in [false, true] {
        let failure = match tokio::time::timeout(COMMITTED_WITHIN, attempt(line, works)).await {
            Ok(Ok(outcomes)) => return Ok(outcomes),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Unknown(unknown("the server did not answer in time")),
        };
        // A transaction that is under way ends with its connection.
        line.hang_up();
        match failure {
            Failure::Undone(error) if is_last || !is_away(&error) => return Err(error),
            Failure::Undone(_) => {}
            Failure::Unknown(error) => return Err(error),
        }
    }
    Err(StoreError::Unexpected)
}

async fn attempt(line: &mut Line, works: &[Work]) -> Result<Vec<Answer>, Failure> {
    let connected = line.link().await?;
    let outcomes = match together(connected, works).await {
        Ok(changed) => changed.into_iter().map(Ok).collect(),
        Err(error) if is_away(&error) => return Err(error.into()),
        Err(_) => {
            connected.command("ROLLBACK").await?;
            one_by_one(connected, works).await?
        }
    };
    match connected.command("COMMIT").await {
        Ok(()) => Ok(outcomes),
        Err(error) if is_away(&error) => Err(Failure::Unknown(unknown(&error.to_string()))),
        Err(error) => Err(error.into()),
    }
}

/// All jobs at once, in a transaction that is left open.
async fn together(link: &mut Link, works: &[Work]) -> Result<Vec<Vec<usize>>, StoreError> {
    let mut prepared = Vec::with_capacity(works.len());
    for work in works {
        prepared.push(prepare(link, work).await?);
    }
    let client = &link.client;
    let begin = async { client.batch_execute(lock::BEGIN).await.map(|()| 0_u64) };
    let statements =
        works.iter().zip(&prepared).flat_map(|(work, prepared)| work.statements.iter().zip(prepared));
    let carried_out =
        statements.map(|(statement, prepared)| client.execute_raw(prepared, statement.values()));
    let notify = works.iter().any(Work::tells);
    let notify = notify.then_some(async { client.batch_execute(feed::NOTIFY).await.map(|()| 0_u64) });
    let sent: Vec<Sent<'_>> = std::iter::once(Box::pin(begin) as Sent<'_>)
        .chain(carried_out.map(|sent| Box::pin(sent) as Sent<'_>))
        .chain(notify.map(|sent| Box::pin(sent) as Sent<'_>))
        .collect();
    let mut changed = pipelined(sent).await?.into_iter().skip(1);
    Ok(works.iter().map(|work| work.answer(changed.by_ref().take(work.statements.len()).collect())).collect())
}

/// Each job in a savepoint of its own, in a transaction that is left open.
async fn one_by_one(link: &mut Link, works: &[Work]) -> Result<Vec<Answer>, StoreError> {
    link.command(lock::BEGIN).await?;
    let (mut outcomes, mut tells) = (Vec::with_capacity(works.len()), false);
    for work in works {
        link.command("SAVEPOINT job").await?;
        let outcome = alone(link, work).await;
        match &outcome {
            Ok(_) => tells |= work.tells(),
            Err(error) if is_away(error) => return Err(error.clone()),
            Err(_) => link.command("ROLLBACK TO SAVEPOINT job").await?,
        }
        link.command("RELEASE SAVEPOINT job").await?;
        outcomes.push(outcome);
    }
    if tells {
        link.command(feed::NOTIFY).await?;
    }
    Ok(outcomes)
}

async fn alone(link: &mut Link, work: &Work) -> Answer {
    let prepared = prepare(link, work).await?;
    let client = &link.client;
    let sent =
        work.statements.iter().zip(&prepared).map(|(statement, prepared)| {
            Box::pin(client.execute_raw(prepared, statement.values())) as Sent<'_>
        });
    pipelined(sent.collect()).await.map(|changed| work.answer(changed))
}

async fn prepare(link: &mut Link, work: &Work) -> Result<Vec<Prepared>, StoreError> {
    let mut prepared = Vec::with_capacity(work.statements.len());
    for statement in &work.statements {
        let on_this_link = link.prepare(statement.sql()).await?;
        fits(&on_this_link, statement)?;
        prepared.push(on_this_link);
    }
    Ok(prepared)
}

type Sent<'a> = std::pin::Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;

/// Sends all, in this order, and then waits for the answers. The first error is the one that counts: those after it
/// only say that the transaction has failed.
async fn pipelined(requests: Vec<Sent<'_>>) -> Result<Vec<usize>, StoreError> {
    let mut sent: Vec<MaybeDone<Sent<'_>>> = requests.into_iter().map(maybe_done).collect();
    // A request is sent when it is polled for the first time.
    poll_fn(|context| {
        for request in &mut sent {
            match std::pin::Pin::new(request).poll(context) {
                Poll::Ready(()) | Poll::Pending => {}
            }
        }
        Poll::Ready(())
    })
    .await;
    let mut changed = Vec::with_capacity(sent.len());
    let mut failed = None;
    for mut request in sent {
        (&mut request).await;
        match std::pin::Pin::new(&mut request).take_output() {
            Some(Ok(rows)) => changed.push(usize::try_from(rows).unwrap_or(usize::MAX)),
            Some(Err(error)) => failed = failed.or_else(|| Some(meaning(&error))),
            None => failed = failed.or(Some(StoreError::Unexpected)),
        }
    }
    failed.map_or(Ok(changed), Err)
}

fn unknown(cause: &str) -> StoreError {
    StoreError::Away { cause: format!("{cause}; what was being written may stand") }
}
