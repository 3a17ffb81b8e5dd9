//! Whose requests a connection may carry.
//!
//! NTLM and Negotiate (RFC 4559) sign a connection in, not a request: whatever comes on it afterwards is
//! that person's. So a connection on which one of them was seen is bound to the session that it was seen
//! for, and closed after use where there is no session. While a handshake is under way it also belongs to
//! one connection of the caller's, or two handshakes of one person would be mixed up.

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::settings::Connections;
use crate::domain::patience::Patience;
use crate::foundation::id::SessionId;

/// On whose behalf a request is sent, where to if that is bound, and how long for.
#[derive(Clone, Copy, Debug)]
pub struct Errand {
    /// The session; `None` where nobody is signed in.
    pub session: Option<SessionId>,
    /// The caller's end of the connection on which it came.
    pub line: SocketAddr,
    /// The server that the caller is bound to.
    pub server: Option<usize>,
    /// How long its reply is waited for.
    pub patience: Patience,
}

/// Whose requests a connection may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// Anybody's.
    Free,
    /// Those of one session.
    Session(SessionId),
    /// Those that come on one connection of one session: a handshake is under way.
    Handshake(SessionId, SocketAddr),
    /// Nobody's: it was signed in, or is to be somebody's own, and there is no session.
    Nobody,
}

impl Bond {
    /// The bond of a new connection.
    pub(super) fn new(connections: Connections, errand: &Errand) -> Self {
        match connections {
            Connections::Shared => Self::Free,
            Connections::PerPerson => errand.session.map_or(Self::Nobody, Self::Session),
        }
    }

    pub(super) const fn is_free(self) -> bool {
        matches!(self, Self::Free)
    }

    pub(super) const fn is_nobodys(self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// Whether it is bound, and this errand may use it.
    pub(super) fn is_of(self, errand: &Errand) -> bool {
        match self {
            Self::Free | Self::Nobody => false,
            Self::Session(session) => errand.session == Some(session),
            Self::Handshake(session, line) => errand.session == Some(session) && errand.line == line,
        }
    }

    /// Whether this errand has begun a handshake on it.
    pub(super) fn is_handshake_of(self, errand: &Errand) -> bool {
        matches!(self, Self::Handshake(..)) && self.is_of(errand)
    }

    /// What becomes of it by a request that is about to be sent.
    pub(super) fn asked(self, errand: &Errand, request: &HeaderMap) -> Self {
        let signs_in = request.get_all(AUTHORIZATION).iter().any(signs_a_connection_in);
        if signs_in { self.tied(errand) } else { self }
    }

    /// What becomes of it by a reply.
    pub(super) fn answered(self, errand: &Errand, status: StatusCode, reply: &HeaderMap) -> Self {
        let asks = reply.get_all(WWW_AUTHENTICATE).iter().any(signs_a_connection_in);
        match (self.released(), asks) {
            // Negotiate's last word comes with a reply that is not a 401.
            (bond, true) if status != StatusCode::UNAUTHORIZED => bond.tied(errand),
            (bond, true) => match bond.tied(errand) {
                Self::Session(session) => Self::Handshake(session, errand.line),
                other @ (Self::Free | Self::Handshake(..) | Self::Nobody) => other,
            },
            (bond, false) => bond,
        }
    }

    /// Never freed again: what was signed in stays somebody's.
    fn tied(self, errand: &Errand) -> Self {
        match (self, errand.session) {
            (Self::Free, Some(session)) => Self::Session(session),
            (Self::Free, None) => Self::Nobody,
            (bound @ (Self::Session(_) | Self::Handshake(..) | Self::Nobody), _) => bound,
        }
    }

    const fn released(self) -> Self {
        match self {
            Self::Handshake(session, _) => Self::Session(session),
            Self::Free | Self::Session(_) | Self::Nobody => self,
        }
    }
}

/// Whether a challenge or a credential is of a scheme that signs the connection in. A field may hold
/// several challenges (RFC 9110 section 11.6.1), so every word of it is looked at: one too many bound is
/// a connection not shared, one too few is a person mistaken for another.
fn signs_a_connection_in(value: &HeaderValue) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b' ' | b'\t' | b',');
    value.as_bytes().split(is_separator).any(|word| {
        [b"ntlm".as_slice(), b"negotiate", b"kerberos"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::clock::Timestamp;
    use crate::foundation::entropy::SeededEntropy;

    fn errand(seed: Option<u64>, port: u16) -> Errand {
        let session = seed.map(|seed| SessionId::new(Timestamp::from_seconds(1), &SeededEntropy::new(seed)));
        let line = SocketAddr::from(([192, 0, 2, 7], port));
        Errand { session, line, server: None, patience: Patience::default() }
    }

    fn challenge(value: &'static str) -> HeaderMap {
        [(WWW_AUTHENTICATE, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a_connection_that_is_signed_in_is_never_free_again() {
        let (nora, rosa) = (errand(Some(1), 1), errand(Some(2), 2));
        let none = HeaderMap::new();
        for scheme in ["NTLM", "Negotiate oYG2MIG=", "negotiate", "Basic realm=\"x\", NTLM", "Kerberos"] {
            let asked = Bond::Free.answered(&nora, StatusCode::UNAUTHORIZED, &challenge(scheme));
            assert!(asked.is_of(&nora) && !asked.is_of(&rosa) && !asked.is_free(), "{scheme}");
            let done = asked.answered(&nora, StatusCode::OK, &none);
            assert!(done.is_of(&nora) && !done.is_of(&rosa) && !done.is_free(), "{scheme}");
            let sent: HeaderMap = [(AUTHORIZATION, HeaderValue::from_static(scheme))].into_iter().collect();
            assert!(Bond::Free.asked(&nora, &sent).is_of(&nora), "{scheme}");
        }
        for scheme in ["Basic realm=\"NTLMv2\"", "Bearer"] {
            assert!(Bond::Free.answered(&nora, StatusCode::UNAUTHORIZED, &challenge(scheme)).is_free());
        }
    }

    #[test]
    fn a_handshake_belongs_to_one_connection_of_the_caller_and_what_it_signed_in_to_the_session() {
        let (here, there) = (errand(Some(1), 1), errand(Some(1), 2));
        let under_way = Bond::Free.answered(&here, StatusCode::UNAUTHORIZED, &challenge("NTLM TlRMTVNTUAAC"));
        assert!(under_way.is_of(&here) && !under_way.is_of(&there));
        let done = under_way.answered(&here, StatusCode::OK, &HeaderMap::new());
        assert!(done.is_of(&here) && done.is_of(&there));
    }

    #[test]
    fn without_a_session_a_connection_that_is_signed_in_is_nobodys() {
        let nobody = errand(None, 1);
        let seen = Bond::Free.answered(&nobody, StatusCode::UNAUTHORIZED, &challenge("NTLM"));
        assert!(seen.is_nobodys() && !seen.is_of(&nobody));
        assert!(Bond::new(Connections::PerPerson, &nobody).is_nobodys());
        assert!(Bond::new(Connections::Shared, &nobody).is_free());
    }
}
