//! Whom a reply was about: a list, a search and a file name patients, and their events keep them, apart from opened records.

use std::ffi::OsString;

use leastway::cli::{Exit, run};
use leastway::domain::event::Event;
use leastway::domain::listed::Listed;
use leastway::domain::patient::{PatientDigest, PatientNames};
use leastway::features::audit::patients::PatientKeys;
use leastway::features::audit::query::{Filter, Order, query};
use leastway::features::export::format::{Format, Teller, documents};
use serde_json::{Value, json};

use crate::house::{House, Neighbors, append};
use crate::line::{Line, Protocol};

/// The application sends back what it is sent.
const LISTS: &str = r#"
[[application.ehr.route]]
name = "page.list"
match = { method = ["POST"], path = "/page" }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/patients", patient = "member:mrn", same_numbers = true }

[[application.ehr.route]]
name = "insured.list"
match = { method = ["POST"], path = "/insured" }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/patients", patient = "member:mrn" }

[[application.ehr.route]]
name = "bundle.search"
match = { method = ["POST"], path = "/bundle" }
action = "search"
category = ["demographics"]
reply = { kind = "fhir" }
"#;

async fn house() -> House {
    House::furnish(Neighbors::All, |directory| {
        append(&directory.root().join("applications/ehr.toml"), LISTS);
    })
    .await
}

async fn sent(line: &mut Line, path: &str, cookie: &str, body: &Value) {
    let headers = [("cookie", cookie), ("accept", "application/json"), ("content-type", "application/json")];
    let came = line.post(path, &headers, body.to_string().as_bytes()).await;
    assert_eq!(came.status, 200, "{}", came.text);
}

fn page(numbers: std::ops::Range<u32>) -> Value {
    json!({ "patients": numbers.map(|mrn| json!({ "mrn": mrn })).collect::<Vec<_>>() })
}

fn bundle(numbers: std::ops::Range<u32>) -> Value {
    let entry = |id: u32| json!({ "resource": { "resourceType": "Patient", "id": id.to_string() } });
    json!({ "resourceType": "Bundle", "entry": numbers.map(entry).collect::<Vec<_>>() })
}

fn of_route<'e>(events: &'e [Event], route: &str) -> &'e Event {
    let is_it = |event: &&Event| event.opening.route.as_ref().is_some_and(|name| name.as_str() == route);
    events.iter().find(is_it).unwrap()
}

fn listed(event: &Event) -> &[PatientDigest] {
    event.closing.as_ref().unwrap().listed.as_ref().map_or(&[], Listed::each)
}

/// What a command tells as JSON.
fn told(words: &[&str]) -> Value {
    let words = ["leastway"].iter().chain(words).map(OsString::from);
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let exit = run(words, &mut out, &mut problems);
    assert_eq!((exit, String::from_utf8_lossy(&problems).as_ref()), (Exit::Ok, ""));
    serde_json::from_slice(&out).unwrap()
}

fn rows(report: &Value, table: &str) -> Vec<Value> {
    let tables = report["tables"].as_array().unwrap();
    let found = tables.iter().find(|it| it["table"] == table);
    found.map(|it| it["rows"].as_array().unwrap().clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_list_named_is_in_its_event_and_is_told_apart_from_a_record_that_was_opened() {
    let house = house().await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    sent(&mut line, "/page", &cookie, &page(501..504)).await;
    sent(&mut line, "/insured", &cookie, &page(501..504)).await;
    sent(&mut line, "/bundle", &cookie, &bundle(502..505)).await;
    assert_eq!(line.ask("/patients/502", &[("cookie", &*cookie)]).await.status, 200);
    drop(line);
    house.running.stop().await.unwrap();

    let journal = house.directory.journal();
    let names = PatientNames::of(
        "ehr".parse().unwrap(),
        PatientKeys::load(&house.directory.seals()).unwrap().now().clone(),
    );
    let digests = |numbers: std::ops::Range<u32>| {
        let mut digests: Vec<_> = numbers.map(|id| names.digest(id.to_string().as_bytes())).collect();
        digests.sort_unstable();
        digests
    };
    let asked = |number: u32| {
        let patient = Some(names.digest(number.to_string().as_bytes()).into());
        query(&journal, &Filter { patient, ..Filter::default() }, Order::OldestFirst, 10).unwrap().events
    };
    let about = asked(502);
    let routes: Vec<_> = about.iter().map(|event| event.opening.route.as_ref().unwrap().as_str()).collect();
    assert_eq!(routes, ["page.list", "bundle.search", "patient.open"]);
    assert_eq!(listed(of_route(&about, "page.list")), digests(501..504));
    assert_eq!(listed(of_route(&about, "bundle.search")), digests(502..505));
    assert_eq!(listed(of_route(&about, "patient.open")), []);
    assert_eq!(asked(501).len(), 1, "numbers of an insurer are nobody's here");

    let journal = journal.to_str().unwrap();
    let report = |more: &[&str]| {
        let words = ["report", "who-saw", "--journal", journal, "--application", "ehr", "--patient", "502"];
        told(&[&words[..], &["--format", "json"], more].concat())
    };
    let (usual, all) = (report(&[]), report(&["--all"]));
    assert_eq!((rows(&usual, "visits").len(), rows(&usual, "listed").len()), (1, 0));
    assert_eq!(rows(&all, "visits"), rows(&usual, "visits"), "nobody opened a record by a list");
    assert_eq!(rows(&all, "listed")[0]["did"], json!(["search", "list"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_returns_three_patients_is_three_audit_events_of_one_request() {
    let house = house().await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    sent(&mut line, "/bundle", &cookie, &bundle(502..505)).await;
    drop(line);
    let events = house.stop().await;
    let search = of_route(&events, "bundle.search");
    let written = documents(Format::Fhir, search, &Teller { node: "node-1" });
    let resources: Vec<Value> = written.iter().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect();
    let entity = |resource: &Value, code: &str| -> Value {
        let entities = resource["entity"].as_array().unwrap();
        entities.iter().find(|it| it["type"]["code"] == code).unwrap()["what"]["identifier"]["value"].clone()
    };
    let patients: Vec<_> = resources.iter().map(|resource| entity(resource, "1")).collect();
    let expected: Vec<_> = listed(search).iter().map(|patient| json!(patient.digest().to_string())).collect();
    assert_eq!((patients.len(), patients), (3, expected));
    for resource in &resources {
        let profile = resource["meta"]["profile"][0].as_str().unwrap();
        assert!(profile.ends_with(".PatientQuery"), "{profile}");
        assert_eq!(entity(resource, "XrequestId"), json!(search.opening.event.to_string()));
    }
}
