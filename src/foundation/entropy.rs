//! Chance comes in through the door: whoever needs unpredictable bytes is handed an [`Entropy`].

use std::fmt;
use std::sync::Mutex;

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
