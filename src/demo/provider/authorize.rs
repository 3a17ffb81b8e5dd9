//! The authorization endpoint (OpenID Connect Core 3.1.2): what a client asks for, and whether the
//! browser's session is enough for it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use url::Url;

use super::{
    ACR_MFA, ACR_PASSWORD, BROWSER_COOKIE, CODE_LASTS, Code, Provider, SIGN_IN_LASTS, Session, Shared,
    SignIn, cookie, refusal, set_cookie, sign_in,
};
use crate::foundation::clock::Timestamp;

/// The parameters as they come. One that comes twice does not parse.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    client_id: Option<String>,
    redirect_uri: Option<String>,
    response_type: Option<String>,
    response_mode: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    acr_values: Option<String>,
    max_age: Option<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
    request: Option<String>,
    request_uri: Option<String>,
}

/// What a client asks for, understood.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) redirect: String,
    pub(super) state: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) second_factor: bool,
    pub(super) anew: bool,
    pub(super) silent: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) login_hint: String,
}

/// What is still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Nothing,
    Password,
    SecondFactor,
}

/// Begins a sign-in, or ends it at once if the browser's session is enough.
pub(super) async fn authorize(
    State(provider): Shared,
    headers: HeaderMap,
    parameters: Result<Form<Parameters>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(parameters)) = parameters else {
        return refusal(StatusCode::BAD_REQUEST, "The request cannot be read, or has a parameter twice.");
    };
    let settings = &provider.settings;
    if parameters.client_id.as_deref() != Some(settings.client_id.as_str()) {
        return refusal(StatusCode::BAD_REQUEST, "The application is not known here.");
    }
    let Some(redirect) = parameters.redirect_uri.clone().filter(|address| settings.is_redirect(address))
    else {
        return refusal(StatusCode::BAD_REQUEST, "The application's address is not known here.");
    };
    let state = parameters.state.clone();
    let asked = match understand(parameters, redirect.clone()) {
        Ok(asked) => asked,
        Err(error) => return provider.send_back(&redirect, state.as_deref(), ("error", error)),
    };

    let now = provider.clock.now();
    let session = provider.session(&headers, now);
    let missing = asked.missing(session.as_ref(), now);
    match (missing, session) {
        (Missing::Nothing, Some(session)) => provider.finish(asked, session, now),
        _ if asked.silent => provider.send_back(&redirect, state.as_deref(), ("error", "login_required")),
        (missing, _) => provider.begin(asked, missing, &headers, now),
    }
}

/// What the parameters mean, or the error code that the client is told (RFC 6749 section 4.1.2.1).
fn understand(parameters: Parameters, redirect: String) -> Result<Asked, &'static str> {
    if parameters.request.is_some() {
        return Err("request_not_supported");
    }
    if parameters.request_uri.is_some() {
        return Err("request_uri_not_supported");
    }
    if parameters.response_type.as_deref() != Some("code") {
        return Err("unsupported_response_type");
    }
    if parameters.response_mode.is_some_and(|mode| mode != "query") {
        return Err("invalid_request");
    }
    let scopes = words(parameters.scope.as_deref());
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err("invalid_scope");
    }
    // 43 characters: the base64url of a SHA-256.
    let challenge =
        parameters.code_challenge.filter(|challenge| challenge.len() == 43).ok_or("invalid_request")?;
    if parameters.code_challenge_method.as_deref() != Some("S256") {
        return Err("invalid_request");
    }
    let (silent, anew) = match words(parameters.prompt.as_deref()).as_slice() {
        [] => (false, false),
        [only] if only == "none" => (true, false),
        [only] if only == "login" => (false, true),
        _ => return Err("invalid_request"),
    };
    let max_age = match parameters.max_age.as_deref().map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => return Err("invalid_request"),
    };
    // Voluntary and in order of preference (OpenID Connect Core 5.5.1.1): the first that we know.
    let wanted = words(parameters.acr_values.as_deref());
    let first_known = wanted.iter().find(|acr| [ACR_MFA, ACR_PASSWORD].contains(&acr.as_str()));
    Ok(Asked {
        redirect,
        state: parameters.state,
        scopes,
        nonce: parameters.nonce,
        challenge,
        second_factor: first_known.is_some_and(|acr| acr == ACR_MFA),
        anew,
        silent,
        max_age,
        login_hint: parameters.login_hint.unwrap_or_default(),
    })
}

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

impl Asked {
    /// What `session` lacks when the request comes.
    pub(super) fn missing(&self, session: Option<&Session>, now: Timestamp) -> Missing {
        let fresh = |at: Timestamp| self.is_fresh(at, now);
        session.map_or(Missing::Password, |session| self.missing_where(session, fresh))
    }

    /// What `session` still lacks in a sign-in that has `begun`. What was proven since then is always
    /// fresh enough: otherwise `max_age=0` would ask for ever.
    pub(super) fn missing_after(&self, session: &Session, begun: Timestamp) -> Missing {
        self.missing_where(session, |at| at >= begun || self.is_fresh(at, begun))
    }

    fn is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        !self.anew && self.max_age.is_none_or(|age| !age.is_zero() && now.since(at) <= age)
    }

    fn missing_where(&self, session: &Session, fresh: impl Fn(Timestamp) -> bool) -> Missing {
        if !fresh(session.auth_time()) {
            Missing::Password
        } else if self.second_factor && !session.second_factor_at.is_some_and(&fresh) {
            Missing::SecondFactor
        } else {
            Missing::Nothing
        }
    }
}

impl Provider {
    fn begin(
        self: &Arc<Self>,
        asked: Asked,
        missing: Missing,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Response {
        let ticket = self.ticket();
        let known = cookie(headers, BROWSER_COOKIE).filter(|value| value.len() == 43);
        let browser = known.map_or_else(|| self.ticket(), str::to_owned);
        let mut response = sign_in::next_page(&ticket, missing, &asked.login_hint, None);
        set_cookie(&mut response, BROWSER_COOKIE, &browser);
        let sign_in = SignIn { asked, browser, begun: now, failures: 0 };
        self.memory().sign_ins.keep(ticket, sign_in, SIGN_IN_LASTS, now);
        response
    }

    /// Sends the browser back to the client with a code for `session`.
    pub(super) fn finish(&self, asked: Asked, session: Session, now: Timestamp) -> Response {
        let code = self.ticket();
        let response = self.send_back(&asked.redirect, asked.state.as_deref(), ("code", &code));
        self.memory().codes.keep(code, Code { asked, session }, CODE_LASTS, now);
        response
    }

    /// Sends the browser back to the client with a code or an error; who says so is told too (RFC 9207).
    pub(super) fn send_back(&self, redirect: &str, state: Option<&str>, outcome: (&str, &str)) -> Response {
        let Ok(mut address) = Url::parse(redirect) else {
            return refusal(StatusCode::BAD_REQUEST, "The application's address cannot be read.");
        };
        let mut pairs = address.query_pairs_mut();
        pairs.append_pair(outcome.0, outcome.1);
        if let Some(state) = state {
            pairs.append_pair("state", state);
        }
        pairs.append_pair("iss", &self.settings.issuer);
        drop(pairs);
        Redirect::to(address.as_str()).into_response()
    }
}
