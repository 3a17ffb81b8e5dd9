//! Reports of the journal, for officers: made while they wait, and each written down before it is made.
//!
//! A question is a body, never an address: it may hold a patient's number. What is asked is in the event, the number as the
//! digest that events have of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path as InPath, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::api::write_down;
use super::authority::problem;
use super::state::ControlState;
use crate::domain::application::ApplicationName;
use crate::domain::event::Outcome;
use crate::domain::note::REPORT_READ;
use crate::domain::patient::{PatientDigests, PatientRef};
use crate::domain::phi::Phi;
use crate::features::audit::archive::{ArchiveError, Elsewhere, Stretch, elsewhere};
use crate::features::audit::index::Hints;
use crate::features::audit::patients::PatientKeys;
use crate::features::audit::query::Filter;
use crate::features::audit::rulebooks::{self, Kept};
use crate::features::audit::scan::Scan;
use crate::features::audit::{Head, JournalError, ReadError};
use crate::features::report::{
    AskError, Asked, Format, InForce, Maker, People, Read, Report, ReportName, Style, WriteError, write,
};
use crate::foundation::clock::Timestamp;
use crate::foundation::text::plain;
use crate::platform::page::language::{Language, LanguageError};

#[cfg(test)]
mod tests;

/// What is asked of a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// The patient, as the application names them.
    pub patient: Option<Phi<String>>,
    /// The application.
    pub application: Option<ApplicationName>,
    /// The person: the provider's identifier, or a part of the name.
    pub person: Option<String>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Tell of people by their roles.
    pub by_role: bool,
    /// With what nobody has meant, too.
    pub all: bool,
    /// How it is written.
    pub format: Format,
    /// In which language: `en`, `es`.
    pub language: Option<String>,
    /// By which clocks: `America/Chicago`; UTC otherwise.
    pub zone: Option<String>,
    /// Up to this entry of the journal, `SEQUENCE:HASH`, as an earlier report names it: to make the same again.
    pub through: Option<String>,
}

/// What cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum Unclear {
    /// A number without the application whose it is.
    #[error("say with `patient` of which `application`")]
    NoApplication,
    /// Too long.
    #[error("`patient` and `person` have 1 to 255 characters")]
    Length,
    /// No zone.
    #[error("`zone` is a time zone such as `America/Chicago`")]
    Zone,
    /// No language of ours.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// Without the key, nobody finds a patient.
    #[error("the key by which the journal names patients is not here")]
    NoKey,
    /// No place in a journal.
    #[error("`through` is the last entry of an earlier report, `SEQUENCE:HASH`")]
    Through,
    /// Something is missing.
    #[error(transparent)]
    Missing(#[from] AskError),
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// It cannot be asked so.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is archived of it cannot be read.
    #[error(transparent)]
    Archived(#[from] ArchiveError),
    /// What is kept beside it cannot be read.
    #[error(transparent)]
    Kept(#[from] JournalError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Nobody waits for it any more.
    #[error("nobody waits for the report any more")]
    Left,
}

/// A question that is understood.
#[derive(Debug)]
pub struct Order {
    /// What is asked.
    pub asked: Asked,
    /// How it is written.
    pub style: Style,
    /// Up to which entry.
    pub through: Option<Head>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            patient: None,
            application: None,
            person: None,
            since: None,
            until: None,
            by_role: false,
            all: false,
            format: Format::Html,
            language: None,
            zone: None,
            through: None,
        }
    }
}

impl Question {
    /// What is asked, with a patient digested under the journal's keys, which nothing else needs. An accounting of disclosures
    /// reaches six years back (45 CFR 164.528(a)(1)) where nothing else is said.
    pub fn order(
        self,
        report: ReportName,
        keys: Option<&PatientKeys>,
        now: Timestamp,
    ) -> Result<Order, Unclear> {
        let is_text = |text: &str| (1..=TEXT_CHARACTERS_MAX).contains(&text.chars().count());
        let texts = [self.patient.as_ref().map(Phi::reveal), self.person.as_ref()];
        if !texts.into_iter().flatten().all(|text| is_text(text)) {
            return Err(Unclear::Length);
        }
        let patient = digests_of(self.patient, self.application.as_ref(), keys)?;
        if report.is_of_patient() && patient.is_none() {
            return Err(AskError::NoPatient(report).into());
        }
        let six_years = || self.until.unwrap_or(now).minus(SIX_YEARS);
        let since = self.since.or_else(|| (report == ReportName::Disclosures).then(six_years));
        let zone = self.zone.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get);
        let language: Language = self.language.as_deref().map_or(Ok(Language::default()), str::parse)?;
        let through = self.through.as_deref().map(str::parse).transpose().map_err(|_| Unclear::Through)?;
        let asked = Asked {
            report,
            patient,
            application: self.application,
            person: self.person,
            since,
            until: self.until,
            people: if self.by_role { People::ByRole } else { People::ByName },
            all: self.all,
        };
        let style = Style { format: self.format, language, zone: zone.map_err(|_| Unclear::Zone)? };
        Ok(Order { asked, style, through })
    }
}

fn digests_of(
    patient: Option<Phi<String>>,
    application: Option<&ApplicationName>,
    keys: Option<&PatientKeys>,
) -> Result<Option<PatientDigests>, Unclear> {
    let Some(patient) = patient else { return Ok(None) };
    let application = application.ok_or(Unclear::NoApplication)?;
    let keys = keys.ok_or(Unclear::NoKey)?;
    Ok(Some(keys.digests(&PatientRef::new(application.clone(), patient.reveal().clone()))))
}

/// The keys by which a patient is found who is asked for; none where nobody is, or where they cannot be read.
pub(super) async fn keys_for(state: &ControlState, question: &Question) -> Option<PatientKeys> {
    question.patient.as_ref()?;
    let journal = state.journal.clone();
    let found = tokio::task::spawn_blocking(move || journal.patient_keys()).await;
    let found = found.map_err(anyhow::Error::from).and_then(|found| found.map_err(Into::into));
    found.inspect_err(|error| tracing::error!(%error, "the keys of patients cannot be read")).ok()
}

/// Makes a report of a journal, as long as somebody waits for it. What is `missing` of the time that is asked for is told in the
/// report, as is a journal that cannot be read to its end.
pub fn make(
    directory: &Path,
    order: &Order,
    hints: Hints,
    missing: &Elsewhere,
    is_awaited: &dyn Fn() -> bool,
) -> Result<Report, MakeError> {
    let mut maker = Maker::new(order.asked.clone())?;
    let filter = filter(&order.asked);
    let mut scan = Scan::open(directory, &filter, order.through, hints)?;
    let mut stopped = None;
    for event in scan.by_ref() {
        if !is_awaited() {
            return Err(MakeError::Left);
        }
        match event {
            Ok(event) if filter.fits(&event) => maker.take(&event),
            Ok(_) => {}
            Err(ReadError::Misfit(misfit)) => stopped = Some(misfit.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    tell_texts(directory, &mut maker)?;
    let last = scan.read_through().map(|last| last.to_string());
    let Elsewhere { archived, retired } = missing;
    let (archived, destroyed) = (archived.map(Stretch::brief), retired.map(Stretch::brief));
    Ok(maker.finish(Read { first: scan.first(), last, archived, destroyed, stopped }))
}

/// Hands over the texts of the rules that a report tells, as they are kept beside the journal.
fn tell_texts(directory: &Path, maker: &mut Maker) -> Result<(), MakeError> {
    for version in maker.versions() {
        let in_force = match rulebooks::read(directory, &version)? {
            Kept::Whole(book) => {
                InForce::Whole(book.texts.into_iter().map(|file| (file.path, file.text)).collect())
            }
            Kept::Changed => InForce::Changed,
            Kept::Absent => InForce::Absent,
        };
        maker.tell(version, in_force);
    }
    Ok(())
}

/// The events that matter to a report.
pub fn filter(asked: &Asked) -> Filter {
    let Asked { report, patient, application, since, until, .. } = asked;
    let all = Filter { since: *since, until: *until, ..Filter::default() };
    match report {
        ReportName::Patient | ReportName::WhoSaw => Filter { patient: patient.clone(), ..all },
        // What went out of many names no patient.
        ReportName::Disclosures => Filter { accounted: true, application: application.clone(), ..all },
        ReportName::UserActivity | ReportName::Privileged | ReportName::BreakGlass | ReportName::Coverage => {
            Filter { application: application.clone(), ..all }
        }
        // Who has left, and which rules were in force, is told by events that are of no application.
        ReportName::Leavers | ReportName::Policy => all,
    }
}

/// Makes a report, and gives it as a file.
pub async fn report(
    State(state): State<ControlState>,
    InPath(report): InPath<ReportName>,
    body: Bytes,
) -> Response {
    // To say nothing is to ask for all of it.
    let said: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let Ok(question) = serde_json::from_slice::<Question>(said) else {
        return problem(StatusCode::BAD_REQUEST, HINT);
    };
    let keys = keys_for(&state, &question).await;
    match question.order(report, keys.as_ref(), state.clock.now()) {
        Ok(order) => made(&state, order).await.unwrap_or_else(|(status, title)| problem(status, title)),
        Err(unclear) => problem(StatusCode::BAD_REQUEST, &unclear.to_string()),
    }
}

/// Writes down that a report is asked for, and makes it: of what was in the journal before.
pub(super) async fn made(
    state: &ControlState,
    mut order: Order,
) -> Result<Response, (StatusCode, &'static str)> {
    let head = state.journal.home();
    order.through = order.through.or(Some(head).filter(|head| head.sequence > 0));
    record(state, &order).await?;
    let (directory, format, report) =
        (state.journal_directory.clone(), order.style.format, order.asked.report);
    let waiting = Waiting::default();
    let is_over = waiting.is_over.clone();
    let making = tokio::task::spawn_blocking(move || {
        let missing = elsewhere(&directory, order.asked.since, order.asked.until)?;
        let report = make(&directory, &order, Hints::Used, &missing, &|| !is_over.load(Ordering::Relaxed))?;
        Ok::<_, MakeError>(write(&report, &order.style)?)
    });
    let written = making.await.map_err(anyhow::Error::from).and_then(|made| made.map_err(Into::into));
    drop(waiting);
    let written = written.map_err(|error| {
        tracing::error!(error = %format!("{error:#}"), "a report could not be made");
        (StatusCode::INTERNAL_SERVER_ERROR, "the journal could not be read")
    })?;
    let file = format!("attachment; filename=\"{report}.{format}\"");
    Ok(([(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, file)], written)
        .into_response())
}

async fn record(state: &ControlState, order: &Order) -> Result<(), (StatusCode, &'static str)> {
    let (asked, format) = (&order.asked, order.style.format);
    let about = asked.person.as_deref().map(|person| format!(", about {}", plain(person)));
    let note = format!("{REPORT_READ} {} was read as {format}{}", asked.report, about.unwrap_or_default());
    let say = |opening: &mut crate::domain::event::Opening| {
        opening.note = Some(note);
        opening.application.clone_from(&asked.application);
        opening.patient = asked.patient.as_ref().map(PatientDigests::now);
    };
    let unwritable = |refused: Response| (refused.status(), "the journal cannot be written");
    write_down(state, Outcome::Completed, say).await.map_err(unwritable)
}

/// Ends the making of a report when nobody waits for it any more.
#[derive(Debug, Default)]
struct Waiting {
    is_over: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

const HINT: &str = "say as JSON what the report is about: `patient` and `application`, `person`, `since`, `until`, `by_role`, \
                    `all`, `format` (`html`, `csv`, `json`), `language`, `zone`, `through`; all of it may be left out but the \
                    patient where the report is about one";
const TEXT_CHARACTERS_MAX: usize = 255;
/// With the days of two leap years.
const SIX_YEARS: Duration = Duration::from_secs((6 * 365 + 2) * 24 * 60 * 60);
