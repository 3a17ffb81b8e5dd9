//! Routes with memory: pages, jobs and files open for whom they were given to; a request is about the patient whose
//! record is open.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{CONTENT_LOCATION, CONTENT_TYPE, LINK};
use leastway::domain::count::Count;
use leastway::domain::event::{Event, Outcome, Verdict};
use leastway::domain::given::{Brought, PatientContext};
use leastway::domain::reason::Reason;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Line, Protocol};

const ROUTES: &str = r#"
[application.ehr.given.job]
to = "person"
[application.ehr.given.file]
to = "person"

[[application.ehr.route]]
name = "find"
match = { method = ["GET"], path = "/find" }
action = "search"
category = ["demographics"]
gives = [{ name = "page", at = "json:/link/*/url", address = true }, { name = "page", at = "link:next" }]

[[application.ehr.route]]
name = "find.page"
match = { method = ["GET"], path = "/find", query = { _getpages = true } }
action = "search"
category = ["demographics"]
needs = [{ name = "page", at = "query:_getpages" }]
gives = [{ name = "page", at = "json:/link/*/url", address = true }]

[[application.ehr.route]]
name = "export.start"
match = { method = ["POST"], path = "/export" }
action = "start_job"
category = ["demographics"]
gives = [{ name = "job", at = "header:content-location" }]

[[application.ehr.route]]
name = "export.poll"
match = { method = ["GET"], path = "/export/{id}" }
action = "poll_job"
category = ["demographics"]
needs = [{ name = "job", at = "path:id" }]
gives = [{ name = "file", at = "json:/output/*/url", address = true }]

[[application.ehr.route]]
name = "export.file"
match = { method = ["GET"], path = "/export-file/{id}" }
action = "fetch_result"
category = ["demographics"]
needs = [{ name = "file", at = "path:id" }]
reply = { kind = "ndjson" }

[[application.ehr.route]]
name = "summary"
match = { method = ["GET"], path = "/summary" }
action = "view"
category = ["demographics"]
patient = "query:set_pid"
sets_patient = true

[[application.ehr.route]]
name = "letter"
match = { method = ["GET"], path = "/letter" }
action = "view"
category = ["demographics"]
patient = "session"
"#;

/// An application that hands out pages, jobs and files, by its own address; whoever has one gets what is behind it.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/find", get(find))
        .route("/export", post(start))
        .route("/export/{id}", get(poll))
        .route(
            "/export-file/{id}",
            get(async |Path(id): Path<String>| format!("{{\"id\":\"{id}\"}}\n{{}}\n")),
        )
        .route("/summary", get(summary))
        .route("/letter", get(async || "a letter"))
        .fallback(async || "a page")
        .with_state(address);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_getpages")]
    page: Option<String>,
}

async fn find(State(here): State<SocketAddr>, Query(Page { page }): Query<Page>) -> Response {
    let next = page.map_or_else(|| "p1".to_owned(), |page| format!("{page}x"));
    let next = format!("http://{here}/find?_getpages={next}&n=1.10");
    let body =
        format!(r#"{{"resourceType":"Bundle", "n": 1.10, "link":[{{"relation":"next","url":"{next}"}}]}}"#);
    ([(CONTENT_TYPE, "application/fhir+json"), (LINK, "</find?_getpages=of-link>; rel=\"next\"")], body)
        .into_response()
}

async fn start(State(here): State<SocketAddr>) -> Response {
    (StatusCode::ACCEPTED, [(CONTENT_LOCATION, format!("http://{here}/export/job-7"))]).into_response()
}

async fn poll(State(here): State<SocketAddr>, Path(id): Path<String>) -> Response {
    let url = if id == "job-astray" {
        "https://files.elsewhere.example/a".to_owned()
    } else {
        format!("http://{here}/export-file/file-1")
    };
    let manifest = json!({ "requiresAccessToken": true, "output": [{ "type": "Patient", "url": url }] });
    ([(CONTENT_TYPE, "application/json")], manifest.to_string()).into_response()
}

async fn summary(Query(query): Query<Value>) -> StatusCode {
    if query["set_pid"] == "gone" { StatusCode::NOT_FOUND } else { StatusCode::OK }
}

async fn house() -> House {
    let address = application().await;
    House::furnish(Neighbors::Application(address), |clinic| {
        append(&clinic.root().join("applications/ehr.toml"), ROUTES);
        let roles = clinic.root().join("roles.toml");
        let jobs = |more: &str| format!("actions = [{more}, \"start_job\", \"poll_job\", \"fetch_result\"]");
        let registrar = "\ncategories = [\"demographics\"]\n\n[[role.registrar.may]]";
        edit(
            &roles,
            &format!("actions = [\"export\"]{registrar}"),
            &format!("{}{registrar}", jobs("\"export\"")),
        );
        let nurse = "\ncategories = [\"demographics\", \"schedule\", \"clinical\"]";
        let looks = "\"view\", \"search\", \"list\"";
        edit(&roles, &format!("actions = [{looks}]{nurse}"), &format!("{}{nurse}", jobs(looks)));
    })
    .await
}

async fn ask(line: &mut Line, cookie: &str, path: &str) -> Came {
    line.ask(path, &[("cookie", cookie), ("accept", "application/fhir+json")]).await
}

fn refused(came: &Came) -> (u16, String) {
    let outcome: Value = serde_json::from_str(&came.text).unwrap_or_else(|_| panic!("{}", came.text));
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let code = &outcome["issue"][0]["details"]["coding"][0]["code"];
    (came.status.as_u16(), code.as_str().unwrap().to_owned())
}

fn not_yours() -> (u16, String) {
    (403, "not-yours".to_owned())
}

fn of_route<'e>(events: &'e [Event], route: &str) -> Vec<&'e Event> {
    let is = |event: &&Event| event.opening.route.as_ref().is_some_and(|name| name.as_str() == route);
    events.iter().filter(is).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_opens_for_the_session_that_it_was_given_to() {
    let house = house().await;
    let (nurse, registrar) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let again = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(refused(&ask(&mut line, &nurse, "/find?_getpages=p1").await), not_yours(), "not yet given");
    let first = ask(&mut line, &nurse, "/find").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let here = format!("https://ehr.localhost:{}/find?_getpages=p1&n=1.10", house.ports.gateway);
    let expected =
        format!(r#"{{"resourceType":"Bundle", "n": 1.10, "link":[{{"relation":"next","url":"{here}"}}]}}"#);
    assert_eq!(first.text, expected, "turned to our address, all else byte for byte");
    let mut tab = house.line("ehr.localhost", Protocol::Http2).await;
    for page in
        ["/find?_getpages=p1", "/find?n=2&_getpages=%701", "/find?_getpages=of-link", "/find?_getpages=p1x"]
    {
        assert_eq!(ask(&mut tab, &nurse, page).await.status, 200, "{page} in another tab");
    }
    for page in ["/find?_getpages=p2", "/find?_getpages=p1&_getpages=p2", "/find?_getpages="] {
        assert_eq!(refused(&ask(&mut line, &nurse, page).await), not_yours(), "{page}");
    }
    for (cookie, whose) in [(&registrar, "another's"), (&again, "another session's")] {
        assert_eq!(refused(&ask(&mut line, cookie, "/find?_getpages=p1").await), not_yours(), "{whose}");
    }
    house.sign_out(&nurse).await;
    assert_eq!(ask(&mut line, &nurse, "/find?_getpages=p1").await.status, 401);
    drop((line, tab));
    let events = house.stop().await;
    let pages = of_route(&events, "find.page");
    let denied = pages.iter().find(|event| event.opening.reasons == [Reason::NotYours]).unwrap();
    assert_eq!(denied.opening.verdict, Verdict::Deny);
    let needed = &denied.opening.needed[0];
    assert_eq!((needed.name.as_str(), needed.brought), ("page", Brought::Unknown));
    let passed = pages.iter().find(|event| event.opening.verdict == Verdict::Permit).unwrap();
    assert_eq!(passed.opening.needed[0].brought, Brought::Yours);
    let given = &of_route(&events, "find")[0].closing.as_ref().unwrap().given;
    assert_eq!((given[0].name.as_str(), given[0].number), ("page", 2));
    let told = serde_json::to_string(&passed.opening).unwrap();
    assert!(!told.contains("p1"), "no value is written down: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_and_its_files_are_of_whoever_started_it() {
    let house = house().await;
    let (registrar, nurse) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let started = line.post("/export", &[("cookie", &registrar)], b"").await;
    assert_eq!(started.status, 202, "{}", started.text);
    let location = format!("https://ehr.localhost:{}/export/job-7", house.ports.gateway);
    assert_eq!(started.headers.get(CONTENT_LOCATION).unwrap(), &location);
    assert_eq!(refused(&ask(&mut line, &nurse, "/export/job-7").await), not_yours());
    assert_eq!(
        refused(&ask(&mut line, &registrar, "/export-file/file-1").await),
        not_yours(),
        "not yet done"
    );

    let later = house.cookie_of("registrar").await;
    house.sign_out(&registrar).await;
    let manifest = ask(&mut line, &later, "/export/job-7").await;
    assert_eq!(manifest.status, 200, "in another session of the same person: {}", manifest.text);
    let manifest: Value = serde_json::from_str(&manifest.text).unwrap();
    let file = format!("https://ehr.localhost:{}/export-file/file-1", house.ports.gateway);
    assert_eq!(manifest["output"][0]["url"], file, "a manifest leads to us");
    assert_eq!(refused(&ask(&mut line, &nurse, "/export-file/file-1").await), not_yours());
    let fetched = ask(&mut line, &later, "/export-file/file-1").await;
    assert_eq!((fetched.status.as_u16(), fetched.text.lines().count()), (200, 2));
    // Five exports a day are the registrar's limit: what is fetched counts among them.
    for _ in 1..5 {
        assert_eq!(ask(&mut line, &later, "/export-file/file-1").await.status, 200);
    }
    assert_eq!(ask(&mut line, &later, "/export-file/file-1").await.status, 429);
    drop(line);
    let events = house.stop().await;
    let files = of_route(&events, "export.file");
    let counted =
        files.iter().filter_map(|event| event.closing.as_ref()).find(|it| it.outcome == Outcome::Completed);
    assert_eq!(counted.unwrap().records, Count::Exactly(2));
    let poll = of_route(&events, "export.poll");
    let reasons: Vec<_> = poll.iter().map(|event| event.opening.reasons[0]).collect();
    assert_eq!(reasons, [Reason::NotYours, Reason::RuleMatched]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_opens_by_itself_opens_for_nobody_else() {
    let house = house().await;
    let (registrar, nurse) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.post("/export", &[("cookie", &registrar)], b"").await.status, 202);
    assert_eq!(ask(&mut line, &registrar, "/export/job-7").await.status, 200);
    // The application itself asks nobody who they are: whoever has the address has the file.
    let nobody = line.ask("/export-file/file-1", &[("accept", "application/fhir+json")]).await;
    assert_eq!(refused(&nobody), (401, "sign-in-required".to_owned()));
    assert_eq!(refused(&ask(&mut line, &nurse, "/export-file/file-1").await), not_yours());
    assert_eq!(ask(&mut line, &registrar, "/export-file/file-1").await.status, 200);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_leads_elsewhere_is_withheld_and_a_restart_is_what_was_set() {
    let house = house().await;
    let job = "[application.ehr.given.job]\nto = \"person\"";
    let flagged = format!("{job}\nunknown = \"allow-and-flag\"");
    edit(&house.file("applications/ehr.toml"), job, &flagged);
    let house = house.restart().await;
    let registrar = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let astray = ask(&mut line, &registrar, "/export/job-astray").await;
    assert_eq!(refused(&astray), (502, "leads-elsewhere".to_owned()));
    assert!(!astray.text.contains("files.elsewhere"), "{}", astray.text);
    assert_eq!(
        ask(&mut line, &registrar, "/export/job-7").await.status,
        200,
        "not known, allowed and flagged"
    );
    assert_eq!(ask(&mut line, &registrar, "/export-file/file-1").await.status, 200, "but given by it");
    drop(line);
    let house = house.restart().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(refused(&ask(&mut line, &registrar, "/export-file/file-1").await), not_yours(), "forgotten");
    drop(line);
    let events = house.stop().await;
    let poll = of_route(&events, "export.poll");
    assert_eq!(poll[0].closing.as_ref().unwrap().outcome, Outcome::Withheld);
    assert_eq!(poll[0].closing.as_ref().unwrap().reason, Some(Reason::LeadsElsewhere));
    assert_eq!(
        (poll[1].opening.verdict, poll[1].opening.needed[0].brought),
        (Verdict::Permit, Brought::Unknown)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_about_the_patient_whose_record_is_open() {
    let house = house().await;
    let nurse = house.cookie_of("nurse").await;
    let registrar = house.cookie_of("registrar").await;
    let (mut line, mut tab) = (
        house.line("ehr.localhost", Protocol::Http1).await,
        house.line("ehr.localhost", Protocol::Http2).await,
    );
    let unknown = || (403, "patient-unknown".to_owned());
    assert_eq!(refused(&ask(&mut line, &nurse, "/letter").await), unknown());
    assert_eq!(ask(&mut line, &nurse, "/summary?set_pid=7").await.status, 200);
    assert_eq!(ask(&mut line, &nurse, "/letter").await.status, 200);
    assert_eq!(ask(&mut tab, &nurse, "/summary?set_pid=8").await.status, 200);
    assert_eq!(
        ask(&mut line, &nurse, "/letter").await.status,
        200,
        "the application has one patient for all tabs"
    );
    assert_eq!(refused(&ask(&mut line, &registrar, "/letter").await), unknown(), "another's");
    // What has two readings ends its connection.
    let mut another = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(ask(&mut another, &nurse, "/summary?set_pid=8&set_pid=9").await.status, 400);
    assert_eq!(ask(&mut line, &nurse, "/summary?set_pid=gone").await.status, 404);
    assert_eq!(refused(&ask(&mut line, &nurse, "/letter").await), unknown(), "8, or gone");
    drop((line, tab, another));
    let events = house.stop().await;
    let (summaries, letters) = (of_route(&events, "summary"), of_route(&events, "letter"));
    let patient = |event: &Event| event.opening.patient;
    let context = |event: &Event| event.opening.patient_context;
    assert_eq!((patient(letters[0]), context(letters[0])), (None, Some(PatientContext::Unknown)));
    assert_eq!(letters[0].opening.reasons, [Reason::PatientUnknown]);
    assert!(patient(summaries[0]).is_some());
    assert_eq!(
        (patient(letters[1]), context(letters[1])),
        (patient(summaries[0]), Some(PatientContext::Session))
    );
    assert_eq!(patient(letters[2]), patient(summaries[1]));
    assert_ne!(patient(letters[2]), patient(letters[1]));
    assert_eq!(context(summaries[0]), Some(PatientContext::Set));
}
