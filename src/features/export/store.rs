//! How far each export has come, over a restart.

use super::settings::ExportName;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Migrations, Statement, Store, StoreError};

/// The schema of this feature: each node has a journal of its own, and so a place of its own in it.
pub const MIGRATIONS: Migrations = Migrations {
    part: "export",
    steps: &["CREATE TABLE export_position (
        node TEXT NOT NULL,
        name TEXT NOT NULL,
        ended BIGINT NOT NULL,
        resumes BIGINT NOT NULL,
        kept_at BIGINT NOT NULL,
        PRIMARY KEY (node, name)
    )"],
};

/// A place in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// All events were handed over that ended with this entry or before it.
    pub ended: u64,
    /// The journal is read from this entry on, so that none is missed that was under way then.
    pub resumes: u64,
}

/// Where an export of a node has come to; none where it never was anywhere.
pub(super) async fn position(
    store: &Store,
    node: &str,
    name: &ExportName,
) -> Result<Option<Position>, StoreError> {
    let query = Statement::new("SELECT ended, resumes FROM export_position WHERE node = $1 AND name = $2")
        .with(node)
        .with(name.as_str());
    let rows = store.find(query).await?;
    let number = |number: i64| u64::try_from(number).map_err(|_| StoreError::Unexpected);
    rows.first()
        .map(|row| Ok(Position { ended: number(row.integer(0)?)?, resumes: number(row.integer(1)?)? }))
        .transpose()
}

pub(super) fn put(node: &str, name: &ExportName, position: Position, now: Timestamp) -> Statement {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Statement::new(
        "INSERT INTO export_position (node, name, ended, resumes, kept_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (node, name) DO UPDATE SET ended = $3, resumes = $4, kept_at = $5",
    )
    .with(node)
    .with(name.as_str())
    .with(number(position.ended))
    .with(number(position.resumes))
    .with(now.as_millis())
}
