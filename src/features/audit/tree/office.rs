//! What the writer leaves for the notary, and what the notary has to show.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use crate::features::audit::format::Head;
use crate::foundation::digest::Digest;
use crate::platform::signed_note::SigningKey;

/// What the writer leaves for the notary, and what the notary has to show.
#[derive(Debug, Default)]
pub(in crate::features::audit) struct Office {
    handed: Mutex<Handed>,
    bell: Condvar,
    shown: Mutex<Option<Arc<SignedCheckpoint>>>,
    /// The key that signs.
    key: Mutex<Option<Arc<SigningKey>>>,
    failures: AtomicU64,
    signed: AtomicU64,
}

/// The newest checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

#[derive(Debug, Default)]
struct Handed {
    /// Of the last entries up to `head`.
    leaves: Vec<Digest>,
    head: Option<Head>,
    /// A segment has ended.
    is_asked: bool,
    /// The same, until it was signed that it has.
    has_ended: bool,
    is_closing: bool,
}

impl Office {
    /// Leaves the leaves of entries that are on the disk, the last of which is at `head`; takes all of them out.
    pub(in crate::features::audit) fn hand(&self, leaves: &mut Vec<Digest>, head: Head, segment_ended: bool) {
        let mut handed = self.handed();
        let is_first = handed.leaves.is_empty();
        if handed.leaves.len() >= LEAVES_MAX {
            // The notary sees the gap, and reads the entries.
            handed.leaves.clear();
        }
        handed.leaves.append(leaves);
        handed.head = Some(head);
        handed.is_asked |= segment_ended;
        handed.has_ended |= segment_ended;
        drop(handed);
        if is_first || segment_ended {
            self.bell.notify_one();
        }
    }

    /// Asks for a last checkpoint.
    pub(in crate::features::audit) fn close(&self) {
        self.handed().is_closing = true;
        self.bell.notify_one();
    }

    /// The newest checkpoint of this run.
    pub(in crate::features::audit) fn newest(&self) -> Option<Arc<SignedCheckpoint>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key that signs checkpoints now.
    pub(in crate::features::audit) fn key(&self) -> Option<Arc<SigningKey>> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn signs_with(&self, key: &Arc<SigningKey>) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Checkpoints signed, and times that one could not be.
    pub(in crate::features::audit) fn counts(&self) -> (u64, u64) {
        (self.signed.load(Ordering::Relaxed), self.failures.load(Ordering::Relaxed))
    }

    /// A checkpoint could not be signed.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn show(&self, signed: SignedCheckpoint) {
        self.signed.fetch_add(1, Ordering::Relaxed);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(signed));
    }

    /// Waits until there is something to sign and `due` has come, or a segment or the journal ends; not longer
    /// than `most`. Whether the journal ends.
    pub(super) fn wait(&self, due: Instant, most: Duration) -> bool {
        let begin = Instant::now();
        let mut handed = self.handed();
        loop {
            let is_due = !handed.leaves.is_empty() && Instant::now() >= due;
            let left = most.saturating_sub(begin.elapsed());
            if handed.is_closing || handed.is_asked || is_due || left.is_zero() {
                handed.is_asked = false;
                return handed.is_closing;
            }
            let until_due = due.saturating_duration_since(Instant::now());
            let wait = if handed.leaves.is_empty() { left } else { until_due.min(left) };
            handed = self.bell.wait_timeout(handed, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits as long, whatever there is to sign, unless the journal ends. Whether it does.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let begin = Instant::now();
        let mut handed = self.handed();
        loop {
            let left = time.saturating_sub(begin.elapsed());
            if handed.is_closing || left.is_zero() {
                return handed.is_closing;
            }
            handed = self.bell.wait_timeout(handed, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The leaves, up to which entry, and whether a segment has ended there or before.
    pub(super) fn take(&self, empty: Vec<Digest>) -> (Vec<Digest>, Option<Head>, bool) {
        let mut handed = self.handed();
        let has_ended = std::mem::take(&mut handed.has_ended);
        (std::mem::replace(&mut handed.leaves, empty), handed.head, has_ended)
    }

    fn handed(&self) -> MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leaves that wait before the notary is left to read entries itself: 32 MiB of them.
const LEAVES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_rests_is_woken_by_the_end_alone() {
        let office = Office::default();
        office.hand(&mut vec![Digest::ZERO], Head::START, true);
        let begin = Instant::now();
        assert!(!office.rest(Duration::from_millis(30)) && begin.elapsed() >= Duration::from_millis(30));
        office.close();
        assert!(office.rest(Duration::from_secs(600)));
    }
}
