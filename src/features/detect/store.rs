//! What survives a restart: items, what is usual for people, and how far the journal was read.

use std::sync::Arc;

use super::person::Body;
use super::review::{ITEMS_MAX, Item};
use super::watcher::{Baseline, PEOPLE_MAX};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::DetectionId;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "detect",
    steps: &[
        "CREATE TABLE detect_item (id TEXT PRIMARY KEY, began BIGINT NOT NULL, body TEXT NOT NULL)",
        "CREATE TABLE detect_person (
        issuer TEXT NOT NULL,
        sub TEXT NOT NULL,
        body TEXT NOT NULL,
        last_seen BIGINT NOT NULL,
        PRIMARY KEY (issuer, sub)
    )",
        "CREATE TABLE detect_position (one BIGINT PRIMARY KEY, sequence BIGINT NOT NULL, time BIGINT NOT NULL)",
    ],
};

/// How far the journal was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last entry that was read.
    pub sequence: u64,
    /// The latest time that was seen in it.
    pub time: Timestamp,
}

pub(super) fn put_item(item: &Item) -> Option<Statement> {
    // A body of ours can always be written; one that could not would be refused by the store instead.
    let body = serde_json::to_string(item).ok()?;
    Some(
        Statement::new(
            "INSERT INTO detect_item (id, began, body) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET body = $3",
        )
        .with(item.detection.id.to_string())
        .with(item.began.as_millis())
        .with(body),
    )
}

pub(super) fn forget_item(id: DetectionId) -> Statement {
    Statement::new("DELETE FROM detect_item WHERE id = $1").with(id.to_string())
}

pub(super) fn put_person(id: &SubjectId, baseline: Option<&Baseline>, now: Timestamp) -> Statement {
    let Some(body) = baseline.and_then(|baseline| serde_json::to_string(&baseline.0).ok()) else {
        return Statement::new("DELETE FROM detect_person WHERE issuer = $1 AND sub = $2")
            .with(&*id.issuer)
            .with(&*id.sub);
    };
    Statement::new(
        "INSERT INTO detect_person (issuer, sub, body, last_seen) VALUES ($1, $2, $3, $4)
         ON CONFLICT (issuer, sub) DO UPDATE SET body = $3, last_seen = $4",
    )
    .with(&*id.issuer)
    .with(&*id.sub)
    .with(body)
    .with(now.as_millis())
}

pub(super) fn put_position(position: Position) -> Statement {
    Statement::new(
        "INSERT INTO detect_position (one, sequence, time) VALUES (1, $1, $2)
         ON CONFLICT (one) DO UPDATE SET sequence = $1, time = $2",
    )
    .with(i64::try_from(position.sequence).unwrap_or(i64::MAX))
    .with(position.time.as_millis())
}

pub(super) fn forget_position() -> Statement {
    Statement::new("DELETE FROM detect_position")
}

/// How far the journal was read; none where it never was. Blocks.
pub(super) fn position(store: &Store) -> Result<Option<Position>, StoreError> {
    let rows = store.read(&Statement::new("SELECT sequence, time FROM detect_position"))?;
    rows.first()
        .map(|row| {
            let sequence = u64::try_from(row.integer(0)?).map_err(|_| StoreError::Unexpected)?;
            Ok(Position { sequence, time: Timestamp::from_millis(row.integer(1)?) })
        })
        .transpose()
}

/// The items. Blocks: for the start.
pub(super) fn items(store: &Store) -> Result<Vec<Item>, StoreError> {
    let rows = store.read(
        &Statement::new("SELECT body FROM detect_item ORDER BY began DESC LIMIT $1")
            .with(i64::try_from(ITEMS_MAX).unwrap_or(i64::MAX)),
    )?;
    let items: Vec<Item> =
        rows.iter().filter_map(|row| serde_json::from_str(row.text(0).ok()?).ok()).collect();
    complain("items for review", rows.len() - items.len());
    Ok(items)
}

/// What is known of people. Blocks.
pub(super) fn people(store: &Store) -> Result<Vec<(SubjectId, Baseline)>, StoreError> {
    let rows = store.read(
        &Statement::new("SELECT issuer, sub, body FROM detect_person ORDER BY last_seen DESC LIMIT $1")
            .with(i64::try_from(PEOPLE_MAX).unwrap_or(i64::MAX)),
    )?;
    let read = |row: &Row| {
        let id = SubjectId { issuer: Arc::from(row.text(0).ok()?), sub: Arc::from(row.text(1).ok()?) };
        Some((id, Baseline(serde_json::from_str::<Body>(row.text(2).ok()?).ok()?)))
    };
    let people: Vec<_> = rows.iter().filter_map(read).collect();
    complain("what is usual for people", rows.len() - people.len());
    Ok(people)
}

fn complain(what: &'static str, unreadable: usize) {
    if unreadable > 0 {
        tracing::error!(detect.unreadable = unreadable, what, "what is stored cannot be read and is ignored");
    }
}
