//! The access token that a program brings: as a signed token, by RFC 9068 section 4, all of it; or as one that says
//! nothing itself, by asking the provider (`introspection.rs`).
//!
//! What kind of token it is counts as much as its signature: a provider signs ID tokens, logout tokens and proofs with
//! the same keys (RFC 8725 section 2.8). One that is bound to a key of its holder (`cnf`) is good together with a proof that
//! they hold it (RFC 9449, `proof.rs`), one that is bound to a certificate on a connection that has shown it (RFC 8705 section 3);
//! bound in any other way, it is refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::RelyingParty;
use super::error::{AccessTokenFault, AuthnError};
use super::provider::{Asker, Provider};
use super::settings::{AccessTokenType, ProviderSettings};
use crate::domain::application::ProviderName;
use crate::domain::holder::Holder;
use crate::domain::subject::identifier;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_token::{Audiences, Moment, Signed, TokenFault, is_there, whatever};

/// What a provider vouches for by a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Which provider.
    pub provider: ProviderName,
    /// Its issuer URL.
    pub issuer: Arc<str>,
    /// The program that the token was given to.
    pub client_id: Arc<str>,
    /// For whom that acts, if the provider says so.
    pub sub: Option<Arc<str>>,
    /// Whom the token is for.
    pub audiences: Vec<String>,
    /// The digest of its identifier, or where it has none of what is signed; never of the signature, of which one may be
    /// turned into another.
    pub id: Digest,
    /// What its holder has to show.
    pub holder: Option<Holder>,
    /// When it was issued at the earliest, whatever the clocks say.
    pub issued: Timestamp,
    /// When it ends, at most a day after it was issued.
    pub ends: Timestamp,
}

/// A signed access token, taken apart. What it says is not believed yet.
pub struct AccessToken<'t> {
    signed: Signed<'t, Claims>,
    id: Digest,
}

/// Nothing of what it says.
impl fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audiences,
    iat: Moment,
    exp: Moment,
    nbf: Option<Moment>,
    jti: Option<String>,
    sub: Option<String>,
    client_id: Option<String>,
    azp: Option<String>,
    #[serde(default, deserialize_with = "whatever")]
    cnf: Option<Value>,
    /// Marks of tokens of other kinds.
    #[serde(default, deserialize_with = "is_there")]
    nonce: bool,
    #[serde(default, deserialize_with = "is_there")]
    events: bool,
    #[serde(default, deserialize_with = "is_there")]
    at_hash: bool,
}

impl RelyingParty {
    /// Verifies a signed access token. Whom it is for, and for whom its program acts, is for the caller to look at.
    pub async fn access_token(&self, token: &AccessToken<'_>, now: Timestamp) -> Result<Granted, AuthnError> {
        let provider = self.issuing(token.issuer())?;
        token.is_of_kind(provider.settings.access_token_type)?;
        let signed = provider.has_signed(&token.signed, Asker::Stranger, now).await?;
        signed.map_err(AccessTokenFault::from)?;
        Ok(token.granted(&provider.settings, now)?)
    }

    /// Whether tokens of this issuer are of that provider.
    pub fn is_issuer(&self, provider: &ProviderName, issuer: &str) -> bool {
        self.provider(provider).is_ok_and(|provider| *provider.settings.issuer == *issuer)
    }

    fn issuing(&self, issuer: &str) -> Result<Arc<Provider>, AccessTokenFault> {
        let providers = self.providers();
        let found = providers.values().find(|provider| *provider.settings.issuer == *issuer);
        found.cloned().ok_or(AccessTokenFault::Issuer)
    }
}

impl<'t> AccessToken<'t> {
    /// Takes a token apart: at most 8 KiB of it.
    pub fn parse(token: &'t str) -> Result<Self, AccessTokenFault> {
        let signed: Signed<'_, Claims> = Signed::parse(token, is_an_access_tokens)?;
        let id = signed.claims.jti.as_deref().map_or(signed.input, str::as_bytes);
        Ok(Self { id: Digest::of(id), signed })
    }

    /// The issuer that it names.
    pub fn issuer(&self) -> &str {
        &self.signed.claims.iss
    }

    /// The program that it says it was given to: `client_id` (RFC 9068), or `azp` of providers that are older. Where
    /// both are there they are the same.
    pub fn client_id(&self) -> Result<&str, AccessTokenFault> {
        let Claims { client_id, azp, .. } = &self.signed.claims;
        match (client_id, azp) {
            (Some(id), Some(azp)) if id != azp => Err(AccessTokenFault::Client),
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Err(AccessTokenFault::Client),
        }
    }

    /// Whether it is an access token by all that it says of its kind.
    pub fn is_of_kind(&self, expected: AccessTokenType) -> Result<(), AccessTokenFault> {
        let claims = &self.signed.claims;
        let is_kind = match expected {
            AccessTokenType::AtJwt => self.signed.kind.as_deref() == Some(AT_JWT),
            AccessTokenType::Jwt => true,
        };
        if !is_kind {
            return Err(AccessTokenFault::Type);
        }
        if claims.nonce || claims.events || claims.at_hash {
            return Err(AccessTokenFault::OtherKind);
        }
        // Of one without, nobody could tell whether it is a person's (RFC 9068 section 2.2).
        if claims.sub.is_none() {
            return Err(AccessTokenFault::Malformed);
        }
        holder(claims.cnf.as_ref()).map(drop)
    }

    fn granted(&self, settings: &ProviderSettings, now: Timestamp) -> Result<Granted, AccessTokenFault> {
        let claims = &self.signed.claims;
        let term = Term { issued: claims.iat.0, ends: claims.exp.0, begins: claims.nbf.map(|nbf| nbf.0) };
        let (issued, ends) = term.at(settings.clock_skew, now)?;
        Ok(Granted {
            provider: settings.name.clone(),
            issuer: settings.issuer.clone(),
            client_id: sound(self.client_id()?)?,
            sub: claims.sub.as_deref().map(sound).transpose()?,
            audiences: claims.aud.0.clone(),
            id: self.id,
            holder: holder(claims.cnf.as_ref())?,
            issued,
            ends,
        })
    }
}

/// From when until when a token is good, by its provider's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) issued: Timestamp,
    pub(super) ends: Timestamp,
    pub(super) begins: Option<Timestamp>,
}

impl Term {
    /// When it was issued at the earliest and when it ends, by our clock.
    pub(super) fn at(
        self,
        skew: Duration,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), AccessTokenFault> {
        if self.ends <= now.minus(skew) {
            return Err(AccessTokenFault::Token(TokenFault::Expired));
        }
        if self.issued > now.plus(skew) || self.issued <= now.minus(LIFETIME_MAX).minus(skew) {
            return Err(AccessTokenFault::IssuedAt);
        }
        if self.begins.is_some_and(|begins| begins > now.plus(skew)) {
            return Err(AccessTokenFault::NotYet);
        }
        let ends = self.ends.min(self.issued.plus(LIFETIME_MAX)).plus(skew);
        Ok((self.issued.minus(skew), ends))
    }
}

/// The thumbprint in `cnf` (RFC 9449 section 6.1, RFC 8705 section 3.1), where that is all that is in it.
pub(super) fn holder(cnf: Option<&Value>) -> Result<Option<Holder>, AccessTokenFault> {
    let Some(cnf) = cnf else { return Ok(None) };
    let members = cnf.as_object().filter(|members| members.len() == 1);
    let only = members.and_then(|members| members.iter().next());
    match only.and_then(|(name, thumbprint)| Some((name.as_str(), thumbprint.as_str()?))) {
        Some(("jkt", thumbprint)) => Ok(Some(Holder::Key(thumbprint.into()))),
        Some(("x5t#S256", thumbprint)) => Ok(Some(Holder::Certificate(thumbprint.into()))),
        Some(_) | None => Err(AccessTokenFault::Bound),
    }
}

pub(super) fn sound(text: &str) -> Result<Arc<str>, AccessTokenFault> {
    identifier(text).ok_or(AccessTokenFault::Identifier)
}

/// `at+jwt`, or what tokens of no particular kind have.
fn is_an_access_tokens(kind: Option<&str>) -> bool {
    matches!(kind, None | Some("jwt" | AT_JWT))
}

const AT_JWT: &str = "at+jwt";
/// The longest that a token is good after it was issued, whatever it says: as long as an ending of its program is
/// remembered.
pub const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
