//! What was found in the stream of events, for those who review it. Each look and each word of theirs leaves an event.

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
use crate::domain::detection::ReviewState;
use crate::domain::event::Outcome;
use crate::features::detect::{Asked, Item, ReviewError};
use crate::foundation::id::DetectionId;

/// Which items are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemsAsked {
    state: Option<ReviewState>,
    #[serde(default = "ItemsAsked::usual")]
    limit: usize,
}

impl ItemsAsked {
    const fn usual() -> usize {
        100
    }
}

/// What was found, the latest first.
pub async fn list(State(state): State<ControlState>, Query(asked): Query<ItemsAsked>) -> Response {
    if !(1..=ITEMS_MAX).contains(&asked.limit) {
        return problem(StatusCode::BAD_REQUEST, "limit is 1 to 10000");
    }
    match listed(&state, asked.state, asked.limit).await {
        Ok(items) => Json(json!({ "detections": items })).into_response(),
        Err(refused) => refused,
    }
}

/// What was found; written down before it is looked at.
pub(super) async fn listed(
    state: &ControlState,
    of: Option<ReviewState>,
    limit: usize,
) -> Result<Vec<Item>, Response> {
    write_down(state, Outcome::Completed, |opening| opening.note = Some(LISTED.to_owned())).await?;
    Ok(state.detections.list(of, limit))
}

/// Takes what a reviewer says of one.
pub async fn review(State(state): State<ControlState>, Path(id): Path<DetectionId>, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let hint =
                "say as JSON: `state` (`seen`, `closed`), `finding` and a `note` of 1 to 200 characters";
            return problem(StatusCode::BAD_REQUEST, &format!("{hint}: {error}"));
        }
    };
    match settle(&state, id, asked).await {
        Ok(item) => Json(item).into_response(),
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
pub(super) async fn settle(state: &ControlState, id: DetectionId, asked: Asked) -> Result<Item, Unsettled> {
    let rules = (state.looked_for)();
    let item = state.detections.reviewed(id, asked, &rules, state.clock.now()).map_err(Unsettled::Asked)?;
    let say = |opening: &mut crate::domain::event::Opening| {
        opening.note = Some(format!("a detection was reviewed: {}", item.state));
        opening.review = Some(Box::new(item.review()));
    };
    write_down(state, Outcome::Completed, say).await.map_err(Unsettled::Refused)?;
    state.detections.settle(item.clone()).await.map_err(|error| {
        tracing::error!(%error, "a review could not be saved");
        Unsettled::Refused(problem(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"))
    })?;
    Ok(item)
}

pub(super) const fn status_of(error: ReviewError) -> StatusCode {
    match error {
        ReviewError::Unknown => StatusCode::NOT_FOUND,
        ReviewError::Backward(_) => StatusCode::CONFLICT,
        ReviewError::NoFinding => StatusCode::BAD_REQUEST,
    }
}

const LISTED: &str = "detections were listed";
const ITEMS_MAX: usize = 10_000;
