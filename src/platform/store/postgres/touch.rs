//! Whether this node is in touch with the others: the lease.
//!
//! Touch is proven by a question to the server that was asked at a known moment, once everything that the answer told
//! has been acted on. A write proves nothing: it may succeed while nothing is heard.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A moment on this process's monotonic clock, in milliseconds since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

#[derive(Debug)]
pub(super) struct Touch {
    opened: Instant,
    lease_millis: u64,
    /// The last moment up to which everything is known; `NEVER` before the first.
    proven: AtomicU64,
    /// Changes that were handed on and not yet acted on.
    behind: AtomicUsize,
}

const NEVER: u64 = u64::MAX;

impl Touch {
    pub(super) fn new(lease: Duration) -> Self {
        let lease_millis = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        Self {
            opened: Instant::now(),
            lease_millis,
            proven: AtomicU64::new(NEVER),
            behind: AtomicUsize::new(0),
        }
    }

    /// Now, to be taken before the server is asked.
    pub(super) fn now(&self) -> Moment {
        Moment(u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NEVER - 1))
    }

    /// Everything that was committed up to `moment` has been acted on.
    pub(super) fn prove(&self, moment: Moment) {
        self.proven.store(moment.0, Ordering::Release);
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held_at(self.now())
    }

    pub(super) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_millis)
    }

    fn is_held_at(&self, now: Moment) -> bool {
        match self.proven.load(Ordering::Acquire) {
            NEVER => false,
            proven => now.0.saturating_sub(proven) <= self.lease_millis,
        }
    }

    pub(super) fn behind(&self) -> usize {
        self.behind.load(Ordering::Relaxed)
    }

    pub(super) fn handed_on(&self) {
        self.behind.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn acted_on(&self) {
        self.behind.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touch_lasts_as_long_as_the_lease() {
        let touch = Touch::new(Duration::from_secs(3));
        assert!(!touch.is_held_at(Moment(0)), "nothing is proven yet");
        touch.prove(Moment(500));
        assert!(touch.is_held_at(Moment(500)) && touch.is_held_at(Moment(3_500)));
        assert!(!touch.is_held_at(Moment(3_501)));
        touch.prove(Moment(4_000));
        assert!(touch.is_held_at(Moment(7_000)));
    }
}
