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
use crate::foundation::digest::DigestKey;
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
    let key = PatientKeys::only(DigestKey::from_bytes(&[7; 32]));
    let ask = |report, question: Value| {
        let question: Question = serde_json::from_value(question).unwrap();
        question.order(report, Some(&key), start()).unwrap().asked.since
    };
    let of = json!({ "patient": "47-11", "application": "ehr" });
    let since = ask(ReportName::Disclosures, of.clone()).unwrap();
    assert_eq!(since, "2020-02-29T08:00:00Z".parse().unwrap());
    assert_eq!(ask(ReportName::WhoSaw, of), None);
}

#[tokio::test]
async fn a_report_that_nobody_waits_for_is_not_finished() {
    let house = House::open().await;
    let key = house.state.journal.patient_keys().unwrap();
    let question: Question = serde_json::from_value(json!({})).unwrap();
    let order = question.order(ReportName::Coverage, Some(&key), start()).unwrap();
    let left = make(&house.state.journal_directory, &order, Hints::Used, &Elsewhere::default(), &|| false);
    assert!(matches!(left, Err(MakeError::Left)));
    assert!(
        make(&house.state.journal_directory, &order, Hints::Used, &Elsewhere::default(), &|| true).is_ok()
    );
}

#[tokio::test]
async fn what_is_in_the_archive_alone_is_told_in_a_report_and_beside_events() {
    let house = House::open().await;
    open_a_record(&house, 1).await;
    let events = async |query: &str| {
        let request = Request::get(format!("/api/v1/events{query}"))
            .header("host", "127.0.0.1:9443")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Body::empty())
            .unwrap();
        let reply = house.router().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), StatusCode::OK);
        ["leastway-archived", "leastway-destroyed", "leastway-stopped"]
            .map(|field| reply.headers().get(field).map(|value| value.to_str().unwrap().to_owned()))
    };
    let made_of = async |question: Value| {
        let (status, _, told) = ask(&house, "coverage", question).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        serde_json::from_str::<Value>(&told).unwrap()["made_of"].clone()
    };
    assert_eq!(events("").await, [None, None, None]);
    assert_eq!(made_of(json!({"format": "json"})).await.get("archived"), None);

    let segment = |first: u64, last: u64, day: &str| {
        let zero = "0".repeat(64);
        let object = |what| json!({"name": format!("{first:020}.{what}"), "bytes": 1, "sha256": zero});
        let receipt = json!({
            "step": "archived", "place": "s3://journal/x", "packed": object("segment.zst"),
            "manifest": object("manifest.json"),
            "before": {"sequence": first - 1, "hash": zero}, "through": {"sequence": last, "hash": zero},
            "from": format!("{day}T08:00:00.000Z"), "to": format!("{day}T09:00:00.000Z"), "is_held": false,
            "retain_until": "2036-01-01T00:00:00Z", "archived": format!("{day}T09:00:00Z"),
        });
        format!("{receipt}\n{}\n", json!({"step": "removed", "first": first, "at": "2026-02-01T00:00:00Z"}))
    };
    let retired = json!({"step": "retired", "first": 1, "at": "2026-02-01T00:00:00Z"});
    let receipts = format!("{}{retired}\n{}", segment(1, 40, "2020-01-01"), segment(41, 90, "2025-01-01"));
    let folder = house.state.journal_directory.join("archive");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("receipts"), receipts).unwrap();

    let archived =
        r#"first=41, last=90, from="2025-01-01T08:00:00.000Z", to="2025-01-01T09:00:00.000Z""#.to_owned();
    let destroyed =
        r#"first=1, last=40, from="2020-01-01T08:00:00.000Z", to="2020-01-01T09:00:00.000Z""#.to_owned();
    assert_eq!(events("").await, [Some(archived.clone()), Some(destroyed), None]);
    assert_eq!(events("?since=2024-01-01T00:00:00Z").await, [Some(archived), None, None]);
    assert_eq!(events("?since=2026-01-01T00:00:00Z").await, [None, None, None]);
    let made = made_of(json!({"format": "json"})).await;
    assert_eq!(made["archived"], "41 – 90 (2025-01-01T08:00:00.000Z – 2025-01-01T09:00:00.000Z)");
    assert_eq!(made["destroyed"], "1 – 40 (2020-01-01T08:00:00.000Z – 2020-01-01T09:00:00.000Z)");
    let (_, _, csv) = ask(&house, "coverage", json!({"format": "csv"})).await;
    assert!(csv.contains("entries in the archive that were not looked at"), "{csv}");
}
