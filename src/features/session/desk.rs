//! A worker's own copy of the sessions that it has seen.

use std::sync::{Arc, Mutex, PoisonError};

use super::lookup::DigestMap;
use super::session::Session;
use crate::foundation::digest::Digest;

/// Sessions that one worker has seen lately. A look-up that finds its session here touches nothing
/// that another worker writes; its mutex is this worker's alone, so nobody ever waits for it.
#[derive(Debug, Default)]
pub struct SessionDesk(Mutex<DigestMap<Arc<Session>>>);

/// Sessions on one desk. Beyond it the desk is cleared and fills again.
const SEEN_MAX: usize = 16_384;

impl SessionDesk {
    /// The session, if it was seen here and still stands as it was.
    pub(super) fn recall(&self, digest: &Digest) -> Option<Arc<Session>> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = seen.get(digest)?;
        if session.is_live() {
            return Some(session.clone());
        }
        seen.remove(digest);
        None
    }

    pub(super) fn remember(&self, session: &Arc<Session>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SEEN_MAX {
            seen.clear();
        }
        seen.insert(session.digest, session.clone());
    }
}
