//! The way to the provider: what is asked, and how.

use std::net::IpAddr;
use std::time::Duration;

use openidconnect::core::{CoreAuthPrompt, CoreResponseType};
use openidconnect::{
    AuthenticationContextClass, AuthenticationFlow, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope,
};
use serde_json::{Value, json};
use url::Url;

use super::RelyingParty;
use super::error::{AuthnError, ProviderFault};
use super::provider::Discovered;
use super::return_to::ReturnTo;
use super::settings::{Ask, LoginAgain, ProviderSettings};
use super::transaction::{Asked, Opened};
use crate::domain::application::ProviderName;
use crate::domain::assurance::{AssuranceNeed, Lack, Unproven};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{HoldId, SessionId};

/// A sign-in, or a step-up, to be begun.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// At which provider.
    pub provider: &'a ProviderName,
    /// Our callback at the host where the person is.
    pub redirect_uri: &'a str,
    /// Where the person wants to go.
    pub return_to: ReturnTo,
    /// What is to be proven, for a step-up.
    pub need: Option<&'a AssuranceNeed>,
    /// The session that the browser has now, if any.
    pub current: Option<Current>,
    /// Whether somebody whom the provider knows has to authenticate all the same.
    pub again: Again,
    /// The caller's address.
    pub client: IpAddr,
    /// The value of the binding cookie, if the browser sent one.
    pub binding: Option<&'a str>,
    /// What is kept of what the person typed, and had them sign in.
    pub held: Option<HoldId>,
    /// Who they say that they are, for the provider's form. Never kept.
    pub login_hint: Option<&'a str>,
}

/// The session that a browser has while a sign-in begins.
#[derive(Clone, Debug)]
pub struct Current {
    /// Which session.
    pub session: SessionId,
    /// Who vouches for it.
    pub provider: ProviderName,
    /// Whose.
    pub subject: SubjectId,
}

/// Whether somebody whom the provider knows has to authenticate all the same. It is asked for here, and proven by when
/// they did ([`Finished::authenticated`](super::Finished::authenticated)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The provider's own session is enough.
    No,
    /// What they did before this moment does not count: their session here was locked then.
    Since(Timestamp),
    /// They have to: it may be somebody else.
    Always,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes now: the provider. Carries secrets of this sign-in.
    pub location: String,
    /// The value for `Set-Cookie`, if the browser has no binding cookie yet.
    pub set_cookie: Option<String>,
}

impl RelyingParty {
    /// Begins a sign-in. A class that the provider cannot prove is refused here, without asking.
    pub async fn begin(&self, sign_in: SignIn<'_>, now: Timestamp) -> Result<Begun, AuthnError> {
        let provider = self.provider(sign_in.provider)?;
        let settings = &provider.settings;
        let ask = match sign_in.need {
            None => None,
            Some(need) => {
                Some(settings.assurance.get(&need.class).map(|class| &class.ask).ok_or_else(|| {
                    AuthnError::AssuranceNotProven {
                        unproven: Unproven { need: need.clone(), lack: Lack::Proof },
                        return_to: sign_in.return_to.clone(),
                    }
                })?)
            }
        };
        let discovered = provider.discovered(now).await?;
        let redirect_uri = RedirectUrl::new(sign_in.redirect_uri.to_owned())
            .map_err(|_| ProviderFault::Unusable { what: "callback URL" })?;
        let asked = Asked {
            provider: settings.name.clone(),
            issuer: settings.issuer.clone(),
            redirect_uri: sign_in.redirect_uri.to_owned(),
            return_to: sign_in.return_to,
            need: sign_in.need.cloned(),
            current: sign_in.current,
            client: sign_in.client,
            held: sign_in.held,
        };
        let opened = self.transactions.open(asked, sign_in.binding, &*self.entropy, now);
        if let Some(shared) = &self.shared {
            shared.put(&opened.state, &opened.begun, &opened.surplus, &*self.entropy).await?;
        }
        let fresh = Fresh::of(settings, ask.zip(sign_in.need), sign_in.again, now);
        let mut request = request(settings, &discovered, redirect_uri, &opened, ask, &fresh);
        if let Some(hint) = sign_in.login_hint {
            request.query_pairs_mut().append_pair("login_hint", hint);
        }
        let location = if provider.wants_pushed(&discovered) {
            provider.push(&discovered, &request, &*self.entropy, now).await?
        } else {
            request
        };
        Ok(Begun { location: location.into(), set_cookie: opened.set_cookie })
    }
}

/// How freshly the person has to authenticate.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fresh<'a> {
    max_age: Option<Duration>,
    prompts: Vec<&'a str>,
}

impl<'a> Fresh<'a> {
    fn of(
        settings: &ProviderSettings,
        step_up: Option<(&'a Ask, &AssuranceNeed)>,
        again: Again,
        now: Timestamp,
    ) -> Self {
        let mut fresh = Self::default();
        if let Some((ask, need)) = step_up {
            fresh.prompts.extend(ask.prompt.iter().flat_map(|prompt| prompt.split_ascii_whitespace()));
            // Less by what the clocks may differ: what comes back must still be fresh for us.
            let max_age = need.fresh.filter(|_| ask.max_age);
            fresh.max_age = max_age.map(|fresh| fresh.saturating_sub(settings.clock_skew));
        }
        let since = match again {
            Again::No => return fresh,
            Again::Since(moment) => now.since(moment),
            Again::Always => Duration::ZERO,
        };
        if settings.login_again != LoginAgain::MaxAge && !fresh.prompts.contains(&"login") {
            fresh.prompts.push("login");
        }
        if settings.login_again != LoginAgain::Prompt {
            // Some providers refuse `max_age=0`.
            let since = since.max(Duration::from_secs(1));
            fresh.max_age = Some(fresh.max_age.map_or(since, |max_age| max_age.min(since)));
        }
        fresh
    }
}

/// The authorization request, as a browser would carry it.
fn request(
    settings: &ProviderSettings,
    provider: &Discovered,
    redirect_uri: RedirectUrl,
    opened: &Opened,
    ask: Option<&Ask>,
    fresh: &Fresh<'_>,
) -> Url {
    let (state, nonce) = (opened.state.reveal().to_owned(), opened.nonce.reveal().to_owned());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
        opened.verifier.reveal().to_owned(),
    ));
    let mut request = provider
        .client
        .authorize_url(
            AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            move || CsrfToken::new(state),
            move || Nonce::new(nonce),
        )
        .set_redirect_uri(std::borrow::Cow::Owned(redirect_uri))
        .set_pkce_challenge(challenge)
        .add_scopes(scopes(settings, ask));
    for prompt in &fresh.prompts {
        request = request.add_prompt(prompt_of(prompt));
    }
    if let Some(max_age) = fresh.max_age {
        request = request.set_max_age(max_age);
    }
    if let Some(ask) = ask {
        for value in &ask.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(value.clone()));
        }
        if provider.metadata.claims_parameter_supported() == Some(true) && !ask.acr_values.is_empty() {
            // `acr_values` is a wish; only an essential claim makes the provider say no
            // (OpenID Connect Core 5.5.1.1).
            request = request.add_extra_param("claims", essential(ask).to_string());
        }
    }
    request.url().0
}

fn scopes(settings: &ProviderSettings, ask: Option<&Ask>) -> Vec<Scope> {
    let further = ask.map(|ask| ask.scope.as_slice()).unwrap_or_default();
    let mut scopes: Vec<&str> = vec!["openid"];
    for scope in settings.scopes.iter().chain(further) {
        if !scopes.contains(&scope.as_str()) {
            scopes.push(scope);
        }
    }
    scopes.into_iter().map(|scope| Scope::new(scope.to_owned())).collect()
}

fn essential(ask: &Ask) -> Value {
    json!({ "id_token": { "acr": { "essential": true, "values": ask.acr_values } } })
}

fn prompt_of(prompt: &str) -> CoreAuthPrompt {
    match prompt {
        "none" => CoreAuthPrompt::None,
        "login" => CoreAuthPrompt::Login,
        "consent" => CoreAuthPrompt::Consent,
        "select_account" => CoreAuthPrompt::SelectAccount,
        other => CoreAuthPrompt::Extension(other.to_owned()),
    }
}
