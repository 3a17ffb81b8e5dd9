//! Entries in the store: a row each, sealed. What stands beside the sealed text says whose it is and for how long.

use std::sync::Arc;

use super::table::{Entry, Owner, Standing};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::HoldId;
use crate::platform::seal::Sealed;
use crate::platform::store::{Migrations, Row, Statement};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "hold",
    steps: &["CREATE TABLE hold (
        id TEXT PRIMARY KEY,
        browser BLOB NOT NULL,
        fingerprint BLOB NOT NULL,
        host TEXT NOT NULL,
        application TEXT NOT NULL,
        route TEXT,
        issuer TEXT,
        sub TEXT,
        is_claimed BIGINT NOT NULL,
        created BIGINT NOT NULL,
        expires BIGINT NOT NULL,
        bytes BIGINT NOT NULL,
        was_sent BIGINT NOT NULL,
        salt BLOB NOT NULL,
        nonce BLOB NOT NULL,
        text BLOB NOT NULL
    )"],
};

/// A row that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("a held entry cannot be read")]
pub(super) struct Unreadable;

pub(super) fn insert(entry: &Entry, sealed: &Sealed) -> Statement {
    let person = entry.owner.person();
    Statement::new(
        "INSERT INTO hold (id, browser, fingerprint, host, application, route, issuer, sub, created, expires, bytes,
         is_claimed, was_sent, salt, nonce, text)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, $12, $13, $14)",
    )
    .with(entry.id.to_string())
    .with(&entry.browser.as_bytes()[..])
    .with(&entry.fingerprint.as_bytes()[..])
    .with(&*entry.host)
    .with(entry.application.as_str())
    .with(entry.route.as_ref().map(crate::domain::application::RouteName::as_str))
    .with(person.map(|person| &*person.issuer))
    .with(person.map(|person| &*person.sub))
    .with(entry.created.as_millis())
    .with(entry.expires.as_millis())
    .with(i64::try_from(entry.bytes).unwrap_or(i64::MAX))
    .with(&sealed.salt[..])
    .with(&sealed.nonce[..])
    .with(&sealed.text[..])
}

/// A stranger's entry that is somebody's now.
pub(super) fn claim(id: HoldId, person: &SubjectId) -> Statement {
    Statement::new("UPDATE hold SET issuer = $2, sub = $3, is_claimed = 1 WHERE id = $1 AND issuer IS NULL")
        .with(id.to_string())
        .with(&*person.issuer)
        .with(&*person.sub)
}

/// Whether it may have been sent; it changes no row that says so already.
pub(super) fn mark(id: HoldId, was_sent: bool) -> Statement {
    Statement::new("UPDATE hold SET was_sent = $2 WHERE id = $1 AND was_sent <> $2")
        .with(id.to_string())
        .with(i64::from(was_sent))
}

pub(super) fn delete(id: HoldId) -> Statement {
    Statement::new("DELETE FROM hold WHERE id = $1").with(id.to_string())
}

/// What there is, without what is sealed.
pub(super) fn all() -> Statement {
    Statement::new(
        "SELECT id, browser, fingerprint, host, application, route, issuer, sub, created, expires, bytes,
         is_claimed, was_sent
         FROM hold",
    )
}

/// One, without what is sealed.
pub(super) fn one(id: HoldId) -> Statement {
    Statement::new(
        "SELECT id, browser, fingerprint, host, application, route, issuer, sub, created, expires, bytes,
         is_claimed, was_sent
         FROM hold WHERE id = $1",
    )
    .with(id.to_string())
}

/// What is sealed of one.
pub(super) fn sealed(id: HoldId) -> Statement {
    Statement::new("SELECT salt, nonce, text FROM hold WHERE id = $1").with(id.to_string())
}

pub(super) fn read(row: &Row) -> Result<Entry, Unreadable> {
    let text = |column| row.text(column).map_err(|_| Unreadable);
    let optional = |column| row.optional_text(column).map_err(|_| Unreadable);
    let moment = |column| row.integer(column).map(Timestamp::from_millis).map_err(|_| Unreadable);
    let owner = match (optional(6)?, optional(7)?) {
        (Some(issuer), Some(sub)) => Owner::Person(SubjectId { issuer: issuer.into(), sub: sub.into() }),
        (None, None) => Owner::Stranger(None),
        (Some(_), None) | (None, Some(_)) => return Err(Unreadable),
    };
    let flag = |column| row.integer(column).map(|flag| flag != 0).map_err(|_| Unreadable);
    let was_sent = flag(12)?;
    Ok(Entry {
        id: text(0)?.parse().map_err(|_| Unreadable)?,
        browser: digest(row, 1)?,
        fingerprint: digest(row, 2)?,
        host: Arc::from(text(3)?),
        application: text(4)?.parse().map_err(|_| Unreadable)?,
        route: optional(5)?.map(str::parse).transpose().map_err(|_| Unreadable)?,
        owner,
        created: moment(8)?,
        expires: moment(9)?,
        bytes: row.integer(10).ok().and_then(|bytes| usize::try_from(bytes).ok()).ok_or(Unreadable)?,
        is_claimed: flag(11)?,
        standing: if was_sent { Standing::Uncertain } else { Standing::Waiting },
        is_ours: false,
    })
}

pub(super) fn read_sealed(row: &Row) -> Result<Sealed, Unreadable> {
    let bytes = |column| row.bytes(column).map_err(|_| Unreadable);
    Ok(Sealed {
        salt: bytes(0)?.try_into().map_err(|_| Unreadable)?,
        nonce: bytes(1)?.try_into().map_err(|_| Unreadable)?,
        text: bytes(2)?.to_vec(),
    })
}

fn digest(row: &Row, column: usize) -> Result<Digest, Unreadable> {
    let bytes = row.bytes(column).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(Digest::from_bytes).ok_or(Unreadable)
}
