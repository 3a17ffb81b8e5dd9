//! One look at a token at a time, and what came of looks that found nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::refused::TokenRefused;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// Turns at looking at tokens, by their digests.
#[derive(Debug, Default)]
pub struct Turns {
    waiting: Mutex<HashMap<Digest, Weak<AsyncMutex<()>>>>,
    refused: Mutex<HashMap<Digest, (Timestamp, TokenRefused)>>,
}

impl Turns {
    /// Waits until nobody else looks at this token.
    pub(super) async fn wait(&self, token: &Digest) -> OwnedMutexGuard<()> {
        let turn = self.turn(token);
        turn.lock_owned().await
    }

    fn turn(&self, token: &Digest) -> Arc<AsyncMutex<()>> {
        let mut waiting = lock(&self.waiting);
        if let Some(turn) = waiting.get(token).and_then(Weak::upgrade) {
            return turn;
        }
        // As many as there are requests at the most, and some whose turn is over.
        if waiting.len() >= OVER_MAX {
            waiting.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        waiting.insert(*token, Arc::downgrade(&turn));
        turn
    }

    /// Why a token was refused a moment ago.
    pub(super) fn refused(&self, token: &Digest, now: Timestamp) -> Option<TokenRefused> {
        let refused = lock(&self.refused);
        refused.get(token).filter(|(until, _)| now < *until).map(|(_, refused)| refused.clone())
    }

    /// Whoever brings it again in a moment is told the same, and nobody is asked.
    pub(super) fn remember(&self, token: Digest, refused: &TokenRefused, now: Timestamp) {
        // A provider that is down is asked again when it may be up: it bounds that itself.
        if refused.is_of_provider() {
            return;
        }
        let mut known = lock(&self.refused);
        if known.len() >= REFUSED_MAX {
            known.retain(|_, (until, _)| now < *until);
        }
        if known.len() >= REFUSED_MAX {
            known.clear();
        }
        known.insert(token, (now.plus(REFUSED_LASTS), refused.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const OVER_MAX: usize = 1_024;
const REFUSED_MAX: usize = 4_096;
/// Long enough for a program that tries again at once, short enough for a token that becomes good.
const REFUSED_LASTS: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn of_those_who_bring_one_token_one_looks_at_a_time() {
        let turns = Turns::default();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let first = turns.wait(&one).await;
        let second = turns.wait(&one);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        drop(turns.wait(&other).await);
        drop(first);
        drop(second.await);
        for number in 0..3 * OVER_MAX {
            drop(turns.wait(&Digest::of(&number.to_le_bytes())).await);
        }
        assert!(lock(&turns.waiting).len() <= OVER_MAX);
    }

    #[test]
    fn a_refusal_is_remembered_for_a_moment_and_not_for_ever_more() {
        let turns = Turns::default();
        let now = Timestamp::from_seconds(1_772_352_000);
        let token = Digest::of(b"token");
        turns.remember(token, &TokenRefused::Delegated, now);
        assert!(turns.refused(&token, now.plus(Duration::from_secs(4))).is_some());
        assert!(turns.refused(&token, now.plus(Duration::from_secs(5))).is_none());
        for number in 0..2 * REFUSED_MAX {
            turns.remember(Digest::of(&number.to_le_bytes()), &TokenRefused::Delegated, now);
        }
        assert!(lock(&turns.refused).len() <= REFUSED_MAX);
    }
}
