//! Why a sign-in did not succeed, and whose fault it is.

use std::fmt;

use openidconnect::core::CoreErrorResponseType;

use super::return_to::ReturnTo;
use crate::domain::assurance::Unproven;
use crate::domain::reason::Reason;
use crate::platform::http::fetch::FetchError;
use crate::platform::signed_token::{SignedFault, TokenFault};
use crate::platform::store::StoreError;

/// Why a sign-in did not succeed. Prints neither secrets nor what the provider wrote in free text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthnError {
    /// Our settings: there is no provider of this name any more.
    #[error("the provider is not configured")]
    UnknownProvider,
    /// The provider: it is down, slow, or not what its metadata must say.
    #[error("the provider cannot be used: {0}")]
    Provider(#[from] ProviderFault),
    /// The caller: what came to the callback is not an authorization response.
    #[error("the authorization response is malformed: {0}")]
    Malformed(&'static str),
    /// The caller: a sign-in that was finished, is too old, or never began. Someone who is signed
    /// in has only pressed "back", and is sent on.
    #[error("no such sign-in is under way")]
    UnknownTransaction,
    /// The caller: the sign-in was begun in another browser, or at another host.
    #[error("the sign-in was begun in another browser or at another host")]
    OtherBrowser,
    /// The provider, or someone who mixes two of them up: the response is from another issuer.
    #[error("the authorization response does not come from the issuer that was asked")]
    OtherIssuer,
    /// The person, or the provider on its own account, refused.
    #[error("the provider answered `{0}`")]
    Refused(RefusalCode),
    /// Whoever brought the code: it is spent, too old, or was given to another sign-in.
    #[error("the provider did not accept the authorization code")]
    CodeRejected,
    /// The provider: its ID token does not hold.
    #[error("the ID token does not hold: {0}")]
    IdToken(IdTokenFault),
    /// Whoever posted it: a logout token that does not hold.
    #[error("the logout token does not hold: {0}")]
    LogoutToken(#[from] LogoutTokenFault),
    /// Whoever brought it: an access token that does not hold.
    #[error("the access token does not hold: {0}")]
    AccessToken(#[from] AccessTokenFault),
    /// Whoever brought it: the proof beside an access token that is bound to a key.
    #[error("the proof of possession does not hold: {0}")]
    Proof(#[from] ProofFault),
    /// The provider: userinfo is about somebody else.
    #[error("userinfo is about another subject than the ID token")]
    OtherSubject,
    /// The provider sent a pointer to the groups in place of the groups.
    #[error("the provider did not send all groups")]
    GroupsIncomplete,
    /// The provider does not say that the person has authenticated since their session was locked.
    #[error(
        "the provider does not say by `auth_time` that the person has authenticated since the session was locked"
    )]
    NotAnew,
    /// The browser: it comes back signed in time and again, and then asks as somebody who is not.
    #[error(
        "the browser signs in again and again for the same page: it does not keep the session's cookie, or the session ends at once"
    )]
    GoesRound,
    /// The store of all nodes did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider came back below the bar. `return_to` is where the person wanted to go.
    #[error("the provider did not prove {unproven}")]
    AssuranceNotProven {
        /// What was to be proven, and what of it was lacking.
        unproven: Unproven,
        /// Where the person wanted to go.
        return_to: ReturnTo,
    },
}

impl AuthnError {
    /// Why, in the words of events and pages.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::UnknownProvider | Self::Provider(_) => Reason::ProviderUnavailable,
            Self::Refused(_) => Reason::SignInRefused,
            Self::Malformed(_)
            | Self::UnknownTransaction
            | Self::OtherBrowser
            | Self::OtherIssuer
            | Self::CodeRejected
            | Self::IdToken(_)
            | Self::OtherSubject => Reason::SignInInvalid,
            Self::LogoutToken(_) => Reason::LogoutTokenInvalid,
            Self::AccessToken(_) | Self::Proof(_) => Reason::TokenInvalid,
            Self::Store(_) => Reason::StoreUnavailable,
            Self::GroupsIncomplete => Reason::GroupsIncomplete,
            Self::NotAnew => Reason::AuthTooOld,
            Self::GoesRound => Reason::SignInLoop,
            Self::AssuranceNotProven { .. } => Reason::AssuranceNotProven,
        }
    }
}

/// What is wrong with a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// It gave no reply.
    #[error(transparent)]
    Silent(#[from] FetchError),
    /// It answered with an error or with something else than was asked for.
    #[error("its {what} answered with something that cannot be used")]
    Unusable {
        /// Which of its parts.
        what: &'static str,
    },
    /// Its metadata names another issuer.
    #[error("its metadata names another issuer than the configuration")]
    Issuer,
    /// Its metadata says that it cannot do what we need.
    #[error("its metadata lacks {what}")]
    Lacks {
        /// What we need.
        what: &'static str,
    },
    /// An endpoint is not under TLS.
    #[error("its {what} is not an https URL")]
    Endpoint {
        /// Which endpoint.
        what: &'static str,
    },
    /// One of its parts refused what we asked it, and that is not about whoever signs in.
    #[error("its {what} answered {status}{}", said(*.status, *.error))]
    Answered {
        /// Which of its parts.
        what: &'static str,
        /// The status of its answer.
        status: u16,
        /// The error of OAuth 2.0 that it named, where that is one of the closed list.
        error: Option<&'static str>,
    },
    /// It publishes no key by which a signature of its could be checked.
    #[error("its key set holds no key by which a signature can be checked")]
    NoKey,
    /// It does not accept our client id or secret.
    #[error("it does not accept our client id or secret")]
    Credentials,
    /// It says itself that it is out of order.
    #[error("it answered `{0}`")]
    OutOfOrder(RefusalCode),
}

/// An error of the closed list: those of RFC 6749, 5.2, and the two by which 4.1.2.1 has a provider say that it is out of
/// order.
pub(super) fn listed(error: &CoreErrorResponseType) -> Option<&'static str> {
    match error {
        CoreErrorResponseType::InvalidClient => Some("invalid_client"),
        CoreErrorResponseType::InvalidGrant => Some("invalid_grant"),
        CoreErrorResponseType::InvalidRequest => Some("invalid_request"),
        CoreErrorResponseType::InvalidScope => Some("invalid_scope"),
        CoreErrorResponseType::UnauthorizedClient => Some("unauthorized_client"),
        CoreErrorResponseType::UnsupportedGrantType => Some("unsupported_grant_type"),
        CoreErrorResponseType::Extension(further) => {
            ["server_error", "temporarily_unavailable"].into_iter().find(|listed| *listed == further.as_str())
        }
    }
}

/// What an answer said beside its status, and whose matter that is where it is our registration.
fn said(status: u16, error: Option<&'static str>) -> String {
    let named = error.map(|error| format!(" `{error}`")).unwrap_or_default();
    if status == 401 || matches!(error, Some("invalid_client" | "unauthorized_client")) {
        format!("{named}: it does not accept our client id or secret")
    } else {
        named
    }
}

impl From<SignedFault> for LogoutTokenFault {
    fn from(fault: SignedFault) -> Self {
        match fault {
            SignedFault::Token(fault) => Self::Token(fault),
            SignedFault::Malformed => Self::Malformed,
            SignedFault::Type => Self::Type,
        }
    }
}

impl From<SignedFault> for AccessTokenFault {
    fn from(fault: SignedFault) -> Self {
        match fault {
            SignedFault::Token(fault) => Self::Token(fault),
            SignedFault::Malformed => Self::Malformed,
            SignedFault::Type => Self::Type,
        }
    }
}

/// What does not hold in an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenFault {
    /// What does not hold of tokens of any kind.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// It is not a signed token, or lacks a claim that it needs.
    #[error("it is malformed or lacks a claim")]
    Malformed,
    /// It says that it is a token of another kind.
    #[error("`typ` is not that of an access token")]
    Type,
    /// It has a mark of a token of another kind.
    #[error("it is a token of another kind")]
    OtherKind,
    /// `iss` is no provider of ours.
    #[error("`iss` is no provider of ours")]
    Issuer,
    /// `client_id` and `azp` are missing, or do not agree.
    #[error("it does not say which program it was given to")]
    Client,
    /// `iat` is in the future, or more than a day past.
    #[error("`iat` is not of the last day")]
    IssuedAt,
    /// `nbf` is in the future.
    #[error("`nbf` is not yet")]
    NotYet,
    /// It is bound to something else than a key that can be proven to be held.
    #[error("it is bound (`cnf`) to something that cannot be proven here")]
    Bound,
    /// The provider does not vouch for it.
    #[error("the provider says that it is not active")]
    Inactive,
    /// `client_id` or `sub` is empty or too long.
    #[error("`client_id` or `sub` is empty or too long")]
    Identifier,
}

impl From<SignedFault> for ProofFault {
    fn from(fault: SignedFault) -> Self {
        match fault {
            SignedFault::Token(fault) => Self::Token(fault),
            SignedFault::Malformed => Self::Malformed,
            SignedFault::Type => Self::Type,
        }
    }
}

/// What does not hold in a proof that the holder of a token has its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// What does not hold of tokens of any kind.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// There is none, or more than one, or none is asked for.
    #[error("the token is bound and there is not one proof, or it is not and there is one")]
    Missing,
    /// It is not a signed token, or lacks a claim that it needs.
    #[error("it is malformed or lacks a claim")]
    Malformed,
    /// It is a token of another kind.
    #[error("it is of another kind")]
    Type,
    /// `jwk` is no public key.
    #[error("`jwk` is no public key")]
    Key,
    /// It is by another key than the token is bound to.
    #[error("it is by another key than the token is bound to")]
    Holder,
    /// The connection has not shown the certificate that the token is bound to.
    #[error("the caller has not shown the certificate that the token is bound to")]
    Certificate,
    /// It is for another request: `htm` or `htu`.
    #[error("`htm` or `htu` is another request's")]
    Request,
    /// It is for another token: `ath`.
    #[error("`ath` is another token's")]
    AccessToken,
    /// `iat` is not of now.
    #[error("`iat` is not of the last minute")]
    IssuedAt,
    /// A proof with this `jti` came before.
    #[error("a proof with this `jti` came before")]
    Replayed,
    /// So many proofs came in the last minute that no more can be remembered.
    #[error("too many proofs came in the last minute")]
    TooMany,
}

/// What does not hold in an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    /// What does not hold of tokens of any kind.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// There is none.
    #[error("there is none")]
    Missing,
    /// It is not an ID token.
    #[error("it is malformed")]
    Malformed,
    /// `iss` is another issuer.
    #[error("`iss` is another issuer")]
    Issuer,
    /// `iat` is in the future, or before the sign-in began.
    #[error("`iat` is not within this sign-in")]
    IssuedAt,
    /// `nonce` is not ours.
    #[error("`nonce` is not ours")]
    Nonce,
    /// `at_hash` is of another access token.
    #[error("`at_hash` is not of the access token that came with it")]
    AccessToken,
    /// `auth_time` lies in the future.
    #[error("`auth_time` lies in the future")]
    AuthTime,
    /// `sub` is empty or too long.
    #[error("`sub` is empty or too long")]
    Subject,
}

/// What does not hold in a logout token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoutTokenFault {
    /// What does not hold of tokens of any kind.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// There is none, or more than one.
    #[error("there is none, or what was posted is no form")]
    Missing,
    /// It is not a signed token, or lacks a claim that it needs.
    #[error("it is malformed or lacks a claim")]
    Malformed,
    /// It is a token of another kind.
    #[error("it is of another kind")]
    Type,
    /// `iss` is no provider of ours.
    #[error("`iss` is no provider of ours")]
    Issuer,
    /// `iat` is in the future, or long past.
    #[error("`iat` is not of the last minutes")]
    IssuedAt,
    /// `events` does not say that it is a logout.
    #[error("`events` does not hold the event of a logout")]
    Events,
    /// `nonce` is there, which is a mark of an ID token.
    #[error("`nonce` is there")]
    Nonce,
    /// It has neither `sid` nor `sub`.
    #[error("it has neither `sid` nor `sub`")]
    Nobody,
    /// `sid`, `sub` or `jti` is empty or too long.
    #[error("`sid`, `sub` or `jti` is empty or too long")]
    Identifier,
    /// A token with this `jti` came before.
    #[error("a token with this `jti` came before")]
    Replayed,
}

/// An error code of OAuth 2.0 or OpenID Connect, such as `access_denied`, or of the provider's own: one word, never a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalCode(String);

impl RefusalCode {
    /// The code as sent if it is 1 to 64 of `a` to `z` and `_`, else `unknown`.
    pub(super) fn new(code: &str) -> Self {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_code = (1..=64).contains(&code.len()) && code.bytes().all(known);
        Self(if is_code { code } else { "unknown" }.to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
