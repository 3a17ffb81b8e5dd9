//! Why an access token is not taken.

use http::{HeaderValue, StatusCode};

use crate::domain::application::ProviderName;
use crate::domain::reason::Reason;
use crate::features::authn::{AccessTokenFault, AuthnError, ProofFault};
use crate::gateway::refusal::Refusal;
use crate::platform::signed_token::TokenFault;

/// Why an access token is not taken. Prints nothing of the token but whom a provider vouches for by it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenRefused {
    /// The token, or the provider that is needed to tell.
    #[error(transparent)]
    Token(#[from] AuthnError),
    /// It was given to a program that nobody has declared.
    #[error("the provider `{provider}` gave it to `{client_id}`, which is no declared program")]
    Unknown {
        /// Which provider.
        provider: ProviderName,
        /// What the provider calls the program.
        client_id: String,
    },
    /// The program was declared when the token came first, and is no more; or otherwise now.
    #[error("its program is not declared any more, or otherwise")]
    Undeclared,
    /// It is proven in another way than the program's tokens are.
    #[error("it is not proven as the tokens of its program are declared to be")]
    Proof,
    /// The program acts for somebody: what they may do is not what the program may do.
    #[error("it was given for somebody else than the program itself")]
    Delegated,
    /// There is more than one `Authorization`.
    #[error("there is more than one `Authorization`")]
    Several,
    /// A session cookie came with it.
    #[error("a session cookie came with the access token: they may be two callers'")]
    Beside,
    /// It was good, and somebody has ended what it stood for.
    #[error("it was ended before its time")]
    Ended,
}

impl TokenRefused {
    /// Its time is over.
    pub const EXPIRED: Self =
        Self::Token(AuthnError::AccessToken(AccessTokenFault::Token(TokenFault::Expired)));

    /// Why, in the words of events and replies.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Token(error) => error.reason(),
            Self::Unknown { .. } | Self::Undeclared => Reason::ClientUnknown,
            Self::Proof | Self::Delegated | Self::Several | Self::Beside => Reason::TokenInvalid,
            Self::Ended => Reason::SessionRevoked,
        }
    }

    /// The status of the reply.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Token(_) if self.is_of_provider() => StatusCode::BAD_GATEWAY,
            Self::Several | Self::Beside => StatusCode::BAD_REQUEST,
            Self::Token(_)
            | Self::Unknown { .. }
            | Self::Undeclared
            | Self::Proof
            | Self::Delegated
            | Self::Ended => StatusCode::UNAUTHORIZED,
        }
    }

    /// What the program is told (RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 8705 section 3).
    pub fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self.status() {
            StatusCode::BAD_REQUEST => "Bearer realm=\"leastway\", error=\"invalid_request\"",
            StatusCode::UNAUTHORIZED if matches!(self, Self::Token(AuthnError::Proof(fault)) if *fault != ProofFault::Certificate) => {
                "DPoP realm=\"leastway\", error=\"invalid_dpop_proof\""
            }
            StatusCode::UNAUTHORIZED => "Bearer realm=\"leastway\", error=\"invalid_token\"",
            // The token may be good.
            _ => "Bearer realm=\"leastway\"",
        })
    }

    /// Whether the provider could not be asked: nobody knows then what the token is.
    pub fn is_of_provider(&self) -> bool {
        self.reason() == Reason::ProviderUnavailable
    }
}

impl From<TokenRefused> for Refusal {
    fn from(refused: TokenRefused) -> Self {
        Self::Token(refused)
    }
}
