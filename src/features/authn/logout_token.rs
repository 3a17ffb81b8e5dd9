//! The logout token: verified by the rules of OpenID Connect Back-Channel Logout 1.0, section 2.6, all of them.
//!
//! Anyone may post one. Nothing of it is believed before its signature holds by a key of the provider; up to then
//! its `iss` and `aud` only say whose keys to try. A token of another kind, such as an ID token, is none: it has no
//! `events`, and a logout token has no `nonce`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::RelyingParty;
use super::error::{AuthnError, LogoutTokenFault};
use super::id_token::is_for_us;
use super::provider::{Asker, Provider};
use super::sharing::Once;
use crate::domain::application::ProviderName;
use crate::domain::revocation::{ProviderSession, Target};
use crate::domain::subject::{SubjectId, identifier};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_token::{Audiences, Moment, Signed, TokenFault, is_there};

/// A logout that the provider asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// Which provider.
    pub provider: ProviderName,
    /// What is to end.
    pub target: Target,
    /// When the provider asked for it: `iat`.
    pub asked: Timestamp,
}

impl RelyingParty {
    /// Verifies a logout token. It is good once.
    pub async fn logout(&self, token: &str, now: Timestamp) -> Result<Logout, AuthnError> {
        let token = Token::parse(token)?;
        let claims = &token.0.claims;
        let provider = self.addressed(claims)?;
        provider.has_signed(&token.0, Asker::Stranger, now).await?.map_err(LogoutTokenFault::from)?;
        claims.is_in_time(provider.settings.clock_skew, now)?;
        let target = token.target()?;
        let until = claims.until(provider.settings.clock_skew);
        let id = Digest::of_parts(&[claims.iss.as_bytes(), claims.id()?.as_bytes()]);
        let is_first = self.logouts.is_first(id, until, now)
            && match &self.shared {
                Some(shared) => shared.is_first(Once::LogoutToken, &id, until, now).await?,
                None => true,
            };
        if !is_first {
            return Err(LogoutTokenFault::Replayed.into());
        }
        Ok(Logout { provider: provider.settings.name.clone(), target, asked: claims.iat.0 })
    }

    /// The provider that it says to be from, as which client we are meant.
    fn addressed(&self, claims: &Claims) -> Result<Arc<Provider>, LogoutTokenFault> {
        let providers = self.providers();
        let of_issuer = providers.values().filter(|provider| *provider.settings.issuer == *claims.iss);
        let mut is_known = false;
        let found = of_issuer
            .inspect(|_| is_known = true)
            .find(|provider| claims.aud.0.iter().any(|audience| *audience == provider.settings.client_id));
        let provider = match found {
            Some(provider) => provider.clone(),
            None if is_known => return Err(LogoutTokenFault::Token(TokenFault::Audience)),
            None => return Err(LogoutTokenFault::Issuer),
        };
        let audiences: Vec<&str> = claims.aud.0.iter().map(String::as_str).collect();
        if is_for_us(&provider.settings.client_id, &audiences, claims.azp.as_deref()) {
            Ok(provider)
        } else {
            Err(LogoutTokenFault::Token(TokenFault::AuthorizedParty))
        }
    }
}

/// A token, taken apart. What it says is not believed yet.
pub struct Token<'t>(Signed<'t, Claims>);

/// Nothing of what it says.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audiences,
    iat: Moment,
    exp: Moment,
    jti: String,
    events: Map<String, Value>,
    azp: Option<String>,
    sub: Option<String>,
    sid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    nonce: bool,
}

impl<'t> Token<'t> {
    /// Takes a token apart: at most 8 KiB of it.
    pub fn parse(token: &'t str) -> Result<Self, LogoutTokenFault> {
        Ok(Self(Signed::parse(token, is_a_logout_tokens)?))
    }

    /// The issuer that it names.
    pub fn issuer(&self) -> &str {
        &self.0.claims.iss
    }

    /// What it says is to end, if it says that something is.
    pub fn target(&self) -> Result<Target, LogoutTokenFault> {
        self.0.claims.is_a_logout()?;
        self.0.claims.target()
    }
}

/// No other kind of token: `logout+jwt` is recommended, `JWT` usual (section 2.4).
fn is_a_logout_tokens(kind: Option<&str>) -> bool {
    matches!(kind, None | Some("jwt" | "logout+jwt"))
}

impl Claims {
    fn is_in_time(&self, skew: Duration, now: Timestamp) -> Result<(), LogoutTokenFault> {
        let (iat, exp) = (self.iat.0, self.exp.0);
        if exp <= now.minus(skew) {
            return Err(LogoutTokenFault::Token(TokenFault::Expired));
        }
        let is_of_now = iat <= now.plus(skew) && iat >= now.minus(LIFETIME_MAX).minus(skew);
        if is_of_now { Ok(()) } else { Err(LogoutTokenFault::IssuedAt) }
    }

    fn is_a_logout(&self) -> Result<(), LogoutTokenFault> {
        if !matches!(self.events.get(LOGOUT_EVENT), Some(Value::Object(_))) {
            return Err(LogoutTokenFault::Events);
        }
        if self.nonce { Err(LogoutTokenFault::Nonce) } else { Ok(()) }
    }

    /// With a `sid` that one session is meant, with a `sub` alone all of the person's (section 2.4).
    fn target(&self) -> Result<Target, LogoutTokenFault> {
        let issuer: Arc<str> = self.iss.as_str().into();
        match (self.sid.as_deref().map(sound).transpose()?, self.sub.as_deref().map(sound).transpose()?) {
            (Some(sid), sub) => Ok(Target::ProviderSession(ProviderSession { issuer, sid, sub })),
            (None, Some(sub)) => Ok(Target::Person(SubjectId { issuer, sub })),
            (None, None) => Err(LogoutTokenFault::Nobody),
        }
    }

    fn id(&self) -> Result<&str, LogoutTokenFault> {
        sound(&self.jti).map(|_| self.jti.as_str())
    }

    /// Until when it could come again and be good.
    fn until(&self, skew: Duration) -> Timestamp {
        self.exp.0.min(self.iat.0.plus(LIFETIME_MAX)).plus(skew)
    }
}

fn sound(text: &str) -> Result<Arc<str>, LogoutTokenFault> {
    identifier(text).ok_or(LogoutTokenFault::Identifier)
}

/// The tokens that were good, as long as they would be again.
#[derive(Debug, Default)]
pub(super) struct Logouts(Mutex<VecDeque<(Timestamp, Digest)>>);

impl Logouts {
    /// Whether a token did not come before.
    fn is_first(&self, digest: Digest, until: Timestamp, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(until, _)| *until > now);
        if known.iter().any(|(_, seen)| *seen == digest) {
            return false;
        }
        // The oldest is forgotten: better that a logout could be repeated than that one is refused.
        if known.len() >= LOGOUTS_MAX {
            known.pop_front();
        }
        known.push_back((until, digest));
        true
    }
}

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The longest that a token is good, whatever it says; two minutes are recommended (section 2.4).
const LIFETIME_MAX: Duration = Duration::from_secs(10 * 60);
/// As many as a house signs out in ten minutes, many times over.
const LOGOUTS_MAX: usize = 16_384;
