//! Sealing: AES-256-GCM under a key that each text has of its own, by HKDF (RFC 5869) from a secret that somebody else
//! keeps and fresh chance. Whoever has what is sealed, such as the store, opens nothing with it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use zeroize::Zeroizing;

use crate::foundation::entropy::{Entropy, random};
use crate::foundation::secret::Secret;

/// A secret with which texts of one kind are sealed.
#[derive(Clone, Copy, Debug)]
pub struct SealedBy<'a> {
    /// The secret: at least 256 bits of chance.
    pub secret: &'a Secret,
    /// For what. Of one secret, texts for something else have other keys.
    pub purpose: &'static str,
}

/// A sealed text.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Of which its key is made, beside the secret.
    pub salt: [u8; SALT_BYTES],
    /// The nonce.
    pub nonce: [u8; NONCE_LEN],
    /// The text, with the tag at its end.
    pub text: Vec<u8>,
}

/// It cannot be sealed, or what was sealed is not what it was, or was sealed by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be sealed or opened")]
pub struct Unsealable;

impl SealedBy<'_> {
    /// Seals `text`, bound to `about`.
    pub fn seal(self, about: &[u8], mut text: Vec<u8>, entropy: &dyn Entropy) -> Result<Sealed, Unsealable> {
        // The key is made of a salt of its own, so no nonce is ever used twice under it.
        let (salt, nonce) = (random(entropy), random(entropy));
        self.key(&salt)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut text)
            .map_err(|_| Unsealable)?;
        Ok(Sealed { salt, nonce, text })
    }

    /// Opens what was sealed by this secret and bound to `about`.
    pub fn open(self, about: &[u8], sealed: Sealed) -> Result<Vec<u8>, Unsealable> {
        let Sealed { salt, nonce, mut text } = sealed;
        let (key, nonce) = (self.key(&salt)?, Nonce::assume_unique_for_key(nonce));
        let length = key.open_in_place(nonce, Aad::from(about), &mut text).map_err(|_| Unsealable)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn key(self, salt: &[u8; SALT_BYTES]) -> Result<LessSafeKey, Unsealable> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(self.secret.reveal().as_bytes());
        let purpose = [self.purpose.as_bytes()];
        let key = secret.expand(&purpose, &AES_256_GCM).map_err(|_| Unsealable)?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// Seals many short texts, one after the other, under one key: no chance is spent on each, and none is made into a key of its own.
#[derive(Debug)]
pub struct Series {
    salt: [u8; SALT_BYTES],
    key: LessSafeKey,
    /// How many were sealed: the nonce of the next.
    number: u64,
}

impl Series {
    /// Under a key of a new salt, so that no two series have one key.
    pub fn new(by: SealedBy<'_>, entropy: &dyn Entropy) -> Result<Self, Unsealable> {
        let salt = random(entropy);
        Ok(Self { salt, key: by.key(&salt)?, number: 0 })
    }

    /// Seals `text`, bound to `about`: the salt, the number, the text and its tag, as one.
    pub fn seal(&mut self, about: &[u8], mut text: Vec<u8>) -> Result<Vec<u8>, Unsealable> {
        let number = self.number.to_be_bytes();
        // Spent before it is used: whatever happens, it is used once.
        self.number = self.number.checked_add(1).ok_or(Unsealable)?;
        self.key
            .seal_in_place_append_tag(nonce(number), Aad::from(about), &mut text)
            .map_err(|_| Unsealable)?;
        Ok([&self.salt[..], &number, &text].concat())
    }
}

impl SealedBy<'_> {
    /// Opens what a series of this secret has sealed and bound to `about`.
    pub fn open_one(self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (salt, rest) = sealed.split_first_chunk().ok_or(Unsealable)?;
        let (number, text) = rest.split_first_chunk().ok_or(Unsealable)?;
        let mut text = text.to_vec();
        let opened = self.key(salt)?.open_in_place(nonce(*number), Aad::from(about), &mut text);
        let length = opened.map_err(|_| Unsealable)?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// A key of fresh chance that is in memory alone: what it has sealed is opened by its owner, or by nobody.
#[derive(Debug)]
pub struct FleetingKey {
    key: LessSafeKey,
    /// How many pieces were sealed: the nonce of the next.
    sealed: u64,
}

impl FleetingKey {
    /// A new one.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, Unsealable> {
        let bytes = Zeroizing::new(random::<KEY_BYTES>(entropy));
        let key = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(|_| Unsealable)?;
        Ok(Self { key: LessSafeKey::new(key), sealed: 0 })
    }

    /// Seals the next piece where it is, with [`TAG_BYTES`] at its end. The first has the number 0.
    pub fn seal(&mut self, piece: &mut Vec<u8>) -> Result<(), Unsealable> {
        let number = self.sealed.to_be_bytes();
        // Spent before it is used: whatever happens, it is used once.
        self.sealed = self.sealed.checked_add(1).ok_or(Unsealable)?;
        self.key.seal_in_place_append_tag(nonce(number), Aad::empty(), piece).map_err(|_| Unsealable)
    }

    /// Opens the piece with this number where it is.
    pub fn open(&self, number: u64, piece: &mut Vec<u8>) -> Result<(), Unsealable> {
        let opened = self.key.open_in_place(nonce(number.to_be_bytes()), Aad::empty(), piece);
        let length = opened.map_err(|_| Unsealable)?.len();
        piece.truncate(length);
        Ok(())
    }
}

fn nonce(number: [u8; 8]) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    for (place, byte) in nonce.iter_mut().rev().zip(number.iter().rev()) {
        *place = *byte;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;
/// Bytes that sealing adds.
pub const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::entropy::SeededEntropy;

    #[test]
    fn what_is_sealed_opens_by_its_secret_for_its_purpose_about_the_same_and_by_no_other() {
        let (secret, other, entropy) =
            (Secret::new("one".to_owned()), Secret::new("two".to_owned()), SeededEntropy::new(1));
        let by = SealedBy { secret: &secret, purpose: "tests" };
        let sealed = by.seal(b"about", b"a text".to_vec(), &entropy).unwrap();
        assert_eq!(by.open(b"about", sealed.clone()).as_deref(), Ok(&b"a text"[..]));
        assert_eq!(by.open(b"another", sealed.clone()), Err(Unsealable));
        assert_eq!(SealedBy { secret: &other, ..by }.open(b"about", sealed.clone()), Err(Unsealable));
        assert_eq!(SealedBy { purpose: "else", ..by }.open(b"about", sealed), Err(Unsealable));
    }

    #[test]
    fn what_a_series_seals_opens_one_by_one_and_none_is_like_another() {
        let (secret, other, entropy) =
            (Secret::new("one".to_owned()), Secret::new("two".to_owned()), SeededEntropy::new(1));
        let by = SealedBy { secret: &secret, purpose: "tests" };
        let mut series = Series::new(by, &entropy).unwrap();
        let sealed = [(); 3].map(|()| series.seal(b"about", b"a text".to_vec()).unwrap());
        let again = Series::new(by, &entropy).unwrap().seal(b"about", b"a text".to_vec()).unwrap();
        assert!(sealed.iter().all(|one| sealed.iter().filter(|two| *two == one).count() == 1));
        assert!(!sealed.contains(&again));
        for one in sealed.iter().chain([&again]) {
            assert_eq!(by.open_one(b"about", one).as_deref(), Ok(&b"a text"[..]));
            assert_eq!(by.open_one(b"another", one), Err(Unsealable));
            assert_eq!(SealedBy { secret: &other, ..by }.open_one(b"about", one), Err(Unsealable));
            for position in 0..one.len() {
                let mut changed = one.clone();
                changed[position] ^= 1;
                assert_eq!(by.open_one(b"about", &changed), Err(Unsealable), "byte {position}");
                assert_eq!(by.open_one(b"about", &one[..position]), Err(Unsealable), "cut at {position}");
            }
        }
    }
}
