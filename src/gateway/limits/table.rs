//! A bucket for each of many, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::NotNow;
use super::bucket::Bucket;
use super::settings::Rate;

/// A bucket for each. They are told apart by a hash whose key nobody outside knows: two whose hashes were
/// the same would only share a bucket.
#[derive(Debug)]
pub struct Table {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Shard {
    buckets: HashMap<u64, Bucket>,
    /// Shared by all for whom there is no place.
    rest: Bucket,
    swept: Instant,
}

impl Table {
    /// All buckets are full.
    pub fn new(now: Instant) -> Self {
        let shard = |_| Mutex::new(Shard { buckets: HashMap::new(), rest: Bucket::full(now), swept: now });
        Self { shards: (0..SHARDS).map(shard).collect(), hasher: RandomState::new() }
    }

    /// Takes one from the bucket of `whom`. Without a rate there is no end to it.
    pub fn take(&self, whom: &impl Hash, rate: Option<Rate>, now: Instant) -> Result<(), NotNow> {
        let Some(rate) = rate else { return Ok(()) };
        let hash = self.hasher.hash_one(whom);
        let position = usize::try_from(hash % SHARDS).unwrap_or_default();
        let Some(shard) = self.shards.get(position) else { return Ok(()) };
        shard.lock().unwrap_or_else(PoisonError::into_inner).take(hash, rate, now)
    }

    /// How many have a bucket.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().buckets.len()).sum()
    }
}

impl Shard {
    fn take(&mut self, hash: u64, rate: Rate, now: Instant) -> Result<(), NotNow> {
        if let Some(bucket) = self.buckets.get_mut(&hash) {
            return bucket.take(rate, now);
        }
        if self.buckets.len() >= PLACES && now.duration_since(self.swept) >= SWEPT_EVERY {
            // A bucket that is full says nothing that no bucket would not say.
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.swept = now;
        }
        if self.buckets.len() >= PLACES {
            return self.rest.take(rate, now);
        }
        let mut bucket = Bucket::full(now);
        let taken = bucket.take(rate, now);
        self.buckets.insert(hash, bucket);
        taken
    }
}

const SHARDS: u64 = 16;
/// Buckets in one shard: 65,536 in all, in about 2 MiB.
pub(super) const PLACES: usize = 4096;
const SWEPT_EVERY: Duration = Duration::from_secs(1);
