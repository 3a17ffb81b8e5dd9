//! How many distinct patients: keyed hashes in a set that cannot grow without bound.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use siphasher::sip::SipHasher13;

use crate::domain::count::Count;
use crate::domain::listed::{self, Listed};
use crate::domain::patient::{PatientDigest, PatientNames};
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

/// The distinct patients of one reply. Holds 64-bit hashes under a secret key, and what events call them where that is asked
/// for, never an identifier, so that memory tells nobody who was in it.
#[derive(Debug, Default)]
pub(super) struct Patients {
    /// Named since they were last taken.
    fresh: Vec<Named>,
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    last: Option<u64>,
    more: bool,
    /// What events call them, where these are to keep whom the reply listed.
    names: Option<PatientNames>,
    listed: Option<listed::Patients>,
}

/// A patient who may be one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    hash: u64,
    /// What events call them; none where nobody asks, or where they were seen before.
    digest: Option<PatientDigest>,
}

impl Patients {
    /// Events are to keep them, and call them so.
    pub(super) fn list_by(&mut self, names: PatientNames) {
        self.names = Some(names);
    }

    /// Whom events are to keep of them: nobody where that was not asked for, or where there were more than could be told apart.
    pub(super) fn take_listed(&mut self) -> Option<Listed> {
        self.listed.take().filter(|_| !self.more).map(Listed::of)
    }

    /// Whoever is called `identifier`.
    pub(super) fn candidate(&self, identifier: &[u8]) -> Candidate {
        let hash = Self::hash(identifier);
        let names = self.names.as_ref().filter(|_| self.last != Some(hash) && !self.seen.contains(&hash));
        Candidate { hash, digest: names.map(|names| names.digest(identifier)) }
    }

    /// The hash under which `identifier` is known here.
    fn hash(identifier: &[u8]) -> u64 {
        // One text is all that is hashed: its length need not set it apart from what follows.
        let mut hasher = *KEY.get_or_init(|| SipHasher13::new_with_key(&random(&SystemEntropy)));
        hasher.write(identifier);
        hasher.finish()
    }

    /// `identifier` was named.
    pub(super) fn name(&mut self, identifier: &[u8]) {
        if !identifier.is_empty() {
            self.insert(self.candidate(identifier));
        }
    }

    /// This patient was named. Lists are often sorted by patient: the same one again is free.
    pub(super) fn insert(&mut self, Candidate { hash, digest }: Candidate) {
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
                if let Some(digest) = digest {
                    listed::Patients::put(&mut self.listed, digest);
                }
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
    use crate::domain::listed::LISTED_MAX;
    use crate::foundation::digest::DigestKey;

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

    #[test]
    fn whom_events_keep_are_all_that_were_named_each_once_or_nobody() {
        let names = PatientNames::of("ehr".parse().unwrap(), DigestKey::from_bytes(&[7; 32]).into());
        let listed = |numbers: std::ops::Range<usize>| {
            let mut patients = Patients::default();
            patients.list_by(names.clone());
            for number in numbers.clone().chain(numbers) {
                patients.name(number.to_string().as_bytes());
            }
            patients.take_listed()
        };
        assert_eq!(listed(0..0), None);
        assert_eq!(listed(7..8).unwrap().each(), [names.digest(b"7")]);
        assert_eq!(listed(0..LISTED_MAX).unwrap().each().len(), LISTED_MAX);
        assert!(matches!(listed(0..PATIENTS_MAX), Some(Listed::Together(_))));
        assert_eq!(listed(0..PATIENTS_MAX + 1), None, "those who were not told apart are not in any digest");
        let mut unasked = Patients::default();
        unasked.name(b"7");
        assert_eq!(unasked.take_listed(), None);
    }
}
