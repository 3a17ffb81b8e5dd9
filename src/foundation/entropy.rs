//! Chance comes in through the door: whoever needs unpredictable bytes is handed an [`Entropy`].

use std::fmt;
use std::sync::{Arc, Mutex};

/// Where unpredictable bytes come from.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `bytes`. Never returns without having filled them.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` unpredictable bytes.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// `N` unpredictable bytes as base64url without padding: 32 bytes give 43 characters.
pub fn random_text<const N: usize>(entropy: &dyn Entropy) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random::<N>(entropy))
}

/// The operating system's generator, by aws-lc.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "a system without entropy cannot make a secret: stop, never guess"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the system's entropy");
    }
}

/// Another source, asked for many bytes at a time. For identifiers only: bytes that wait in memory must not
/// become a secret.
#[derive(Debug)]
pub struct Buffered {
    source: Arc<dyn Entropy>,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    bytes: [u8; WAITING_BYTES],
    used: usize,
}

const WAITING_BYTES: usize = 1000;

impl Buffered {
    /// Nothing was asked of `source` yet.
    pub fn new(source: Arc<dyn Entropy>) -> Self {
        let waiting = Waiting { bytes: [0; WAITING_BYTES], used: WAITING_BYTES };
        Self { source, waiting: Mutex::new(waiting) }
    }
}

impl Entropy for Buffered {
    fn fill(&self, bytes: &mut [u8]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if waiting.bytes.len() - waiting.used < bytes.len() {
            self.source.fill(&mut waiting.bytes);
            waiting.used = 0;
        }
        let Waiting { bytes: kept, used } = &mut *waiting;
        match kept.get_mut(*used..*used + bytes.len()) {
            Some(next) => {
                bytes.copy_from_slice(next);
                // No two identifiers are made of the same bytes, whatever goes wrong later.
                next.fill(0);
                *used += bytes.len();
            }
            None => self.source.fill(bytes),
        }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("used", &self.used).finish_non_exhaustive()
    }
}

/// Predictable bytes for tests: the same seed gives the same sequence.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// A sequence that begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for byte in bytes {
            // SplitMix64: short, and good enough to tell two test identifiers apart.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn buffered_bytes_are_given_once() {
        let buffered = Buffered::new(Arc::new(SystemEntropy));
        let given: HashSet<[u8; 10]> = (0..1000).map(|_| random(&buffered)).collect();
        assert_eq!(given.len(), 1000);
        assert_ne!(random::<2000>(&buffered)[1990..], [0; 10], "more than is kept comes from the source");
    }
}
