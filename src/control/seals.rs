//! What events keep under seal, for those who may know: each look leaves an event that says whose seals, for what and why, before
//! anything is opened.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Weak};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::write_down;
use super::authority::problem;
use super::state::ControlState;
use crate::domain::confidential::{Confidential, SealedText};
use crate::domain::event::{EventReading, Outcome};
use crate::domain::purpose::Purpose;
use crate::domain::revocation::Why;
use crate::features::audit::ReadError;
use crate::features::audit::events::events_since;
use crate::features::audit::seal::{KeyKind, KeyName, Period, SealError};
use crate::foundation::id::RequestId;

/// Whose seals are to be opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    events: BTreeSet<RequestId>,
    purpose: Purpose,
    why: Why,
}

/// Which month's key is to be destroyed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    period: Period,
    /// What for: of what was sealed in it, where nothing else is said.
    kind: Option<KeyKind>,
    why: Why,
}

/// Why patients are to be named by another key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    why: Why,
}

/// What one event kept under seal: PHI, for whoever asked, and for nobody's log.
#[derive(Serialize)]
struct Revealed {
    event: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<String>,
}

impl Revealed {
    const fn without(event: RequestId, not: String) -> Self {
        Self { event, patient: None, query: None, justification: None, not: Some(not) }
    }

    fn of(event: RequestId, confidential: Confidential) -> Self {
        let Confidential { patient, query, justification } = confidential;
        let [patient, query, justification] =
            [patient, query, justification].map(|phi| phi.map(|phi| phi.reveal().clone()));
        Self { event, patient, query, justification, not: None }
    }
}

/// What an event keeps under seal.
enum Kept {
    /// There is no such event.
    NoEvent,
    /// Nothing.
    Nothing,
    /// This.
    Sealed(SealedText),
}

/// Opens the seals of some events.
pub async fn reveal(State(state): State<ControlState>, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &format!("{REVEAL_HINT}: {error}")),
    };
    if !(1..=EVENTS_MAX).contains(&asked.events.len()) {
        return problem(StatusCode::BAD_REQUEST, REVEAL_HINT);
    }
    let Asked { events, purpose, why } = asked;
    let reading = EventReading { events: events.iter().copied().collect(), purpose, why };
    let written = write_down(&state, Outcome::Completed, |opening| {
        opening.note = Some("what events keep under seal was read".to_owned());
        opening.reading = Some(Box::new(reading));
    });
    if let Err(refused) = written.await {
        return refused;
    }
    let (directory, waiting) = (state.journal_directory.clone(), Arc::new(()));
    // Once nobody waits any more, nothing more is read.
    let waits = Arc::downgrade(&waiting);
    let found = tokio::task::spawn_blocking(move || find(&directory, &events, &waits)).await;
    drop(waiting);
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return unreadable(&error),
        Err(error) => return unreadable(&error),
    };
    let seals = state.seals.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let opened = |(event, kept): (RequestId, Kept)| match kept {
            Kept::NoEvent => Revealed::without(event, "no such event is in this journal".to_owned()),
            Kept::Nothing => Revealed::without(event, "it keeps nothing under seal".to_owned()),
            Kept::Sealed(sealed) => match seals.reveal(event, &sealed) {
                Ok(confidential) => Revealed::of(event, confidential),
                Err(error) => Revealed::without(event, error.to_string()),
            },
        };
        found.into_iter().map(opened).collect::<Vec<_>>()
    });
    match opened.await {
        Ok(revealed) => Json(json!({ "events": revealed })).into_response(),
        Err(error) => unreadable(&error),
    }
}

/// How the key of each month stands.
pub async fn list(State(state): State<ControlState>) -> Response {
    let seals = state.seals.clone();
    let looking = move || Ok::<_, SealError>((seals.periods()?, seals.patients()?));
    match tokio::task::spawn_blocking(looking).await {
        Ok(Ok((periods, patients))) => {
            Json(json!({ "periods": periods, "patients": patients })).into_response()
        }
        Ok(Err(error)) => unreadable(&error),
        Err(error) => unreadable(&error),
    }
}

/// Destroys the key of a month, once that is allowed. It is written down before, and what came of it after.
pub async fn destroy(State(state): State<ControlState>, body: Bytes) -> Response {
    let Ending { period, kind, why } = match serde_json::from_slice(&body) {
        Ok(ending) => ending,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &format!("{DESTROY_HINT}: {error}")),
    };
    let key = KeyName { kind: kind.unwrap_or(KeyKind::Sealed), period };
    let now = state.clock.now();
    let told = |outcome, note: String| write_down(&state, outcome, move |opening| opening.note = Some(note));
    // Whoever tries before its time is seen, too.
    if let Err(refused) = state.seals.may_destroy(key, now) {
        return match told(Outcome::Refused, format!("{key} was not destroyed: {refused}")).await {
            Ok(()) => refused_for(&refused),
            Err(unwritten) => unwritten,
        };
    }
    let begun = format!("{key} is to be destroyed: {}", why.as_str());
    if let Err(refused) = told(Outcome::Completed, begun).await {
        return refused;
    }
    let seals = state.seals.clone();
    let ended = tokio::task::spawn_blocking(move || seals.destroy(key, now)).await;
    let failed = || (Outcome::Failed, format!("{key} could not be destroyed"));
    let ((outcome, note), answer) = match ended {
        Ok(Ok(())) => {
            let note = format!("{key} was destroyed");
            ((Outcome::Completed, note), Json(json!({ "destroyed": period })).into_response())
        }
        Ok(Err(error)) => (failed(), refused_for(&error)),
        Err(error) => (failed(), unreadable(&error)),
    };
    match told(outcome, note).await {
        Ok(()) => answer,
        Err(refused) => refused,
    }
}

/// Makes the key by which patients are named from the next start on. It is written down before.
pub async fn renew_patients(State(state): State<ControlState>, body: Bytes) -> Response {
    let Renewal { why } = match serde_json::from_slice(&body) {
        Ok(renewal) => renewal,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &format!("{RENEW_HINT}: {error}")),
    };
    let note = format!("patients are to be named by a new key from the next start on: {}", why.as_str());
    if let Err(refused) = write_down(&state, Outcome::Completed, |opening| opening.note = Some(note)).await {
        return refused;
    }
    let (journal, entropy) = (state.journal.clone(), state.entropy.clone());
    match tokio::task::spawn_blocking(move || journal.renew_patient_key(&*entropy)).await {
        Ok(Ok(())) => Json(json!({ "from": "the next start" })).into_response(),
        Ok(Err(error)) => unreadable(&error),
        Err(error) => unreadable(&error),
    }
}

/// What these events keep under seal, if they are there and keep anything: read from the first of them on.
fn find(
    directory: &Path,
    events: &BTreeSet<RequestId>,
    waits: &Weak<()>,
) -> Result<Vec<(RequestId, Kept)>, ReadError> {
    let mut found: Vec<_> = events.iter().map(|event| (*event, Kept::NoEvent)).collect();
    let Some(since) = events.iter().map(|event| event.time()).min() else { return Ok(found) };
    let mut missing = found.len();
    for event in events_since(directory, since)? {
        let opening = event?.opening;
        if let Some((_, sealed)) = found.iter_mut().find(|(event, _)| *event == opening.event) {
            *sealed = opening.sealed.map_or(Kept::Nothing, Kept::Sealed);
            missing = missing.saturating_sub(1);
        }
        if missing == 0 || waits.strong_count() == 0 {
            break;
        }
    }
    Ok(found)
}

fn refused_for(error: &SealError) -> Response {
    let status = match error {
        SealError::NoKey { .. } => StatusCode::NOT_FOUND,
        SealError::Retained { .. }
        | SealError::PatientsRetained { .. }
        | SealError::Held { .. }
        | SealError::InUse { .. }
        | SealError::Destroyed { .. } => StatusCode::CONFLICT,
        SealError::Disk { .. } | SealError::Key { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    problem(status, &error.to_string())
}

fn unreadable(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "what events keep under seal, or its keys, cannot be read");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "what events keep under seal, or its keys, cannot be read")
}

/// Events of which the seals are opened at once.
const EVENTS_MAX: usize = 100;
const REVEAL_HINT: &str =
    "say as JSON: 1 to 100 `events`, the `purpose` and `why` (1 to 200 characters) they are read";
const DESTROY_HINT: &str = "say as JSON: the `period` (a month), `kind` (`sealed` or `patients`) and `why` (1 to 200 characters) its \
                            key is destroyed";
const RENEW_HINT: &str = "say as JSON `why` (1 to 200 characters) patients are to be named by a new key";
