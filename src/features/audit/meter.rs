//! What the journal has done so far, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the journal has done since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Entries that are on the disk.
    pub entries: u64,
    /// Times that the writer took what was waiting.
    pub batches: u64,
    /// Bytes written, zeros ahead not counted.
    pub bytes: u64,
    /// Syncs of a segment in use.
    pub syncs: u64,
    /// Time in syncs.
    pub sync_time: Duration,
    /// Syncs by their time: at most so long, so many (not cumulated).
    pub sync_buckets: Vec<(Duration, u64)>,
    /// Syncs that took longer than the last bucket.
    pub syncs_slower: u64,
    /// Segments begun.
    pub segments: u64,
    /// Entries that wait for the writer now.
    pub waiting: u64,
    /// Closing entries that could not be journaled any more.
    pub lost_closings: u64,
    /// Checkpoints signed.
    pub checkpoints: u64,
    /// Times that a checkpoint could not be signed.
    pub checkpoint_failures: u64,
    /// Entries on the disk that no checkpoint names yet.
    pub unsigned: u64,
    /// Entries that are in the spool.
    pub spooled: u64,
    /// Requests that were let through without an entry.
    pub gap_requests: u64,
}

/// Where the writer counts.
#[derive(Debug, Default)]
pub(super) struct Meter {
    entries: AtomicU64,
    batches: AtomicU64,
    bytes: AtomicU64,
    sync_micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS.len()],
    slower: AtomicU64,
    segments: AtomicU64,
    lost_closings: AtomicU64,
}

impl Meter {
    pub(super) fn batch(&self) {
        add(&self.batches, 1);
    }

    pub(super) fn durable(&self, entries: u64) {
        add(&self.entries, entries);
    }

    pub(super) fn written(&self, bytes: u64) {
        add(&self.bytes, bytes);
    }

    pub(super) fn synced(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        add(&self.sync_micros, micros);
        let bucket = BUCKETS.iter().position(|most| micros <= *most).and_then(|at| self.buckets.get(at));
        add(bucket.unwrap_or(&self.slower), 1);
    }

    pub(super) fn segment(&self) {
        add(&self.segments, 1);
    }

    /// Counts a closing entry that is lost; whether it is the first.
    pub(super) fn lost_closing(&self) -> bool {
        self.lost_closings.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(super) fn counters(&self, waiting: u64) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let sync_buckets: Vec<_> = BUCKETS
            .iter()
            .zip(&self.buckets)
            .map(|(most, count)| (Duration::from_micros(*most), read(count)))
            .collect();
        let syncs_slower = read(&self.slower);
        Counters {
            entries: read(&self.entries),
            batches: read(&self.batches),
            bytes: read(&self.bytes),
            syncs: sync_buckets.iter().map(|(_, count)| count).sum::<u64>().saturating_add(syncs_slower),
            sync_time: Duration::from_micros(read(&self.sync_micros)),
            sync_buckets,
            syncs_slower,
            segments: read(&self.segments),
            waiting,
            lost_closings: read(&self.lost_closings),
            ..Counters::default()
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// The most microseconds of each bucket.
const BUCKETS: [u64; 12] =
    [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 204_800];
