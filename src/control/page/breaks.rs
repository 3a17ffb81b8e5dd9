//! The page of emergency access, and the form by which it is reviewed.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::super::break_glass::{Unsettled, listed, settle, status_of};
use super::super::state::ControlState;
use super::view::Reader;
use super::words::{BreakTexts, Texts};
use super::{BREAKS_PATH, SESSIONS_PATH, SIGN_OUT_PATH, Visit};
use crate::domain::break_glass::{BreakFinding, BreakReview};
use crate::domain::revocation::WHY_CHARACTERS_MAX;
use crate::features::break_glass::{Asked, Break, Standing};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::page::Layout;
use crate::platform::page::messages::Text;

/// Emergency access, the latest first.
#[derive(Template)]
#[template(path = "control_breaks.html")]
pub(super) struct BreaksPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    own: &'static BreakTexts,
    rows: Vec<Row>,
    findings: Vec<(&'static str, &'static Text)>,
    note_characters_max: usize,
    breaks_path: &'static str,
    sessions_path: &'static str,
    sign_out_path: &'static str,
}

/// One, as it is shown.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Row {
    id: String,
    name: String,
    sub: String,
    application: String,
    patient: String,
    reason: &'static Text,
    began: String,
    ended: Option<String>,
    is_owed: bool,
    is_explained: bool,
    state: &'static Text,
    is_overdue: bool,
    due: String,
    finding: Option<&'static Text>,
    reviewer: String,
    note: String,
    is_closed: bool,
}

/// Emergency access that has a review of its own.
pub async fn breaks(State(state): State<ControlState>, headers: HeaderMap) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    match listed(&state, None, SHOWN_MAX).await {
        Ok(breaks) => {
            let page = visit.reader.breaks(&breaks, state.clock.now());
            visit.page(StatusCode::OK, &page)
        }
        Err(refused) => visit.unwritable(refused.status()),
    }
}

/// What a reviewer says, from the form.
#[derive(Debug, Deserialize)]
pub struct Said {
    #[serde(rename = "break")]
    id: RequestId,
    state: BreakReview,
    finding: String,
    reviewer: String,
    #[serde(default)]
    note: String,
}

/// Takes what a reviewer says.
pub async fn review_break(
    State(state): State<ControlState>,
    headers: HeaderMap,
    said: Result<Form<Said>, FormRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    let texts = &visit.reader.words.control;
    let not_understood = || {
        let told = visit.reader.told(&texts.breaks.not_reviewed, vec![texts.not_understood.to_string()]);
        visit.page(StatusCode::BAD_REQUEST, &told)
    };
    let Ok(Form(said)) = said else { return not_understood() };
    let id = said.id;
    let Some(asked) = said.asked() else { return not_understood() };
    match settle(&state, id, asked).await {
        Ok(_) => Redirect::to(BREAKS_PATH).into_response(),
        Err(Unsettled::Asked(error)) => {
            let why = vec![texts.breaks.not_reviewed_text.to_string()];
            visit.page(status_of(error), &visit.reader.told(&texts.breaks.not_reviewed, why))
        }
        Err(Unsettled::Refused(refused)) => visit.unwritable(refused.status()),
    }
}

impl Said {
    /// None where it cannot be: an empty choice is none, and an empty note is none.
    fn asked(self) -> Option<Asked> {
        let finding = match self.finding.as_str() {
            "" => None,
            word => Some(word.parse().ok()?),
        };
        let note = match self.note.trim() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        Some(Asked { state: self.state, finding, reviewer: self.reviewer, note })
    }
}

impl Reader {
    fn breaks(self, breaks: &[Break], now: Timestamp) -> BreaksPage {
        let texts = &self.words.control;
        let own = &texts.breaks;
        let findings = [BreakFinding::Justified, BreakFinding::NotJustified, BreakFinding::Inconclusive];
        BreaksPage {
            layout: self.layout(&own.title),
            texts,
            own,
            rows: breaks
                .iter()
                .filter(|it| it.joins.is_none())
                .map(|it| self.of_break(own, it, now))
                .collect(),
            findings: findings.map(|word| (word.as_str(), own.findings.of(word))).into(),
            note_characters_max: WHY_CHARACTERS_MAX,
            breaks_path: BREAKS_PATH,
            sessions_path: SESSIONS_PATH,
            sign_out_path: SIGN_OUT_PATH,
        }
    }

    fn of_break(self, own: &'static BreakTexts, it: &Break, now: Timestamp) -> Row {
        let review = &it.review;
        let due = match review.state {
            BreakReview::Open => review.due.triage,
            BreakReview::Triaged | BreakReview::Closed => review.due.close,
        };
        Row {
            id: it.id.to_string(),
            name: it.name.clone(),
            sub: it.person.sub.to_string(),
            application: it.application.to_string(),
            patient: it.patient.digest().short(),
            reason: self.words.break_glass.reason.of(it.reason),
            began: self.moment(it.began),
            ended: match it.standing {
                Standing::Active => None,
                Standing::Over { at, .. } => Some(self.moment(at)),
            },
            is_owed: it.is_owed(),
            is_explained: it.explained,
            state: own.states.of(review.state),
            is_overdue: review.is_overdue(now),
            due: self.moment(due),
            finding: review.finding.map(|word| own.findings.of(word)),
            reviewer: review.reviewer.clone().unwrap_or_default(),
            note: review.note.as_ref().map(|note| note.as_str().to_owned()).unwrap_or_default(),
            is_closed: review.state == BreakReview::Closed,
        }
    }
}

/// As many as a page shows.
const SHOWN_MAX: usize = 200;
