use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::tests::{House, TOKEN, start};
use super::*;
use crate::domain::action::Action;
use crate::domain::event::{Closing, EventKind, EventSubject, Opening, Verdict};
use crate::domain::kept::Kept;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};
use crate::platform::http::body::read_bounded;

/// A nurse opens the record of patient 4711.
async fn open_a_record(house: &House, number: u64) {
    let chance = SeededEntropy::new(number);
    let event = RequestId::new(start(), &chance);
    let patient = PatientRef::new("ehr".parse().unwrap(), "47-11".to_owned());
    let subject = EventSubject {
        issuer: "https://id.clinic.example".into(),
        sub: "subject-of-nadia".into(),
        name: "Nadia Nurse".into(),
        roles: vec!["nurse".parse().unwrap()],
        purpose: Purpose::Treatment,
        session: SessionId::new(start(), &chance),
        acr: None,
        amr: Vec::new(),
        auth_time: start(),
        client: None,
        standing: None,
    };
    let opening = Opening {
        application: Some("ehr".parse().unwrap()),
        route: Some("patient.open".parse().unwrap()),
        action: Some(Action::View),
        patient: Some(patient.digest(house.state.journal.patient_key())),
        subject: Some(Arc::new(Kept::new(subject))),
        verdict: Verdict::Permit,
        reasons: vec![Reason::RuleMatched],
        ..Opening::begin(event, EventKind::Request, start())
    };
    let closing = Closing::of(event, start(), Outcome::Completed);
    house.state.journal.record(&opening, Some(&closing)).await.unwrap();
}

async fn ask(house: &House, report: &str, question: Value) -> (StatusCode, HeaderMap, String) {
    let request = Request::post(format!("/api/v1/reports/{report}"))
        .header("host", "127.0.0.1:9443")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::from(question.to_string()))
        .unwrap();
    let reply = house.router().oneshot(request).await.unwrap();
    let (status, headers) = (reply.status(), reply.headers().clone());
    let body = read_bounded(reply.into_body(), 1024 * 1024).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_report_comes_as_a_file_and_that_it_was_asked_for_is_an_event() {
    let house = House::open().await;
    open_a_record(&house, 1).await;
    let question = json!({ "patient": "47-11", "application": "ehr", "format": "csv", "language": "es" });
    let (status, headers, table) = ask(&house, "who-saw", question).await;
    assert_eq!(status, StatusCode::OK, "{table}");
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"who-saw.csv\"");
    assert!(table.contains("Nadia Nurse") && table.contains("lo miró"), "{table}");

    let events = house.administration();
    let patient = PatientRef::new("ehr".parse().unwrap(), "47-11".to_owned());
    assert_eq!(events[0].opening.note.as_deref(), Some("the report who-saw was read as csv"));
    assert_eq!(events[0].opening.patient, Some(patient.digest(house.state.journal.patient_key())));
    assert!(!serde_json::to_string(&events[0]).unwrap().contains("47-11"), "the number itself is not kept");
    let (_, _, all) = ask(&house, "patient", json!({ "patient": "47-11", "application": "ehr" })).await;
    assert!(all.contains("the report who-saw was read as csv"), "who reads of a patient is told of, too");
}

#[tokio::test]
async fn the_same_report_is_made_again_from_the_same_place_of_a_longer_journal() {
    let house = House::open().await;
    open_a_record(&house, 1).await;
    let question = json!({ "patient": "47-11", "application": "ehr", "format": "json" });
    let (_, _, first) = ask(&house, "who-saw", question.clone()).await;
    let told: Value = serde_json::from_str(&first).unwrap();
    open_a_record(&house, 2).await;
    assert_ne!(ask(&house, "who-saw", question.clone()).await.2, first);
    let mut again = question.clone();
    again["through"] = told["made_of"]["last"].clone();
    assert_eq!(ask(&house, "who-saw", again).await.2, first);

    let mut elsewhere = question;
    elsewhere["through"] = json!(format!("3:{}", "0".repeat(64)));
    let (_, _, told) = ask(&house, "who-saw", elsewhere).await;
    assert!(told.contains("the hash is not the one that was noted"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_and_leaves_no_event() {
    let house = House::open().await;
    for (report, question) in [
        ("who-saw", json!({})),
        ("disclosures", json!({ "application": "ehr" })),
        ("patient", json!({ "patient": "47-11" })),
        ("patient", json!({ "patient": "", "application": "ehr" })),
        ("patient", json!({ "patient": 4711, "application": "ehr" })),
        ("coverage", json!({ "since": "yesterday" })),
        ("coverage", json!({ "zone": "Mars/Olympus" })),
        ("coverage", json!({ "language": "tlh" })),
        ("coverage", json!({ "through": "9" })),
        ("coverage", json!({ "person": "x".repeat(256) })),
        ("coverage", json!({ "pattern": "x" })),
        ("everything", json!({})),
    ] {
        let (status, _, told) = ask(&house, report, question.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{report}: {question}: {told}");
        assert!(!told.contains("47-11"), "{told}");
    }
    assert!(house.administration().is_empty());
}

#[test]
fn an_accounting_reaches_six_years_back_and_nothing_else_does() {
    let key = DigestKey::from_bytes(&[7; 32]);
    let ask = |report, question: Value| {
        let question: Question = serde_json::from_value(question).unwrap();
        question.order(report, &key, start()).unwrap().asked.since
    };
    let of = json!({ "patient": "47-11", "application": "ehr" });
    let since = ask(ReportName::Disclosures, of.clone()).unwrap();
    assert_eq!(since, "2020-02-29T08:00:00Z".parse().unwrap());
    assert_eq!(ask(ReportName::WhoSaw, of), None);
}

#[tokio::test]
async fn a_report_that_nobody_waits_for_is_not_finished() {
    let house = House::open().await;
    let key = house.state.journal.patient_key();
    let question: Question = serde_json::from_value(json!({})).unwrap();
    let order = question.order(ReportName::Coverage, key, start()).unwrap();
    let left = make(&house.state.journal_directory, &order, Hints::Used, &|| false);
    assert!(matches!(left, Err(MakeError::Left)));
    assert!(make(&house.state.journal_directory, &order, Hints::Used, &|| true).is_ok());
}
