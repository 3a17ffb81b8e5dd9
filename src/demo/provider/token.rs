//! The token endpoint (OpenID Connect Core 3.1.3) and userinfo (5.3).

use axum::extract::{Form, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ACR_MFA, ACR_PASSWORD, AccessToken, Code, Provider, Shared, TOKEN_LASTS};
use crate::demo::people::Person;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::secret::Secret;

#[derive(Debug, Deserialize)]
pub(super) struct TokenForm {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Gives tokens for a code.
pub(super) async fn token(
    State(provider): Shared,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return error(StatusCode::BAD_REQUEST, "invalid_request") };
    if !provider.is_client(&headers, &form) {
        let mut response = error(StatusCode::UNAUTHORIZED, "invalid_client");
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        return response;
    }
    if form.grant_type.as_deref() != Some("authorization_code") {
        return error(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let now = provider.clock.now();
    // Taken before it is looked at: a code is good for one attempt, right or wrong.
    let code = form.code.as_deref().and_then(|code| provider.memory().codes.take(code, now));
    let Some(code) = code.filter(|code| is_redeemed_rightly(code, &form)) else {
        return error(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    match provider.tokens(&code, now) {
        Some(tokens) => answer(StatusCode::OK, &tokens),
        None => error(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}

/// What the person's token lets see.
pub(super) async fn userinfo(State(provider): Shared, headers: HeaderMap) -> Response {
    let bearer = credentials(&headers, "Bearer");
    let now = provider.clock.now();
    let token = bearer.and_then(|bearer| provider.memory().tokens.look_up(bearer, now).cloned());
    let Some(token) = token else {
        let mut response = error(StatusCode::UNAUTHORIZED, "invalid_token");
        let value = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
        return response;
    };
    let mut claims = about(token.person, &token.scopes);
    claims.insert("sub".to_owned(), json!(token.person.username));
    // Only here, not in the ID token: a relying party that wants it has to ask.
    claims.insert("location".to_owned(), json!(token.person.location));
    answer(StatusCode::OK, &Value::Object(claims))
}

impl Provider {
    /// Whether the client has shown its secret, in a header or in the form, but not in both.
    fn is_client(&self, headers: &HeaderMap, form: &TokenForm) -> bool {
        let basic = credentials(headers, "Basic").and_then(basic_credentials);
        let posted = form.client_id.clone().zip(form.client_secret.clone());
        let ((Some((id, secret)), None) | (None, Some((id, secret)))) = (basic, posted) else { return false };
        id == self.settings.client_id && self.settings.client_secret.is(&secret)
    }

    fn tokens(&self, code: &Code, now: Timestamp) -> Option<Value> {
        let session = &code.session;
        let access_token = self.ticket();
        let (acr, amr) = match session.second_factor_at {
            Some(_) => (ACR_MFA, json!(["pwd", "otp", "mfa"])),
            None => (ACR_PASSWORD, json!(["pwd"])),
        };
        let digest = Digest::of(access_token.as_bytes());
        let (left_half, _) = digest.as_bytes().split_at_checked(16)?;
        let mut claims = about(session.person, &code.asked.scopes);
        let own = json!({
            "iss": self.settings.issuer,
            "sub": session.person.username,
            "aud": self.settings.client_id,
            "iat": now.as_seconds(),
            "exp": now.plus(TOKEN_LASTS).as_seconds(),
            "auth_time": session.auth_time().as_seconds(),
            "acr": acr,
            "amr": amr,
            "sid": session.sid,
            "at_hash": URL_SAFE_NO_PAD.encode(left_half),
        });
        if let Value::Object(own) = own {
            claims.extend(own);
        }
        if let Some(nonce) = &code.asked.nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        let id_token = self.key.sign(&Value::Object(claims)).ok()?;
        let scopes = code.asked.scopes.clone();
        let granted = AccessToken { person: session.person, scopes: scopes.clone() };
        self.memory().tokens.keep(access_token.clone(), granted, TOKEN_LASTS, now);
        Some(json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LASTS.as_secs(),
            "scope": scopes.join(" "),
            "id_token": id_token,
        }))
    }
}

/// Whether the code comes back from where it was sent to, by whoever asked for it (RFC 7636 section 4.6).
fn is_redeemed_rightly(code: &Code, form: &TokenForm) -> bool {
    let verifier = form.code_verifier.as_deref().unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).as_bytes());
    let long_enough = (43..=128).contains(&verifier.len());
    long_enough
        && form.redirect_uri.as_deref() == Some(code.asked.redirect.as_str())
        && Secret::new(code.asked.challenge.clone()).is(&challenge)
}

/// What the scopes let a client know about a person.
fn about(person: &Person, scopes: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    for scope in scopes {
        match scope.as_str() {
            "profile" => {
                claims.insert("name".to_owned(), json!(person.name));
                claims.insert("preferred_username".to_owned(), json!(person.username));
            }
            "groups" => {
                claims.insert("groups".to_owned(), json!(person.groups));
            }
            _ => {}
        }
    }
    claims
}

/// What follows `scheme` in the header `Authorization`.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (sent, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    sent.eq_ignore_ascii_case(scheme).then(|| value.trim())
}

/// Id and secret, each form-encoded before they were joined (RFC 6749 section 2.3.1).
fn basic_credentials(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        let pair = format!("value={text}");
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    decode(id).zip(decode(secret))
}

fn error(status: StatusCode, error: &str) -> Response {
    answer(status, &json!({ "error": error }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
