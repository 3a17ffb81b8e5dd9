//! How many people: exactly up to a bound, and beyond it that there are more.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

/// Some people. Two whose names collide in 64 bits would count as one.
#[derive(Debug, Default)]
pub(super) struct People(HashSet<u64>);

/// Stands for somebody.
pub(super) fn key(issuer: &str, sub: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((issuer, sub))
}

impl People {
    pub(super) fn add(&mut self, issuer: &str, sub: &str) {
        if !self.is_full() {
            self.0.insert(key(issuer, sub));
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= PEOPLE_MAX
    }
}

const PEOPLE_MAX: usize = 4096;
