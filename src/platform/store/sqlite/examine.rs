//! Looks at a store without changing it: no migration, no file made, nothing put in order.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::super::StoreError;
use super::super::schema::{Condition, Migrations, STANDS_AT};
use super::{BUSY_TIMEOUT, beside, opening, take, unopened};

/// Looks at the store at `path`. One that is in use is not looked into, and is an error like one that
/// could not be opened.
pub fn examine(path: &Path, parts: &[Migrations]) -> Result<Condition, StoreError> {
    let lock = match File::open(beside(path, ".lock")) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(unopened(path, &error)),
    };
    // Held for as long as it takes, so that no gateway starts on what is being read.
    lock.iter().try_for_each(|lock| take(lock, path))?;
    let connection = open(path)?;
    let failed = |error: rusqlite::Error| opening(path, &error);
    let sound: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if sound != "ok" {
        return Err(StoreError::Damaged { path: path.to_owned() });
    }
    let mut condition = Condition::UpToDate;
    for part in parts {
        let (found, known) = (step(&connection, part.part).map_err(failed)?, part.known());
        if found > known {
            let (store, part) = (path.display().to_string(), part.part.to_owned());
            return Err(StoreError::Newer { store, part, found, known });
        }
        if found < known {
            condition = Condition::Older;
        }
    }
    Ok(condition)
}

/// For reading alone. After a clean end all is in one file, which SQLite then takes as it is (`immutable`)
/// instead of making others beside it; what a killed process has left beside it belongs to it.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| opening(path, &error);
    let has_log = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_log {
        Connection::open_with_flags(path, flags)
    } else {
        let absolute = std::path::absolute(path).map_err(|error| unopened(path, &error))?;
        let mut place = url::Url::from_file_path(absolute)
            .map_err(|()| unopened(path, &std::io::ErrorKind::InvalidFilename.into()))?;
        place.set_query(Some("immutable=1"));
        Connection::open_with_flags(place.as_str(), flags | OpenFlags::SQLITE_OPEN_URI)
    };
    let connection = connection.map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    Ok(connection)
}

fn step(connection: &Connection, part: &str) -> rusqlite::Result<i64> {
    let ledger = connection
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_part'",
            [],
            |_| Ok(()),
        )
        .optional()?;
    if ledger.is_none() {
        return Ok(0);
    }
    connection.query_row(STANDS_AT, [part], |row| row.get(0))
}
