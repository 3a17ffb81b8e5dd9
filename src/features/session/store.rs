//! Sessions in the store: one row each. The token is not there, only its digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use super::bond::Bond;
use super::session::{Session, State};
use crate::domain::application::ProviderName;
use crate::domain::assurance::Assurance;
use crate::domain::device::DeviceClass;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Justification, Subject};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
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
        super::usual::SCHEMA,
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
        "INSERT INTO session (id, digest, body, id_token, created, absolute_end, last_seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .with(session.id.to_string())
    .with(&session.digest.as_bytes()[..])
    .with(body(session)?)
    .with(session.id_token.as_ref().map(Secret::reveal))
    .with(session.created.as_millis())
    .with(session.absolute_end.as_millis())
    .with(session.last_seen().as_millis()))
}

/// An update, never an insert: what was ended meanwhile does not come back.
pub(super) fn update(session: &Session) -> Result<Statement, Unreadable> {
    Ok(Statement::new("UPDATE session SET digest = $2, body = $3, id_token = $4 WHERE id = $1")
        .with(session.id.to_string())
        .with(&session.digest.as_bytes()[..])
        .with(body(session)?)
        .with(session.id_token.as_ref().map(Secret::reveal)))
}

/// Marks `last_seen` as saved, and gives the statement that saves it.
pub(super) fn save_seen(session: &Session) -> Statement {
    // First the mark, then the reading: whoever is seen in between is saved with the next batch.
    session.unsaved.store(false, Ordering::SeqCst);
    Statement::new("UPDATE session SET last_seen = $2 WHERE id = $1")
        .with(session.id.to_string())
        .with(session.last_seen().as_millis())
}

pub(super) fn delete(id: SessionId) -> Statement {
    delete_row(&id.to_string())
}

pub(super) fn delete_row(id: &str) -> Statement {
    Statement::new("DELETE FROM session WHERE id = $1").with(id)
}

pub(super) fn all() -> Statement {
    Statement::new("SELECT id, digest, body, id_token, created, absolute_end, last_seen FROM session")
}

/// A session as its row holds it.
pub(super) fn read(row: &Row, version: u64) -> Result<Session, Unreadable> {
    let moment = |column| row.integer(column).map(Timestamp::from_millis).map_err(|_| Unreadable);
    let text = |column| row.text(column).map_err(|_| Unreadable);
    let body: Body = serde_json::from_str(text(2)?).map_err(|_| Unreadable)?;
    let digest = row.bytes(1).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or(Unreadable)?;
    let id_token = row.optional_text(3).map_err(|_| Unreadable)?;
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
        id_token: id_token.map(|token| Secret::new(token.to_owned())),
        program: None,
        version,
        digest: Digest::from_bytes(digest),
        state: AtomicU8::new(State::Live as u8),
        last_seen: AtomicI64::new(moment(6)?.as_millis()),
        gone: AtomicI64::new(0),
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
