//! A pack, asked for by an administrator: written down, then made while they wait.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::super::api::write_down;
use super::super::authority::problem;
use super::super::state::ControlState;
use super::{MakeError, Order, Question, Source, make};
use crate::domain::event::{Opening, Outcome};
use crate::features::audit::Head;
use crate::features::audit::archive::elsewhere;
use crate::features::evidence::Safeguard;

/// Makes a pack, and gives it as a file.
pub async fn evidence(State(state): State<ControlState>, body: Bytes) -> Response {
    let Ok(question) = serde_json::from_slice::<Question>(&body) else {
        return problem(StatusCode::BAD_REQUEST, HINT);
    };
    match question.order(state.clock.now()) {
        Ok(order) => made(&state, order).await.unwrap_or_else(|(status, title)| problem(status, title)),
        Err(unclear) => problem(StatusCode::BAD_REQUEST, &unclear.to_string()),
    }
}

/// Writes down that a pack is asked for, and makes it: of what is in the journal then, which is signed.
pub(in super::super) async fn made(
    state: &ControlState,
    mut order: Order,
) -> Result<Response, (StatusCode, &'static str)> {
    let Some(key) = state.journal.signing_key() else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "the journal has no key to sign with"));
    };
    let note = note(&order);
    let say = |opening: &mut Opening| opening.note = Some(note);
    let unwritable = |refused: Response| (refused.status(), "the journal cannot be written");
    write_down(state, Outcome::Completed, say).await.map_err(unwritable)?;
    if order.through.is_none() {
        order.through = Some(signed_head(state).await);
    }

    let directory = state.journal_directory.clone();
    let (since, until) = (order.since, order.until);
    let waiting = Waiting::default();
    let is_over = waiting.0.clone();
    let making = tokio::task::spawn_blocking(move || {
        let missing = elsewhere(&directory, Some(order.since), Some(order.until))?;
        let source = Source { directory: &directory, key, bytes_max: BYTES_MAX, missing };
        let is_awaited = || !is_over.load(Ordering::Relaxed);
        let (pack, _) = make(&source, &order, &is_awaited, Cursor::new(Vec::new()))?;
        Ok::<_, MakeError>(pack.into_inner())
    });
    let made = making.await.map_err(anyhow::Error::from).and_then(|made| made.map_err(Into::into));
    drop(waiting);
    let pack = made.map_err(|error| {
        tracing::error!(error = %format!("{error:#}"), "an evidence pack could not be made");
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the pack could not be made: ask for a shorter period, or look at the log",
        )
    })?;
    let day =
        |time: crate::foundation::clock::Timestamp| time.to_string().chars().take(10).collect::<String>();
    let file = format!("attachment; filename=\"evidence-{}-{}.zip\"", day(since), day(until));
    Ok(([(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, file)], pack).into_response())
}

/// The place in the journal up to which a checkpoint is signed that covers all of now: so that all of the pack is covered, and no
/// checkpoint comes later of what it covers. Where none comes in time, the last entry.
async fn signed_head(state: &ControlState) -> Head {
    let head = state.journal.home();
    let signed = async {
        loop {
            let newest = state.journal.checkpoint();
            let covers = newest.as_ref().and_then(|signed| signed.checkpoint.head);
            if let Some(covers) = covers.filter(|covers| covers.sequence >= head.sequence) {
                return covers;
            }
            tokio::time::sleep(LOOKED_AGAIN_AFTER).await;
        }
    };
    tokio::time::timeout(SIGNED_WITHIN, signed).await.unwrap_or(head)
}

/// What the event says.
fn note(order: &Order) -> String {
    let Order { safeguards, since, until, .. } = order;
    let about = if safeguards.len() == Safeguard::ALL.len() {
        "all safeguards".to_owned()
    } else {
        safeguards.iter().map(|safeguard| safeguard.as_str()).collect::<Vec<_>>().join(", ")
    };
    format!("an evidence pack was made of {about}, from {since} to {until}")
}

/// Ends the making of a pack when nobody waits for it any more.
#[derive(Debug, Default)]
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const HINT: &str = "say as JSON what the pack is about: `safeguards` such as `[\"164.312(b)\"]`, or `all`; `since`; and, if you like, \
                    `until`, `language`, `through`, `archived_through`";
/// Longer than a checkpoint takes that is signed each second.
const SIGNED_WITHIN: Duration = Duration::from_secs(3);
const LOOKED_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// A pack that is made while somebody waits is held in memory, packed. Larger ones are made by `leastway evidence --journal`.
const BYTES_MAX: u64 = 256 << 20;
