//! What operators may see: sessions and recent events; and the reload. Each leaves an event.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::authority::problem;
use super::state::{ControlState, SignalsNow};
use crate::domain::application::ApplicationName;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::note::EVENTS_READ;
use crate::domain::reason::Reason;
use crate::features::audit::Misfit;
use crate::features::audit::archive::{Elsewhere, Stretch, elsewhere};
use crate::features::audit::query::{BreakAsked, Filter, Order, query};
use crate::features::audit::table::write_json;
use crate::features::session::SessionSummary;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{RequestId, SessionId};

/// What runs, since when, under which rules.
pub async fn status(State(state): State<ControlState>) -> Response {
    let present = (state.present)();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": state.started,
        "rules_version": &*present.rules_version,
        "reload": {
            "succeeded": present.reload_succeeded,
            "at": present.reloaded,
            "needs_restart": &*present.needs_restart,
        },
        "providers": present.providers,
        "signals": present.signals.iter().map(SignalsNow::shown).collect::<Vec<_>>(),
        "connections": present.connections,
        "journal_head": state.journal.head().to_string(),
        "journal": state.journal.standing(),
    }))
    .into_response()
}

/// How feeds stand: how old each is, how many rows it has, what is wrong with it; and when providers were heard of that keep
/// directories here.
pub async fn feeds(State(state): State<ControlState>) -> Response {
    let present = (state.present)();
    Json(json!({ "feeds": present.feeds, "directories": present.directories_heard })).into_response()
}

/// How exports stand: how far each has come, what waits, what is wrong with it.
pub async fn exports(State(state): State<ControlState>) -> Response {
    Json(json!({ "exports": (state.present)().exports })).into_response()
}

/// Which sessions are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsAsked {
    /// The provider's identifier of the person, or a part of their name in any case.
    person: Option<String>,
    #[serde(default = "SessionsAsked::usual")]
    limit: usize,
}

impl SessionsAsked {
    const fn usual() -> usize {
        SESSIONS_MAX
    }
}

/// Who is signed in.
pub async fn sessions(State(state): State<ControlState>, Query(asked): Query<SessionsAsked>) -> Response {
    if !(1..=SESSIONS_MAX).contains(&asked.limit) {
        return problem(StatusCode::BAD_REQUEST, "limit is 1 to 10000");
    }
    match listed(&state, asked.person.as_deref(), asked.limit).await {
        Ok(listed) => Json(json!({ "sessions": listed })).into_response(),
        Err(refused) => refused,
    }
}

/// Who is signed in, the latest first, or who of that name; written down before it is looked at.
pub(super) async fn listed(
    state: &ControlState,
    person: Option<&str>,
    limit: usize,
) -> Result<Vec<SessionSummary>, Response> {
    record(state, LISTED, Outcome::Completed).await?;
    let now = state.clock.now();
    Ok(match person {
        Some(person) => state.sessions.list_of(person, limit, now),
        None => state.sessions.list(limit, now),
    })
}

/// One session, if it stands; written down before it is looked at.
pub(super) async fn listed_one(
    state: &ControlState,
    session: SessionId,
) -> Result<Option<SessionSummary>, Response> {
    record(state, LISTED, Outcome::Completed).await?;
    Ok(state.sessions.listed(session, state.clock.now()))
}

/// Which events are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsAsked {
    person: Option<String>,
    application: Option<ApplicationName>,
    route: Option<String>,
    decision: Option<Verdict>,
    reason: Option<Reason>,
    break_glass: Option<BreakAsked>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    #[serde(default = "EventsAsked::usual")]
    limit: usize,
}

impl EventsAsked {
    const fn usual() -> usize {
        100
    }
}

/// Recent events, the newest first, as JSON lines. What of the time that is asked for the journal does not have any more is told by
/// fields of the reply, `leastway-archived` and `leastway-destroyed`; that it could not be read to its end, by `leastway-stopped`.
pub async fn events(State(state): State<ControlState>, Query(asked): Query<EventsAsked>) -> Response {
    if !(1..=EVENTS_MAX).contains(&asked.limit) {
        return problem(StatusCode::BAD_REQUEST, "limit is 1 to 1000");
    }
    if let Err(refused) = record(&state, EVENTS_READ, Outcome::Completed).await {
        return refused;
    }
    let filter = Filter {
        person: asked.person,
        application: asked.application,
        route: asked.route,
        decision: asked.decision,
        reason: asked.reason,
        break_glass: asked.break_glass,
        since: asked.since,
        until: asked.until,
        ..Filter::default()
    };
    let directory = state.journal_directory.clone();
    let found = tokio::task::spawn_blocking(move || {
        let missing = elsewhere(&directory, filter.since, filter.until)?;
        let answer = query(&directory, &filter, Order::NewestFirst, asked.limit)?;
        let mut lines = Vec::new();
        write_json(&answer.events, &mut lines)?;
        anyhow::Ok((lines, untold(&missing, answer.stopped.as_ref())))
    });
    match found.await.map_err(Into::into).and_then(|found| found) {
        Ok((lines, untold)) => (untold, [(CONTENT_TYPE, "application/jsonl")], lines).into_response(),
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "the journal could not be read");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the journal could not be read")
        }
    }
}

/// The fields that tell what is not in an answer: numbers of entries and times, as Structured Fields (RFC 9651).
fn untold(missing: &Elsewhere, stopped: Option<&Misfit>) -> HeaderMap {
    let span = |Stretch { first, last, from, to, .. }: Stretch| {
        format!("first={first}, last={last}, from=\"{from}\", to=\"{to}\"")
    };
    let fields = [
        ("leastway-archived", missing.archived.map(span)),
        ("leastway-destroyed", missing.retired.map(span)),
        ("leastway-stopped", stopped.map(|misfit| misfit.sequence.to_string())),
    ];
    let told = fields.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value?).ok()?))
    });
    told.collect()
}

/// Takes new files. The reload itself is an event, too.
pub async fn reload(State(state): State<ControlState>) -> Response {
    if let Err(refused) = record(&state, "a reload was asked for", Outcome::Completed).await {
        return refused;
    }
    taken(&state).await
}

/// Takes new files, and tells how that went.
pub(super) async fn taken(state: &ControlState) -> Response {
    match (state.reload)().await {
        Ok((version, needs_restart)) => {
            Json(json!({ "rules_version": &*version, "needs_restart": &*needs_restart })).into_response()
        }
        Err(problems) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "problems": problems }))).into_response()
        }
    }
}

async fn record(state: &ControlState, note: &str, outcome: Outcome) -> Result<(), Response> {
    write_down(state, outcome, |opening| opening.note = Some(note.to_owned())).await
}

/// Writes down what is about to be done; without that it is not done.
pub(super) async fn write_down(
    state: &ControlState,
    outcome: Outcome,
    say: impl FnOnce(&mut Opening),
) -> Result<(), Response> {
    let now = state.clock.now();
    let event = RequestId::new(now, &*state.entropy);
    let mut opening = Opening {
        verdict: Verdict::Permit,
        reasons: vec![Reason::OwnPath],
        ..Opening::begin(event, EventKind::Administration, now)
    };
    say(&mut opening);
    state.journal.record(&opening, Some(&Closing::of(event, now, outcome))).await.map_err(|error| {
        tracing::error!(error = %error, "an administrator's request could not be journaled");
        problem(StatusCode::SERVICE_UNAVAILABLE, "the journal cannot be written")
    })
}

const LISTED: &str = "sessions were listed";
const SESSIONS_MAX: usize = 10_000;
const EVENTS_MAX: usize = 1000;
