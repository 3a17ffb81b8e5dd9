//! Emergency access, for those who review it. Each look and each word of theirs leaves an event.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::api::write_down;
use super::authority::problem;
use super::state::ControlState;
use crate::domain::break_glass::{BreakEnd, BreakFinding, BreakReview, BreakStep, EventBreak};
use crate::domain::event::{Opening, Outcome};
use crate::features::break_glass::{Asked, Break, ReviewError, WriteError};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::store::StoreError;

/// Which are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreaksAsked {
    state: Option<BreakReview>,
    #[serde(default = "BreaksAsked::usual")]
    limit: usize,
}

impl BreaksAsked {
    const fn usual() -> usize {
        100
    }
}

/// Emergency access, the latest first, with how far its review has come.
pub async fn list(State(state): State<ControlState>, Query(asked): Query<BreaksAsked>) -> Response {
    if !(1..=BREAKS_MAX).contains(&asked.limit) {
        return problem(StatusCode::BAD_REQUEST, "limit is 1 to 10000");
    }
    match listed(&state, asked.state, asked.limit).await {
        Ok(breaks) => {
            let now = state.clock.now();
            let overdue: Vec<RequestId> = breaks
                .iter()
                .filter(|it| it.joins.is_none() && it.review.is_overdue(now))
                .map(|it| it.id)
                .collect();
            Json(json!({ "breaks": breaks, "overdue": overdue })).into_response()
        }
        Err(refused) => refused,
    }
}

/// The same; written down before it is looked at.
pub(super) async fn listed(
    state: &ControlState,
    of: Option<BreakReview>,
    limit: usize,
) -> Result<Vec<Break>, Response> {
    write_down(state, Outcome::Completed, |opening| opening.note = Some(LISTED.to_owned())).await?;
    Ok(state.breaks.list(of, limit))
}

/// Takes what a reviewer says of one.
pub async fn review(State(state): State<ControlState>, Path(id): Path<RequestId>, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let hint = "say as JSON: `state` (`triaged`, `closed`), `reviewer`, `finding` and a `note` of 1 to 200 characters";
            return problem(StatusCode::BAD_REQUEST, &format!("{hint}: {error}"));
        }
    };
    match settle(&state, id, asked).await {
        Ok(it) => Json(it).into_response(),
        Err(Unsettled::Asked(error)) => problem(status_of(error), &error.to_string()),
        Err(Unsettled::Refused(refused)) => refused,
    }
}

/// Why nothing came of a review.
pub(super) enum Unsettled {
    /// It cannot be said.
    Asked(ReviewError),
    /// It cannot be written down or kept.
    Refused(Response),
}

/// Writes down what a reviewer says, and then keeps it.
pub(super) async fn settle(state: &ControlState, id: RequestId, asked: Asked) -> Result<Break, Unsettled> {
    let now = state.clock.now();
    let before = state.breaks.one(id).ok_or(Unsettled::Asked(ReviewError::Unknown))?;
    let was_active = before.is_active(now);
    let reviewed = before.reviewed(asked.clone(), now).map_err(Unsettled::Asked)?;
    let say = |opening: &mut Opening| {
        opening.note = Some(format!("an emergency access was reviewed: {}", reviewed.review.state));
        opening.application = Some(reviewed.application.clone());
        opening.patient = Some(reviewed.patient);
        opening.break_glass = Some(Box::new(EventBreak {
            end: reviewed.standing.end().filter(|_| was_active),
            person: Some(reviewed.person.clone()),
            review: Some(reviewed.told()),
            ..EventBreak::of(Some(id), BreakStep::Reviewed)
        }));
    };
    write_down(state, Outcome::Completed, say).await.map_err(Unsettled::Refused)?;
    let changed = state.breaks.change(id, |it| it.reviewed(asked.clone(), now)).await;
    let it = changed.map_err(|error| match error {
        WriteError::Refused(error) => Unsettled::Asked(error.unwrap_or(ReviewError::Unknown)),
        WriteError::Store(error) => unsaved(&error),
    })?;
    if (it.review.state, it.review.finding) == (BreakReview::Closed, Some(BreakFinding::NotJustified)) {
        end_joined(state, id, now).await?;
    }
    Ok(it)
}

/// Ends what rests on a reason that was found not justified.
async fn end_joined(state: &ControlState, root: RequestId, now: Timestamp) -> Result<(), Unsettled> {
    for it in state.breaks.joined(root, now) {
        let say = |opening: &mut Opening| {
            opening.note =
                Some("an emergency access was ended: its reason was found not justified".to_owned());
            opening.application = Some(it.application.clone());
            opening.patient = Some(it.patient);
            opening.break_glass = Some(Box::new(EventBreak {
                end: Some(BreakEnd::Review),
                person: Some(it.person.clone()),
                ..EventBreak::of(Some(it.id), BreakStep::Ended)
            }));
        };
        write_down(state, Outcome::Completed, say).await.map_err(Unsettled::Refused)?;
        match state.breaks.change(it.id, |it| it.ended(now, BreakEnd::Review)).await {
            // Somebody else was first.
            Ok(_) | Err(WriteError::Refused(_)) => {}
            Err(WriteError::Store(error)) => return Err(unsaved(&error)),
        }
    }
    Ok(())
}

fn unsaved(error: &StoreError) -> Unsettled {
    tracing::error!(%error, "a review could not be saved");
    Unsettled::Refused(problem(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"))
}

pub(super) const fn status_of(error: ReviewError) -> StatusCode {
    match error {
        ReviewError::Unknown => StatusCode::NOT_FOUND,
        ReviewError::Backward(_) | ReviewError::Joins(_) => StatusCode::CONFLICT,
        ReviewError::OwnBreak => StatusCode::FORBIDDEN,
        ReviewError::NoFinding | ReviewError::NoNote | ReviewError::NoReviewer => StatusCode::BAD_REQUEST,
    }
}

const LISTED: &str = "emergency access was listed";
const BREAKS_MAX: usize = 10_000;
