//! Asks the provider about an access token that says nothing itself (RFC 7662).
//!
//! The answer is the provider's own, by TLS, to ourselves: it is signed by nobody and believed as such. What is not
//! plainly active, ours to take is refused.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;

use super::RelyingParty;
use super::access_token::{Granted, LIFETIME_MAX, Term, holder, sound};
use super::client::Endpoint;
use super::error::{AccessTokenFault, AuthnError, ProviderFault};
use super::provider::{Discovered, Provider, check_endpoint};
use crate::domain::application::ProviderName;
use crate::domain::holder::Holder;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::platform::signed_token::{Audiences, Moment, whatever};

/// What the provider answers (section 2.2). Its `scope` and further members are not looked at.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    iss: Option<String>,
    client_id: Option<String>,
    sub: Option<String>,
    username: Option<String>,
    token_type: Option<String>,
    jti: Option<String>,
    #[serde(default)]
    aud: Option<Audiences>,
    iat: Option<Moment>,
    exp: Option<Moment>,
    nbf: Option<Moment>,
    #[serde(default, deserialize_with = "whatever")]
    cnf: Option<Value>,
}

impl RelyingParty {
    /// Asks a provider about a token. Whom it is for, and for whom its program acts, is for the caller to look at.
    pub async fn introspect(
        &self,
        provider: &ProviderName,
        token: &str,
        now: Timestamp,
    ) -> Result<Granted, AuthnError> {
        let provider = self.provider(provider)?;
        let discovered = provider.discovered(now).await?;
        let answer = ask(&provider, &discovered, token, &*self.entropy, now).await?;
        Ok(answer.granted(&provider, token, now)?)
    }
}

async fn ask(
    provider: &Provider,
    discovered: &Discovered,
    token: &str,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Answer, AuthnError> {
    let unusable = || ProviderFault::Unusable { what: WHAT };
    let further = discovered.metadata.additional_metadata();
    let endpoint = further.introspection_endpoint.as_deref().ok_or(ProviderFault::Lacks { what: WHAT })?;
    let url = url::Url::parse(endpoint).map_err(|_| unusable())?;
    check_endpoint(&url, WHAT)?;
    let form = [("token", token), ("token_type_hint", "access_token")];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let endpoint = Endpoint { url: &url, what: WHAT, takes_header: !further.introspects_by_form() };
    let response = provider.post_as_client(discovered, endpoint, form, entropy, now).await?;
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json =
        content_type.is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    match response.status() {
        StatusCode::OK if is_json => serde_json::from_slice(response.body()).map_err(|_| unusable().into()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ProviderFault::Credentials.into()),
        _ => Err(unusable().into()),
    }
}

impl Answer {
    fn granted(self, provider: &Provider, token: &str, now: Timestamp) -> Result<Granted, AccessTokenFault> {
        let settings = &provider.settings;
        if !self.active {
            return Err(AccessTokenFault::Inactive);
        }
        if self.iss.as_deref().is_some_and(|issuer| issuer != &*settings.issuer) {
            return Err(AccessTokenFault::Issuer);
        }
        let holder = holder(self.cnf.as_ref())?;
        let kind = if matches!(holder, Some(Holder::Key(_))) { "dpop" } else { "bearer" };
        if self.token_type.as_deref().is_some_and(|named| !named.eq_ignore_ascii_case(kind)) {
            return Err(AccessTokenFault::OtherKind);
        }
        // A person's name with it says that it is a person's, whether or not `sub` does.
        let sub = self.sub.as_deref().or(self.username.as_deref());
        // Without it nobody could tell whether it was issued before its program was ended.
        let issued = self.iat.ok_or(AccessTokenFault::IssuedAt)?.0;
        let ends = self.exp.map_or(issued.plus(LIFETIME_MAX), |exp| exp.0);
        let term = Term { issued, ends, begins: self.nbf.map(|nbf| nbf.0) };
        let (issued, ends) = term.at(settings.clock_skew, now)?;
        Ok(Granted {
            provider: settings.name.clone(),
            issuer: settings.issuer.clone(),
            client_id: sound(self.client_id.as_deref().ok_or(AccessTokenFault::Client)?)?,
            sub: sub.map(sound).transpose()?,
            audiences: self.aud.unwrap_or_default().0,
            holder,
            id: Digest::of(self.jti.as_deref().map_or_else(|| spelled_alike(token), str::as_bytes)),
            issued,
            ends,
        })
    }
}

/// What is the same of a token in whatever spelling: of one that is signed, what is signed.
fn spelled_alike(token: &str) -> &[u8] {
    match token.rsplit_once('.') {
        Some((signed, _)) if signed.matches('.').count() == 1 => signed.as_bytes(),
        Some(_) | None => token.as_bytes(),
    }
}

const WHAT: &str = "introspection endpoint";
