//! The cookie by which a browser is told from others. It names the browser, not a person, and is no credential: who has it is
//! spared a question, and let in nowhere.

use std::fmt;

use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};

/// The cookie that names a browser on one host. The prefix binds it to that host, to TLS and to the path `/` (RFC 6265bis).
pub const BROWSER_COOKIE: &str = "__Host-leastway-d";

/// A browser's name: 256 bits of chance, of which only the digest is kept.
pub struct BrowserToken(String);

impl BrowserToken {
    /// What a browser sent, if it can be a name at all; else a new one.
    pub fn of(sent: Option<&str>, entropy: &dyn Entropy) -> Self {
        Self::read(sent).unwrap_or_else(|| Self(random_text::<32>(entropy)))
    }

    /// What a browser sent, if it can be a name at all.
    pub fn read(sent: Option<&str>) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        sent.filter(|text| text.len() == LENGTH && text.bytes().all(known)).map(|text| Self(text.to_owned()))
    }

    /// What is kept of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The value for `Set-Cookie` that gives the browser its name, for as long as browsers keep a cookie.
    pub fn set_cookie(&self) -> String {
        format!(
            "{BROWSER_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LASTS_SECONDS}",
            self.0
        )
    }
}

impl fmt::Debug for BrowserToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserToken(..)")
    }
}

/// Characters of a name: 32 bytes as base64url.
const LENGTH: usize = 43;
/// 400 days, the longest that browsers keep one.
const LASTS_SECONDS: u32 = 400 * 24 * 60 * 60;
