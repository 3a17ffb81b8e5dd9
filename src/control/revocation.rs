//! An administrator ends sessions: one, all of a person's, or those of one session at the provider.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::authority::problem;
use super::state::{ControlState, ProviderState};
use crate::domain::application::ProviderName;
use crate::domain::revocation::{Cause, ProviderSession, Revocation, Target, Why, WhyError};
use crate::domain::subject::{SubjectId, identifier};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// Which sessions are to end, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// One session.
    pub(super) session: Option<SessionId>,
    /// Every session of a person: the provider's identifier, `sub`.
    pub(super) person: Option<String>,
    /// The sessions that rest on one at the provider: its `sid`.
    pub(super) provider_session: Option<String>,
    /// At which provider; not needed where there is one.
    pub(super) provider: Option<ProviderName>,
    /// Why, for the event.
    #[serde(default)]
    pub(super) reason: String,
    /// When it was asked for, where that was before now.
    pub(super) asked: Option<Timestamp>,
}

/// What is not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unclear {
    #[error("say which sessions as JSON: `session`, `person` or `provider_session`, and a `reason`: {0}")]
    Json(#[from] serde_json::Error),
    #[error("say which sessions by `session`, `person` or `provider_session`, and by one of them")]
    Which,
    #[error("`reason` is needed: {0}")]
    Why(#[from] WhyError),
    #[error("`person` and `provider_session` are 1 to 255 bytes without control characters")]
    Identifier,
    #[error("say at which `provider`: {known}")]
    Provider { known: String },
}

/// Ends sessions, and says how many.
pub async fn revoke(State(state): State<ControlState>, body: Bytes) -> Response {
    let asked = serde_json::from_slice(&body).map_err(Unclear::Json);
    let revocation = match asked.and_then(|asked| order(&state, asked)) {
        Ok(revocation) => revocation,
        Err(unclear) => return problem(StatusCode::BAD_REQUEST, &unclear.to_string()),
    };
    // Sessions end even where that cannot be written down: then it is told, here and in the diagnostics.
    match (state.revoke)(revocation).await {
        Ok(revoked) => Json(json!({
            "ended": revoked.sessions,
            "sessions": revoked.listed,
            "streams": revoked.streams,
            "waiting": revoked.waiting,
        }))
        .into_response(),
        Err(incomplete) => problem(StatusCode::SERVICE_UNAVAILABLE, &incomplete),
    }
}

/// The order that a question makes.
pub(super) fn order(state: &ControlState, asked: Question) -> Result<Revocation, Unclear> {
    let why: Why = asked.reason.parse()?;
    let received = state.clock.now();
    let moment = asked.asked.map_or(received, |moment| moment.min(received));
    let target = asked.target(&(state.present)().providers)?;
    let (cause, why, request) = (Cause::Administrator, Some(why), None);
    Ok(Revocation { target, cause, why, request, asked: moment, received, relayed: None })
}

impl Question {
    fn target(self, providers: &[ProviderState]) -> Result<Target, Unclear> {
        match (self.session, self.person, self.provider_session) {
            (Some(session), None, None) => Ok(Target::Session(session)),
            (None, Some(sub), None) => {
                let issuer = issuer(providers, self.provider.as_ref())?;
                Ok(Target::Person(SubjectId { issuer, sub: named(&sub)? }))
            }
            (None, None, Some(sid)) => {
                let issuer = issuer(providers, self.provider.as_ref())?;
                Ok(Target::ProviderSession(ProviderSession { issuer, sid: named(&sid)?, sub: None }))
            }
            (None, None, None) | (Some(_), _, _) | (None, Some(_), Some(_)) => Err(Unclear::Which),
        }
    }
}

fn named(text: &str) -> Result<std::sync::Arc<str>, Unclear> {
    identifier(text).ok_or(Unclear::Identifier)
}

/// The issuer of the provider that is named, or of the only one.
fn issuer(providers: &[ProviderState], named: Option<&ProviderName>) -> Result<std::sync::Arc<str>, Unclear> {
    let found = match (named, providers) {
        (Some(name), _) => providers.iter().find(|known| known.provider == *name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.map(|known| known.issuer.clone()).ok_or_else(|| {
        let known: Vec<_> = providers.iter().map(|known| known.provider.as_str()).collect();
        Unclear::Provider { known: known.join(", ") }
    })
}

/// The largest question.
pub(super) const QUESTION_BYTES_MAX: usize = 16 * 1024;
