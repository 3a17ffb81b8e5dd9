//! By what entries are sealed: the browser's secret. It is in the browser's cookie and nowhere else; the store has a digest
//! of it, to find the browser's entries by.

use std::fmt;

use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::secret::Secret;
use crate::platform::seal::SealedBy;

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

    /// By what its entries are sealed.
    pub(super) const fn seal(&self) -> SealedBy<'_> {
        SealedBy { secret: &self.0, purpose: "leastway hold: key" }
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser(..)")
    }
}

/// 256 bits as base64url.
const SECRET_CHARACTERS: usize = 43;
