//! What is asked for: lowered before it is sent, or refused; and the event says so.

use leastway::domain::asked::Lowered;
use leastway::domain::event::{Event, Outcome, Verdict};
use leastway::domain::reason::Reason;
use serde_json::{Value, json};

use crate::house::{House, edit};
use crate::line::{Came, Line, Protocol};

const ROUTES: &str = r#"
[[application.ehr.route]]
name = "finder"
match = { method = ["GET", "POST"], path = "/finder" }
cap = [{ query = "iDisplayLength", max = 100, also = { iDisplayStart = "0" } }]
action = "search"
category = ["demographics"]

[[application.ehr.route]]
name = "find"
match = { method = ["POST"], path = "/tools/find" }
cap = [{ json = "/Limit", max = 100 }]
ask = { search = { in = ["json:/Query/PatientName"] } }
action = "search"
category = ["demographics"]

[[application.ehr.route]]
name = "form"
match = { method = ["POST"], path = "/form" }
cap = [{ form = "rows", max = 100 }]
action = "list"
category = ["demographics"]

[[application.ehr.route]]
name = "report"
match = { method = ["GET"], path = "/report" }
action = "list"
category = ["demographics"]
[application.ehr.route.ask]
span = { from = "query:from", to = "query:to", max = "31d" }
format = { in = "query:as", names = { html = "screen", csv = "csv" }, missing = "html" }

[[application.ehr.route]]
name = "fhir.batch"
match = { method = ["POST"], path = "/fhir" }
action = "view"
category = ["demographics"]
entries = "fhir"
"#;

async fn house() -> House {
    House::with_routes(ROUTES, |clinic| {
        let limit = "records_per_response = 100\n";
        let with = format!("{limit}page_size = 30\nformats = [\"html\", \"pdf\"]\n");
        edit(&clinic.root().join("roles.toml"), limit, &with);
    })
    .await
}

async fn get(line: &mut Line, cookie: &str, path: &str) -> Came {
    line.ask(path, &[("cookie", cookie), ("accept", "application/json")]).await
}

async fn post(line: &mut Line, cookie: &str, path: &str, media_type: &str, body: &str) -> Came {
    let digest = "sha-256=:AAAA:";
    let headers = [
        ("cookie", cookie),
        ("content-type", media_type),
        ("accept", "application/json"),
        ("content-digest", digest),
    ];
    line.post(path, &headers, body.as_bytes()).await
}

fn target(came: &Came) -> &str {
    came.headers.get("x-target").unwrap().to_str().unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn of_route<'e>(events: &'e [Event], route: &str) -> Vec<&'e Event> {
    let is = |event: &&Event| event.opening.route.as_ref().is_some_and(|name| name.as_str() == route);
    events.iter().filter(is).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_is_asked_for_no_more_than_the_cap() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let all = get(&mut line, &cookie, "/finder?sSearch=a%20b&iDisplayLength=-1").await;
        assert_eq!(all.status, 200, "{}", all.text);
        assert_eq!(target(&all), "/finder?sSearch=a%20b&iDisplayLength=100&iDisplayStart=0");
        let within = get(&mut line, &cookie, "/finder?iDisplayStart=0&iDisplayLength=25").await;
        assert_eq!(target(&within), "/finder?iDisplayStart=0&iDisplayLength=25");

        let form = post(&mut line, &cookie, "/form", FORM, "a=%7e&rows=5000&b=").await;
        assert_eq!((form.status.as_u16(), &*form.text), (200, "a=%7e&rows=100&b="));
        let find = r#"{ "Query": {"PatientName": "SMITH*"}, "n": 1.10 }"#;
        let found = post(&mut line, &cookie, "/tools/find", JSON, find).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!(found.text, r#"{"Limit":100, "Query": {"PatientName": "SMITH*"}, "n": 1.10 }"#);
    }
    let events = house.stop().await;
    let finder = of_route(&events, "finder");
    let asked = finder[0].opening.asked.as_deref().unwrap();
    let lowered = Lowered { parameter: "iDisplayLength".to_owned(), from: Some(-1), to: 100 };
    assert_eq!((&asked.lowered[..], &asked.added[..]), (&[lowered][..], &["iDisplayStart".to_owned()][..]));
    assert!(finder[1].opening.asked.is_none());
    let told = serde_json::to_string(&finder[0].opening).unwrap();
    assert!(!told.contains("a b") && !told.contains("a%20b"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_in_one_way_is_not_sent() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let reached = house.reached();
    for path in [
        "/finder?iDisplayLength=5&iDisplayLength=5000",
        "/finder?iDisplayLength[]=5000",
        "/finder?idisplaylength=5000",
        "/finder?a=1;iDisplayLength=5000",
    ] {
        let refused = get(&mut line, &cookie, path).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "page-size-rejected"), "{path}");
        let problem: Value = serde_json::from_str(&refused.text).unwrap();
        assert_eq!((&problem["parameter"], &problem["allowed"]), (&json!("iDisplayLength"), &json!("once")));
        assert!(!refused.text.contains("5000"), "{}", refused.text);
    }
    let both = post(&mut line, &cookie, "/finder?iDisplayLength=5", FORM, "iDisplayLength=5000").await;
    assert_eq!(both.reason(), "page-size-rejected");
    let batch = post(&mut line, &cookie, "/tools/find", JSON, r#"[{"Limit":5}]"#).await;
    assert_eq!(batch.reason(), "page-size-rejected");
    let twice = post(&mut line, &cookie, "/tools/find", JSON, r#"{"Limit":5,"limit":5000}"#).await;
    assert_eq!((twice.status.as_u16(), twice.reason()), (400, "body-unreadable"));
    assert_eq!(house.reached(), reached);
    let events = house.stop().await;
    let refused = of_route(&events, "finder")[0];
    assert_eq!(refused.opening.verdict, Verdict::Deny);
    assert_eq!(refused.opening.reasons, [Reason::PageSizeRejected]);
    assert_eq!(refused.opening.asked.as_deref().unwrap().beyond[0].parameter, "iDisplayLength");
    assert_eq!(refused.closing.as_ref().unwrap().outcome, Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volume_refuses_operations_and_is_noted_under_care() {
    let house = house().await;
    let (nurse, registrar) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let long = "/report?from=2026-01-01&to=2026-03-01";
    let month = "/report?from=2026-01-01&to=2026-01-31";
    let everybody = r#"{"Limit":5,"Query":{"PatientName":"*"}}"#;

    let refused = get(&mut line, &registrar, long).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (403, "span-too-wide"));
    let problem: Value = serde_json::from_str(&refused.text).unwrap();
    assert_eq!((&problem["parameter"], &problem["allowed"]), (&json!("from"), &json!({ "days": 31 })));
    assert_eq!(get(&mut line, &registrar, month).await.status, 200);
    let refused = post(&mut line, &registrar, "/tools/find", JSON, everybody).await;
    assert_eq!(refused.reason(), "search-too-wide");
    // The page of the role is smaller than the route's.
    assert_eq!(
        target(&get(&mut line, &registrar, "/finder?iDisplayStart=0&iDisplayLength=50").await),
        "/finder?iDisplayStart=0&iDisplayLength=30"
    );

    assert_eq!(get(&mut line, &nurse, long).await.status, 200);
    assert_eq!(post(&mut line, &nurse, "/tools/find", JSON, everybody).await.text, everybody);
    // A format is no volume; and the role of the registrar has no CSV.
    let csv = format!("{month}&as=csv");
    assert_eq!(get(&mut line, &nurse, &csv).await.status, 200);
    assert_eq!(get(&mut line, &registrar, &csv).await.reason(), "format-not-allowed");
    assert_eq!(get(&mut line, &nurse, &format!("{month}&as=zip")).await.reason(), "format-not-allowed");

    let browser = [
        ("cookie", registrar.as_str()),
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let page = line.ask(long, &browser).await;
    assert!(page.text.contains("31 days") && page.text.contains("from"), "{}", page.text);
    assert!(!page.text.contains("2026-03-01"), "{}", page.text);

    let events = house.stop().await;
    let noted = of_route(&events, "report")
        .into_iter()
        .find(|event| event.opening.verdict == Verdict::Permit && event.opening.asked.is_some());
    let asked = noted.unwrap().opening.asked.as_deref().unwrap();
    assert_eq!(asked.beyond[0].reason, Reason::SpanTooWide);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_entry_of_a_batch_is_brought_within_its_own_bounds() {
    let house = house().await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let fhir = "application/fhir+json";
    let bundle = |first: &str| {
        format!(
            r#"{{ "resourceType": "Bundle", "type": "batch", "entry": [
                {{ "request": {{ "method": "GET", "url": "{first}" }} }},
                {{ "request": {{ "method": "GET", "url": "Patient\/100001" }}, "x": 1.50 }} ] }}"#
        )
    };
    let passed = post(&mut line, &cookie, "/fhir", fhir, &bundle(r"Patient?name=\u0061&_count=900")).await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    assert_eq!(passed.text, bundle("Patient?name=a&_count=300"));
    let within = bundle("Patient?_count=5");
    assert_eq!(post(&mut line, &cookie, "/fhir", fhir, &within).await.text, within);

    let joined =
        post(&mut line, &cookie, "/fhir", fhir, &bundle("Patient?_has:Condition:patient:code=1")).await;
    assert_eq!((joined.status.as_u16(), joined.reason()), (403, "join-not-allowed"));
    assert_eq!(serde_json::from_str::<Value>(&joined.text).unwrap()["entry"], json!(1));

    // The same by GET, and by POST as FHIR has it: the form holds the parameters.
    let joined =
        line.ask("/fhir/Patient?general-practitioner.name=x", &[("cookie", &cookie), ("accept", fhir)]).await;
    let outcome: Value = serde_json::from_str(&joined.text).unwrap();
    assert_eq!(outcome["issue"][0]["code"], "not-supported", "{outcome}");
    assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "join-not-allowed");
    let posted = post(&mut line, &cookie, "/fhir/Patient/_search", FORM, "name=a&_count=5000").await;
    assert_eq!((posted.status.as_u16(), &*posted.text), (200, "name=a&_count=300"));
    let posted = post(&mut line, &cookie, "/fhir/Patient/_search", FORM, "_include=Patient:link").await;
    assert_eq!(posted.reason(), "join-not-allowed");
    house.stop().await;
}
