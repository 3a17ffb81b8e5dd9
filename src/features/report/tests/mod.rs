//! Reports: each against a small stream of events, and what must hold for all.

mod break_glass;
mod disclosures;
mod formats;
mod leavers;
mod officers;
mod patients;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::table::{Cell, Column, Section, SectionName};
use super::*;
use crate::domain::action::Action;
use crate::domain::count::Count;
use crate::domain::event::{Closing, EventKind, EventSubject, Opening, Outcome, Verdict};
use crate::domain::kept::Kept;
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};
use crate::platform::page::language::Language;

/// 2026-03-01T08:00:00Z.
const MORNING: Timestamp = Timestamp::from_seconds(1_772_352_000);

fn patient(number: &str) -> PatientDigest {
    let key = DigestKey::from_bytes(&[7; 32]);
    PatientRef::new("ehr".parse().unwrap(), number.to_owned()).digest(&key)
}

fn at(minute: u64) -> Timestamp {
    MORNING.plus(Duration::from_secs(60 * minute))
}

/// A person at work.
fn subject(name: &str, role: &str, purpose: Purpose) -> Arc<Kept<EventSubject>> {
    Arc::new(Kept::new(EventSubject {
        issuer: "https://id.clinic.example".into(),
        sub: format!("sub-of-{}", name.to_lowercase()).into(),
        name: name.into(),
        roles: vec![role.parse().unwrap()],
        purpose,
        session: SessionId::new(MORNING, &SeededEntropy::new(1)),
        acr: None,
        amr: Vec::new(),
        auth_time: MORNING,
        client: None,
        standing: None,
    }))
}

/// Event `number`, in minute `minute`: a nurse opens a page of the record of patient 4711, and gets it.
fn opened(number: u64, minute: u64) -> Event {
    let id = RequestId::new(at(minute), &SeededEntropy::new(number));
    let opening = Opening {
        application: Some("ehr".parse().unwrap()),
        route: Some("patient.open".parse().unwrap()),
        action: Some(Action::View),
        categories: ["lab_results".parse().unwrap()].into(),
        patient: Some(patient("4711")),
        subject: Some(subject("Nadia", "nurse", Purpose::Treatment)),
        verdict: Verdict::Permit,
        reasons: vec![Reason::RuleMatched],
        rules_version: Some("0011223344556677".into()),
        ..Opening::begin(id, EventKind::Request, at(minute))
    };
    let closing = Closing {
        records: Count::Exactly(1),
        status: Some(200),
        ..Closing::of(id, at(minute), Outcome::Completed)
    };
    Event { sequence: number, opening: Box::new(opening), closing: Some(closing) }
}

/// The same, with something else in its opening.
fn but(mut event: Event, change: impl FnOnce(&mut Opening)) -> Event {
    change(&mut event.opening);
    event
}

/// The same, of nobody's record, with a reply that listed these patients.
fn listing(event: Event, action: Action, numbers: &[&str]) -> Event {
    let mut event = but(event, |opening| (opening.action, opening.patient) = (Some(action), None));
    let mut patients = None;
    for number in numbers {
        Patients::put(&mut patients, patient(number));
    }
    let listed = patients.map(Listed::of);
    event.closing = event.closing.map(|closing| Closing { listed, ..closing });
    event
}

/// The same, by somebody else.
fn by(event: Event, name: &str, role: &str, purpose: Purpose) -> Event {
    but(event, |opening| opening.subject = Some(subject(name, role, purpose)))
}

/// The same, refused.
fn refused(event: Event) -> Event {
    let mut event = but(event, |opening| {
        opening.verdict = Verdict::Deny;
        opening.reasons = vec![Reason::NoRuleMatched];
    });
    event.closing = event.closing.map(|closing| Closing { outcome: Outcome::Refused, ..closing });
    event
}

fn asked(report: ReportName) -> Asked {
    Asked {
        report,
        patient: report.is_of_patient().then(|| patient("4711").into()),
        application: None,
        person: None,
        since: None,
        until: None,
        people: People::ByName,
        all: false,
    }
}

fn made(asked: Asked, events: &[Event]) -> Report {
    let mut maker = Maker::new(asked).unwrap();
    for event in events {
        maker.take(event);
    }
    maker.finish(Read { first: Some(1), last: Some("9:00ff".to_owned()), ..Read::default() })
}

fn section(report: &Report, name: SectionName) -> &Section {
    report.sections.iter().find(|section| section.name == name).unwrap()
}

/// What stands in these columns, row by row.
fn cells(section: &Section, columns: &[Column]) -> Vec<Vec<Cell>> {
    let place = |column| section.columns.iter().position(|own| *own == column).unwrap();
    section
        .rows
        .iter()
        .map(|row| columns.iter().map(|column| row[place(*column)].clone()).collect())
        .collect()
}

fn style(format: Format, language: Language) -> Style {
    Style { format, language, zone: TimeZone::UTC }
}

fn written(report: &Report, format: Format) -> String {
    String::from_utf8(write(report, &style(format, Language::English)).unwrap()).unwrap()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[test]
fn a_report_about_a_patient_needs_one() {
    for report in ReportName::ALL {
        let without = Asked { patient: None, ..asked(*report) };
        assert_eq!(Maker::new(without).is_err(), report.is_of_patient(), "{report}");
    }
}

#[test]
fn only_what_was_asked_for_is_told_and_counted() {
    let lab = but(opened(4, 3), |opening| opening.application = Some("lab".parse().unwrap()));
    let events = [opened(1, 0), opened(2, 1), opened(3, 2), lab];
    let since = Asked { since: Some(at(1)), until: Some(at(2)), ..asked(ReportName::Coverage) };
    let of_lab = Asked { application: Some("lab".parse().unwrap()), ..asked(ReportName::Coverage) };
    for (asked, expected) in [(asked(ReportName::Coverage), 4), (since, 1), (of_lab, 1)] {
        let report = made(asked, &events);
        assert_eq!(report.made_of.events, expected);
        let rows = cells(section(&report, SectionName::Applications), &[Column::Requests]);
        let told: u64 = rows.iter().map(|row| if let Cell::Number(n) = row[0] { n } else { 0 }).sum();
        assert_eq!(told, expected);
    }
}
