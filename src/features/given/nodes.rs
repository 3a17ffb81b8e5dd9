//! What was handed out, where several nodes share a store: what one has handed out may be brought to any.
//!
//! It is in the store before whoever gets it can bring it, and is looked for there when memory does not have it. Rows hold digests
//! alone, of whose a thing is and of the thing, under a key that the nodes have in common.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::table::Owner;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::entropy::{Entropy, random};
use crate::platform::store::{Migrations, Statement, Store, StoreError};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "given",
    steps: &["CREATE TABLE given_thing (
        owner TEXT NOT NULL,
        item TEXT NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (owner, item)
    );
    CREATE INDEX given_thing_until ON given_thing (until);
    CREATE TABLE given_key (name TEXT PRIMARY KEY, key BLOB NOT NULL)"],
};

/// What nodes that share a store find there.
#[derive(Debug)]
pub(super) struct Common {
    store: Store,
    key: DigestKey,
    /// Owners whose things are to be deleted.
    forgotten: Mutex<Vec<Digest>>,
    sweep_after: Mutex<Timestamp>,
}

impl Common {
    /// With a key on which the nodes agree.
    pub(super) async fn agree(store: Store, entropy: &dyn Entropy) -> Result<Self, StoreError> {
        let key = random::<32>(entropy);
        let put =
            Statement::new("INSERT INTO given_key (name, key) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
        store.write(vec![put.with(KEY).with(key.as_slice())]).await?;
        let rows = store.find(Statement::new("SELECT key FROM given_key WHERE name = $1").with(KEY)).await?;
        let key = rows.first().map(|row| row.bytes(0)).transpose()?.and_then(|key| key.try_into().ok());
        let key = DigestKey::from_bytes(key.ok_or(StoreError::Unexpected)?);
        Ok(Self { store, key, forgotten: Mutex::default(), sweep_after: Mutex::default() })
    }

    pub(super) const fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Keeps things for all nodes, of one owner no more than `most`.
    pub(super) async fn keep(
        &self,
        owner: &Owner,
        things: &[Digest],
        until: Timestamp,
        most: usize,
    ) -> Result<(), StoreError> {
        let owner = self.owner(owner);
        let put = |some: &[Digest]| {
            Statement::new(
                "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($4 AS BIGINT))
                 INSERT INTO given_thing (owner, item, until)
                 SELECT CAST($1 AS TEXT), substr(CAST($2 AS TEXT), CAST(at * 64 + 1 AS INTEGER), 64), CAST($3 AS BIGINT)
                 FROM place
                 WHERE (SELECT count(*) FROM given_thing WHERE owner = CAST($1 AS TEXT)) < CAST($5 AS BIGINT)
                 ON CONFLICT (owner, item) DO UPDATE SET
                     until = CASE WHEN given_thing.until < excluded.until THEN excluded.until ELSE given_thing.until END",
            )
            .with(owner.to_string())
            .with(Items(some).to_string())
            .with(until.as_millis())
            .with(i64::try_from(some.len()).unwrap_or(i64::MAX))
            .with(i64::try_from(most).unwrap_or(i64::MAX))
        };
        self.store.write(things.chunks(THINGS_AT_ONCE).map(put).collect()).await?;
        Ok(())
    }

    /// Until when a thing is theirs, if another node has handed it out.
    pub(super) async fn until(
        &self,
        owner: &Owner,
        thing: &Digest,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let query =
            Statement::new("SELECT until FROM given_thing WHERE owner = $1 AND item = $2 AND until > $3")
                .with(self.owner(owner).to_string())
                .with(thing.to_string())
                .with(now.as_millis());
        let rows = self.store.find(query).await?;
        rows.first().map(|row| row.integer(0).map(Timestamp::from_millis)).transpose()
    }

    /// Has the things of an owner deleted.
    pub(super) fn forget(&self, owner: &Owner) {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).push(self.owner(owner));
    }

    /// Deletes what is to be deleted, and now and then what is over.
    pub(super) async fn maintain(&self, now: Timestamp) -> Result<(), StoreError> {
        let forgotten = std::mem::take(&mut *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner));
        let delete = |owner: &Digest| {
            Statement::new("DELETE FROM given_thing WHERE owner = $1").with(owner.to_string())
        };
        let mut statements: Vec<_> = forgotten.iter().map(delete).collect();
        if self.is_sweep_due(now) {
            statements.push(
                Statement::new("DELETE FROM given_thing WHERE until < $1")
                    .with(now.minus(CLOCKS).as_millis()),
            );
        }
        if statements.is_empty() {
            return Ok(());
        }
        let written = self.store.write(statements).await;
        if written.is_err() {
            self.forgotten.lock().unwrap_or_else(PoisonError::into_inner).extend(forgotten);
        }
        written.map(drop)
    }

    fn is_sweep_due(&self, now: Timestamp) -> bool {
        let mut after = self.sweep_after.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now >= *after;
        if is_due {
            *after = now.plus(SWEEP);
        }
        is_due
    }

    fn owner(&self, owner: &Owner) -> Digest {
        match owner {
            Owner::Session(id) => self.key.digest(&[b"session", id.to_string().as_bytes()]),
            Owner::Person(person) => {
                self.key.digest(&[b"person", person.issuer.as_bytes(), person.sub.as_bytes()])
            }
        }
    }
}

/// Things as the store has them, one after the other: each of 64 hexadecimal digits.
struct Items<'a>(&'a [Digest]);

impl fmt::Display for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|thing| write!(f, "{thing}"))
    }
}

const KEY: &str = "things";
/// Of one statement, which cuts its text once for each, from the beginning.
const THINGS_AT_ONCE: usize = 250;
/// How often what is over is deleted.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// By so much the clocks of nodes may differ.
const CLOCKS: Duration = Duration::from_secs(5 * 60);
