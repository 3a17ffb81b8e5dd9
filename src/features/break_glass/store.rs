//! Breaks in the store: a row each. The text holds no name of a patient, and nothing that a person wrote.

use super::state::Break;
use crate::foundation::id::RequestId;
use crate::platform::store::{Migrations, Row, Statement};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "break_glass",
    steps: &["CREATE TABLE break_glass (
        id TEXT PRIMARY KEY,
        began BIGINT NOT NULL,
        body TEXT NOT NULL,
        revision BIGINT NOT NULL
    )"],
};

/// A break as it stands in its row, and how often that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) it: Break,
    pub(super) revision: i64,
}

pub(super) fn insert(it: &Break) -> Option<Statement> {
    let statement =
        Statement::new("INSERT INTO break_glass (id, began, body, revision) VALUES ($1, $2, $3, 1)");
    Some(statement.with(it.id.to_string()).with(it.began.as_millis()).with(serde_json::to_string(it).ok()?))
}

/// Changes no row that somebody has changed meanwhile.
pub(super) fn update(it: &Break, revision: i64) -> Option<Statement> {
    let statement = Statement::new(
        "UPDATE break_glass SET body = $2, revision = revision + 1 WHERE id = $1 AND revision = $3",
    );
    Some(statement.with(it.id.to_string()).with(serde_json::to_string(it).ok()?).with(revision))
}

pub(super) fn delete(id: RequestId) -> Statement {
    Statement::new("DELETE FROM break_glass WHERE id = $1").with(id.to_string())
}

pub(super) fn one(id: RequestId) -> Statement {
    Statement::new("SELECT body, revision FROM break_glass WHERE id = $1").with(id.to_string())
}

/// The latest, of which there may be more than are kept.
pub(super) fn all(most: usize) -> Statement {
    Statement::new("SELECT body, revision FROM break_glass ORDER BY began DESC LIMIT $1")
        .with(i64::try_from(most).unwrap_or(i64::MAX))
}

/// A row that cannot be read is told once, here, and opens nothing.
pub(super) fn read(row: &Row) -> Option<Kept> {
    let it = row.text(0).ok().and_then(|body| serde_json::from_str(body).ok());
    let kept = it.zip(row.integer(1).ok()).map(|(it, revision)| Kept { it, revision });
    if kept.is_none() {
        tracing::error!("an emergency access that is stored cannot be read: is it of another version?");
    }
    kept
}
