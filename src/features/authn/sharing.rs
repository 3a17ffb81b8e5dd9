//! Sign-ins under way, logout tokens and proofs of possession, where several nodes share a store: whichever node a browser or a provider comes
//! to, what began elsewhere goes on there, and what is good once is good once among all of them.
//!
//! A sign-in is sealed by its own `state`, which only its browser and its provider have, so that the store opens nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::AuthnError;
use super::return_to::ReturnTo;
use super::sign_in::Current;
use super::transaction::{LIFETIME, Transaction};
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::{HoldId, SessionId};
use crate::foundation::secret::Secret;
use crate::platform::seal::{Sealed, SealedBy};
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "authn",
    steps: &[
        "CREATE TABLE sign_in (
        state BLOB PRIMARY KEY,
        begun BIGINT NOT NULL,
        salt BLOB NOT NULL,
        nonce BLOB NOT NULL,
        text BLOB NOT NULL
    )",
        "CREATE INDEX sign_in_begun ON sign_in (begun)",
        "CREATE TABLE logout_token (digest BLOB PRIMARY KEY, until BIGINT NOT NULL)",
        "CREATE INDEX logout_token_until ON logout_token (until)",
        "CREATE TABLE proof (digest BLOB PRIMARY KEY, until BIGINT NOT NULL)",
        "CREATE INDEX proof_until ON proof (until)",
    ],
};

/// What nodes that share a store find there.
#[derive(Debug)]
pub(super) struct Shared(Store);

/// What is good once among all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// A logout token.
    LogoutToken,
    /// A proof that a program holds the key of its token.
    Proof,
}

/// A sign-in, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    provider: ProviderName,
    issuer: std::sync::Arc<str>,
    redirect_uri: String,
    return_to: String,
    need: Option<AssuranceNeed>,
    current: Option<(SessionId, ProviderName, SubjectId)>,
    client: std::net::IpAddr,
    held: Option<HoldId>,
    nonce: String,
    verifier: String,
    begun: Timestamp,
    binding: Digest,
}

impl Shared {
    /// None where the store belongs to one process.
    pub(super) fn of(store: Store) -> Option<Self> {
        store.is_shared().then_some(Self(store))
    }

    /// Keeps a sign-in that has begun, and forgets those that are too old and `surplus`, for which others have come.
    pub(super) async fn put(
        &self,
        state: &Secret,
        transaction: &Transaction,
        surplus: &[Digest],
        entropy: &dyn Entropy,
    ) -> Result<(), AuthnError> {
        let key = digest(state.reveal());
        let text = serde_json::to_vec(&Written::of(transaction)).map_err(|_| StoreError::Unexpected)?;
        let sealed = by(state).seal(key.as_bytes(), text, entropy).map_err(|_| StoreError::Unexpected)?;
        let mut statements: Vec<_> = surplus.iter().map(delete).collect();
        let old = transaction.begun.minus(LIFETIME).as_millis();
        statements.push(Statement::new("DELETE FROM sign_in WHERE begun < $1").with(old));
        statements.push(
            Statement::new(
                "INSERT INTO sign_in (state, begun, salt, nonce, text) VALUES ($1, $2, $3, $4, $5)",
            )
            .with(&key.as_bytes()[..])
            .with(transaction.begun.as_millis())
            .with(&sealed.salt[..])
            .with(&sealed.nonce[..])
            .with(&sealed.text[..]),
        );
        self.0.write(statements).await?;
        Ok(())
    }

    /// The sign-in of this state, if one is under way.
    pub(super) async fn find(&self, state: &str, now: Timestamp) -> Result<Option<Transaction>, AuthnError> {
        let key = digest(state);
        let query = Statement::new("SELECT salt, nonce, text FROM sign_in WHERE state = $1");
        let rows = self.0.find(query.with(&key.as_bytes()[..])).await?;
        let Some(sealed) = rows.first().and_then(sealed) else { return Ok(None) };
        let opened = by(&Secret::new(state.to_owned())).open(key.as_bytes(), sealed).ok();
        let written = opened.and_then(|text| serde_json::from_slice::<Written>(&text).ok());
        let transaction = written.map(Written::into_transaction);
        Ok(transaction.filter(|transaction| now.since(transaction.begun) < LIFETIME))
    }

    /// Takes it out: true for one node, and once.
    pub(super) async fn take(&self, state: &str) -> Result<bool, AuthnError> {
        Ok(self.0.write(vec![delete(&digest(state))]).await?.first() == Some(&1))
    }

    /// Whether something did not come before, to whichever node.
    pub(super) async fn is_first(
        &self,
        once: Once,
        digest: &Digest,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, AuthnError> {
        let statements = vec![
            once.take().with(&digest.as_bytes()[..]).with(until.as_millis()),
            once.forget().with(now.minus(FORGOTTEN_AFTER).as_millis()),
        ];
        Ok(self.0.write(statements).await?.first() == Some(&1))
    }
}

impl Once {
    const fn take(self) -> Statement {
        Statement::new(match self {
            Self::LogoutToken => {
                "INSERT INTO logout_token (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING"
            }
            Self::Proof => {
                "INSERT INTO proof (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING"
            }
        })
    }

    const fn forget(self) -> Statement {
        Statement::new(match self {
            Self::LogoutToken => "DELETE FROM logout_token WHERE until < $1",
            Self::Proof => "DELETE FROM proof WHERE until < $1",
        })
    }
}

impl Written {
    fn of(transaction: &Transaction) -> Self {
        let current = transaction.current.clone();
        Self {
            provider: transaction.provider.clone(),
            issuer: transaction.issuer.clone(),
            redirect_uri: transaction.redirect_uri.clone(),
            return_to: transaction.return_to.as_str().to_owned(),
            need: transaction.need.clone(),
            current: current.map(|current| (current.session, current.provider, current.subject)),
            client: transaction.client,
            held: transaction.held,
            nonce: transaction.nonce.reveal().to_owned(),
            verifier: transaction.verifier.reveal().to_owned(),
            begun: transaction.begun,
            binding: transaction.binding,
        }
    }

    fn into_transaction(self) -> Transaction {
        let current = |(session, provider, subject)| Current { session, provider, subject };
        Transaction {
            provider: self.provider,
            issuer: self.issuer,
            redirect_uri: self.redirect_uri,
            return_to: ReturnTo::new(&self.return_to),
            need: self.need,
            current: self.current.map(current),
            client: self.client,
            held: self.held,
            nonce: Secret::new(self.nonce),
            verifier: Secret::new(self.verifier),
            begun: self.begun,
            binding: self.binding,
        }
    }
}

fn by(state: &Secret) -> SealedBy<'_> {
    SealedBy { secret: state, purpose: "leastway sign-in: key" }
}

fn delete(state: &Digest) -> Statement {
    Statement::new("DELETE FROM sign_in WHERE state = $1").with(&state.as_bytes()[..])
}

fn digest(state: &str) -> Digest {
    Digest::of(state.as_bytes())
}

fn sealed(row: &Row) -> Option<Sealed> {
    let bytes = |column| row.bytes(column).ok();
    let (salt, nonce) = (bytes(0)?.try_into().ok()?, bytes(1)?.try_into().ok()?);
    Some(Sealed { salt, nonce, text: bytes(2)?.to_vec() })
}

/// Clocks of nodes differ.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
