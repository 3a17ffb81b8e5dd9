//! The page of what was found in the stream of events, and the form by which it is reviewed.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::super::detections::{Unsettled, listed, settle, status_of};
use super::super::state::ControlState;
use super::view::Reader;
use super::words::{DetectionTexts, Texts};
use super::{DETECTIONS_PATH, SESSIONS_PATH, SIGN_OUT_PATH, Visit};
use crate::domain::detection::{ReviewFinding, ReviewState};
use crate::domain::revocation::WHY_CHARACTERS_MAX;
use crate::features::detect::{Asked, Item};
use crate::foundation::id::DetectionId;
use crate::platform::page::Layout;
use crate::platform::page::messages::Text;

/// What was found, the latest first.
#[derive(Template)]
#[template(path = "control_detections.html")]
pub(super) struct DetectionsPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    own: &'static DetectionTexts,
    rows: Vec<Row>,
    findings: Vec<(&'static str, &'static Text)>,
    note_characters_max: usize,
    detections_path: &'static str,
    sessions_path: &'static str,
    sign_out_path: &'static str,
}

/// One item, as it is shown.
struct Row {
    id: String,
    rule: String,
    severity: &'static Text,
    name: String,
    sub: String,
    why: String,
    until: String,
    state: &'static Text,
    finding: Option<&'static Text>,
    note: String,
    is_closed: bool,
}

/// What was found.
pub async fn detections(State(state): State<ControlState>, headers: HeaderMap) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    match listed(&state, None, SHOWN_MAX).await {
        Ok(items) => visit.page(StatusCode::OK, &visit.reader.detections(&items)),
        Err(refused) => visit.unwritable(refused.status()),
    }
}

/// What a reviewer says, from the form.
#[derive(Debug, Deserialize)]
pub struct Said {
    detection: DetectionId,
    state: ReviewState,
    finding: String,
    #[serde(default)]
    note: String,
}

/// Takes what a reviewer says.
pub async fn review(
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
        let told = visit.reader.told(&texts.detections.not_reviewed, vec![texts.not_understood.to_string()]);
        visit.page(StatusCode::BAD_REQUEST, &told)
    };
    let Ok(Form(said)) = said else { return not_understood() };
    let Some(asked) = said.asked() else { return not_understood() };
    match settle(&state, said.detection, asked).await {
        Ok(_) => Redirect::to(DETECTIONS_PATH).into_response(),
        Err(Unsettled::Asked(error)) => {
            let why = vec![texts.detections.not_reviewed_text.to_string()];
            visit.page(status_of(error), &visit.reader.told(&texts.detections.not_reviewed, why))
        }
        Err(Unsettled::Refused(refused)) => visit.unwritable(refused.status()),
    }
}

impl Said {
    /// None where it cannot be: an empty choice is none, and an empty note is none.
    fn asked(&self) -> Option<Asked> {
        let finding = match self.finding.as_str() {
            "" => None,
            word => Some(word.parse::<ReviewFinding>().ok()?),
        };
        let note = match self.note.trim() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        Some(Asked { state: self.state, finding, note })
    }
}

impl Reader {
    fn detections(self, items: &[Item]) -> DetectionsPage {
        let texts = &self.words.control;
        let own = &texts.detections;
        let findings = ReviewFinding::ALL.iter().map(|word| (word.as_str(), own.findings.of(*word)));
        DetectionsPage {
            layout: self.layout(&own.title),
            texts,
            own,
            rows: items.iter().map(|item| self.item(own, item)).collect(),
            findings: findings.collect(),
            note_characters_max: WHY_CHARACTERS_MAX,
            detections_path: DETECTIONS_PATH,
            sessions_path: SESSIONS_PATH,
            sign_out_path: SIGN_OUT_PATH,
        }
    }

    fn item(self, own: &'static DetectionTexts, item: &Item) -> Row {
        let found = &item.detection;
        Row {
            id: found.id.to_string(),
            rule: found.rule.to_string(),
            severity: own.severities.of(found.severity),
            name: found.name.clone(),
            sub: found.person.sub.to_string(),
            why: found.why.clone(),
            until: self.moment(found.until),
            state: own.states.of(item.state),
            finding: item.finding.map(|word| own.findings.of(word)),
            note: item.note.as_ref().map(|note| note.as_str().to_owned()).unwrap_or_default(),
            is_closed: item.state == ReviewState::Closed,
        }
    }
}

/// As many as a page shows.
const SHOWN_MAX: usize = 200;
