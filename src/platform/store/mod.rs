//! The store: what must outlast the process, and what nodes share.
//!
//! One of two engines, behind one face: a file of SQLite (`sqlite`) that belongs to one node, or a database of
//! PostgreSQL (`postgres`) that several nodes share. Either way one task of a node writes, and commits all that waits in
//! one transaction (group commit); a write is answered when it is on the disk. SQL is kept to what both understand:
//! `$n`, `ON CONFLICT … DO UPDATE`, `RETURNING`, BIGINT, TEXT, BLOB, no date functions.

mod changes;
mod error;
mod postgres;
mod schema;
mod settings;
mod sqlite;
mod value;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use changes::{Change, Changes, Told};
pub use error::StoreError;
pub use postgres::{Examined, examine as examine_server};
pub use schema::{Condition, Migrations};
pub use settings::{Host, Place, ServerSettings, StoreSettings};
pub use sqlite::examine;
pub use value::{Row, Statement, Value};

/// A store that is open. Cheap to clone; it is closed with the last clone.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    /// Whether the last write was refused.
    is_refusing: Arc<AtomicBool>,
    /// To the other of two nodes.
    #[cfg(test)]
    line: Option<Arc<changes::pair::Line>>,
}

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(Arc<sqlite::Database>),
    Postgres(Arc<postgres::Server>),
}

/// How an open store stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Writes that wait.
    pub waiting: usize,
    /// Changes of other nodes that have come and are not yet acted on.
    pub behind: usize,
    /// Whether it took the last write; before the first one, it did.
    pub is_writable: bool,
}

/// Writes that may wait at once.
const WAITING_MAX: usize = 16_384;

impl Store {
    /// Opens the store at `place`, and brings its schema up to date. Blocks.
    pub fn start(place: &Place, parts: &[Migrations]) -> Result<Self, StoreError> {
        match place {
            Place::File(path) => Self::open(path, parts),
            Place::Server(server) => {
                Ok(Self::of(Engine::Postgres(Arc::new(postgres::Server::open(server, parts)?))))
            }
        }
    }

    /// Opens the file at `path`, makes it if there is none, and brings its schema up to date. Blocks.
    pub fn open(path: &Path, parts: &[Migrations]) -> Result<Self, StoreError> {
        #[cfg(test)]
        if let Some(place) = tests::server::instead_of(path, "a") {
            return Self::start(&place, parts);
        }
        Ok(Self::of(Engine::Sqlite(Arc::new(sqlite::Database::open(path, parts)?))))
    }

    fn of(engine: Engine) -> Self {
        Self {
            engine,
            is_refusing: Arc::default(),
            #[cfg(test)]
            line: None,
        }
    }

    /// Carries the statements out, all or none, and answers when they are on the disk. Returns how
    /// many rows each has changed.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<Vec<usize>, StoreError> {
        self.write_telling(statements, Vec::new()).await
    }

    /// As [`write`](Self::write), and tells the other nodes of `changes` as soon as it is on the disk.
    pub async fn write_telling(
        &self,
        statements: Vec<Statement>,
        changes: Vec<Change>,
    ) -> Result<Vec<usize>, StoreError> {
        if statements.iter().any(Statement::has_nul)
            || changes.iter().any(|change| change.key().contains('\0'))
        {
            return Err(StoreError::Nul);
        }
        let written = self.hand_on(statements, changes).await;
        self.is_refusing.store(written.is_err(), Ordering::Relaxed);
        written
    }

    async fn hand_on(
        &self,
        statements: Vec<Statement>,
        changes: Vec<Change>,
    ) -> Result<Vec<usize>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => {
                let written = database.write(statements).await?;
                #[cfg(test)]
                if let Some(line) = &self.line {
                    line.tell(changes);
                    let lost = StoreError::Away { cause: "the answer was lost".to_owned() };
                    return if line.loses_answers() { Err(lost) } else { Ok(written) };
                }
                // Nobody else has the file.
                drop(changes);
                Ok(written)
            }
            Engine::Postgres(server) => server.write(statements, changes).await,
        }
    }

    /// Whether other nodes write into it too, so that what is not in memory may be there all the same.
    pub const fn is_shared(&self) -> bool {
        #[cfg(test)]
        if self.line.is_some() {
            return true;
        }
        match self.engine {
            Engine::Sqlite(_) => false,
            Engine::Postgres(_) => true,
        }
    }

    /// Whether this node knows what the other nodes have changed: it has heard, and acted on, all that was committed
    /// up to a moment that is no longer ago than its lease. Else it may hold for true what was revoked elsewhere. Of a
    /// store that is not shared always so. Costs a look at the clock and one atomic load.
    pub fn is_in_touch(&self) -> bool {
        #[cfg(test)]
        if let Some(line) = &self.line {
            return line.is_in_touch();
        }
        match &self.engine {
            Engine::Sqlite(_) => true,
            Engine::Postgres(server) => server.is_in_touch(),
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let (waiting, behind) = match &self.engine {
            Engine::Sqlite(database) => (database.waiting(), 0),
            Engine::Postgres(server) => (server.waiting(), server.behind()),
        };
        Standing { waiting, behind, is_writable: !self.is_refusing.load(Ordering::Relaxed) }
    }

    /// What other nodes tell, since the store was opened. There is one listener; a second one hears nothing.
    pub fn changes(&self) -> Changes {
        #[cfg(test)]
        if let Some(line) = &self.line {
            return line.changes();
        }
        match &self.engine {
            Engine::Sqlite(_) => Changes::none(),
            Engine::Postgres(server) => server.changes(),
        }
    }

    /// The rows that a query finds, on a request's way: nobody else on this thread waits for it.
    pub async fn find(&self, query: Statement) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => {
                let database = database.clone();
                tokio::task::spawn_blocking(move || database.read(&query))
                    .await
                    .map_err(|_| StoreError::Unexpected)?
            }
            Engine::Postgres(server) => server.find(query).await,
        }
    }

    /// The rows that a query of whole tables finds: for background work, which has more time than a request.
    pub async fn find_all(&self, query: Statement) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::Sqlite(_) => self.find(query).await,
            Engine::Postgres(server) => server.find_all(query).await,
        }
    }

    /// The rows that a query finds. Blocks: for the start and for background work.
    pub fn read(&self, query: &Statement) -> Result<Vec<Row>, StoreError> {
        match &self.engine {
            Engine::Sqlite(database) => database.read(query),
            Engine::Postgres(server) => server.read(query.clone()),
        }
    }
}

#[cfg(test)]
impl Store {
    /// Of a pair: loses touch with the other node, or is in touch with it again.
    pub fn set_in_touch(&self, is_in_touch: bool) {
        self.line.iter().for_each(|line| line.set_in_touch(is_in_touch));
    }

    /// Of a pair: what it writes stands, and is answered as if nobody knew that. Whether it can be made to: a server cannot.
    pub fn lose_answers(&self, loses_answers: bool) -> bool {
        self.line.iter().for_each(|line| line.lose_answers(loses_answers));
        self.line.is_some()
    }

    /// Of a pair: tells the other node to read everything anew, as if it had missed something. Whether it can: a server
    /// cannot be told to.
    pub fn tell_of_all(&self) -> bool {
        self.line.iter().for_each(|line| line.tell(vec![Change::new(Told::EVERYTHING, "")]));
        self.line.is_some()
    }

    /// Two nodes in this process that share one store, as they would share a server.
    pub fn pair(path: &Path, parts: &[Migrations]) -> Result<[Self; 2], StoreError> {
        let of = |node| tests::server::instead_of(path, node).map(|place| Self::start(&place, parts));
        if let (Some(a), Some(b)) = (of("a"), of("b")) {
            return Ok([a?, b?]);
        }
        let Self { engine, .. } = Self::open(path, parts)?;
        Ok(changes::pair::Line::both().map(|line| Self {
            engine: engine.clone(),
            is_refusing: Arc::default(),
            line: Some(Arc::new(line)),
        }))
    }
}
