//! Bodies that carry the action: judged, forwarded byte for byte, and each entry of a batch on its own.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use leastway::domain::action::Action;
use leastway::domain::event::{Outcome, Verdict};
use leastway::domain::reason::Reason;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::house::House;
use crate::line::{Came, Line, Protocol};

/// Routes beside those of the shipped configuration, told by what is posted to them.
const ROUTES: &str = r#"
[[application.ehr.route]]
name = "rpc.view"
match = { method = ["POST"], path = "/rpc", rpc_method = ["read"] }
action = "view"
category = ["demographics"]

[[application.ehr.route]]
name = "rpc.export"
match = { method = ["POST"], path = "/rpc", rpc_method = ["export_data"] }
action = "whole_record"
category = ["demographics"]

[[application.ehr.route]]
name = "graphql.view"
match = { path = "/graphql", graphql = { operation = "query", field = ["patient"] } }
action = "view"
category = ["demographics"]

[[application.ehr.route]]
name = "json.any"
match = { method = ["POST"], path = "/json", json = { "/export" = false } }
action = "view"
category = ["demographics"]

[[application.ehr.route]]
name = "stream"
match = { method = ["POST"], path = "/stream" }
action = "view"
category = ["demographics"]

[[application.ehr.route]]
name = "fhir.batch"
match = { method = ["POST"], path = "/fhir" }
action = "view"
category = ["demographics"]
entries = "fhir"

[[application.ehr.route]]
name = "fhir.patient.everything"
match = { method = ["GET"], path = "/fhir/Patient/{patient}/$everything" }
action = "whole_record"
category = ["demographics"]
"#;

async fn house() -> House {
    House::with_routes(ROUTES, |_| {}).await
}

async fn post(line: &mut Line, cookie: &str, path: &str, media_type: &str, body: &[u8]) -> Came {
    let headers = [("cookie", cookie), ("content-type", media_type), ("accept", "application/json")];
    line.post(path, &headers, body).await
}

fn bundle(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(method, url): &(&str, &str)| json!({ "request": { "method": method, "url": url } });
    let entries: Vec<Value> = entries.iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }).to_string().into_bytes()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_passes_only_if_each_of_its_entries_may() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let fhir = "application/fhir+json";
    let view = ("GET", "Patient/100001");
    let taken = ("GET", "Patient/100001/$everything");

    let whole = bundle(&[view, ("GET", "Observation?patient=100001")]);
    let passed = post(&mut line, &cookie, "/fhir", fhir, &whole).await;
    assert_eq!((passed.status.as_u16(), &passed.bytes[..]), (200, &whole[..]), "{}", passed.text);

    let cases = [
        ("one that may not", bundle(&[view, taken, view]), 403, "no-rule-matched", Some(2)),
        ("no such route", bundle(&[view, view, ("GET", "Group/1/$export")]), 404, "route-not-found", Some(3)),
        (
            "a way up",
            bundle(&[("GET", "Patient/../../reports/patients?export=csv")]),
            400,
            "path-rejected",
            Some(1),
        ),
        (
            "a hidden slash",
            bundle(&[("GET", "Patient%2f100001%2f$everything")]),
            400,
            "path-rejected",
            Some(1),
        ),
        (
            "another spelling",
            bundle(&[("GET", "Patient/100001/%24everything")]),
            403,
            "no-rule-matched",
            Some(1),
        ),
        (
            "a method override",
            bundle(&[("GET", "Patient/100001?_method=DELETE")]),
            400,
            "method-rejected",
            Some(1),
        ),
        ("a method that is none", bundle(&[("get", "Patient/100001")]), 501, "method-rejected", Some(1)),
        ("a batch in a batch", bundle(&[("POST", "?x")]), 400, "body-unreadable", Some(1)),
        ("the base", bundle(&[("POST", "")]), 400, "body-unreadable", None),
        ("from the root", bundle(&[("GET", "/fhir/Patient/100001")]), 400, "body-unreadable", None),
        (
            "a document",
            br#"{"resourceType":"Bundle","type":"document"}"#.to_vec(),
            400,
            "body-unreadable",
            None,
        ),
        ("no JSON", b"<Bundle/>".to_vec(), 400, "body-unreadable", None),
    ];
    for (name, body, status, reason, entry) in &cases {
        // After some refusals nothing more is believed on their connection.
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let refused = post(&mut line, &cookie, "/fhir", fhir, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.reason()),
            (*status, *reason),
            "{name}: {}",
            refused.text
        );
        let told: Value = serde_json::from_str(&refused.text).unwrap();
        let number = told.get("entry").or_else(|| told.pointer("/issue/0/expression/0"));
        let expected = entry.map(|number: u64| json!(number));
        assert_eq!(told.get("entry").cloned(), expected, "{name}: {number:?}");
    }
    let nobody = line.post("/fhir", &[("content-type", fhir), ("accept", fhir)], &bundle(&[view])).await;
    assert_eq!((nobody.status.as_u16(), nobody.reason()), (401, "sign-in-required"));
    let headers = [("cookie", cookie.as_str()), ("content-type", fhir), ("accept", fhir)];
    let outcome = line.post("/fhir", &headers, &bundle(&[view, taken])).await;
    let outcome: Value = serde_json::from_str(&outcome.text).unwrap();
    assert_eq!(outcome.pointer("/issue/0/expression/0"), Some(&json!("Bundle.entry[1]")));

    let events = house.stop().await;
    let of_batches: Vec<_> =
        events.iter().filter(|event| event.opening.method.as_deref() == Some("POST")).collect();
    let passed = of_batches.iter().find(|event| event.opening.verdict == Verdict::Permit).unwrap();
    assert_eq!(passed.opening.batch_entry, Some(2), "the search tells more than the view");
    assert_eq!(passed.opening.action, Some(Action::Search));
    let denied = of_batches.iter().find(|event| event.opening.reasons == [Reason::NoRuleMatched]).unwrap();
    assert_eq!(denied.opening.batch_entry, Some(2));
    assert_eq!(denied.opening.action, Some(Action::WholeRecord));
    assert_eq!(denied.opening.route.as_ref().unwrap().as_str(), "fhir.patient.everything");
    assert!(denied.opening.patient.is_some());
    assert_eq!(denied.closing.as_ref().unwrap().outcome, Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_is_decided_by_what_it_calls() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let export = br#"{"method":"export_data"}"#;
        let xml =
            |name: &str| format!("<methodCall><methodName>{name}</methodName></methodCall>").into_bytes();
        let cases = [
            ("/rpc", "application/json", br#"{"method":"read"}"#.to_vec(), 200, ""),
            ("/rpc", "application/json", export.to_vec(), 403, "no-rule-matched"),
            (
                "/rpc",
                "application/json",
                br#"[{"method":"read"},{"method":"export_data"}]"#.to_vec(),
                400,
                "request-malformed",
            ),
            ("/rpc", "application/json", br#"{"method":"unheard.of"}"#.to_vec(), 404, "route-not-found"),
            ("/rpc", "text/xml", xml("read"), 200, ""),
            ("/rpc", "text/xml", xml("export_data"), 403, "no-rule-matched"),
            (
                "/rpc",
                "text/xml",
                [&b"<!DOCTYPE methodCall>"[..], &xml("read")].concat(),
                400,
                "body-unreadable",
            ),
            ("/graphql", "application/json", br#"{"query":"{ me: patient { id } }"}"#.to_vec(), 200, ""),
            (
                "/graphql",
                "application/json",
                br#"{"query":"{ patient: everything { id } }"}"#.to_vec(),
                404,
                "route-not-found",
            ),
            (
                "/graphql",
                "application/json",
                br#"{"extensions":{"persistedQuery":{}}}"#.to_vec(),
                400,
                "body-unreadable",
            ),
            (
                "/fhir/Patient/_search",
                "application/x-www-form-urlencoded",
                b"name=x&_count=5".to_vec(),
                200,
                "",
            ),
            (
                "/fhir/Group/_search",
                "application/x-www-form-urlencoded",
                b"name=x".to_vec(),
                404,
                "route-not-found",
            ),
        ];
        for (path, media_type, body, status, reason) in &cases {
            let mut line = house.line("ehr.localhost", protocol).await;
            let came = post(&mut line, &cookie, path, media_type, body).await;
            let told = String::from_utf8_lossy(body);
            assert_eq!(
                (came.status.as_u16(), came.reason()),
                (*status, *reason),
                "{path} {told}: {}",
                came.text
            );
            if *status == 200 {
                assert_eq!(&came.bytes[..], &body[..], "{path} {told}");
            }
        }
        let mut line = house.line("ehr.localhost", protocol).await;
        let get = line.ask("/graphql?query=%7Bpatient%7Bid%7D%7D", &[("cookie", &cookie)]).await;
        assert_eq!(get.status, 200, "{}", get.text);
        let get = line.ask("/graphql?query=%7Beverything%7Bid%7D%7D", &[("cookie", &cookie)]).await;
        assert_eq!(get.reason(), "route-not-found");
    }
    let events = house.stop().await;
    assert!(events.iter().any(|event| {
        event.opening.path.as_deref() == Some("/fhir/Patient")
            && event.opening.method.as_deref() == Some("POST")
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_body_is_judged_decoded_and_forwarded_as_it_came() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let (read, export) = (gzip(br#"{"method":"read"}"#), gzip(br#"{"method":"export_data"}"#));
    let big = gzip(&vec![b' '; 2 * 1024 * 1024]);
    for (path, coding, body, status, reason) in [
        ("/rpc", "gzip", &read, 200, ""),
        ("/rpc", "gzip", &export, 403, "no-rule-matched"),
        ("/rpc", "br", &read, 400, "body-unreadable"),
        ("/rpc", "compress", &read, 400, "body-unreadable"),
        ("/rpc", "gzip, gzip", &gzip(&read), 400, "body-unreadable"),
        ("/rpc", "gzip", &big, 413, "body-too-large"),
        ("/stream", "gzip", &read, 200, ""),
        ("/stream", "compress", &big, 200, ""),
    ] {
        let json = ("content-type", "application/json");
        let headers = [("cookie", cookie.as_str()), json, ("content-encoding", coding)];
        let came = line.post(path, &headers, body).await;
        assert_eq!((came.status.as_u16(), came.reason()), (status, reason), "{path} {coding}: {}", came.text);
        if status == 200 {
            assert_eq!(&came.bytes[..], &body[..], "{path} {coding}");
        }
    }
    house.stop().await;
}

/// As in a property test, but for the connection, which is shared by all cases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_body_that_is_forwarded_is_the_body_that_was_judged() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut runner = TestRunner::deterministic();
    let text = "[ -~\u{e4}\n\t]{0,40}";
    let document = (proptest::collection::vec((text, any::<i64>()), 0..6), "[ \n\t]{0,3}", any::<bool>());
    for case in 0..200 {
        let (members, blank, zipped) = document.new_tree(&mut runner).unwrap().current();
        let members = members.iter().enumerate().map(|(at, (text, number))| {
            format!("{blank}\"k{at}\":{blank}[{},{number}]{blank}", Value::from(text.as_str()))
        });
        let plain = format!("{blank}{{{}}}{blank}", members.collect::<Vec<_>>().join(",")).into_bytes();
        let (coding, body) = if zipped { ("gzip", gzip(&plain)) } else { ("identity", plain) };
        let path = ["/json", "/stream"][case % 2];
        let json = ("content-type", "application/json");
        let came = line.post(path, &[("cookie", &cookie), json, ("content-encoding", coding)], &body).await;
        assert_eq!(came.status, 200, "{}", came.text);
        assert_eq!(&came.bytes[..], &body[..], "{path} {coding}");
    }
    house.stop().await;
}
