//! What a node has found of a session by the clock, locked or over, and the store does not know yet.
//!
//! It is found by whoever looks, on a request's way, and written a moment later; from then on it is so at every node and after
//! a restart, whatever times hold there.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::session::{Session, State};
use super::sessions::lock;
use super::store;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;
use crate::platform::store::Statement;

/// Since when a session is as it was found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct FoundAt {
    pub(super) id: SessionId,
    /// Of a session that was changed afterwards it is not so.
    pub(super) revision: i64,
    pub(super) since: Timestamp,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finding {
    Locked(FoundAt),
    Expired(FoundAt),
}

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Findings(Mutex<Vec<Finding>>);

impl Finding {
    /// That a session is locked.
    pub(super) fn locked(session: &Session, since: Timestamp) -> Self {
        Self::Locked(FoundAt { id: session.id, revision: session.revision(), since })
    }

    /// That a session has expired.
    pub(super) fn expired(session: &Session, since: Timestamp) -> Self {
        Self::Expired(FoundAt { id: session.id, revision: session.revision(), since })
    }

    /// Writes it down.
    pub(super) fn statement(self) -> Statement {
        match self {
            Self::Locked(found) => store::lock(found),
            Self::Expired(found) => store::expire(found),
        }
    }
}

impl FoundAt {
    /// Whether it is meant of this session as it is.
    pub(super) fn is_of(&self, session: &Session) -> bool {
        session.id == self.id && session.revision() == self.revision
    }
}

impl Findings {
    pub(super) fn note(&self, finding: Finding) {
        lock(&self.0).push(finding);
    }

    pub(super) fn take(&self) -> Vec<Finding> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// Keeps again what could not be written.
    pub(super) fn put_back(&self, findings: impl Iterator<Item = Finding>) {
        lock(&self.0).extend(findings);
    }
}

impl Session {
    /// Is locked or over from now on, as it was found elsewhere.
    pub(super) fn follow(&self, state: State, since: Timestamp) {
        match state {
            State::Locked if self.is_live() => {
                self.leave(State::Live, State::Locked, since);
            }
            State::Expired if self.stands() => {
                self.expire(since);
            }
            State::Live | State::Replaced | State::Expired | State::Ended | State::Locked => {}
        }
    }
}
