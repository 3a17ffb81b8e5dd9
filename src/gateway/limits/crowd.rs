//! How many connections each address or person has. As many entries as connections, of which there are only so many.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// How many connections each address or person has.
#[derive(Debug)]
pub struct Crowd<K>(Mutex<HashMap<K, usize>>);

/// A place in a crowd, given back when dropped.
#[derive(Debug)]
pub struct Seat<K: Eq + Hash> {
    crowd: Arc<Crowd<K>>,
    whose: K,
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Nobody.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    /// A seat for one more of `whose`, if there are fewer than `most`.
    pub fn enter(self: &Arc<Self>, whose: &K, most: usize) -> Option<Seat<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(whose).copied().unwrap_or_default();
        if count >= most {
            return None;
        }
        counts.insert(whose.clone(), count + 1);
        Some(Seat { crowd: self.clone(), whose: whose.clone() })
    }
}

impl<K: Eq + Hash> Drop for Seat<K> {
    fn drop(&mut self) {
        let mut counts = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}
