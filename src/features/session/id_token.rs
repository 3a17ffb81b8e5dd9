//! The ID token of a session, which the provider is shown at sign-out and nobody else ever.
//!
//! It is sealed by the session's own cookie, in memory too, so that neither the store nor its backups hold a token that speaks of
//! a person. Whoever brings the cookie opens it.

use std::fmt;
use std::sync::Arc;

use super::token::SessionToken;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::seal::{SealedBy, Series, Unsealable};

/// An ID token that opens by the cookie of its session.
#[derive(Clone)]
pub(super) struct SealedIdToken(Arc<[u8]>);

impl SealedIdToken {
    pub(super) fn seal(
        token: &Secret,
        session: SessionId,
        cookie: &SessionToken,
        entropy: &dyn Entropy,
    ) -> Result<Self, Unsealable> {
        let text = token.reveal().as_bytes().to_vec();
        let sealed = Series::new(by(cookie.secret()), entropy)?.seal(about(session).as_bytes(), text)?;
        Ok(Self(sealed.into()))
    }

    /// As the store has it.
    pub(super) const fn of(bytes: Arc<[u8]>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The token, by the cookie under which it was sealed.
    pub(super) fn open(&self, session: SessionId, cookie: &Secret) -> Option<Secret> {
        let text = by(cookie).open_one(about(session).as_bytes(), &self.0).ok()?;
        String::from_utf8(text).ok().map(Secret::new)
    }
}

impl fmt::Debug for SealedIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedIdToken(..)")
    }
}

const fn by(cookie: &Secret) -> SealedBy<'_> {
    SealedBy { secret: cookie, purpose: "leastway session: ID token" }
}

/// A row that was put under another identifier opens nothing.
fn about(session: SessionId) -> String {
    session.to_string()
}
