//! How many distinct patients: keyed hashes in a set that cannot grow without bound.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use siphasher::sip::SipHasher13;

use crate::domain::count::Count;
use crate::foundation::entropy::{SystemEntropy, random};

/// Past this many, the number of patients is a lower bound: what a person may take is far less.
pub(super) const PATIENTS_MAX: usize = 10_000;

/// A list of this many is taken in without growing.
const PATIENTS_USUAL: usize = 448;

/// A patient whom a reply names, in one application: the same in each of its replies, for as long as the key stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Named(u64);

impl Named {
    /// Has patients named under this key from now on, so that they are the same after a restart and at other nodes. The
    /// first key that is set or used in a process stays.
    pub fn agree(key: &[u8; 16]) {
        KEY.get_or_init(|| SipHasher13::new_with_key(key));
    }

    /// The hash.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// One for the process, so that the same patient in two replies is one.
static KEY: OnceLock<SipHasher13> = OnceLock::new();

/// The distinct patients of one reply. Holds 64-bit hashes under a secret key, never an identifier,
/// so that memory tells nobody who was in it.
#[derive(Debug, Default)]
pub(super) struct Patients {
    /// Named since they were last taken.
    fresh: Vec<Named>,
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    last: Option<u64>,
    more: bool,
}

impl Patients {
    /// The hash under which `identifier` is known here.
    pub(super) fn hash(identifier: &[u8]) -> u64 {
        // One text is all that is hashed: its length need not set it apart from what follows.
        let mut hasher = *KEY.get_or_init(|| SipHasher13::new_with_key(&random(&SystemEntropy)));
        hasher.write(identifier);
        hasher.finish()
    }

    /// `identifier` was named.
    pub(super) fn name(&mut self, identifier: &[u8]) {
        if !identifier.is_empty() {
            self.insert(Self::hash(identifier));
        }
    }

    /// The patient with this hash was named. Lists are often sorted by patient: the same one again is free.
    pub(super) fn insert(&mut self, hash: u64) {
        if self.last == Some(hash) {
            return;
        }
        self.last = Some(hash);
        if self.seen.is_empty() {
            self.seen.reserve(PATIENTS_USUAL);
        }
        if self.seen.len() < PATIENTS_MAX {
            if self.seen.insert(hash) {
                self.fresh.push(Named(hash));
            }
        } else if !self.seen.contains(&hash) {
            self.more = true;
        }
    }

    /// Whom it has named since this was last asked, each once.
    pub(super) fn take_named(&mut self) -> Vec<Named> {
        std::mem::take(&mut self.fresh)
    }

    /// How many.
    pub(super) fn count(&self) -> Count {
        let number = self.seen.len() as u64;
        if self.more { Count::AtLeast(number + 1) } else { Count::Exactly(number) }
    }

    /// How many so far.
    pub(super) fn so_far(&self) -> Count {
        Count::AtLeast(self.count().at_least())
    }
}

/// What is hashed already need not be hashed again.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_counted_once_and_their_number_stays_bounded() {
        let mut patients = Patients::default();
        for round in 0..2 {
            for number in 0..PATIENTS_MAX {
                patients.name(number.to_string().as_bytes());
            }
            assert_eq!(patients.count(), Count::Exactly(PATIENTS_MAX as u64), "round {round}");
        }
        patients.name(b"one more");
        patients.name(b"and another");
        assert_eq!(patients.count(), Count::AtLeast(PATIENTS_MAX as u64 + 1));
        assert_eq!(patients.seen.len(), PATIENTS_MAX);
    }
}
