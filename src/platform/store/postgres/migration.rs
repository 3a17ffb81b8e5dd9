//! Brings the database's schema up to date. Of two nodes that start at once the second waits, and finds it done.

use super::super::schema::{LEDGER, Migrations, NOTE_STEP, STANDS_AT};
use super::super::{Statement, StoreError};
use super::connect::{Connector, Link};
use super::{feed, lock};

/// Runs the steps that are missing, all or none. A database that is ahead of us is left as it is and refused.
pub(super) async fn run(
    link: &mut Link,
    parts: &[Migrations],
    connector: &Connector,
) -> Result<(), StoreError> {
    link.command(lock::BEGIN).await?;
    link.command(LEDGER).await?;
    for part in parts.iter().chain([&feed::MIGRATIONS]) {
        let found = stands_at(link, part.part).await?;
        let known = part.known();
        if found > known {
            let (store, part) = (connector.to_string(), part.part.to_owned());
            return Err(StoreError::Newer { store, part, found, known });
        }
        for step in part.missing(found) {
            link.command(&in_dialect(step)).await?;
        }
        link.execute(&Statement::new(NOTE_STEP).with(part.part).with(known)).await?;
    }
    // Whatever fails before ends the connection, and the transaction with it.
    link.command("COMMIT").await
}

pub(super) async fn stands_at(link: &mut Link, part: &str) -> Result<i64, StoreError> {
    let rows = link.rows(&Statement::new(STANDS_AT).with(part)).await?;
    rows.first().ok_or(StoreError::Unexpected)?.integer(0)
}

/// The one type that the engines call by different names.
fn in_dialect(step: &str) -> String {
    step.replace(" BLOB", " BYTEA")
}
