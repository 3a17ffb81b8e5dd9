//! All sessions, found by a token's digest, by id, by person, and by the provider's session.
//!
//! Looking up takes one shard's read lock. Every change takes the index first and the shard then,
//! so that the four ways of finding a session never disagree.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::lookup::DigestMap;
use super::session::{Session, State};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;

/// A power of two, so that a byte of a digest names one.
pub(super) const SHARDS: usize = 64;

type Shard = RwLock<DigestMap<Arc<Session>>>;

#[derive(Debug)]
pub(super) struct Table {
    shards: Box<[Shard]>,
    index: Mutex<Index>,
}

#[derive(Debug, Default)]
struct Index {
    sessions: HashMap<SessionId, Arc<Session>>,
    of_subject: HashMap<SubjectId, Vec<SessionId>>,
    of_provider_sid: HashMap<(Arc<str>, Arc<str>), Vec<SessionId>>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), index: Mutex::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.index().sessions.len()
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Session>> {
        self.shard(digest).read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    pub(super) fn by_id(&self, id: SessionId) -> Option<Arc<Session>> {
        self.index().sessions.get(&id).cloned()
    }

    /// The person's sessions, the oldest first; those too that stand no more and are not forgotten yet.
    pub(super) fn of_subject(&self, subject: &SubjectId) -> Vec<Arc<Session>> {
        let index = self.index();
        index.all(index.of_subject.get(subject))
    }

    /// The sessions that rest on one session at the provider.
    pub(super) fn of_provider_sid(&self, issuer: &Arc<str>, sid: &Arc<str>) -> Vec<Arc<Session>> {
        let index = self.index();
        index.all(index.of_provider_sid.get(&(issuer.clone(), sid.clone())))
    }

    /// Every session of one shard.
    pub(super) fn in_shard(&self, number: usize) -> Vec<Arc<Session>> {
        let shard = self.shards.get(number % SHARDS);
        shard.map_or_else(Vec::new, |shard| {
            shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
        })
    }

    pub(super) fn insert(&self, session: &Arc<Session>) {
        let mut index = self.index();
        index.insert(session);
        self.put(session);
    }

    /// Puts in one that another node has made; false if there is one under its id already.
    pub(super) fn insert_new(&self, session: &Arc<Session>) -> bool {
        let mut index = self.index();
        let is_new = !index.sessions.contains_key(&session.id);
        if is_new {
            index.insert(session);
            self.put(session);
        }
        is_new
    }

    /// Puts `after` in the place of `before`, which was found in state `from`; false if it does not stand there so any
    /// more.
    pub(super) fn replace(
        &self,
        before: &Arc<Session>,
        from: State,
        after: &Arc<Session>,
        now: Timestamp,
    ) -> bool {
        let mut index = self.index();
        let stands = index.sessions.get(&before.id).is_some_and(|current| Arc::ptr_eq(current, before));
        if !stands || !before.leave(from, State::Replaced, now) {
            return false;
        }
        index.remove(before);
        index.insert(after);
        if before.digest != after.digest {
            self.take(before);
        }
        self.put(after);
        true
    }

    /// Ends it at once, everywhere; gives it, if it stood. It stays, as an ended one, so that its browser can be told.
    /// One that has expired ends too: longer times must not bring it back.
    pub(super) fn end(&self, id: SessionId, now: Timestamp) -> Option<Arc<Session>> {
        let index = self.index();
        let session = index.sessions.get(&id)?;
        let stood = session.stands();
        session.end(now);
        stood.then(|| session.clone())
    }

    /// Forgets it, if it is still the one that stands under its id.
    pub(super) fn forget(&self, session: &Arc<Session>) {
        let mut index = self.index();
        if index.sessions.get(&session.id).is_some_and(|current| Arc::ptr_eq(current, session)) {
            index.remove(session);
            self.take(session);
        }
    }

    fn put(&self, session: &Arc<Session>) {
        let mut shard = self.shard(&session.digest).write().unwrap_or_else(PoisonError::into_inner);
        shard.insert(session.digest, session.clone());
    }

    fn take(&self, session: &Arc<Session>) {
        let mut shard = self.shard(&session.digest).write().unwrap_or_else(PoisonError::into_inner);
        shard.remove(&session.digest);
    }

    #[expect(clippy::indexing_slicing, reason = "a number modulo SHARDS is below the number of shards")]
    fn shard(&self, digest: &Digest) -> &Shard {
        // The last byte: the first eight choose the place inside the shard.
        let [.., last] = *digest.as_bytes();
        &self.shards[usize::from(last) % SHARDS]
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn insert(&mut self, session: &Arc<Session>) {
        self.sessions.insert(session.id, session.clone());
        self.of_subject.entry(session.subject.id()).or_default().push(session.id);
        if let Some(key) = sid_key(session) {
            self.of_provider_sid.entry(key).or_default().push(session.id);
        }
    }

    fn remove(&mut self, session: &Session) {
        self.sessions.remove(&session.id);
        unlist(&mut self.of_subject, &session.subject.id(), session.id);
        if let Some(key) = sid_key(session) {
            unlist(&mut self.of_provider_sid, &key, session.id);
        }
    }

    fn all(&self, ids: Option<&Vec<SessionId>>) -> Vec<Arc<Session>> {
        let ids = ids.into_iter().flatten();
        let mut sessions: Vec<_> = ids.filter_map(|id| self.sessions.get(id)).cloned().collect();
        sessions.sort_by_key(|session| (session.created, session.id));
        sessions
    }
}

fn sid_key(session: &Session) -> Option<(Arc<str>, Arc<str>)> {
    Some((session.subject.issuer.clone(), session.provider_sid.clone()?))
}

fn unlist<K: Eq + Hash>(lists: &mut HashMap<K, Vec<SessionId>>, key: &K, id: SessionId) {
    if let Some(list) = lists.get_mut(key) {
        list.retain(|listed| *listed != id);
        if list.is_empty() {
            lists.remove(key);
        }
    }
}
