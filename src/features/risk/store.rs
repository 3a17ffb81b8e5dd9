//! What is known of people, in the store: a row each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::judge::{Answer, Person};
use super::profile::Profile;
use super::told::Told;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "risk",
    steps: &[
        "CREATE TABLE risk_person (
        issuer TEXT NOT NULL,
        sub TEXT NOT NULL,
        body TEXT NOT NULL,
        last_seen BIGINT NOT NULL,
        PRIMARY KEY (issuer, sub)
    )",
        "ALTER TABLE risk_person ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",
    ],
};

/// What a row holds: no name and no patient, and of a browser only a digest.
#[derive(Serialize, Deserialize)]
struct Body {
    profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    told: Option<Told>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    answers: Vec<Answer>,
}

/// What makes it last what is known of a person now. It changes no row that another node has written meanwhile.
pub(super) fn save(id: &SubjectId, person: &Person) -> Statement {
    let last = person.profile.last().or(person.told.as_ref().map(|told| told.since));
    let body =
        Body { profile: person.profile.clone(), told: person.told.clone(), answers: person.answers.clone() };
    let (Some(last), Ok(body)) = (last, serde_json::to_string(&body)) else { return delete(id) };
    Statement::new(
        "INSERT INTO risk_person (issuer, sub, body, last_seen, revision) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (issuer, sub) DO UPDATE SET body = $3, last_seen = $4, revision = risk_person.revision + 1
         WHERE risk_person.revision = $5",
    )
    .with(&*id.issuer)
    .with(&*id.sub)
    .with(body)
    .with(last.as_millis())
    .with(person.revision)
}

pub(super) fn one(id: &SubjectId) -> Statement {
    Statement::new("SELECT issuer, sub, body, revision FROM risk_person WHERE issuer = $1 AND sub = $2")
        .with(&*id.issuer)
        .with(&*id.sub)
}

pub(super) fn all() -> Statement {
    Statement::new("SELECT issuer, sub, body, revision FROM risk_person")
}

/// Whether there is nothing of a person to be kept.
pub(super) fn is_nothing(person: &Person) -> bool {
    person.profile.last().is_none() && person.told.is_none()
}

pub(super) fn delete(id: &SubjectId) -> Statement {
    Statement::new("DELETE FROM risk_person WHERE issuer = $1 AND sub = $2").with(&*id.issuer).with(&*id.sub)
}

/// Everybody of whom the store knows something. Blocks: for the start.
pub(super) fn load(store: &Store, now: Timestamp) -> Result<Vec<(SubjectId, Person)>, StoreError> {
    let rows = store.read(&all())?;
    let all = rows.len();
    let people: Vec<_> = rows.iter().filter_map(|row| read(row, now)).collect();
    if people.len() < all {
        // Of whom nothing is known, all is new: it asks for more, and for no less.
        tracing::error!(
            risk.unreadable = all - people.len(),
            "what is known of people cannot be read and is ignored"
        );
    }
    Ok(people)
}

pub(super) fn read(row: &Row, now: Timestamp) -> Option<(SubjectId, Person)> {
    let id = SubjectId { issuer: Arc::from(row.text(0).ok()?), sub: Arc::from(row.text(1).ok()?) };
    let Body { mut profile, told, answers } = serde_json::from_str(row.text(2).ok()?).ok()?;
    profile.age(now);
    Some((id, Person::of(profile, told, answers, row.integer(3).ok()?)))
}
