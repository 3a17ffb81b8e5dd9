//! The embedded store: one SQLite file in WAL mode, made on first start.
//!
//! One thread writes, and commits all that waits in one transaction (group commit), so that the
//! cost of a sync is shared. A write is answered when it is on the disk. The file belongs to one
//! process: a second one is refused at start. SQL is kept to what SQLite and PostgreSQL both
//! understand: `$n`, `ON CONFLICT … DO UPDATE`, `RETURNING`, BIGINT, TEXT, BLOB, no date functions.

mod changes;
mod examine;
mod migration;
mod value;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

pub use changes::{Change, Changes, Told};
pub use examine::{Condition, examine};
pub use migration::Migrations;
pub use value::{Row, Statement, Value};

/// A store that is open. Cheap to clone; the file is closed with the last clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
    /// To the other of two nodes.
    #[cfg(test)]
    line: Option<Arc<changes::pair::Line>>,
}

#[derive(Debug)]
struct Inner {
    writer: writer::Writer,
    reader: Mutex<Connection>,
    /// Held for as long as the store is open.
    _lock: File,
}

/// Why the store did not do as it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("the store `{}` is in use by another process", .path.display())]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// A newer Leastway wrote it.
    #[error("the store `{}` was written by a newer version: `{part}` stands at {found}, this version knows {known}", .path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The part of the schema.
        part: String,
        /// Where the file stands.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// It is not a database, or a damaged one.
    #[error("the store `{}` is damaged or not a database: restore it from a backup", .path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
    },
    /// It cannot be opened or made.
    #[error("the store `{}` cannot be opened: {cause}", .path.display())]
    Unopened {
        /// The store's file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// No room is left for it.
    #[error("the disk of the store is full")]
    Full,
    /// More writes wait than the store takes.
    #[error("the store is overloaded")]
    Overloaded,
    /// A statement failed.
    #[error("the store failed: {cause}")]
    Failed {
        /// What SQLite said; it names tables and constraints, never values.
        cause: String,
    },
    /// A row is not what was asked for.
    #[error("the store returned something else than was asked for")]
    Unexpected,
}

/// Writes that may wait at once.
const WAITING_MAX: usize = 16_384;

/// How long a statement waits for a lock, such as a backup's, before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the store at `path`, makes it if there is none, and brings its schema up to date.
    pub fn open(path: &Path, parts: &[Migrations]) -> Result<Self, StoreError> {
        let lock = claim(path)?;
        let mut connection = connect(path)?;
        migration::run(&mut connection, parts, path)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true).map_err(|error| opening(path, &error))?;
        let writer =
            writer::Writer::start(connection, WAITING_MAX).map_err(|error| unopened(path, &error))?;
        let inner = Arc::new(Inner { writer, reader: Mutex::new(reader), _lock: lock });
        Ok(Self {
            inner,
            #[cfg(test)]
            line: None,
        })
    }

    /// Carries the statements out, all or none, and answers when they are on the disk. Returns how
    /// many rows each has changed.
    pub async fn write(&self, statements: Vec<Statement>) -> Result<Vec<usize>, StoreError> {
        self.inner.writer.write(statements).await
    }

    /// As [`write`](Self::write), and tells the other nodes of `changes` as soon as it is on the disk.
    pub async fn write_telling(
        &self,
        statements: Vec<Statement>,
        changes: Vec<Change>,
    ) -> Result<Vec<usize>, StoreError> {
        let written = self.write(statements).await?;
        #[cfg(test)]
        if let Some(line) = &self.line {
            line.tell(changes);
            return Ok(written);
        }
        drop(changes);
        Ok(written)
    }

    /// Whether other nodes write into it too, so that what is not in memory may be there all the same.
    pub const fn is_shared(&self) -> bool {
        #[cfg(test)]
        if self.line.is_some() {
            return true;
        }
        false
    }

    /// Whether what other nodes have told up to a moment ago is known here. Of a store that belongs to one process it
    /// always is.
    pub fn is_in_touch(&self) -> bool {
        #[cfg(test)]
        if let Some(line) = &self.line {
            return line.is_in_touch();
        }
        true
    }

    /// What other nodes tell, from now on. There is one listener; a second one hears nothing.
    pub fn changes(&self) -> Changes {
        #[cfg(test)]
        if let Some(line) = &self.line {
            return line.changes();
        }
        Changes::none()
    }

    /// The rows that a query finds, on a request's way: nobody else on this thread waits for it.
    pub async fn find(&self, query: Statement) -> Result<Vec<Row>, StoreError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.read(&query)).await.map_err(|_| StoreError::Unexpected)?
    }

    /// The rows that a query finds. Blocks: for the start and for background work.
    pub fn read(&self, query: &Statement) -> Result<Vec<Row>, StoreError> {
        let reader = self.inner.reader.lock().unwrap_or_else(PoisonError::into_inner);
        query.rows(&reader)
    }
}

#[cfg(test)]
impl Store {
    /// Loses touch with the other node, or is in touch with it again.
    pub fn set_in_touch(&self, is_in_touch: bool) {
        self.line.iter().for_each(|line| line.set_in_touch(is_in_touch));
    }

    /// Tells this node what the other one tells it only if something was missed: to read everything anew.
    pub fn tell_of_all(&self) {
        self.line.iter().for_each(|line| line.tell(vec![Change::new("*", "")]));
    }

    /// Two nodes in this process that share one store, as they would share a server.
    pub fn pair(path: &Path, parts: &[Migrations]) -> Result<[Self; 2], StoreError> {
        let Self { inner, .. } = Self::open(path, parts)?;
        Ok(changes::pair::Line::both().map(|line| Self { inner: inner.clone(), line: Some(Arc::new(line)) }))
    }
}

/// Makes the file, readable by us alone, and claims it for this process.
fn claim(path: &Path) -> Result<File, StoreError> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(|error| unopened(path, &error))?;
    }
    private_file(path).map_err(|error| unopened(path, &error))?;
    let lock = private_file(&beside(path, ".lock")).map_err(|error| unopened(path, &error))?;
    take(&lock, path)?;
    Ok(lock)
}

fn take(lock: &File, path: &Path) -> Result<(), StoreError> {
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unopened(path, &error)),
    }
}

/// The file beside the store whose name goes on with `ending`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(ending);
    beside.into()
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| opening(path, &error))?;
    let prepare = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // What is deleted is overwritten: rows hold names and tokens.
        connection.pragma_update(None, "secure_delete", true)
    };
    prepare().map_err(|error| opening(path, &error))?;
    Ok(connection)
}

fn unopened(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unopened { path: path.to_owned(), cause: error.to_string() }
}

/// What an error at the opening means.
fn opening(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path: path.to_owned() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::InUse { path: path.to_owned() }
        }
        Some(_) | None => StoreError::Unopened { path: path.to_owned(), cause: error.to_string() },
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
            return Self::Full;
        }
        Self::Failed { cause: error.to_string() }
    }
}
