//! How many connections each address has. As many entries as connections, of which there are only so many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::address::Source;

/// How many connections each address has.
#[derive(Debug, Default)]
pub struct Crowd(Mutex<HashMap<Source, usize>>);

/// A place in a crowd, given back when dropped.
#[derive(Debug)]
pub struct Seat {
    crowd: Arc<Crowd>,
    source: Source,
}

impl Crowd {
    /// Nobody.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A seat for one more of `source`, if it has fewer than `most`.
    pub fn enter(self: &Arc<Self>, source: &Source, most: usize) -> Option<Seat> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(source).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        counts.insert(*source, count + 1);
        Some(Seat { crowd: self.clone(), source: *source })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.source);
            }
        }
    }
}
