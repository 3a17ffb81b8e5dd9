//! The schema: numbered steps per part, each run once, all inside one transaction.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, opening};

/// The steps of one part of the schema. A step that has been released is never changed; what must
/// change is a further step.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// The part's name.
    pub part: &'static str,
    /// The steps, the first is number 1. Each may hold several statements.
    pub steps: &'static [&'static str],
}

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_part (
    part TEXT PRIMARY KEY,
    step BIGINT NOT NULL
)";

/// Runs the steps that are missing. A file that is ahead of us is left as it is and refused.
pub(super) fn run(connection: &mut Connection, parts: &[Migrations], path: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| opening(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    transaction.execute(LEDGER, []).map_err(failed)?;
    let stands = |part: &str| {
        transaction.query_row(
            "SELECT coalesce(max(step), 0) FROM schema_part WHERE part = $1",
            [part],
            |row| row.get(0),
        )
    };
    for Migrations { part, steps } in parts {
        let found: i64 = stands(part).map_err(failed)?;
        let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
        if found > known {
            let (path, part) = (path.to_owned(), (*part).to_owned());
            return Err(StoreError::Newer { path, part, found, known });
        }
        for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(step).map_err(failed)?;
        }
        transaction
            .execute(
                "INSERT INTO schema_part (part, step) VALUES ($1, $2)
                 ON CONFLICT (part) DO UPDATE SET step = excluded.step",
                rusqlite::params![part, known],
            )
            .map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}
