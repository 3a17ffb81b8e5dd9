//! PostgreSQL: a database that several nodes share.
//!
//! A thread of its own drives all connections: one that [writes](writer), a few that [read](reader), one that
//! [hears](feed) what other nodes have changed. All write under one lock of the database, a batch at a time, so that
//! no two batches of two nodes wait for one another, and the numbers of changes become visible in rising order.
//!
//! What is deleted is not overwritten at once, as in the file of SQLite: PostgreSQL keeps the old row until it is
//! vacuumed, and in its log. Whoever must not find deleted rows there encrypts the server's disk.

mod connect;
mod examine;
mod failure;
mod feed;
mod line;
mod lock;
mod migration;
mod reader;
mod touch;
mod value;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use self::connect::Connector;
use self::reader::Query;
use self::touch::Touch;
use self::writer::Job;
use super::changes::{Change, Changes};
use super::settings::ServerSettings;
use super::{Migrations, Row, Statement, StoreError, WAITING_MAX};

pub use examine::{Examined, examine};
pub(super) use feed::Feed;
#[cfg(test)]
pub(super) use lock::BEGIN;

/// Queries that may wait at once.
const QUERIES_MAX: usize = 4_096;
/// For how long a request waits for what it has to look up.
const FOUND_WITHIN: Duration = Duration::from_secs(5);
/// For how long a start waits for a whole table.
const READ_WITHIN: Duration = Duration::from_secs(65);
/// Changes of other nodes that may wait to be acted on; beyond, no more are read, and touch is lost.
const HANDED_ON_MAX: usize = 4_096;

/// A database that is open.
#[derive(Debug)]
pub(super) struct Server {
    /// Taken when the store is dropped: the thread then finishes what waits, and ends.
    work: Option<Work>,
    feed: Mutex<Option<Feed>>,
    touch: Arc<Touch>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Work {
    jobs: mpsc::Sender<Job>,
    queries: mpsc::Sender<Query>,
}

impl Server {
    /// Connects, brings the schema up to date, and begins to listen. Blocks.
    pub(super) fn open(settings: &ServerSettings, parts: &[Migrations]) -> Result<Self, StoreError> {
        let unopened = |cause: String| StoreError::Unopened { store: settings.to_string(), cause };
        let connector = Connector::new(settings).map_err(|error| unopened(error.to_string()))?;
        let (jobs, job_queue) = mpsc::channel(WAITING_MAX);
        let (queries, query_queue) = mpsc::channel(QUERIES_MAX);
        let (hand_on, handed_on) = mpsc::channel(HANDED_ON_MAX);
        let touch = Arc::new(Touch::new(settings.lease));
        let feed = Feed::new(handed_on, touch.clone());
        // A channel of std's: to wait for it is allowed inside a runtime, too.
        let (opened, is_open) = std::sync::mpsc::sync_channel(1);
        let driver = Driver { connector, parts: parts.to_vec(), touch: touch.clone() };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                let runtime = match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        drop(opened.send(Err(StoreError::Failed { cause: error.to_string() })));
                        return;
                    }
                };
                runtime.block_on(driver.run(job_queue, query_queue, hand_on, &opened));
            })
            .map_err(|error| unopened(error.to_string()))?;
        is_open.recv().map_err(|_| StoreError::stopped())??;
        let (work, thread) = (Some(Work { jobs, queries }), Mutex::new(Some(thread)));
        Ok(Self { work, feed: Mutex::new(Some(feed)), touch, thread })
    }

    pub(super) async fn write(
        &self,
        statements: Vec<Statement>,
        changes: Vec<Change>,
    ) -> Result<Vec<usize>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Job { statements, changes, answer };
        self.work()?.jobs.try_send(job).map_err(|refused| full_or_closed(&refused))?;
        answered.await.map_err(|_| StoreError::stopped())?
    }

    pub(super) async fn find(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let (answer, answered) = oneshot::channel();
        // Whoever asked may have left.
        self.ask(statement, FOUND_WITHIN, Box::new(move |found| drop(answer.send(found))))?;
        answered.await.map_err(|_| StoreError::stopped())?
    }

    pub(super) fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        self.ask(statement, READ_WITHIN, Box::new(move |found| drop(answer.send(found))))?;
        answered.recv().map_err(|_| StoreError::stopped())?
    }

    fn ask(
        &self,
        statement: Statement,
        patience: Duration,
        answer: reader::Answer,
    ) -> Result<(), StoreError> {
        let query = Query { statement, patience, answer };
        self.work()?.queries.try_send(query).map_err(|refused| full_or_closed(&refused))
    }

    fn work(&self) -> Result<&Work, StoreError> {
        self.work.as_ref().ok_or_else(StoreError::stopped)
    }

    pub(super) fn changes(&self) -> Changes {
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        feed.map_or_else(Changes::none, Changes::of)
    }

    pub(super) fn is_in_touch(&self) -> bool {
        self.touch.is_held()
    }

    /// How many writes wait.
    pub(super) fn waiting(&self) -> usize {
        self.work.as_ref().map_or(0, |work| work.jobs.max_capacity() - work.jobs.capacity())
    }

    /// How many changes of other nodes are not yet acted on.
    pub(super) fn behind(&self) -> usize {
        self.touch.behind()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.work = None;
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's thread had panicked");
        }
    }
}

fn full_or_closed<T>(refused: &mpsc::error::TrySendError<T>) -> StoreError {
    match refused {
        mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
        mpsc::error::TrySendError::Closed(_) => StoreError::stopped(),
    }
}

/// What runs on the store's thread.
struct Driver {
    connector: Connector,
    parts: Vec<Migrations>,
    touch: Arc<Touch>,
}

impl Driver {
    async fn run(
        self,
        jobs: mpsc::Receiver<Job>,
        queries: mpsc::Receiver<Query>,
        hand_on: mpsc::Sender<feed::Item>,
        opened: &std::sync::mpsc::SyncSender<Result<(), StoreError>>,
    ) {
        let Self { connector, parts, touch } = self;
        // First the position, then whatever the features read: nothing falls between.
        let position = match prepare(&connector, &parts, &touch).await {
            Ok(position) => position,
            Err(error) => return drop(opened.send(Err(error))),
        };
        if opened.send(Ok(())).is_err() {
            return;
        }
        let feed = tokio::spawn(feed::run(connector.clone(), position, hand_on, touch));
        // These end when nobody can ask any more, and finish what waits before.
        tokio::join!(writer::run(connector.clone(), jobs), reader::run(&connector, queries));
        feed.abort();
    }
}

/// Brings the schema up to date, and says from where on changes are to be heard.
async fn prepare(
    connector: &Connector,
    parts: &[Migrations],
    touch: &Touch,
) -> Result<feed::Position, StoreError> {
    let unopened = |error: StoreError| match error {
        StoreError::Away { cause } | StoreError::Failed { cause } => {
            StoreError::Unopened { store: connector.to_string(), cause }
        }
        other @ (StoreError::InUse { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Unopened { .. }
        | StoreError::Full
        | StoreError::Overloaded
        | StoreError::Nul
        | StoreError::Unexpected) => other,
    };
    let mut link = connector.connect(connect::Purpose::Migrate).await.map_err(unopened)?;
    connect::is_fit(&link).map_err(unopened)?;
    migration::run(&mut link, parts, connector).await.map_err(unopened)?;
    let asked = touch.now();
    let position = feed::Position::last(&mut link).await.map_err(unopened)?;
    touch.prove(asked);
    Ok(position)
}
