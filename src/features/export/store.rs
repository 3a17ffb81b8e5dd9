//! How far each export has come, over a restart.

use super::settings::ExportName;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature: each node has a journal of its own, and so a place of its own in it.
pub const MIGRATIONS: Migrations = Migrations {
    part: "export",
    steps: &[
        "CREATE TABLE export_position (
        node TEXT NOT NULL,
        name TEXT NOT NULL,
        ended BIGINT NOT NULL,
        resumes BIGINT NOT NULL,
        kept_at BIGINT NOT NULL,
        PRIMARY KEY (node, name)
    )",
        "ALTER TABLE export_position ADD COLUMN journal TEXT",
        "ALTER TABLE export_position ADD COLUMN anchor BIGINT",
        "ALTER TABLE export_position ADD COLUMN anchor_hash TEXT",
    ],
};

/// A place in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// All events were handed over that ended with this entry or before it.
    pub ended: u64,
    /// The journal is read from this entry on, so that none is missed that was under way then.
    pub resumes: u64,
    /// An entry that the journal had then: another journal has another there.
    pub anchor: Option<Anchor>,
}

/// An entry by which one journal is told from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its number.
    pub sequence: u64,
    /// Its hash, and so that of all before it.
    pub hash: Digest,
}

/// A place that is kept, and of which journal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place.
    pub position: Position,
    /// The journal's name; none where the place is older than the keeping of it.
    pub journal: Option<String>,
}

/// Where an export of a node has come to; none where it never was anywhere.
pub(super) async fn position(
    store: &Store,
    node: &str,
    name: &ExportName,
) -> Result<Option<Place>, StoreError> {
    let query = Statement::new(
        "SELECT ended, resumes, journal, anchor, anchor_hash FROM export_position WHERE node = $1 AND name = $2",
    )
    .with(node)
    .with(name.as_str());
    let rows = store.find(query).await?;
    rows.first().map(place).transpose()
}

fn place(row: &Row) -> Result<Place, StoreError> {
    let number = |number: i64| u64::try_from(number).map_err(|_| StoreError::Unexpected);
    let anchor = match (row.optional_integer(3)?, row.optional_text(4)?) {
        (Some(sequence), Some(hash)) => {
            let hash = hash.parse().map_err(|_| StoreError::Unexpected)?;
            Some(Anchor { sequence: number(sequence)?, hash })
        }
        (Some(_) | None, None) | (None, Some(_)) => None,
    };
    let (ended, resumes) = (number(row.integer(0)?)?, number(row.integer(1)?)?);
    let journal = row.optional_text(2)?.map(str::to_owned);
    Ok(Place { position: Position { ended, resumes, anchor }, journal })
}

pub(super) fn put(
    node: &str,
    name: &ExportName,
    position: Position,
    journal: &str,
    now: Timestamp,
) -> Statement {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let anchor = position.anchor;
    Statement::new(
        "INSERT INTO export_position (node, name, ended, resumes, kept_at, journal, anchor, anchor_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (node, name) DO UPDATE
         SET ended = $3, resumes = $4, kept_at = $5, journal = $6, anchor = $7, anchor_hash = $8",
    )
    .with(node)
    .with(name.as_str())
    .with(number(position.ended))
    .with(number(position.resumes))
    .with(now.as_millis())
    .with(journal)
    .with(anchor.map(|anchor| number(anchor.sequence)))
    .with(anchor.map(|anchor| anchor.hash.to_string()))
}
