//! What is taken away uses up its window: a file that comes where one only looks, and each export that a batch holds.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use http::Uri;
use leastway::domain::count::Count;
use leastway::domain::event::Outcome;
use leastway::domain::limit::{Exceeded, LimitName};
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::Protocol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_where_one_only_looks_uses_up_the_exports_of_a_day() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        let roles = directory.root().join("roles.toml");
        edit(&roles, "exports_per_day = 5", "exports_per_day = 2\non_unknown_count = \"advise\"");
    })
    .await;
    let over = (429, "export-over-window-budget".to_owned());
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for path in
        ["/patients/100001", "/patients/file", "/patients/100002", "/patients/file", "/patients/100003"]
    {
        assert_eq!(line.ask(path, &session).await.status, 200, "{path}");
    }
    let reached = house.reached();
    let third = line.ask("/patients/file", &session).await;
    assert_eq!((third.status.as_u16(), third.reason().to_owned()), over);
    assert!(!third.text.contains("MRN"), "not one byte leaves: {}", third.text);
    assert_eq!(house.reached(), reached + 1, "that it is a file is known when it is here");
    let declared = line.ask("/reports/patients?export=csv", &session).await;
    assert_eq!((declared.status.as_u16(), declared.reason().to_owned()), over);
    assert_eq!(house.reached(), reached + 1, "that it is an export is known before");
    drop(line);

    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let still = line.ask("/patients/file", &session).await;
    assert_eq!((still.status.as_u16(), still.reason().to_owned()), over, "the journal tells of the two");
    assert_eq!(line.ask("/patients/100004", &session).await.status, 200, "pages are no files");

    clock.advance(Duration::from_secs(24 * 60 * 60));
    let cookie = house.cookie_of("registrar").await;
    assert_eq!(line.ask("/patients/file", &[("cookie", &cookie)]).await.status, 200, "the next day");
    drop(line);
    let events = house.stop().await;
    let closings: Vec<_> = events.iter().filter_map(|event| event.closing.as_ref()).collect();
    let files = closings.iter().filter(|closing| closing.found_file);
    assert!(files.clone().all(|closing| closing.outcome == Outcome::Completed));
    assert_eq!(files.count(), 3);
    let withheld: Vec<_> = closings.iter().filter(|closing| closing.outcome == Outcome::Withheld).collect();
    let exceeded = Exceeded { limit: LimitName::ExportsPerDay, allowed: 2, actual: 3 };
    assert_eq!(withheld.len(), 3);
    assert!(withheld.iter().all(|closing| closing.exceeded == Some(exceeded)));
}

const BATCH: &str = r#"
[[application.ehr.route]]
name = "fhir.batch"
match = { method = ["POST"], path = "/fhir" }
action = "search"
category = ["demographics"]
entries = "fhir"

[[application.ehr.route]]
name = "fhir.patient.everything"
match = { method = ["GET"], path = "/fhir/Patient/{patient}/$everything" }
action = "export"
category = ["demographics"]
reply = { kind = "opaque" }
"#;

fn batch(patients: &[u32]) -> Vec<u8> {
    let entry =
        |id: &u32| json!({ "request": { "method": "GET", "url": format!("Patient/{id}/$everything") } });
    let entries: Vec<Value> = patients.iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }).to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_a_batch_has_taken_what_it_took_before() {
    let house = House::furnish(Neighbors::All, |directory| {
        let roles = directory.root().join("roles.toml");
        edit(&roles, "exports_per_day = 5", "exports_per_day = 3\non_unknown_count = \"advise\"");
        edit(&roles, "patients_opened_per_shift = 120", "patients_opened_per_shift = 2");
        append(&directory.root().join("applications/ehr.toml"), BATCH);
    })
    .await;
    let cookie = house.cookie_of("registrar").await;
    let fhir = "application/fhir+json";
    let session = [("cookie", cookie.as_str()), ("accept", "application/json"), ("content-type", fhir)];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let over = (429, "export-over-window-budget".to_owned());
    let told = |came: &crate::line::Came| (came.status.as_u16(), came.reason().to_owned());

    assert_eq!(told(&line.post("/fhir", &session, &batch(&[1, 2, 3])).await), over, "too many patients");
    let taken = line.post("/fhir", &session, &batch(&[1, 2])).await;
    assert_eq!(taken.status, 200, "what was refused has taken nothing: {}", taken.text);
    drop(line);

    let mut house = house;
    for _ in 0..2 {
        house = house.restart().await;
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        assert_eq!(
            told(&line.post("/fhir", &session, &batch(&[1, 2])).await),
            over,
            "two were taken of three"
        );
        assert_eq!(told(&line.ask("/patients/3", &session).await), over, "two patients were opened");
        assert_eq!(line.ask("/patients/2", &session).await.status, 200, "this is one of them");
    }
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.post("/fhir", &session, &batch(&[1])).await.status, 200, "the third");
    assert_eq!(told(&line.post("/fhir", &session, &batch(&[1])).await), over);
    drop(line);
    let events = house.stop().await;
    let taken: Vec<_> = events.iter().filter_map(|event| event.opening.taken.as_deref()).collect();
    assert_eq!(taken.first().map(|taken| (taken.exports, taken.opened.len())), Some((2, 2)));
}

const PARTS: &str = r#"
[[application.ehr.route]]
name = "parts.export"
match = { path = "/parts/*" }
action = "export"
category = ["demographics"]
reply = { kind = "multipart", of = "csv", patient = "column:MRN" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_counted_by_what_they_hold() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let part = |kind: &str, rows: &str| format!("--b\r\nContent-Type: {kind}\r\n\r\nMRN\r\n{rows}\r\n");
    let router = Router::new().fallback(async move |uri: Uri| {
        let parts = match uri.path() {
            "/parts/three" => [part("text/csv", "1\r\n2"), part("text/csv", "2")],
            "/parts/four" => [part("text/csv", "1\r\n2"), part("text/csv", "2\r\n4")],
            "/parts/patients" => [part("text/csv", "1\r\n2"), part("text/csv", "3")],
            "/parts/long" => [part("text/csv", &"1".repeat(2000)), part("text/csv", "2")],
            _ => [part("text/csv", "1"), part("application/pdf", "2")],
        };
        let body = format!("{}--b--\r\n", parts.concat());
        ([("content-type", "multipart/mixed; boundary=b")], body).into_response()
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let house = House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), PARTS);
        edit(
            &directory.root().join("roles.toml"),
            "records_per_export = 500",
            "records_per_export = 3\npatients_per_export = 2\nbytes_per_export = \"1KiB\"",
        );
    })
    .await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let three = line.ask("/parts/three", &session).await;
    assert_eq!((three.status.as_u16(), three.text.matches("--b").count()), (200, 3), "{}", three.text);
    for (path, reason) in [
        ("/parts/four", "export-over-request-limit"),
        ("/parts/patients", "export-over-request-limit"),
        ("/parts/long", "export-over-request-limit"),
        ("/parts/other", "count-unknown"),
    ] {
        let came = line.ask(path, &session).await;
        assert_eq!((came.status.as_u16(), came.reason()), (403, reason), "{path}");
    }
    drop(line);
    let events = house.stop().await;
    let closings = || events.iter().filter_map(|event| event.closing.as_ref());
    let exceeded: Vec<_> = closings().filter_map(|closing| closing.exceeded).map(|it| it.limit).collect();
    let limits = [LimitName::RecordsPerExport, LimitName::PatientsPerExport, LimitName::BytesPerExport];
    assert_eq!(exceeded, limits);
    let counts: Vec<_> = closings().map(|closing| (closing.records, closing.patients)).collect();
    assert!(counts.contains(&(Count::Exactly(3), Count::Exactly(2))), "{counts:?}");
    assert!(counts.contains(&(Count::Exactly(4), Count::Exactly(3))), "{counts:?}");
}
