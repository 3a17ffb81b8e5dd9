//! The tokens that were taken: each is taken once, as long as it could come again and be good.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// The tokens that were taken.
#[derive(Debug)]
pub(super) struct Taken {
    known: Mutex<Known>,
    /// One at a time of each token: of two that are the same, the second finds what became of the first.
    turns: Box<[AsyncMutex<()>]>,
}

#[derive(Debug, Default)]
struct Known {
    until: HashMap<Digest, Timestamp>,
    order: VecDeque<Digest>,
}

impl Taken {
    pub(super) fn new() -> Self {
        Self { known: Mutex::default(), turns: (0..TURNS).map(|_| AsyncMutex::new(())).collect() }
    }

    #[expect(clippy::indexing_slicing, reason = "a number modulo TURNS is below the number of turns")]
    pub(super) async fn turn(&self, token: &Digest) -> MutexGuard<'_, ()> {
        let [first, ..] = *token.as_bytes();
        self.turns[usize::from(first) % TURNS].lock().await
    }

    pub(super) fn has(&self, token: &Digest, now: Timestamp) -> bool {
        self.known().until.get(token).is_some_and(|until| now <= *until)
    }

    /// Remembers one; beyond as many as are remembered the first is forgotten.
    pub(super) fn put(&self, token: Digest, until: Timestamp) {
        let mut known = self.known();
        if known.until.insert(token, until).is_none() {
            known.order.push_back(token);
        }
        if known.order.len() > TAKEN_MAX
            && let Some(first) = known.order.pop_front()
        {
            known.until.remove(&first);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TURNS: usize = 64;
/// As many signals as a large provider sends in a week. Whoever sends more can have one done twice, and needs the
/// transmitter's key for it.
pub(super) const TAKEN_MAX: usize = 131_072;
