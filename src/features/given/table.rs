//! What was handed out to whom.
//!
//! Of a thing only a digest is kept, under a key that is gone with the process, or that the nodes have which share a store
//! (`nodes.rs`). Whoever has the most loses the oldest
//! of it where there is no room: nobody can have others forgotten by collecting.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::nodes::Common;
use crate::domain::application::ApplicationName;
use crate::domain::given::GivenName;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::entropy::Entropy;
use crate::foundation::id::SessionId;
use crate::platform::store::{Store, StoreError};

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Of a session: it ends with it.
    Session(SessionId),
    /// Of a person or program, in whatever session.
    Person(SubjectId),
}

/// A kind of thing of one application.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    /// Which application handed it out.
    pub application: &'a ApplicationName,
    /// As what.
    pub name: &'a GivenName,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Things of one owner.
    pub of_one: usize,
    /// Things of all owners. Each takes about a hundred bytes.
    pub of_all: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { of_one: 20_000, of_all: 500_000 }
    }
}

/// What was handed out to whom.
#[derive(Debug)]
pub struct Given {
    key: DigestKey,
    room: Room,
    kept: Mutex<Kept>,
    /// What other nodes find, if there are any.
    common: Option<Common>,
}

#[derive(Debug, Default)]
struct Kept {
    owners: HashMap<Owner, HashMap<Digest, Thing>>,
    /// How many things all owners have.
    things: usize,
    /// How many were ever handed out: by it the older is told from the newer.
    handed_out: u64,
}

#[derive(Clone, Copy, Debug)]
struct Thing {
    until: Timestamp,
    number: u64,
}

impl Given {
    /// Nothing yet, in memory alone.
    pub fn new(entropy: &dyn Entropy, room: Room) -> Self {
        Self { key: DigestKey::generate(entropy), room, kept: Mutex::default(), common: None }
    }

    /// What nodes that share `store` have handed out. Of a store that is not shared nothing is asked.
    pub async fn sharing(store: Store, entropy: &dyn Entropy, room: Room) -> Result<Self, StoreError> {
        let alone = Self::new(entropy, room);
        if !store.is_shared() {
            return Ok(alone);
        }
        Ok(Self { common: Some(Common::agree(store, entropy).await?), ..alone })
    }

    /// Remembers that these things of a kind are handed out, at all nodes: it has to be known there before anybody has them. Of
    /// what is known already the time begins anew. Where the store does not take it, it is known here.
    pub async fn give<'v>(
        &self,
        owner: &Owner,
        kind: Kind<'_>,
        values: impl IntoIterator<Item = &'v str>,
        (now, lifetime): (Timestamp, Duration),
    ) -> Result<(), StoreError> {
        let digests: Vec<Digest> = values.into_iter().map(|value| self.digest(kind, value)).collect();
        let until = now.plus(lifetime);
        self.note(owner, &digests, until, now);
        match &self.common {
            Some(common) if !digests.is_empty() => {
                common.keep(owner, &digests, until, self.room.of_one).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether this thing was handed out to that owner, at whichever node, and lately enough.
    pub async fn has(
        &self,
        owner: &Owner,
        kind: Kind<'_>,
        value: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let digest = self.digest(kind, value);
        if self.knows(owner, &digest, now) {
            return Ok(true);
        }
        let Some(common) = &self.common else { return Ok(false) };
        // Apart, so that the future of every request stays small.
        let until = Box::pin(common.until(owner, &digest, now)).await?;
        if let Some(until) = until {
            self.note(owner, &[digest], until, now);
        }
        Ok(until.is_some())
    }

    /// Does in the store what may wait. To be called every few seconds.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), StoreError> {
        match &self.common {
            Some(common) => common.maintain(now).await,
            None => Ok(()),
        }
    }

    fn note(&self, owner: &Owner, digests: &[Digest], until: Timestamp, now: Timestamp) {
        if digests.is_empty() {
            return;
        }
        let mut kept = self.kept();
        for digest in digests {
            kept.insert(owner, *digest, until);
        }
        kept.make_room(owner, self.room, now);
    }

    fn knows(&self, owner: &Owner, digest: &Digest, now: Timestamp) -> bool {
        let kept = self.kept();
        let thing = kept.owners.get(owner).and_then(|things| things.get(digest));
        thing.is_some_and(|thing| now < thing.until)
    }

    /// Forgets all that was handed out to an owner.
    pub fn forget(&self, owner: &Owner) {
        let mut kept = self.kept();
        if let Some(things) = kept.owners.remove(owner) {
            kept.things = kept.things.saturating_sub(things.len());
        }
        if let Some(common) = &self.common {
            common.forget(owner);
        }
    }

    /// How many things are remembered.
    pub fn len(&self) -> usize {
        self.kept().things
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn digest(&self, kind: Kind<'_>, value: &str) -> Digest {
        let Kind { application, name } = kind;
        let key = self.common.as_ref().map_or(&self.key, Common::key);
        key.digest(&[application.as_str().as_bytes(), name.as_str().as_bytes(), value.as_bytes()])
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn insert(&mut self, owner: &Owner, digest: Digest, until: Timestamp) {
        self.handed_out += 1;
        let thing = Thing { until, number: self.handed_out };
        let things = self.owners.entry(owner.clone()).or_default();
        let is_new = things.insert(digest, thing).is_none();
        self.things += usize::from(is_new);
    }

    fn make_room(&mut self, owner: &Owner, room: Room, now: Timestamp) {
        while self.owners.get(owner).is_some_and(|things| things.len() > room.of_one) {
            self.change(owner, |things| lose_oldest(things, now));
        }
        if self.things <= room.of_all {
            return;
        }
        self.owners.retain(|_, things| {
            things.retain(|_, thing| now < thing.until);
            !things.is_empty()
        });
        self.things = self.owners.values().map(HashMap::len).sum();
        // Some room at once, so that this does not come again with the next thing.
        while self.things > room.of_all - room.of_all / 8 {
            let most = self.owners.iter().max_by_key(|(_, things)| things.len());
            let Some(most) = most.map(|(owner, _)| owner.clone()) else { return };
            self.change(&most, |things| lose_oldest(things, now));
        }
    }

    /// Changes what one owner has; whoever has nothing is no owner.
    fn change(&mut self, owner: &Owner, change: impl FnOnce(&mut HashMap<Digest, Thing>)) {
        let Some(things) = self.owners.get_mut(owner) else { return };
        let before = things.len();
        change(things);
        self.things = self.things.saturating_sub(before.saturating_sub(things.len()));
        if things.is_empty() {
            self.owners.remove(owner);
        }
    }
}

/// Takes away what is over, and of the rest the older half.
fn lose_oldest(things: &mut HashMap<Digest, Thing>, now: Timestamp) {
    things.retain(|_, thing| now < thing.until);
    let mut numbers: Vec<u64> = things.values().map(|thing| thing.number).collect();
    let middle = numbers.len() / 2;
    if middle < numbers.len() {
        let (_, middle, _) = numbers.select_nth_unstable(middle);
        let middle = *middle;
        things.retain(|_, thing| thing.number > middle);
    }
}
