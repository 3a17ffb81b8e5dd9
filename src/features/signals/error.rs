//! Why a security event token is not taken, and what its transmitter is told (RFC 8935 section 2.4, RFC 8936 section 2.6).

use serde_json::json;

use crate::domain::reason::Reason;
use crate::platform::http::fetch::FetchError;
use crate::platform::signed_token::{SignedFault, TokenFault};

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetFault {
    /// Whoever brings it does not bring the transmitter's token.
    #[error("bring the token of `provider.signals` as `Authorization: Bearer …`")]
    Stranger,
    /// What came is no token.
    #[error("a request holds one token as `application/secevent+jwt`, of at most {TOKEN_KIB} KiB")]
    Missing,
    /// It is not a signed token, or lacks a claim that it needs.
    #[error("it is malformed or lacks a claim")]
    Malformed,
    /// It is a token of another kind.
    #[error("`typ` is not `secevent+jwt`, or it has a `sub`")]
    Type,
    /// Its signature.
    #[error(transparent)]
    Key(TokenFault),
    /// It is from somebody else.
    #[error("`iss` is not the transmitter's")]
    Issuer,
    /// It is for somebody else.
    #[error("`aud` does not name us")]
    Audience,
    /// It is of the future, or long past.
    #[error("`iat` is not of the last seven days")]
    IssuedAt,
    /// `jti` is empty or too long, or not the one under which it came.
    #[error("`jti` is empty or too long, or another one than it came under")]
    Identifier,
    /// It holds none, or more than one.
    #[error("`events` does not hold one event")]
    Events,
    /// It answers a question that we have not asked.
    #[error("`state` is not what was asked with")]
    State,
    /// Whose keys cannot be had.
    #[error("the transmitter cannot be asked: {0}")]
    Transmitter(#[from] TransmitterFault),
    /// What it calls for could not be completed.
    #[error("it could not be completed: send it again")]
    Incomplete(Reason),
}

/// What is wrong with a transmitter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransmitterFault {
    /// It gave no reply.
    #[error(transparent)]
    Silent(#[from] FetchError),
    /// It answered with something else than was asked for.
    #[error("its {what} cannot be used")]
    Unusable {
        /// Which of its parts.
        what: &'static str,
    },
    /// It refused.
    #[error("it answered with {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

impl SetFault {
    /// The code by which the transmitter is told; none where it is to send it again.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Stranger => Some("authentication_failed"),
            Self::Missing
            | Self::Malformed
            | Self::Type
            | Self::IssuedAt
            | Self::Identifier
            | Self::Events => Some("invalid_request"),
            Self::Key(_) => Some("invalid_key"),
            Self::Issuer => Some("invalid_issuer"),
            Self::Audience => Some("invalid_audience"),
            Self::State => Some("invalid_state"),
            Self::Transmitter(_) | Self::Incomplete(_) => None,
        }
    }

    /// Why, in the words of events.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Transmitter(_) => Reason::ProviderUnavailable,
            Self::Incomplete(reason) => *reason,
            Self::Stranger
            | Self::Missing
            | Self::Malformed
            | Self::Type
            | Self::Key(_)
            | Self::Issuer
            | Self::Audience
            | Self::IssuedAt
            | Self::Identifier
            | Self::Events
            | Self::State => Reason::SignalRefused,
        }
    }

    /// What whoever pushed it is answered: status and body.
    pub fn answer(&self) -> (u16, Option<String>) {
        let said = |code| json!({ "err": code, "description": self.to_string() }).to_string();
        match self.code() {
            Some(code) => (400, Some(said(code))),
            None => (503, None),
        }
    }
}

impl From<SignedFault> for SetFault {
    fn from(fault: SignedFault) -> Self {
        match fault {
            SignedFault::Token(fault) => Self::Key(fault),
            SignedFault::Malformed => Self::Malformed,
            SignedFault::Type => Self::Type,
        }
    }
}

const TOKEN_KIB: usize = crate::platform::signed_token::TOKEN_BYTES_MAX / 1024;
