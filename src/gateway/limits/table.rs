//! A bucket for each of many, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
        let (hash, shard) = self.of(whom);
        shard.map_or(Ok(()), |mut shard| shard.take(hash, rate, now))
    }

    /// Gives back one that was taken from the bucket of `whom`.
    pub fn give_back(&self, whom: &impl Hash, rate: Option<Rate>, now: Instant) {
        let (hash, shard) = self.of(whom);
        if let (Some(rate), Some(mut shard)) = (rate, shard) {
            shard.bucket(hash).give_back(rate, now);
        }
    }

    fn of(&self, whom: &impl Hash) -> (u64, Option<MutexGuard<'_, Shard>>) {
        let hash = self.hasher.hash_one(whom);
        let position = usize::try_from(hash % SHARDS).unwrap_or_default();
        let shard = self.shards.get(position);
        (hash, shard.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// How many have a bucket.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().buckets.len()).sum()
    }
}

impl Shard {
    fn bucket(&mut self, hash: u64) -> &mut Bucket {
        self.buckets.get_mut(&hash).unwrap_or(&mut self.rest)
    }

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
