//! A token bucket, kept as one moment: when it will be full again (as the generic cell rate algorithm of
//! ITU-T I.371 does).

use std::time::Instant;

use super::NotNow;
use super::settings::Rate;

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// One that is full.
    pub const fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Whether nothing is missing.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Takes one, or says after how long there will be one. Who is told so has taken nothing.
    pub fn take(&mut self, rate: Rate, now: Instant) -> Result<(), NotNow> {
        let full_at = self.full_at.max(now) + rate.every();
        let missing = full_at.duration_since(now);
        let wait = missing.saturating_sub(rate.period());
        if !wait.is_zero() {
            return Err(NotNow(wait));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Gives back one that was taken.
    pub fn give_back(&mut self, rate: Rate, now: Instant) {
        self.full_at = self.full_at.checked_sub(rate.every()).unwrap_or(now).max(now);
    }
}
