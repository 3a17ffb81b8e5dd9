//! Brings the file's schema up to date.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::super::StoreError;
use super::super::schema::{LEDGER, Migrations, NOTE_STEP, STANDS_AT};
use super::opening;

/// Runs the steps that are missing. A file that is ahead of us is left as it is and refused.
pub(super) fn run(connection: &mut Connection, parts: &[Migrations], path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| opening(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    transaction.execute(LEDGER, []).map_err(failed)?;
    for part in parts {
        let found: i64 = transaction.query_row(STANDS_AT, [part.part], |row| row.get(0)).map_err(failed)?;
        let known = part.known();
        if found > known {
            let (store, part) = (path.display().to_string(), part.part.to_owned());
            return Err(StoreError::Newer { store, part, found, known });
        }
        for step in part.missing(found) {
            transaction.execute_batch(step).map_err(failed)?;
        }
        transaction.execute(NOTE_STEP, rusqlite::params![part.part, known]).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}
