//! The public keys of all nodes that share a store, so that an application can ask any of them for the key of an
//! assertion that another has signed. The private keys never leave their nodes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::assertion::AssertionKey;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Migrations, Row, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "node-key",
    steps: &["CREATE TABLE node_key (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL, seen BIGINT NOT NULL)"],
};

/// The public keys of this node and of those that share its store.
#[derive(Debug)]
pub struct NodeKeys {
    own: (String, Value),
    store: Store,
    known: Mutex<Known>,
}

/// What was read last, and when.
#[derive(Debug, Default)]
struct Known {
    others: BTreeMap<String, Value>,
    read: Option<Timestamp>,
    said: Option<Timestamp>,
}

impl NodeKeys {
    /// Those of a node that signs with `key`.
    pub fn new(key: &AssertionKey, store: Store) -> Self {
        Self { own: (key.id().to_owned(), key.jwk()), store, known: Mutex::default() }
    }

    /// Says that this node's key is in use, where other nodes have to know it and were not told within the hour.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), StoreError> {
        let is_fresh = |said: Timestamp| now.since(said) < SAID_EVERY;
        if !self.store.is_shared() || self.known().said.is_some_and(is_fresh) {
            return Ok(());
        }
        let (kid, jwk) = &self.own;
        let say = Statement::new(
            "INSERT INTO node_key (kid, jwk, seen) VALUES ($1, $2, $3)
             ON CONFLICT (kid) DO UPDATE SET seen = excluded.seen",
        );
        let say = say.with(kid.as_str()).with(jwk.to_string()).with(now.as_millis());
        let forget = Statement::new("DELETE FROM node_key WHERE seen < $1");
        self.store.write(vec![say, forget.with(now.minus(KEPT).as_millis())]).await?;
        self.known().said = Some(now);
        Ok(())
    }

    /// The public keys as a JWK Set (RFC 7517), for `/.well-known/leastway/jwks.json`: this node's first, then those of
    /// nodes that were there within a day. The store is asked at most once a second, however often an application asks;
    /// while it cannot be, what it said last holds.
    pub async fn jwks(&self, now: Timestamp) -> String {
        if self.store.is_shared() && self.is_due(now) {
            let since = now.minus(KEPT).as_millis();
            let query = Statement::new(
                "SELECT kid, jwk FROM node_key WHERE seen >= $1 ORDER BY seen DESC, kid LIMIT 64",
            );
            match self.store.find(query.with(since)).await {
                Ok(rows) => self.known().others = rows.iter().filter_map(read).collect(),
                Err(error) => tracing::error!(error = %error, "the keys of other nodes cannot be read"),
            }
        }
        let (kid, own) = &self.own;
        let others = self.known().others.clone();
        let others = others.into_iter().filter(|(other, _)| other != kid).map(|(_, jwk)| jwk);
        json!({ "keys": std::iter::once(own.clone()).chain(others).collect::<Vec<_>>() }).to_string()
    }

    /// Whether the store is to be asked, by whoever is told so.
    fn is_due(&self, now: Timestamp) -> bool {
        let mut known = self.known();
        let is_due = known.read.is_none_or(|read| now < read || now.since(read) >= READ_EVERY);
        if is_due {
            known.read = Some(now);
        }
        is_due
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(row: &Row) -> Option<(String, Value)> {
    let (kid, jwk) = (row.text(0).ok()?, row.text(1).ok()?);
    Some((kid.to_owned(), serde_json::from_str(jwk).ok()?))
}

/// Far longer than an assertion is valid, and applications keep a key set.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const SAID_EVERY: Duration = Duration::from_secs(60 * 60);
const READ_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> AssertionKey {
        AssertionKey::from_pkcs8(&AssertionKey::generate().unwrap(), "leastway".to_owned()).unwrap()
    }

    fn now() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    async fn ids(keys: &NodeKeys, now: Timestamp) -> Vec<String> {
        let set: Value = serde_json::from_str(&keys.jwks(now).await).unwrap();
        let id = |key: &Value| key["kid"].as_str().unwrap().to_owned();
        set["keys"].as_array().unwrap().iter().map(id).collect()
    }

    #[tokio::test]
    async fn each_node_tells_the_keys_of_all_that_were_there_within_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let [at_a, at_b] = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
        let (a, b) = (key(), key());
        let (a_keys, b_keys) = (NodeKeys::new(&a, at_a), NodeKeys::new(&b, at_b.clone()));
        a_keys.maintain(now()).await.unwrap();
        assert_eq!(ids(&b_keys, now()).await, [b.id(), a.id()]);
        b_keys.maintain(now()).await.unwrap();
        assert_eq!(ids(&a_keys, now()).await, [a.id(), b.id()]);

        // A third node starts: within a second nobody asks the store again.
        let c = key();
        NodeKeys::new(&c, at_b.clone()).maintain(now()).await.unwrap();
        assert_eq!(ids(&a_keys, now().plus(Duration::from_millis(999))).await.len(), 2);
        let a_second_later = ids(&a_keys, now().plus(Duration::from_secs(1))).await;
        assert!(a_second_later.contains(&c.id().to_owned()) && a_second_later.len() == 3);

        // The others are gone; a says every hour that it is there.
        let later = now().plus(KEPT + Duration::from_secs(1));
        a_keys.maintain(later).await.unwrap();
        assert_eq!(ids(&b_keys, later).await, [b.id(), a.id()]);
        let rows = at_b.read(&Statement::new("SELECT kid, jwk FROM node_key")).unwrap();
        assert_eq!(rows.len(), 1, "what is a day old is forgotten");
        assert!(!rows[0].text(1).unwrap().contains("\"d\""), "a private key never leaves its node");
    }

    #[tokio::test]
    async fn a_node_that_is_alone_tells_its_own_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
        if store.is_shared() {
            return;
        }
        let own = key();
        let keys = NodeKeys::new(&own, store.clone());
        keys.maintain(now()).await.unwrap();
        assert_eq!(ids(&keys, now()).await, [own.id()]);
        assert!(store.read(&Statement::new("SELECT kid FROM node_key")).unwrap().is_empty());
    }
}
