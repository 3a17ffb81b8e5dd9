//! What nodes that share a store tell one another of sessions, and what a node does on hearing it.
//!
//! The row is the truth, and its revision says which of two copies is the later one. Every node has all sessions in memory:
//! what one has made or changed the others read anew as soon as they are told. A cookie that comes to a node sooner than
//! that is looked up by its digest. What has ended here stays ended, whatever a row says.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::device_key::DeviceProofMoment;
use super::ended::Ended;
use super::finding::{Finding, FoundAt};
use super::session::{Session, State};
use super::sessions::{SessionError, Sessions, lock};
use super::store;
use super::table::SHARDS;
use super::token::SessionToken;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};
use crate::foundation::entropy::random;
use crate::foundation::id::SessionId;
use crate::platform::store::{Change, Row};

/// A session was made, changed or ended: its identifier.
pub const SESSION_PART: &str = "session";
/// When people were seen, and which sessions were found locked or expired: a few words in JSON.
pub const SEEN_PART: &str = "session-seen";
/// A program was ended, or a token of one: JSON.
pub const PROGRAM_PART: &str = "program";

/// What one node keeps for the others.
#[derive(Debug)]
pub(super) struct Nodes {
    /// What the others are to be told with the next write.
    untold: Mutex<Vec<Change>>,
    /// Cookies that the store does not know, and until when it is not asked again.
    unknown: Mutex<HashMap<Digest, Timestamp>>,
    /// Sessions that were ended while they were not known here: a row that was read before does not bring them back.
    gone: Mutex<Gone>,
    looking: Semaphore,
}

/// What was ended since a moment, and in the stretch before it.
#[derive(Debug, Default)]
struct Gone {
    since: Timestamp,
    latest: HashSet<SessionId>,
    before: HashSet<SessionId>,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            untold: Mutex::default(),
            unknown: Mutex::default(),
            gone: Mutex::default(),
            looking: Semaphore::new(LOOK_UPS_MAX),
        }
    }
}

/// What is told of many sessions at once.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Noted {
    /// When their people were last seen.
    Seen(Vec<(SessionId, Timestamp)>),
    /// That they are locked.
    Locked(Vec<FoundAt>),
    /// That they have expired.
    Expired(Vec<FoundAt>),
}

/// A session was made, changed or ended.
pub(super) fn changed(id: SessionId) -> Change {
    Change::new(SESSION_PART, id.to_string())
}

/// What was found of sessions.
pub(super) fn found(some: &[Finding]) -> Vec<Change> {
    let (mut locked, mut expired) = (Vec::new(), Vec::new());
    for finding in some {
        match finding {
            Finding::Locked(found) => locked.push(*found),
            Finding::Expired(found) => expired.push(*found),
        }
    }
    let locked = (!locked.is_empty()).then_some(Noted::Locked(locked));
    let expired = (!expired.is_empty()).then_some(Noted::Expired(expired));
    locked.into_iter().chain(expired).map(|noted| Change::new(SEEN_PART, json(&noted))).collect()
}

/// A program was ended, or a token of one.
pub(super) fn ended(ended: &Ended) -> Change {
    Change::new(PROGRAM_PART, json(ended))
}

fn json(told: &impl Serialize) -> String {
    // Only maps with keys that are no texts have no JSON, and there are none here.
    serde_json::to_string(told).unwrap_or_default()
}

/// What the other nodes are told with a write. Dropped before they are, it waits for the next one.
pub(super) struct Untold<'a> {
    nodes: &'a Nodes,
    changes: Vec<Change>,
}

impl Untold<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn changes(&self) -> impl Iterator<Item = Change> {
        self.changes.iter().cloned()
    }

    pub(super) fn are_told(mut self) {
        self.changes.clear();
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        lock(&self.nodes.untold).append(&mut self.changes);
    }
}

impl Nodes {
    pub(super) fn untold(&self) -> Untold<'_> {
        Untold { nodes: self, changes: std::mem::take(&mut *lock(&self.untold)) }
    }

    /// When the people of these sessions were last seen.
    pub(super) fn seen(some: &[Arc<Session>]) -> Vec<Change> {
        let seen = some.iter().map(|session| (session.id, session.last_seen())).collect();
        vec![Change::new(SEEN_PART, json(&Noted::Seen(seen)))]
    }

    /// A session was ended that may not be known here yet.
    pub(super) fn note_gone(&self, id: SessionId, now: Timestamp) {
        let mut gone = lock(&self.gone);
        if now.since(gone.since) >= GONE_FOR {
            *gone = Gone { since: now, latest: HashSet::new(), before: std::mem::take(&mut gone.latest) };
        }
        gone.latest.insert(id);
    }

    /// Whether a session was ended lately while it was not known here.
    pub(super) fn is_gone(&self, id: SessionId) -> bool {
        let gone = lock(&self.gone);
        gone.latest.contains(&id) || gone.before.contains(&id)
    }

    fn is_unknown(&self, digest: &Digest, now: Timestamp) -> bool {
        lock(&self.unknown).get(digest).is_some_and(|until| now < *until)
    }

    fn note_unknown(&self, digest: Digest, now: Timestamp) {
        let mut unknown = lock(&self.unknown);
        if unknown.len() >= UNKNOWN_MAX {
            unknown.retain(|_, until| now < *until);
        }
        if unknown.len() >= UNKNOWN_MAX {
            unknown.clear();
        }
        unknown.insert(digest, now.plus(UNKNOWN_LASTS));
    }
}

impl Sessions {
    /// Whether other nodes have sessions, too.
    pub fn are_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// What the other nodes are told with the next write: by [`settle`](Self::settle), or within two seconds.
    pub fn tell(&self, change: Change) {
        if self.store.is_shared() {
            lock(&self.nodes.untold).push(change);
        }
    }

    /// The key by which what we give to browsers is known again as ours: by all nodes, after a restart, and whatever becomes of
    /// the journal's keys.
    pub async fn agree(&self) -> Result<DigestKey, SessionError> {
        let key = random::<32>(&*self.entropy);
        self.store.write(vec![store::put_house_key(&key)]).await?;
        let rows = self.store.find(store::house_key()).await?;
        let key = rows.first().and_then(|row| row.bytes(0).ok()).and_then(|key| key.try_into().ok());
        let key: [u8; 32] = key.ok_or(SessionError::Unwritable)?;
        Ok(DigestKey::from_bytes(&key))
    }

    /// Whether a cookie could stand for a session that only the store knows.
    pub fn is_new_here(&self, token: &str, now: Timestamp) -> bool {
        SessionToken::digest_of(token)
            .is_some_and(|digest| self.table.find(&digest).is_none() && !self.nodes.is_unknown(&digest, now))
    }

    /// Reads a session that another node has made or changed a moment ago, so that it is found here. More than a few of
    /// these at once are not looked up: whoever comes with them signs in anew, which their provider does without asking.
    pub async fn look_up(&self, token: &str, now: Timestamp) -> Result<(), SessionError> {
        let Some(digest) = SessionToken::digest_of(token) else { return Ok(()) };
        let Ok(_turn) = self.nodes.looking.try_acquire() else { return Ok(()) };
        let rows = self.store.find(store::under(&digest)).await?;
        match rows.first() {
            Some(row) => self.adopt(row, now),
            None => self.nodes.note_unknown(digest, now),
        }
        Ok(())
    }

    /// Notes what a device has proven, at whichever node: false where it was proven before, or something later.
    pub async fn is_first_proof(
        &self,
        id: SessionId,
        asked: DeviceProofMoment,
    ) -> Result<bool, SessionError> {
        if !self.store.is_shared() {
            return Ok(true);
        }
        let changed = self.store.write(vec![store::note_proven(id, asked.0)]).await?;
        Ok(changed.first() == Some(&1))
    }

    /// Does what another node has told of sessions. Gives those that stood and are gone by it.
    pub async fn heed(
        &self,
        part: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Vec<Arc<Session>>, SessionError> {
        match part {
            SESSION_PART => match key.parse() {
                // What has ended here stays ended, whatever a row says.
                Ok(id) if self.table.by_id(id).is_some_and(|session| session.state() == State::Ended) => {}
                Ok(id) => return self.refresh(id, now).await.map(|gone| gone.into_iter().collect()),
                Err(_) => unreadable(part),
            },
            SEEN_PART => match serde_json::from_str(key) {
                Ok(noted) => self.note(noted),
                Err(_) => unreadable(part),
            },
            PROGRAM_PART => match serde_json::from_str::<Ended>(key) {
                Ok(ended) => return Ok(self.hear_of_ended(&ended, now)),
                Err(_) => unreadable(part),
            },
            _ => {}
        }
        Ok(Vec::new())
    }

    /// Reads everything anew. Gives the sessions that stood here and are gone.
    pub async fn reload(&self, now: Timestamp) -> Result<Vec<Arc<Session>>, SessionError> {
        // First those that are here: what is made meanwhile is in the store before it is here.
        let here: Vec<_> = (0..SHARDS)
            .flat_map(|shard| self.table.in_shard(shard))
            .filter(|session| session.program.is_none())
            .map(|session| session.id)
            .collect();
        let rows = self.store.find_all(store::all()).await?;
        let there: HashSet<_> =
            rows.iter().filter_map(|row| row.text(0).ok()?.parse::<SessionId>().ok()).collect();
        for row in &rows {
            self.adopt(row, now);
        }
        let missing = here.into_iter().filter(|id| !there.contains(id));
        let gone = missing.filter_map(|id| self.table.end(id, now)).collect();
        self.ended.reload(&self.store, now).await?;
        Ok(gone)
    }

    /// Reads one session anew. Gives it where it stood here and is gone.
    pub(super) async fn refresh(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, SessionError> {
        let rows = self.store.find(store::one(id)).await?;
        if let Some(row) = rows.first() {
            self.adopt(row, now);
            return Ok(None);
        }
        // First this: whoever adopts a row that was read before looks here after it has done so.
        self.nodes.note_gone(id, now);
        Ok(self.table.end(id, now))
    }

    /// Takes a row into memory, unless what is there is as late or has ended here.
    fn adopt(&self, row: &Row, now: Timestamp) {
        let Ok(session) = store::read(row, self.next_version()) else { return unreadable(SESSION_PART) };
        let session = Arc::new(session);
        if session.purpose_chosen {
            self.usual.hear(&session.subject.id(), session.purpose);
        }
        if lock(&self.undeleted).contains(&session.id) {
            return;
        }
        // Whoever looks at it meanwhile may change its state.
        for _ in 0..ADOPT_ATTEMPTS {
            let Some(known) = self.table.by_id(session.id) else {
                if self.table.len() >= self.limits.all {
                    return;
                }
                if self.table.insert_new(&session) {
                    break;
                }
                continue;
            };
            let state = known.state();
            if state == State::Ended {
                return;
            }
            if known.revision() >= session.revision() {
                known.last_seen.fetch_max(session.last_seen().as_millis(), Ordering::SeqCst);
                if known.revision() == session.revision() {
                    known.follow(session.state(), session.gone());
                }
                return;
            }
            session.last_seen.fetch_max(known.last_seen().as_millis(), Ordering::SeqCst);
            if self.table.replace(&known, state, &session, now) {
                break;
            }
        }
        if self.nodes.is_gone(session.id) || self.lately.names(&session, session.created) {
            self.table.end(session.id, now);
        }
    }

    fn note(&self, noted: Noted) {
        match noted {
            Noted::Seen(seen) => {
                for (id, moment) in seen {
                    if let Some(session) = self.table.by_id(id) {
                        session.last_seen.fetch_max(moment.as_millis(), Ordering::SeqCst);
                    }
                }
            }
            Noted::Locked(locked) => self.follow(&locked, State::Locked),
            Noted::Expired(expired) => self.follow(&expired, State::Expired),
        }
    }

    fn follow(&self, found: &[FoundAt], state: State) {
        for found in found {
            if let Some(session) = self.table.by_id(found.id).filter(|session| found.is_of(session)) {
                session.follow(state, found.since);
            }
        }
    }

    /// What was ended of programs ends here, too.
    fn hear_of_ended(&self, ended: &Ended, now: Timestamp) -> Vec<Arc<Session>> {
        self.ended.heard(ended.clone());
        let meant = match ended {
            Ended::Token(digest, _) => self.table.find(digest).into_iter().collect(),
            Ended::Subject(subject, _) => self.programs_of(subject),
        };
        meant.into_iter().filter_map(|session| self.table.end(session.id, now)).collect()
    }

    fn programs_of(&self, subject: &SubjectId) -> Vec<Arc<Session>> {
        let mut theirs = self.table.of_subject(subject);
        theirs.retain(|session| session.program.is_some());
        theirs
    }
}

fn unreadable(part: &str) {
    tracing::error!(part, "what another node has told of sessions cannot be read: is it of another version?");
}

const ADOPT_ATTEMPTS: usize = 4;
/// A row that was read before its session ended is there long before this is over.
const GONE_FOR: Duration = Duration::from_secs(60);
/// Cookies that are looked up at once.
const LOOK_UPS_MAX: usize = 16;
/// A cookie is made of 256 bits of chance: one that the store does not know now is none of ours later.
const UNKNOWN_LASTS: Duration = Duration::from_secs(60);
const UNKNOWN_MAX: usize = 16_384;
