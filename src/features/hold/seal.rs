//! Sealing: AES-256-GCM under a key that each entry has of its own, by HKDF (RFC 5869) from the browser's secret and
//! fresh chance. The secret is in the browser's cookie and nowhere else; the store has a digest of it, to find
//! the browser's entries by.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random, random_text};
use crate::foundation::secret::Secret;

/// A browser, by the secret that its cookie carries.
#[derive(Clone)]
pub struct Browser(Secret);

impl Browser {
    /// The browser that sent this cookie, if we could have made it.
    pub fn of(cookie: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_ours = cookie.len() == SECRET_CHARACTERS && cookie.bytes().all(known);
        is_ours.then(|| Self(Secret::new(cookie.to_owned())))
    }

    /// A browser that gets a secret now.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(random_text::<32>(entropy)))
    }

    /// The secret, for the cookie.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What the store knows it by; the secret cannot be found from it.
    pub fn digest(&self) -> Digest {
        Digest::of_parts(&[b"leastway hold: browser\0", self.0.reveal().as_bytes()])
    }

    /// What tells two equal texts of this browser, and tells nobody else anything.
    pub(super) fn fingerprint(&self, parts: &[&[u8]]) -> Digest {
        let key = Digest::of_parts(&[b"leastway hold: fingerprint\0", self.0.reveal().as_bytes()]);
        crate::foundation::digest::DigestKey::from_bytes(key.as_bytes()).digest(parts)
    }

    fn key(&self, salt: &[u8; SALT_BYTES]) -> Result<LessSafeKey, Unsealable> {
        let secret = Salt::new(HKDF_SHA256, salt).extract(self.0.reveal().as_bytes());
        let key = secret.expand(&[b"leastway hold: key"], &AES_256_GCM).map_err(|_| Unsealable)?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser(..)")
    }
}

/// A sealed text.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) nonce: [u8; NONCE_LEN],
    /// With the tag at its end.
    pub(super) text: Vec<u8>,
}

/// It cannot be sealed, or what was sealed is not what it was, or was sealed for somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be sealed or opened")]
pub(super) struct Unsealable;

/// Seals `text` for a browser, bound to `about`.
pub(super) fn seal(
    browser: &Browser,
    about: &[u8],
    mut text: Vec<u8>,
    entropy: &dyn Entropy,
) -> Result<Sealed, Unsealable> {
    // The key is made of a salt of its own, so no nonce is ever used twice under it.
    let (salt, nonce) = (random(entropy), random(entropy));
    browser
        .key(&salt)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about), &mut text)
        .map_err(|_| Unsealable)?;
    Ok(Sealed { salt, nonce, text })
}

/// Opens what was sealed for this browser and bound to `about`.
pub(super) fn open(browser: &Browser, about: &[u8], sealed: Sealed) -> Result<Vec<u8>, Unsealable> {
    let Sealed { salt, nonce, mut text } = sealed;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length =
        browser.key(&salt)?.open_in_place(nonce, Aad::from(about), &mut text).map_err(|_| Unsealable)?.len();
    text.truncate(length);
    Ok(text)
}

/// Bytes of a salt.
pub(super) const SALT_BYTES: usize = 32;

/// 256 bits as base64url.
const SECRET_CHARACTERS: usize = 43;
