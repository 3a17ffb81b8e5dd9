//! The ways around a limit on exports that people have found elsewhere, each tried on an application that holds nothing
//! back: whatever is asked for, and however it comes, no more records arrive than the role may have.

mod application;
mod attempts;
mod scenes;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use leastway::domain::event::Outcome;
use leastway::platform::http::coding::{Coding, Decoder};
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Protocol};

use attempts::attempts;

/// What the application gives whoever asks, and how many the role may have in one reply.
const ALL: usize = 600;
const ALLOWED: usize = 100;

/// A way around, and the tests beside the attempts of this folder that try it: a file, and what it calls the test.
struct Bypass {
    name: &'static str,
    tests: &'static [(&'static str, &'static str)],
}

const fn by_requests(name: &'static str) -> Bypass {
    Bypass { name, tests: &[] }
}

const fn by_tests(name: &'static str, tests: &'static [(&'static str, &'static str)]) -> Bypass {
    Bypass { name, tests }
}

const SCENES: &str = "integration/bypasses/scenes.rs";
const MEMORY: &str = "integration/memory.rs";

/// All of them, from 1.
const BYPASSES: [Bypass; 40] = [
    by_requests("Range"),
    by_requests("a 206 that nobody asked for"),
    by_tests("HEAD, then GET", &[(SCENES, "what_head_tells_opens_nothing")]),
    by_requests("gzip, br and zstd"),
    by_tests("trailers", &[(SCENES, "nothing_comes_behind_a_counted_reply")]),
    by_requests("a format in the query, over the header"),
    by_requests("text/plain, shown inline"),
    by_requests("CSV in JSON"),
    by_requests("base64"),
    by_requests("a workbook"),
    by_requests("a ZIP archive"),
    by_requests("UTF-16"),
    by_requests("semicolons and tabs"),
    by_requests("line breaks in quotes"),
    by_requests("the print view"),
    by_tests(
        "many small pages",
        &[("integration/windows.rs", "small_pages_add_up_in_both_tabs_and_after_a_restart")],
    ),
    by_tests(
        "numbers that follow one another",
        &[
            (SCENES, "charts_that_are_opened_by_number_add_up"),
            (
                "integration/detections.rs",
                "numbers_that_follow_one_another_are_found_without_being_written_anywhere",
            ),
        ],
    ),
    by_tests("the same export in two tabs", &[(SCENES, "two_tabs_at_once_have_one_allowance")]),
    by_tests("another's job", &[(MEMORY, "a_job_and_its_files_are_of_whoever_started_it")]),
    by_tests(
        "a status or a file on another host or port",
        &[(MEMORY, "a_manifest_that_leads_elsewhere_is_withheld_and_a_restart_is_what_was_set")],
    ),
    by_tests(
        "an address that opens by itself",
        &[(MEMORY, "an_address_that_opens_by_itself_opens_for_nobody_else")],
    ),
    by_requests("attachments of what was found"),
    by_tests(
        "batches and transactions",
        &[("integration/bodies.rs", "a_batch_passes_only_if_each_of_its_entries_may")],
    ),
    by_requests("a search that is posted"),
    by_tests("GraphQL", &[("integration/bodies.rs", "what_is_posted_is_decided_by_what_it_calls")]),
    by_tests(
        "a WebSocket",
        &[("integration/socket.rs", "a_tunnel_is_for_websockets_of_whoever_may_and_for_nothing_else")],
    ),
    by_requests("events of the server"),
    by_requests("a subscription by mail"),
    by_requests("a file on the server"),
    by_requests("a saved query"),
    by_tests("slices of time", &[(SCENES, "slices_of_time_add_up")]),
    by_requests("a wildcard"),
    by_requests("without a limit"),
    by_requests("without the limit's partner"),
    by_requests("a negative limit"),
    by_requests("a huge limit"),
    by_requests("another spelling of the path"),
    by_requests("a parameter twice"),
    by_requests("a definition of a report"),
    by_requests("a file that the browser makes"),
];

/// What an operator writes who knows the application.
const ROUTES: &str = r#"
[[application.ehr.route]]
name = "screen"
match = { method = ["GET", "POST", "HEAD"], path = "/screen/**" }
action = "view"
category = ["demographics"]

[[application.ehr.route]]
name = "csv"
match = { method = ["GET", "HEAD"], path = "/csv/**" }
action = "export"
category = ["demographics"]
reply = { kind = "csv", patient = "column:MRN" }

[[application.ehr.route]]
name = "json"
match = { method = ["GET", "POST"], path = "/json/**" }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/rows", patient = "member:mrn" }

[[application.ehr.route]]
name = "print"
match = { method = ["GET"], path = "/print/**" }
action = "export"
category = ["demographics"]
reply = { kind = "html", rows = "tbody tr", patient = "cell:1" }

[[application.ehr.route]]
name = "zip"
match = { method = ["GET"], path = "/zip/**" }
action = "export"
category = ["demographics"]
reply = { kind = "zip", entries = "*.csv", of = "csv", patient = "column:MRN" }

[[application.ehr.route]]
name = "workbook"
match = { method = ["GET"], path = "/xlsx/**" }
action = "export"
category = ["demographics"]
reply = { kind = "xlsx" }

[[application.ehr.route]]
name = "in.base64"
match = { method = ["GET"], path = "/in/base64" }
action = "export"
category = ["demographics"]
reply = { kind = "json", inside = "/data", of = "csv" }

[[application.ehr.route]]
name = "in.text"
match = { method = ["GET"], path = "/in/text" }
action = "export"
category = ["demographics"]
reply = { kind = "json", inside = "/data", encoding = "text", of = "csv" }

[[application.ehr.route]]
name = "formats"
match = { method = ["GET"], path = "/formats" }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/rows" }
ask = { format = { in = "query:_format", names = { json = "json", csv = "csv" }, allow = "json", missing = "json" } }

[[application.ehr.route]]
name = "graph"
match = { method = ["POST"], path = "/graph", graphql = { operation = "query", field = "rows" } }
action = "list"
category = ["demographics"]
reply = { kind = "json", records = "/data/*" }

[[application.ehr.route]]
name = "connection"
match = { method = ["POST"], path = "/connection", graphql = { operation = "query", field = "rows" } }
action = "list"
category = ["demographics"]
reply = { kind = "graphql", patient = "member:mrn" }

[[application.ehr.route]]
name = "packed"
match = { method = ["GET"], path = "/packed/**" }
action = "export"
category = ["demographics"]
reply = { kind = "gzip", of = "csv", patient = "column:MRN" }

[[application.ehr.route]]
name = "finder"
match = { method = ["GET"], path = "/finder" }
action = "search"
category = ["demographics"]
reply = { kind = "json", records = "/rows" }
cap = [{ query = "length", max = 100, also = { start = "0" } }]
ask = { search = { in = ["query:q"] } }

[[application.ehr.route]]
name = "mail"
match = { method = ["POST"], path = "/mail" }
action = "export"
category = ["demographics"]
reply = { kind = "opaque" }
ask = { destination = { in = "json:/to", allow = ["@clinic.example"] } }

[[application.ehr.route]]
name = "r4.search"
match = { method = ["GET"], path = "/r4/Patient" }
action = "search"
category = ["demographics"]
reply = { kind = "fhir" }
ask = { fhir = { count = 50 } }

[[application.ehr.route]]
name = "r4.search.posted"
match = { method = ["POST"], path = "/r4/Patient/_search" }
action = "search"
category = ["demographics"]
reply = { kind = "fhir" }
ask = { fhir = { count = 50 } }

[[application.ehr.route]]
name = "r4.documents"
match = { method = ["GET"], path = "/r4/DocumentReference" }
action = "search"
category = ["demographics"]
reply = { kind = "fhir" }
gives = [{ name = "file", at = "json:/entry/*/resource/content/*/attachment/url", address = true }]

[[application.ehr.route]]
name = "r4.binary"
match = { method = ["GET"], path = "/r4/Binary/{id}" }
action = "export"
category = ["demographics"]
reply = { kind = "opaque" }

[[application.ehr.route]]
name = "r4.batch"
match = { method = ["POST"], path = "/r4" }
action = "view"
category = ["demographics"]
reply = { kind = "fhir" }
entries = "fhir"
"#;

/// How many records are in what came, decoded.
fn arrived(came: &Came) -> usize {
    let mut plain = Vec::new();
    match Decoder::new(Coding::read(&came.headers), 1_000) {
        // What cannot be decoded whole was decoded as far as it goes.
        Ok(mut decoder) => drop(decoder.push(&came.bytes, &mut |piece| plain.extend_from_slice(piece))),
        Err(_) => plain = came.bytes.to_vec(),
    }
    plain.retain(|byte| *byte != 0);
    String::from_utf8_lossy(&plain).matches("MRN-").count()
}

/// With these numbers, beside that of one export.
async fn house(limits: &str) -> House {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let application = Router::new().fallback(application::give);
    tokio::spawn(async move { axum::serve(listener, application).await.unwrap() });
    in_front_of(address, limits).await
}

async fn in_front_of(address: SocketAddr, limits: &str) -> House {
    House::furnish(Neighbors::Application(address), |directory| {
        edit(
            &directory.root().join("roles.toml"),
            "patients_opened_per_shift = 120\nrecords_per_export = 500\nexports_per_day = 5",
            &format!("records_per_export = {ALLOWED}\n{limits}"),
        );
        append(&directory.root().join("applications/ehr.toml"), ROUTES);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_around_brings_more_than_is_allowed_and_each_leaves_its_event() {
    let house = house("").await;
    let cookie = house.cookie_of("registrar").await;
    let attempts = attempts();
    let mut wrong = Vec::new();
    for attempt in &attempts {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(attempt.headers.iter().copied());
        if !headers.iter().any(|(name, _)| *name == "accept") {
            headers.push(("accept", "application/json"));
        }
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let came = line.by(attempt.method.clone(), &attempt.path, &headers, &attempt.body).await;
        let (status, reason, records) = (came.status.as_u16(), came.reason(), arrived(&came));
        if records > ALLOWED || (status, reason) != (attempt.status, attempt.reason) {
            wrong.push(format!(
                "{}: {} gave {status} {reason}, {records} records",
                attempt.name, attempt.path
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let events = house.stop().await;
    let refused = events.iter().filter_map(|event| event.closing.as_ref());
    let refused =
        refused.filter(|closing| matches!(closing.outcome, Outcome::Withheld | Outcome::Refused)).count();
    let expected = attempts.iter().filter(|attempt| attempt.status != 200).count();
    assert!(refused >= expected, "{refused} of {expected} refusals are told");
}

#[test]
fn each_of_the_forty_is_tried() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let by_requests: BTreeSet<_> = attempts().iter().filter_map(|attempt| attempt.number).collect();
    for (number, bypass) in (1..).zip(&BYPASSES) {
        for (file, test) in bypass.tests {
            let text = std::fs::read_to_string(tests.join(file)).unwrap();
            assert!(text.contains(&format!("async fn {test}()")), "{number}: {file} has no {test}");
        }
        let is_tried = by_requests.contains(&number) || !bypass.tests.is_empty();
        assert!(is_tried, "{number}, {}, is tried nowhere", bypass.name);
    }
    assert!(by_requests.iter().all(|number| (1..=BYPASSES.len()).contains(number)), "{by_requests:?}");
}
