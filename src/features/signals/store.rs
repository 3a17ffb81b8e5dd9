//! What survives a restart: whose account may not be used, and which tokens were taken.

use super::standing::{AccountName, Standing};
use super::taken::TAKEN_MAX;
use super::token::GOOD_FOR;
use crate::domain::application::ProviderName;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "signals",
    steps: &[
        "CREATE TABLE signal_account (
        provider TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        is_barred BIGINT NOT NULL,
        since BIGINT NOT NULL,
        PRIMARY KEY (provider, kind, name)
    )",
        "CREATE TABLE signal_taken (digest BLOB PRIMARY KEY, until BIGINT NOT NULL)",
        "CREATE INDEX signal_taken_until ON signal_taken (until)",
        "CREATE TABLE signal_claim (digest BLOB PRIMARY KEY, until BIGINT NOT NULL)",
    ],
};

/// Keeps how an account stands, and forgets what matters no more.
pub(super) fn put_account(provider: &ProviderName, name: &AccountName, standing: Standing) -> Statement {
    let (kind, name) = name.parts();
    Statement::new(
        "INSERT INTO signal_account (provider, kind, name, is_barred, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (provider, kind, name) DO UPDATE SET is_barred = $4, since = $5
         WHERE signal_account.since <= $5",
    )
    .with(provider.as_str())
    .with(kind)
    .with(name)
    .with(i64::from(standing.is_barred))
    .with(standing.since.as_millis())
}

pub(super) fn forget_accounts(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM signal_account WHERE is_barred = 0 AND since < $1")
        .with(now.minus(GOOD_FOR).as_millis())
}

pub(super) fn put_taken(token: &Digest, until: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO signal_taken (digest, until) VALUES ($1, $2)
         ON CONFLICT (digest) DO UPDATE SET until = $2",
    )
    .with(&token.as_bytes()[..])
    .with(until.as_millis())
}

pub(super) fn forget_taken(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM signal_taken WHERE until < $1").with(now.as_millis())
}

/// A node is at a token until then, unless another one is; then it changes no row.
pub(super) fn claim(token: &Digest, now: Timestamp, until: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO signal_claim (digest, until) VALUES ($1, $2)
         ON CONFLICT (digest) DO UPDATE SET until = $2 WHERE signal_claim.until < $3",
    )
    .with(&token.as_bytes()[..])
    .with(until.as_millis())
    .with(now.as_millis())
}

pub(super) fn leave(token: &Digest) -> Statement {
    Statement::new("DELETE FROM signal_claim WHERE digest = $1").with(&token.as_bytes()[..])
}

/// Of nodes that have gone while they were at it.
pub(super) fn forget_claims(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM signal_claim WHERE until < $1").with(now.as_millis())
}

pub(super) fn until(token: &Digest) -> Statement {
    Statement::new("SELECT until FROM signal_taken WHERE digest = $1").with(&token.as_bytes()[..])
}

/// How one account stands.
pub(super) fn account(provider: &ProviderName, name: &AccountName) -> Statement {
    let (kind, name) = name.parts();
    Statement::new(
        "SELECT provider, kind, name, is_barred, since FROM signal_account
         WHERE provider = $1 AND kind = $2 AND name = $3",
    )
    .with(provider.as_str())
    .with(kind)
    .with(name)
}

pub(super) const ACCOUNTS: &str = "SELECT provider, kind, name, is_barred, since FROM signal_account";

/// Every account of which something was signalled. Blocks: for the start.
pub(super) fn accounts(store: &Store) -> Result<Vec<(ProviderName, AccountName, Standing)>, StoreError> {
    let rows = store.read(&Statement::new(ACCOUNTS))?;
    let mut unreadable = 0_usize;
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        match read_account(&row) {
            Some(account) => accounts.push(account),
            None => unreadable += 1,
        }
    }
    if unreadable > 0 {
        tracing::error!(signals.unreadable = unreadable, "stored accounts that cannot be read are ignored");
    }
    Ok(accounts)
}

/// The tokens that were taken last. Blocks: for the start.
pub(super) fn taken(store: &Store) -> Result<Vec<(Digest, Timestamp)>, StoreError> {
    let rows = store.read(
        &Statement::new("SELECT digest, until FROM signal_taken ORDER BY until DESC LIMIT $1")
            .with(i64::try_from(TAKEN_MAX).unwrap_or(i64::MAX)),
    )?;
    let read = |row: &Row| {
        let digest = row.bytes(0).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())?;
        Some((Digest::from_bytes(digest), Timestamp::from_millis(row.integer(1).ok()?)))
    };
    Ok(rows.iter().rev().filter_map(read).collect())
}

pub(super) fn read_account(row: &Row) -> Option<(ProviderName, AccountName, Standing)> {
    let name = AccountName::of_parts(row.text(1).ok()?, row.text(2).ok()?)?;
    let since = Timestamp::from_millis(row.integer(4).ok()?);
    Some((row.text(0).ok()?.parse().ok()?, name, Standing { is_barred: row.integer(3).ok()? != 0, since }))
}
