//! Sessions in the store: one row each. The token is not there, only its digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use super::bond::Bond;
use super::finding::FoundAt;
use super::id_token::SealedIdToken;
use super::session::{Session, State};
use crate::domain::application::ProviderName;
use crate::domain::assurance::Assurance;
use crate::domain::device::DeviceClass;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Justification, Subject};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;
use crate::platform::store::{Migrations, Row, Statement};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "session",
    steps: &[
        "CREATE TABLE session (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        body TEXT NOT NULL,
        id_token TEXT,
        created BIGINT NOT NULL,
        absolute_end BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    )",
        "ALTER TABLE session ADD COLUMN revision BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE session ADD COLUMN locked BIGINT",
        "ALTER TABLE session ADD COLUMN proven BIGINT NOT NULL DEFAULT 0",
        "CREATE TABLE house_key (name TEXT PRIMARY KEY, key BLOB NOT NULL)",
        super::usual::SCHEMA,
        super::usual::SCHEMA_OF_OLD,
        "ALTER TABLE session ADD COLUMN sealed_id_token BLOB",
        // In clear, and by what it could be sealed nobody has here: these sessions end without it.
        "UPDATE session SET id_token = NULL",
        "ALTER TABLE session ADD COLUMN expired BIGINT",
    ],
};

/// What a row's `body` holds, as JSON.
#[derive(Serialize, Deserialize)]
struct Body {
    host: Arc<str>,
    provider: ProviderName,
    subject: Arc<Subject>,
    assurance: Assurance,
    purpose: Purpose,
    #[serde(default)]
    purpose_chosen: bool,
    justifications: Vec<Justification>,
    provider_sid: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    device: Option<DeviceClass>,
    #[serde(default)]
    bond: Bond,
}

/// A row that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("a stored session cannot be read")]
pub(super) struct Unreadable;

pub(super) fn insert(session: &Session) -> Result<Statement, Unreadable> {
    Ok(Statement::new(
        "INSERT INTO session (id, digest, body, sealed_id_token, created, absolute_end, last_seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .with(session.id.to_string())
    .with(&session.digest.as_bytes()[..])
    .with(body(session)?)
    .with(session.id_token.as_ref().map(SealedIdToken::as_bytes))
    .with(session.created.as_millis())
    .with(session.absolute_end.as_millis())
    .with(session.last_seen().as_millis()))
}

/// An update of the row as it was at `before`, never an insert: what was ended meanwhile does not come back, and what
/// another node has changed meanwhile, or found expired, is not lost. Then it changes no row.
pub(super) fn update(session: &Session, before: i64) -> Result<Statement, Unreadable> {
    let locked = (session.state() == State::Locked).then(|| session.gone().as_millis());
    Ok(Statement::new(
        "UPDATE session SET digest = $2, body = $3, sealed_id_token = $4, locked = $5, revision = $6
         WHERE id = $1 AND revision = $7 AND expired IS NULL",
    )
    .with(session.id.to_string())
    .with(&session.digest.as_bytes()[..])
    .with(body(session)?)
    .with(session.id_token.as_ref().map(SealedIdToken::as_bytes))
    .with(locked)
    .with(session.revision())
    .with(before))
}

/// Notes since when a session is locked, unless it has been changed since.
pub(super) fn lock(found: FoundAt) -> Statement {
    noting("UPDATE session SET locked = $2 WHERE id = $1 AND revision = $3", found)
}

/// Notes when a session was found expired, unless it has been changed since.
pub(super) fn expire(found: FoundAt) -> Statement {
    noting("UPDATE session SET expired = $2 WHERE id = $1 AND revision = $3 AND expired IS NULL", found)
}

fn noting(sql: &'static str, found: FoundAt) -> Statement {
    let FoundAt { id, revision, since } = found;
    Statement::new(sql).with(id.to_string()).with(since.as_millis()).with(revision)
}

/// Notes which challenge a device has answered; it changes no row where that one, or a later one, was answered before.
pub(super) fn note_proven(id: SessionId, asked: Timestamp) -> Statement {
    Statement::new("UPDATE session SET proven = $2 WHERE id = $1 AND proven < $2")
        .with(id.to_string())
        .with(asked.as_millis())
}

/// Marks `last_seen` as saved, and gives the statement that saves it.
pub(super) fn save_seen(session: &Session) -> Statement {
    // First the mark, then the reading: whoever is seen in between is saved with the next batch.
    session.unsaved.store(false, Ordering::SeqCst);
    Statement::new("UPDATE session SET last_seen = $2 WHERE id = $1 AND last_seen < $2")
        .with(session.id.to_string())
        .with(session.last_seen().as_millis())
}

pub(super) fn delete(id: SessionId) -> Statement {
    delete_row(&id.to_string())
}

pub(super) fn delete_row(id: &str) -> Statement {
    Statement::new("DELETE FROM session WHERE id = $1").with(id)
}

/// Of a session that is over; one that goes on at another node stays.
pub(super) fn delete_at(session: &Session) -> Statement {
    Statement::new("DELETE FROM session WHERE id = $1 AND revision = $2")
        .with(session.id.to_string())
        .with(session.revision())
}

pub(super) fn all() -> Statement {
    Statement::new(
        "SELECT id, digest, body, sealed_id_token, created, absolute_end, last_seen, revision, locked, expired
         FROM session",
    )
}

pub(super) fn one(id: SessionId) -> Statement {
    Statement::new(
        "SELECT id, digest, body, sealed_id_token, created, absolute_end, last_seen, revision, locked, expired
         FROM session
         WHERE id = $1",
    )
    .with(id.to_string())
}

pub(super) fn under(digest: &Digest) -> Statement {
    Statement::new(
        "SELECT id, digest, body, sealed_id_token, created, absolute_end, last_seen, revision, locked, expired
         FROM session
         WHERE digest = $1",
    )
    .with(&digest.as_bytes()[..])
}

/// Makes the key of the house, if there is none.
pub(super) fn put_house_key(key: &[u8]) -> Statement {
    Statement::new("INSERT INTO house_key (name, key) VALUES ('words', $1) ON CONFLICT (name) DO NOTHING")
        .with(key)
}

pub(super) fn house_key() -> Statement {
    Statement::new("SELECT key FROM house_key WHERE name = 'words'")
}

/// A session as its row holds it.
pub(super) fn read(row: &Row, version: u64) -> Result<Session, Unreadable> {
    let moment = |column| row.integer(column).map(Timestamp::from_millis).map_err(|_| Unreadable);
    let text = |column| row.text(column).map_err(|_| Unreadable);
    let body: Body = serde_json::from_str(text(2)?).map_err(|_| Unreadable)?;
    let digest = row.bytes(1).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or(Unreadable)?;
    let id_token = row.optional_bytes(3).map_err(|_| Unreadable)?;
    let gone = |column| row.optional_integer(column).map_err(|_| Unreadable);
    let (state, gone) = match (gone(8)?, gone(9)?) {
        (_, Some(expired)) => (State::Expired, expired),
        (Some(locked), None) => (State::Locked, locked),
        (None, None) => (State::Live, 0),
    };
    Ok(Session {
        id: text(0)?.parse().map_err(|_| Unreadable)?,
        host: body.host,
        provider: body.provider,
        subject: body.subject,
        assurance: body.assurance,
        purpose: body.purpose,
        purpose_chosen: body.purpose_chosen,
        justifications: body.justifications,
        created: moment(4)?,
        absolute_end: moment(5)?,
        device: body.device,
        bond: body.bond,
        provider_sid: body.provider_sid,
        id_token: id_token.map(|sealed| SealedIdToken::of(sealed.into())),
        program: None,
        version,
        revision: AtomicI64::new(row.integer(7).map_err(|_| Unreadable)?),
        digest: Digest::from_bytes(digest),
        state: AtomicU8::new(state as u8),
        last_seen: AtomicI64::new(moment(6)?.as_millis()),
        gone: AtomicI64::new(gone),
        unsaved: AtomicBool::new(false),
    })
}

fn body(session: &Session) -> Result<String, Unreadable> {
    serde_json::to_string(&Body {
        host: session.host.clone(),
        provider: session.provider.clone(),
        subject: session.subject.clone(),
        assurance: session.assurance.clone(),
        purpose: session.purpose,
        purpose_chosen: session.purpose_chosen,
        justifications: session.justifications.clone(),
        provider_sid: session.provider_sid.clone(),
        device: session.device.clone(),
        bond: session.bond.clone(),
    })
    .map_err(|_| Unreadable)
}
