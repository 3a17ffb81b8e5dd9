//! The cookie: 256 bits of chance, of which only the digest is kept.

use std::fmt;

use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::secret::Secret;

/// The session cookie. The prefix binds it to one host, to TLS and to the path `/` (RFC 6265bis).
pub const SESSION_COOKIE: &str = "__Host-leastway";

/// Characters of a token: 32 bytes as base64url.
const TOKEN_LENGTH: usize = 43;

/// A session cookie's value. Never printed; only its digest is kept.
pub struct SessionToken(Secret);

impl SessionToken {
    pub(super) fn generate(entropy: &dyn Entropy) -> Self {
        Self(Secret::new(random_text::<32>(entropy)))
    }

    /// The value for `Set-Cookie` that gives this token to the browser.
    pub fn set_cookie(&self) -> String {
        format!("{SESSION_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", self.0.reveal())
    }

    /// The value for `Set-Cookie` that takes the session cookie away.
    pub fn clear_cookie() -> String {
        format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
    }

    /// The token itself, as the browser sends it back.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    pub(super) const fn secret(&self) -> &Secret {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.0.reveal().as_bytes())
    }

    /// The digest of what a browser sent, if it can be a token at all.
    pub(super) fn digest_of(cookie: &str) -> Option<Digest> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (cookie.len() == TOKEN_LENGTH && cookie.bytes().all(known)).then(|| Digest::of(cookie.as_bytes()))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}
