//! The page where reports are asked for. Each comes as a file, by the functions of the API.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::super::reports::{Question, keys_for, made};
use super::super::state::ControlState;
use super::view::Reader;
use super::words::{ReportTexts, Texts};
use super::{REPORTS_PATH, SESSIONS_PATH, SIGN_OUT_PATH, Visit};
use crate::domain::phi::Phi;
use crate::features::report::{Format, ReportName};
use crate::foundation::clock::{Timestamp, TimestampError};
use crate::platform::page::Layout;
use crate::platform::page::language::Language;
use crate::platform::page::messages::Text;

/// Where a report is asked for.
#[derive(Template)]
#[template(path = "control_reports.html")]
pub(super) struct ReportsPage {
    layout: Layout<'static>,
    texts: &'static Texts,
    own: &'static ReportTexts,
    names: Vec<(&'static str, &'static Text)>,
    formats: &'static [Format],
    languages: &'static [Language],
    language: Language,
    problem: Option<String>,
    reports_path: &'static str,
    sessions_path: &'static str,
    sign_out_path: &'static str,
}

/// What is asked for, from the form: what is left empty is not said.
#[derive(Debug, Deserialize)]
pub struct Filled {
    report: ReportName,
    format: Format,
    language: String,
    patient: Phi<String>,
    application: String,
    person: String,
    since: String,
    until: String,
    by_role: Option<String>,
    all: Option<String>,
}

/// The form.
pub async fn reports(State(state): State<ControlState>, headers: HeaderMap) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    visit.page(StatusCode::OK, &visit.reader.reports(None))
}

/// Makes what is asked for.
pub async fn report(
    State(state): State<ControlState>,
    headers: HeaderMap,
    filled: Result<Form<Filled>, FormRejection>,
) -> Response {
    let visit = Visit::of(&state, &headers);
    if !visit.is_signed_in() {
        return visit.asks_for_token();
    }
    let own = &visit.reader.words.control.reports;
    let asked_again = |problem: &Text| {
        visit.page(StatusCode::BAD_REQUEST, &visit.reader.reports(Some(problem.to_string())))
    };
    let Ok(Form(filled)) = filled else { return asked_again(&own.not_understood) };
    let report = filled.report;
    let Some(question) = filled.question() else { return asked_again(&own.not_understood) };
    let keys = keys_for(&state, &question).await;
    match question.order(report, keys.as_ref(), visit.reader.now) {
        Ok(order) => made(&state, order).await.unwrap_or_else(|(status, _)| {
            if status == StatusCode::SERVICE_UNAVAILABLE {
                return visit.unwritable(status);
            }
            visit.page(status, &visit.reader.reports(Some(own.unreadable.to_string())))
        }),
        Err(_) => asked_again(&own.not_asked),
    }
}

impl Filled {
    /// None where something is no name or no moment.
    fn question(self) -> Option<Question> {
        let said = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Question {
            patient: said(self.patient.reveal()).map(Phi::new),
            application: said(&self.application).map(|name| name.parse()).transpose().ok()?,
            person: said(&self.person),
            since: moment(&self.since).ok()?,
            until: moment(&self.until).ok()?,
            by_role: self.by_role.is_some(),
            all: self.all.is_some(),
            format: self.format,
            language: Some(self.language),
            zone: None,
            through: None,
        })
    }
}

/// A moment as the journal has it, or as a browser's field of date and time has it, which is meant in UTC; none where none was said.
pub(super) fn moment(text: &str) -> Result<Option<Timestamp>, TimestampError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let in_field = [format!("{text}:00Z"), format!("{text}Z")];
    match in_field.iter().find_map(|moment| moment.parse().ok()) {
        Some(moment) => Ok(Some(moment)),
        None => text.parse().map(Some),
    }
}

impl Reader {
    fn reports(self, problem: Option<String>) -> ReportsPage {
        let texts = &self.words.control;
        let own = &texts.reports;
        ReportsPage {
            layout: self.layout(&own.title),
            texts,
            own,
            names: ReportName::ALL.iter().map(|name| (name.as_str(), own.names.of(*name))).collect(),
            formats: Format::ALL,
            languages: Language::ALL,
            language: self.language,
            problem,
            reports_path: REPORTS_PATH,
            sessions_path: SESSIONS_PATH,
            sign_out_path: SIGN_OUT_PATH,
        }
    }
}
