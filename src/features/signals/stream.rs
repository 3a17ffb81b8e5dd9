//! How the stream of a provider's signals stands: when it was last heard, whether its transmitter has paused it, and what
//! came by it. A reload keeps it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::signal::StreamStatus;
use crate::domain::signal::{SignalKind, SignalStep};
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;

/// How a stream stands.
#[derive(Debug)]
pub(super) struct Stream(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When something was last heard; at first, since when we listen.
    heard: Timestamp,
    /// Whether it was told that nothing is.
    is_told: bool,
    status: StreamStatus,
    /// What we have asked with, and when.
    asked: Option<(Secret, Timestamp)>,
    counts: Counts,
}

/// Signals by what has happened and what was done.
pub type Counts = BTreeMap<(Option<SignalKind>, SignalStep), u64>;

/// How a stream stands, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamNow {
    /// When something was last heard: a signal, a verification, or that there is nothing. At first, since when we listen.
    pub heard: Timestamp,
    /// Whether that is longer ago than it should be.
    pub is_silent: bool,
    /// How it stands by its transmitter's word.
    pub status: StreamStatus,
    /// What has come.
    pub counts: Counts,
}

impl Stream {
    pub(super) fn new(now: Timestamp) -> Self {
        Self(Mutex::new(State {
            heard: now,
            is_told: false,
            status: StreamStatus::Enabled,
            asked: None,
            counts: Counts::new(),
        }))
    }

    /// Notes that the transmitter was heard. Whether that ends a silence that was told of.
    pub(super) fn hear(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        state.heard = state.heard.max(now);
        std::mem::take(&mut state.is_told)
    }

    pub(super) fn count(&self, kind: Option<SignalKind>, step: SignalStep) {
        *self.state().counts.entry((kind, step)).or_default() += 1;
    }

    /// Whether it is silent, and that was not told before.
    pub(super) fn has_fallen_silent(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let is_silent = now.since(state.heard) > SILENCE_MAX;
        is_silent && !std::mem::replace(&mut state.is_told, true)
    }

    /// Whether it is time to ask whether it is there: nothing was heard for a while, and nothing is asked.
    pub(super) fn is_to_be_asked(&self, now: Timestamp) -> bool {
        let state = self.state();
        let since = state.asked.as_ref().map_or(state.heard, |(_, moment)| state.heard.max(*moment));
        now.since(since) >= ASKED_AFTER
    }

    /// Notes the state that it is asked with.
    pub(super) fn ask(&self, with: Secret, now: Timestamp) {
        self.state().asked = Some((with, now));
    }

    /// Whether a verification is good: it says what we have asked with, or nothing. Each state is good once.
    pub(super) fn is_answer(&self, with: Option<&str>) -> bool {
        let Some(with) = with else { return true };
        let mut state = self.state();
        let is_ours = state.asked.as_ref().is_some_and(|(asked, _)| asked.is(with));
        if is_ours {
            state.asked = None;
        }
        is_ours
    }

    /// How it stands now; gives how it stood.
    pub(super) fn set_status(&self, status: StreamStatus) -> StreamStatus {
        std::mem::replace(&mut self.state().status, status)
    }

    pub(super) fn now(&self, now: Timestamp) -> StreamNow {
        let state = self.state();
        StreamNow {
            heard: state.heard,
            is_silent: now.since(state.heard) > SILENCE_MAX,
            status: state.status,
            counts: state.counts.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After how long without anything somebody should look.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(15 * 60);
/// After how long it is asked whether it is there.
const ASKED_AFTER: Duration = Duration::from_secs(5 * 60);
