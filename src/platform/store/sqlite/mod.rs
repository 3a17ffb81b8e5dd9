//! SQLite: one file in WAL mode, made on first start, for one node.
//!
//! One thread writes, and commits all that waits in one transaction (group commit), so that the
//! cost of a sync is shared. The file belongs to one process: a second one is refused at start.

mod examine;
mod migration;
mod value;
mod writer;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::schema::Migrations;
use super::{Row, Statement, StoreError, WAITING_MAX};

pub use examine::examine;

/// A file that is open.
#[derive(Debug)]
pub(super) struct Database {
    writer: writer::Writer,
    reader: Mutex<Connection>,
    /// Held for as long as the store is open.
    _lock: File,
}

/// How long a statement waits for a lock, such as a backup's, before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    pub(super) fn open(path: &Path, parts: &[Migrations]) -> Result<Self, StoreError> {
        let lock = claim(path)?;
        let mut connection = connect(path)?;
        migration::run(&mut connection, parts, path)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true).map_err(|error| opening(path, &error))?;
        let writer =
            writer::Writer::start(connection, WAITING_MAX).map_err(|error| unopened(path, &error))?;
        Ok(Self { writer, reader: Mutex::new(reader), _lock: lock })
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<usize>, StoreError> {
        self.writer.write(statements).await
    }

    pub(super) fn read(&self, query: &Statement) -> Result<Vec<Row>, StoreError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        value::rows(query, &reader)
    }

    /// How many writes wait.
    pub(super) fn waiting(&self) -> usize {
        self.writer.waiting()
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
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
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
    StoreError::Unopened { store: path.display().to_string(), cause: error.to_string() }
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
        Some(_) | None => {
            StoreError::Unopened { store: path.display().to_string(), cause: error.to_string() }
        }
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
