//! For what a person said last that they work: offered first the next time. It decides nothing by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::sessions::lock;
use crate::domain::purpose::Purpose;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Row, Statement, Store, StoreError};

/// What this adds to the schema of sessions.
pub(super) const SCHEMA: &str = "CREATE TABLE session_purpose (
    issuer TEXT NOT NULL,
    sub TEXT NOT NULL,
    purpose TEXT NOT NULL,
    said BIGINT NOT NULL,
    PRIMARY KEY (issuer, sub)
)";

/// What people said last.
#[derive(Debug, Default)]
pub(super) struct UsualPurposes(Mutex<HashMap<SubjectId, Purpose>>);

impl UsualPurposes {
    /// What the store knows; what nobody has said for a year is forgotten. Blocks: for the start.
    pub(super) fn load(store: &Store, now: Timestamp) -> Result<Self, StoreError> {
        let rows = store.read(
            &Statement::new(
                "SELECT issuer, sub, purpose FROM session_purpose WHERE said > $1 ORDER BY said DESC LIMIT $2",
            )
            .with(now.minus(LASTS).as_millis())
            .with(i64::try_from(PEOPLE_MAX).unwrap_or(i64::MAX)),
        )?;
        Ok(Self(Mutex::new(rows.iter().filter_map(read).collect())))
    }

    /// What somebody said last.
    pub(super) fn of(&self, person: &SubjectId) -> Option<Purpose> {
        lock(&self.0).get(person).copied()
    }

    /// Another node has kept what somebody said there.
    pub(super) fn hear(&self, person: &SubjectId, purpose: Purpose) {
        self.note(person, purpose);
    }

    /// Keeps it. A store that does not take it costs a click the next time, and nothing else.
    pub(super) async fn keep(&self, store: &Store, person: &SubjectId, purpose: Purpose, now: Timestamp) {
        if !self.note(person, purpose) {
            return;
        }
        let forget =
            Statement::new("DELETE FROM session_purpose WHERE said <= $1").with(now.minus(LASTS).as_millis());
        if let Err(error) = store.write(vec![forget, save(person, purpose, now)]).await {
            tracing::warn!(%error, "the purpose that somebody chose is not remembered");
        }
    }

    /// Whether there is room for it.
    fn note(&self, person: &SubjectId, purpose: Purpose) -> bool {
        let mut people = lock(&self.0);
        let has_room = people.len() < PEOPLE_MAX || people.contains_key(person);
        if has_room {
            people.insert(person.clone(), purpose);
        }
        has_room
    }
}

fn save(person: &SubjectId, purpose: Purpose, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO session_purpose (issuer, sub, purpose, said) VALUES ($1, $2, $3, $4)
         ON CONFLICT (issuer, sub) DO UPDATE SET purpose = $3, said = $4",
    )
    .with(&*person.issuer)
    .with(&*person.sub)
    .with(purpose.as_str())
    .with(now.as_millis())
}

/// A purpose that is none any more is not offered first.
fn read(row: &Row) -> Option<(SubjectId, Purpose)> {
    let id = SubjectId { issuer: Arc::from(row.text(0).ok()?), sub: Arc::from(row.text(1).ok()?) };
    Some((id, row.text(2).ok()?.parse().ok()?))
}

const PEOPLE_MAX: usize = 100_000;
const LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);
