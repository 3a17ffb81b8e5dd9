//! The clinic's OpenID provider: code flow with PKCE (OpenID Connect Core 1.0, RFC 7636), a password, a
//! TOTP as second factor, single sign-on, and sign-out at the provider.
//!
//! Strict where a relying party could be let down: exact redirect addresses, S256 only, codes that are
//! good once and for a minute, TOTP codes that are good once. It proves `urn:leastway-demo:mfa` only
//! for a second factor that came after the password, so that `auth_time` is the moment of both.

mod authorize;
mod keys;
mod serving;
mod shelf;
mod sign_in;
mod sign_out;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::json;

pub(super) use serving::serve;

use self::authorize::Asked;
use self::keys::{KeyError, SigningKey};
use self::shelf::Shelf;
use super::html::{self, Site, Text, icon, style};
use super::people::{PEOPLE, Person, totp_seconds_left, totp_step};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::secret::Secret;

/// Single factor: a password.
pub(super) const ACR_PASSWORD: &str = "urn:leastway-demo:pwd";
/// Two factors: a password and a TOTP.
pub(super) const ACR_MFA: &str = "urn:leastway-demo:mfa";

const SESSION_COOKIE: &str = "__Host-clinic-id";
const BROWSER_COOKIE: &str = "__Host-clinic-browser";

const SIGN_IN_LASTS: Duration = Duration::from_secs(10 * 60);
const CODE_LASTS: Duration = Duration::from_secs(60);
const TOKEN_LASTS: Duration = Duration::from_secs(5 * 60);
const SESSION_LASTS: Duration = Duration::from_secs(8 * 60 * 60);
const BODY_BYTES: usize = 16 * 1024;

const SITE: Site = Site { name: "Clinic sign-in", class: "provider", links: &[("Demo codes", "/codes")] };

/// What differs from one start to the next.
#[derive(Debug)]
pub(super) struct Settings {
    /// The address under which it is known, without a slash at its end.
    pub(super) issuer: String,
    /// The one client.
    pub(super) client_id: String,
    /// Its secret.
    pub(super) client_secret: Secret,
    /// Where the client's pages are: `https://host:port`.
    pub(super) client_origins: [String; 2],
}

impl Settings {
    /// Whether a code may be sent there. No wildcards: RFC 9700 section 4.1.
    fn is_redirect(&self, address: &str) -> bool {
        self.client_origins.iter().any(|origin| address == format!("{origin}/.leastway/callback"))
    }

    /// Whether a person may be sent there after sign-out: any page of the client's hosts.
    fn is_client_page(&self, address: &str) -> bool {
        self.client_origins.iter().any(|origin| {
            address.strip_prefix(origin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// The provider.
#[derive(Debug)]
pub(super) struct Provider {
    settings: Settings,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<Memory>,
}

/// What it remembers; all of it bounded, none of it kept.
#[derive(Debug, Default)]
struct Memory {
    /// Sign-ins under way.
    sign_ins: Shelf<SignIn>,
    /// Codes that were not redeemed yet.
    codes: Shelf<Code>,
    /// Access tokens.
    tokens: Shelf<AccessToken>,
    /// Browsers that are signed in.
    sessions: Shelf<Session>,
    /// The step of each person's last accepted TOTP: nothing up to it is accepted again.
    last_steps: BTreeMap<&'static str, u64>,
}

/// A sign-in under way.
#[derive(Clone, Debug)]
struct SignIn {
    asked: Asked,
    /// The browser that began it: nobody else may go on with it.
    browser: String,
    begun: Timestamp,
    failures: u8,
}

/// A browser that is signed in.
#[derive(Clone, Debug)]
struct Session {
    person: &'static Person,
    /// What relying parties call this session.
    sid: String,
    password_at: Timestamp,
    second_factor_at: Option<Timestamp>,
}

impl Session {
    /// When the person last proved anything.
    fn auth_time(&self) -> Timestamp {
        self.second_factor_at.unwrap_or(self.password_at)
    }
}

/// What a code stands for.
#[derive(Clone, Debug)]
struct Code {
    asked: Asked,
    session: Session,
}

/// What an access token lets see.
#[derive(Clone, Debug)]
struct AccessToken {
    person: &'static Person,
    scopes: Vec<String>,
}

type Shared = State<Arc<Provider>>;

impl Provider {
    /// A provider with a new key.
    pub(super) fn new(
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, KeyError> {
        let key = SigningKey::generate()?;
        Ok(Self { settings, key, clock, entropy, state: Mutex::default() })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An identifier that nobody can guess.
    fn ticket(&self) -> String {
        random_text::<32>(&*self.entropy)
    }

    /// The session of the browser that sent `headers`.
    fn session(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        self.memory().sessions.look_up(cookie(headers, SESSION_COOKIE)?, now).cloned()
    }
}

/// All of its endpoints and pages.
pub(super) fn router(provider: Arc<Provider>) -> axum::Router {
    axum::Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize::authorize).post(authorize::authorize))
        .route("/sign-in", post(sign_in::password))
        .route("/second-factor", post(sign_in::second_factor))
        .route("/cancel", post(sign_in::cancel))
        .route("/token", post(token::token))
        .route("/userinfo", get(token::userinfo).post(token::userinfo))
        .route("/sign-out", get(sign_out::sign_out).post(sign_out::sign_out))
        .route("/", get(codes))
        .route("/codes", get(codes))
        .route("/static/clinic.css", get(style))
        .route("/static/clinic.svg", get(icon))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(provider)
}

async fn discovery(State(provider): Shared) -> Response {
    let issuer = &provider.settings.issuer;
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/sign-out"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "groups"],
        "acr_values_supported": [ACR_MFA, ACR_PASSWORD],
        "prompt_values_supported": ["none", "login"],
        "claims_supported": ["sub", "name", "preferred_username", "groups", "location", "acr", "amr", "auth_time", "sid"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    });
    ([(CONTENT_TYPE, "application/json")], metadata.to_string()).into_response()
}

async fn jwks(State(provider): Shared) -> Response {
    ([(CONTENT_TYPE, "application/json")], provider.key.jwks().to_string()).into_response()
}

/// The codes that an authenticator would show: here for everybody to see.
async fn codes(State(provider): Shared) -> Response {
    let now = provider.clock.now();
    let step = totp_step(now);
    let last_steps = provider.memory().last_steps.clone();
    let code = |person: &Person, step: u64| {
        let used = last_steps.get(person.username).is_some_and(|last| step <= *last);
        let note = if used { " <span class=\"quiet-text\">used</span>" } else { "" };
        format!("{}{note}", person.totp(step))
    };
    let row = |person: &Person| {
        format!(
            "<tr><td>{}<td>{}<td>{}<td class=\"code\">{}<td class=\"code\">{}</tr>",
            person.name,
            person.username,
            Text(person.password),
            code(person, step),
            code(person, step + 1),
        )
    };
    let rows = PEOPLE.each_ref().map(row).concat();
    let body = format!(
        "<p class=\"warning\">This page exists in the demo only. It shows what each person's password manager \
         and authenticator would show.</p><table><tr><th>Person<th>User name<th>Password<th>Code now<th>Next code</tr>{rows}</table>\
         <p>The next code is shown in {} seconds; either is accepted, each of them once. Reload for new ones.</p>",
        totp_seconds_left(now)
    );
    page("Demo codes", &body)
}

fn page(title: &str, body: &str) -> Response {
    html::reply(SITE.page(title, "", body))
}

/// A page for what cannot go on, and why. Never a redirect: the address may not be the client's.
fn refusal(status: StatusCode, why: &str) -> Response {
    let mut response = page("This cannot go on", &format!("<p>{}</p>", Text(why)));
    *response.status_mut() = status;
    response
}

/// The value of the cookie `name`. A cookie that comes twice is no cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE);
    let mut found = all
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(key, value)| (key == name).then_some(value));
    let first = found.next();
    if found.next().is_some() { None } else { first }
}

/// Sets the cookie `name`; an empty value takes it away.
fn set_cookie(response: &mut Response, name: &str, value: &str) {
    let life = if value.is_empty() { "; Max-Age=0" } else { "" };
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{life}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
