//! The administrators' pages: who is signed in, and how somebody is out; what was found in the stream of events;
//! reports of the journal, and evidence packs. For people with a browser on this machine, or with a tunnel to it.
//!
//! They show and do what `/api/v1/sessions`, `/api/v1/detections`, `/api/v1/reports` and `/api/v1/evidence` do, by the same functions,
//! so that each look and each end leaves the same event. It works without JavaScript, takes no form of another origin, and nothing of it is kept by a browser but
//! the cookie of [`operators`].

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use super::api;
use super::authority::CHALLENGE;
use super::revocation::{Question, Unclear, order};
use super::state::ControlState;
use crate::domain::application::ProviderName;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::page::STYLESHEET;
use crate::platform::page::language::Language;
use crate::platform::page::messages::Text;

mod breaks;
mod detections;
mod evidence;
pub mod operators;
mod own;
mod reports;
#[cfg(test)]
mod tests;
mod view;
mod words;

pub use breaks::{breaks, review_break};
pub use detections::{detections, review};
pub use evidence::{evidence, pack};
use operators::Admission;
pub use own::needs_own_page;
pub use reports::{report, reports};
use view::{Entered, Reader};
use words::Words;

/// Where sessions are listed.
pub const SESSIONS_PATH: &str = "/sessions";
/// Where a session is ended, or all of a person.
pub const END_PATH: &str = "/sessions/end";
/// Where it is listed what was found in the stream of events, and reviewed.
pub const DETECTIONS_PATH: &str = "/detections";
/// Where emergency access is listed, and reviewed.
pub const BREAKS_PATH: &str = "/break-glass";
/// Where reports are asked for.
pub const REPORTS_PATH: &str = "/reports";
/// Where evidence packs are asked for.
pub const EVIDENCE_PATH: &str = "/evidence";
/// Where the token is shown.
pub const SIGN_IN_PATH: &str = "/sign-in";
/// Where an administrator goes.
pub const SIGN_OUT_PATH: &str = "/sign-out";
/// Where the looks are.
pub const STYLESHEET_PATH: &str = "/page.css";

/// Whoever asks for a page.
struct Visit<'a> {
    state: &'a ControlState,
    reader: Reader,
    cookie: Option<Secret>,
}

/// Leads to the list.
pub async fn first() -> Redirect {
    Redirect::to(SESSIONS_PATH)
}

/// The looks of every page.
pub async fn stylesheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLESHEET).into_response()
}

/// The token, from the form. A password manager sends a name with it, which says nothing.
#[derive(Deserialize)]
pub struct Shown {
    token: String,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(..)")
    }
}

/// Gives the cookie to whoever shows the token.
pub async fn sign_in(
    State(state): State<ControlState>,
    headers: HeaderMap,
    shown: Result<Form<Shown>, FormRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    let (Some(token), Ok(Form(shown))) = (&state.token, shown) else {
        return visit.asks_for_token();
    };
    let shown = Secret::new(shown.token);
    let texts = &visit.reader.words.control;
    match state.operators.sign_in(token, shown.reveal(), visit.reader.now, &*state.entropy) {
        Admission::Admitted(cookie) => {
            ([(SET_COOKIE, own::given(&cookie))], Redirect::to(SESSIONS_PATH)).into_response()
        }
        Admission::Wrong => {
            tracing::warn!("a wrong token was shown to the control listener's page");
            let page = visit.reader.sign_in(true, Some(texts.wrong.to_string()));
            challenged(visit.page(StatusCode::UNAUTHORIZED, &page))
        }
        Admission::TooMany { wait } => {
            let duration = visit.reader.words.duration.write(wait, &visit.reader.words.number);
            let problem = texts.too_many.with(&[("duration", &duration)]);
            let page = visit.reader.sign_in(true, Some(problem));
            let seconds = [(RETRY_AFTER, wait.as_millis().div_ceil(1000).to_string())];
            (seconds, visit.page(StatusCode::TOO_MANY_REQUESTS, &page)).into_response()
        }
    }
}

/// Ends the sign-in of an administrator.
pub async fn sign_out(State(state): State<ControlState>, headers: HeaderMap) -> Response {
    if let Some(cookie) = own::cookie(&headers) {
        state.operators.sign_out(&cookie);
    }
    ([(SET_COOKIE, own::taken())], Redirect::to(SESSIONS_PATH)).into_response()
}

/// Who is searched for.
#[derive(Debug, Deserialize)]
pub struct Searched {
    #[serde(default)]
    person: String,
}

/// Who is signed in.
pub async fn sessions(
    State(state): State<ControlState>,
    headers: HeaderMap,
    Query(searched): Query<Searched>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    let person = searched.person.trim();
    match api::listed(&state, (!person.is_empty()).then_some(person), SHOWN_MAX).await {
        Ok(listed) => visit.page(StatusCode::OK, &visit.reader.sessions(person, &listed, SHOWN_MAX)),
        Err(refused) => visit.unwritable(refused.status()),
    }
}

/// Which session is to end.
#[derive(Debug, Deserialize)]
pub struct Which {
    session: SessionId,
}

/// Asks why a session is to end, and whether all of its person.
pub async fn ask(
    State(state): State<ControlState>,
    headers: HeaderMap,
    which: Result<Query<Which>, QueryRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    match which {
        Ok(Query(which)) => visit.asks_why(StatusCode::OK, which.session, Entered::default()).await,
        Err(_) => Redirect::to(SESSIONS_PATH).into_response(),
    }
}

/// What is to end, and why, from the form.
#[derive(Debug, Deserialize)]
pub struct Ending {
    session: SessionId,
    person: String,
    provider: ProviderName,
    scope: Scope,
    #[serde(default)]
    reason: String,
}

/// How much is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    /// The session.
    Session,
    /// All of the person's, at the provider.
    Person,
}

/// Ends a session, or all of its person, and says what was ended.
pub async fn end(
    State(state): State<ControlState>,
    headers: HeaderMap,
    ending: Result<Form<Ending>, FormRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    let texts = &visit.reader.words.control;
    let Ok(Form(ending)) = ending else {
        let told = visit.reader.told(&texts.ended_none, vec![texts.not_understood.to_string()]);
        return visit.page(StatusCode::BAD_REQUEST, &told);
    };
    let session = ending.session;
    let (is_all, reason) = (ending.scope == Scope::Person, ending.reason.clone());
    let revocation = match order(&state, ending.into()) {
        Ok(revocation) => revocation,
        Err(unclear) => {
            let entered = Entered { is_all, reason, problem: Some(visit.problem(&unclear)) };
            return visit.asks_why(StatusCode::BAD_REQUEST, session, entered).await;
        }
    };
    // As by the API: sessions end even where that cannot be written down, and that is told.
    match (state.revoke)(revocation).await {
        Ok(revoked) => visit.page(StatusCode::OK, &visit.reader.ended(&revoked)),
        Err(incomplete) => {
            let told =
                visit.reader.told(&texts.incomplete, vec![texts.incomplete_text.to_string(), incomplete]);
            visit.page(StatusCode::SERVICE_UNAVAILABLE, &told)
        }
    }
}

impl From<Ending> for Question {
    fn from(ending: Ending) -> Self {
        let Ending { session, person, provider, scope, reason } = ending;
        let (session, person, provider) = match scope {
            Scope::Session => (Some(session), None, None),
            Scope::Person => (None, Some(person), Some(provider)),
        };
        Self { session, person, provider_session: None, provider, reason, asked: None }
    }
}

impl<'a> Visit<'a> {
    fn of(state: &'a ControlState, headers: &HeaderMap) -> Self {
        let accepted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::preferred(accepted.unwrap_or_default());
        let reader = Reader { language, words: Words::of(language), now: state.clock.now() };
        Self { state, reader, cookie: own::cookie(headers) }
    }

    fn is_signed_in(&self) -> bool {
        self.cookie.as_ref().is_some_and(|cookie| self.state.operators.knows(cookie, self.reader.now))
    }

    /// Where the token is asked for; where none is set, how to set it.
    fn asks_for_token(&self) -> Response {
        let is_token_set = self.state.token.is_some();
        let page = self.reader.sign_in(is_token_set, None);
        if is_token_set {
            challenged(self.page(StatusCode::UNAUTHORIZED, &page))
        } else {
            self.page(StatusCode::FORBIDDEN, &page)
        }
    }

    async fn asks_why(&self, status: StatusCode, session: SessionId, entered: Entered) -> Response {
        let texts = &self.reader.words.control;
        match api::listed_one(self.state, session).await {
            Ok(Some(session)) => self.page(status, &self.reader.end(&session, entered)),
            Ok(None) => {
                let told = self.reader.told(&texts.ended_none, vec![texts.gone.to_string()]);
                self.page(StatusCode::NOT_FOUND, &told)
            }
            Err(refused) => self.unwritable(refused.status()),
        }
    }

    /// What is wrong with an order.
    fn problem(&self, unclear: &Unclear) -> &'static Text {
        let texts = &self.reader.words.control;
        match unclear {
            Unclear::Why(_) => &texts.no_reason,
            Unclear::Json(_) | Unclear::Which | Unclear::Identifier | Unclear::Provider { .. } => {
                &texts.not_understood
            }
        }
    }

    fn unwritable(&self, status: StatusCode) -> Response {
        let texts = &self.reader.words.control;
        let told = self.reader.told(&texts.unwritable, vec![texts.unwritable_text.to_string()]);
        self.page(status, &told)
    }

    fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        // Writing to a string does not fail; if it ever did, the status still tells.
        let html = page.render().unwrap_or_else(|error| {
            tracing::error!(%error, "a page could not be rendered");
            String::new()
        });
        (status, [(CONTENT_LANGUAGE, self.reader.language.code())], Html(html)).into_response()
    }
}

/// Says what a 401 has to say (RFC 9110, section 11.6.1). A browser asks nobody for a bearer token by itself.
fn challenged(mut reply: Response) -> Response {
    reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
    reply
}

/// As many sessions as a page shows.
const SHOWN_MAX: usize = 500;
