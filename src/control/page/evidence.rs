//! The page where evidence packs are asked for. Each comes as a file, by the functions of the API.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::super::evidence::{Question, made};
use super::super::state::ControlState;
use super::reports::moment;
use super::view::Reader;
use super::words::{EvidenceTexts, Texts};
use super::{EVIDENCE_PATH, SESSIONS_PATH, SIGN_OUT_PATH, Visit};
use crate::features::evidence::{Safeguard, title_of};
use crate::platform::page::Layout;
use crate::platform::page::language::Language;
use crate::platform::page::messages::Text;

/// Where a pack is asked for.
#[derive(Template)]
#[template(path = "control_evidence.html")]
pub(super) struct EvidencePage {
    layout: Layout<'static>,
    texts: &'static Texts,
    own: &'static EvidenceTexts,
    safeguards: Vec<(&'static str, String, &'static str)>,
    languages: &'static [Language],
    language: Language,
    problem: Option<String>,
    evidence_path: &'static str,
    sessions_path: &'static str,
    sign_out_path: &'static str,
}

/// The form.
pub async fn evidence(State(state): State<ControlState>, headers: HeaderMap) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    visit.page(StatusCode::OK, &visit.reader.evidence(None))
}

/// Makes what is asked for.
pub async fn pack(
    State(state): State<ControlState>,
    headers: HeaderMap,
    filled: Result<Form<BTreeMap<String, String>>, FormRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    let own = &visit.reader.words.control.evidence;
    let asked_again = |status: StatusCode, problem: &Text| {
        visit.page(status, &visit.reader.evidence(Some(problem.to_string())))
    };
    let question = filled.ok().and_then(|Form(filled)| question(&filled));
    let Some(question) = question else {
        return asked_again(StatusCode::BAD_REQUEST, &own.not_understood);
    };
    match question.order(visit.reader.now) {
        Ok(order) => made(&state, order).await.unwrap_or_else(|(status, _)| {
            if status == StatusCode::SERVICE_UNAVAILABLE {
                return visit.unwritable(status);
            }
            asked_again(status, &own.unmade)
        }),
        Err(_) => asked_again(StatusCode::BAD_REQUEST, &own.not_asked),
    }
}

/// What is asked for, from the form; none where something is no safeguard or no moment. A box that is ticked is a field of its own.
fn question(filled: &BTreeMap<String, String>) -> Option<Question> {
    let mut question = Question::default();
    for (name, value) in filled {
        match name.as_str() {
            "since" => question.since = moment(value).ok()?,
            "until" => question.until = moment(value).ok()?,
            "language" => question.language = Some(value.clone()),
            "all" => question.all = true,
            safeguard => question.safeguards.push(safeguard.parse().ok()?),
        }
    }
    Some(question)
}

impl Reader {
    fn evidence(self, problem: Option<String>) -> EvidencePage {
        let texts = &self.words.control;
        let own = &texts.evidence;
        let safeguards = Safeguard::ALL.iter();
        let safeguards = safeguards.map(|it| (it.as_str(), it.citation(), title_of(*it, self.language)));
        EvidencePage {
            layout: self.layout(&own.title),
            texts,
            own,
            safeguards: safeguards.collect(),
            languages: Language::ALL,
            language: self.language,
            problem,
            evidence_path: EVIDENCE_PATH,
            sessions_path: SESSIONS_PATH,
            sign_out_path: SIGN_OUT_PATH,
        }
    }
}
