//! Maps keyed by a digest: it is spread evenly already, and is not hashed again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::foundation::digest::Digest;

/// A map keyed by a token's digest. Only digests of tokens that we or a provider gave out are ever keys, so
/// nobody can choose keys that collide.
pub(super) type DigestMap<T> = HashMap<Digest, T, BuildHasherDefault<FirstBytes>>;

/// Takes the first eight bytes as they are.
#[derive(Debug, Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    /// The length that an array writes before its bytes says nothing.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
