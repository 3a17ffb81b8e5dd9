//! Fields that somebody may not see although they may see the rest: through the whole gateway, whatever the application
//! answers.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::response::{Html, IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, StatusCode};
use leastway::demo::browser::Reply;
use leastway::domain::count::Count;
use leastway::domain::event::Outcome;
use leastway::domain::field::FieldName;
use leastway::domain::limit::{Exceeded, LimitName, OnExceed};
use leastway::domain::reason::Reason;
use leastway::platform::http::body::read_bounded;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Protocol};

const ROUTES: &str = r##"
[[application.ehr.route]]
name = "withheld.json"
match = { path = "/w/json/*" }
action = "view"
category = ["demographics"]
reply = { kind = "json", records = "/patients" }
[[application.ehr.route.field]]
name = "ssn"
at = "/patients/*/ssn"
[[application.ehr.route.field]]
name = "hiv"
at = "member:hiv"
category = ["hiv"]

[[application.ehr.route]]
name = "withheld.csv"
match = { path = "/w/csv" }
action = "view"
category = ["demographics"]
reply = { kind = "csv" }
[[application.ehr.route.field]]
name = "ssn"
at = "column:SSN"

[[application.ehr.route]]
name = "withheld.fhir"
match = { path = "/w/fhir" }
action = "view"
category = ["demographics"]
reply = { kind = "fhir" }
[[application.ehr.route.field]]
name = "ssn"
at = "Patient.identifier"

[[application.ehr.route]]
name = "withheld.page"
match = { path = "/w/page/*" }
action = "view"
category = ["demographics"]
reply = { kind = "html", rows = "#list tr" }
[[application.ehr.route.field]]
name = "ssn"
at = ["column:SSN", "css:#list caption"]
"##;

const PAGE: &str = "<!doctype html><body><table id=list><caption>of 123-45-6789</caption><tr><th>MRN<th>Ssn\
                    <tr><td>1<td class=s title='123-45-6789'><b>123-45-6789</b></table>";
const DESK_PAGE: &str = "<!doctype html><body><p id=\"leastway-withheld\" role=\"note\">[withheld] ssn</p><table id=list>\
                         <caption>[withheld]</caption><tr><th>MRN<th>Ssn<tr><td>1<td class=\"s\">[withheld]</table>";

const BODY: &str =
    r#"{"patients":[{"mrn":1,"ssn":"123-45-6789","hiv":"positive"},{"mrn":2,"s\u0073n":null}]}"#;
const DESK: &str =
    r#"{"patients":[{"mrn":1,"ssn":"[withheld]","hiv":"[withheld]"},{"mrn":2,"s\u0073n":"[withheld]"}]}"#;
const WARD: &str =
    r#"{"patients":[{"mrn":1,"ssn":"123-45-6789","hiv":"[withheld]"},{"mrn":2,"s\u0073n":null}]}"#;

/// An application that answers with all that it knows, in every way.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(async |request: Request<Body>| answer(&request));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn answer(request: &Request<Body>) -> Response {
    let json = ("content-type", "application/json");
    let asked = |name: &str| request.headers().contains_key(name);
    let is_conditional = asked("range") || asked("if-none-match") || asked("if-modified-since");
    let asks_coded = request.headers().get("accept-encoding").is_some_and(|value| value != "identity");
    let is_ours = request.uri().path().starts_with("/w/");
    if is_ours && (is_conditional || asks_coded) {
        return StatusCode::IM_A_TEAPOT.into_response();
    }
    let coded =
        |coding: &'static str, body: Vec<u8>| ([json, ("content-encoding", coding)], body).into_response();
    match request.uri().path() {
        "/w/json/plain" => {
            let length = BODY.len().to_string();
            let head = [
                json,
                ("etag", "\"1\""),
                ("last-modified", "Mon, 02 Nov 2026 10:00:00 GMT"),
                ("accept-ranges", "bytes"),
                ("cache-control", "public, max-age=3600"),
                ("content-md5", "x"),
                ("repr-digest", "sha-256=:x:"),
                ("content-length", length.as_str()),
                ("x-leastway-withheld", "forged"),
            ];
            (head, BODY).into_response()
        }
        "/w/json/gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(BODY.as_bytes()).unwrap();
            coded("gzip", encoder.finish().unwrap())
        }
        "/w/json/zstd" => coded("zstd", zstd::encode_all(BODY.as_bytes(), 3).unwrap()),
        "/w/json/strange" => coded("dcb", BODY.into()),
        "/w/json/half" => ([json], BODY.split_at(BODY.len() - 2).0).into_response(),
        "/w/json/moved" => ([json], r#"{"rows":[{"ssn":"123-45-6789"}]}"#).into_response(),
        "/w/json/document" => ([("content-type", "application/pdf")], "%PDF-1.7 123-45-6789").into_response(),
        "/w/json/wrong" => {
            (StatusCode::INTERNAL_SERVER_ERROR, "<html>at patient 123-45-6789").into_response()
        }
        "/w/json/long" => {
            let record = format!("{{\"ssn\":\"123-45-6789\",\"name\":\"{}\"}},", "x".repeat(5000));
            let pieces = (0..60).map(move |number| {
                let begin = if number == 0 { "{\"patients\":[" } else { "" };
                Ok::<_, std::io::Error>(Bytes::from(format!("{begin}{record}")))
            });
            ([json], Body::from_stream(stream::iter(pieces))).into_response()
        }
        "/w/csv" => ([("content-type", "text/csv")], "MRN;Ssn\r\n1;\"123-45-6789\"\r\n").into_response(),
        "/w/fhir" => {
            let bundle = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1","identifier":[{"value":"123-45-6789"}],"text":{"div":"<div>123-45-6789</div>"}}}]}"#;
            ([("content-type", "application/fhir+json")], bundle).into_response()
        }
        "/l/2" => ([("content-type", "text/csv"), ("etag", "\"1\"")], list(2, "Ana")).into_response(),
        "/l/3" => ([("content-type", "text/csv"), ("etag", "\"1\"")], list(3, "Ana")).into_response(),
        "/l/4" => ([("content-type", "text/csv")], list(4, "Ana")).into_response(),
        "/l/broken" => ([("content-type", "text/csv")], format!("{}Ana\n", list(3, "Ana"))).into_response(),
        "/w/page/plain" => Html(PAGE).into_response(),
        "/w/page/moved" => Html(PAGE.replace("id=list", "id=rows").replace("Ssn", "Social")).into_response(),
        "/w/page/ragged" => Html(PAGE.replace("<td>1", "<td rowspan=2>1")).into_response(),
        _ => "a page".into_response(),
    }
}

/// Of more than two records the desk learns all but whom they are about; two are a list as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_a_limit_a_list_passes_without_whom_it_is_about() {
    let house = House::furnish(Neighbors::Application(application().await), |directory| {
        let routes = directory.root().join("applications/ehr.toml");
        append(&routes, LISTS);
        let roles = directory.root().join("roles.toml");
        let at_desk = "[[role.registrar.may]]\napplication = \"ehr\"\nactions = [\"export\"]\n";
        edit(&roles, at_desk, &format!("{at_desk}routes = [\"lists.*\"]\n"));
        edit(&roles, "# and no charts", "\nroutes = [\"home\", \"lists.*\"]");
        edit(
            &roles,
            "categories = [\"schedule\"]\nwhen",
            "categories = [\"demographics\"]\nroutes = [\"lists.*\"]\nwhen",
        );
        edit(&roles, "records_per_response = 100", "records_per_response = 2");
        edit(&roles, "records_per_response = 200", "records_per_response = 2");
        edit(&roles, "on_exceed = \"block\" ", "on_exceed = \"redact\" ");
    })
    .await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let asking = |cookie: &'static str| [("cookie", cookie), ("if-none-match", "\"2\"")];
        let desk = asking(Box::leak(desk.clone().into_boxed_str()));
        let two = line.ask("/l/2", &desk).await;
        assert_eq!((two.status.as_u16(), two.text.as_str(), withheld(&two)), (200, &*list(2, "Ana"), ""));
        assert_eq!(two.headers["etag"], "\"1\"");
        let three = line.ask("/l/3", &desk).await;
        assert_eq!((three.text.as_str(), withheld(&three)), (&*list(3, "[withheld]"), "who"));
        assert!(!three.headers.contains_key("etag"));
        let care = line.ask("/l/3", &asking(Box::leak(ward.clone().into_boxed_str()))).await;
        assert_eq!((care.text.as_str(), withheld(&care)), (&*list(3, "Ana"), ""), "care goes on");
        let broken = line.ask("/l/broken", &[desk[0], ("accept", "application/json")]).await;
        assert_eq!((broken.status.as_u16(), broken.reason()), (403, "redaction-impossible"));
    }
    let events = house.stop().await;
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    let redacted: Vec<_> = closings
        .filter(|closing| closing.on_exceed == Some(OnExceed::Redact) && closing.redacted.is_some())
        .collect();
    assert_eq!(redacted.len(), 2);
    for closing in redacted {
        let exceeded = Exceeded { limit: LimitName::RecordsPerResponse, allowed: 2, actual: 3 };
        assert_eq!((closing.outcome, closing.exceeded), (Outcome::Completed, Some(exceeded)));
    }
}

/// Of more than two records the desk gets the first two, and is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_a_limit_a_list_is_cut_where_its_route_declares_that() {
    let house = House::furnish(Neighbors::Application(application().await), |directory| {
        let routes = directory.root().join("applications/ehr.toml");
        append(&routes, &LISTS.replace("reply = {", "truncate = true\nreply = {"));
        let roles = directory.root().join("roles.toml");
        let at_desk = "[[role.registrar.may]]\napplication = \"ehr\"\nactions = [\"export\"]\n";
        edit(&roles, at_desk, &format!("{at_desk}routes = [\"lists.*\"]\n"));
        edit(&roles, "# and no charts", "\nroutes = [\"home\", \"lists.*\"]");
        edit(
            &roles,
            "categories = [\"schedule\"]\nwhen",
            "categories = [\"demographics\"]\nroutes = [\"lists.*\"]\nwhen",
        );
        edit(&roles, "records_per_response = 100", "records_per_response = 2");
        edit(&roles, "records_per_response = 200", "records_per_response = 2");
        edit(&roles, "on_exceed = \"block\" ", "on_exceed = \"truncate\" ");
    })
    .await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let cut =
        |came: &Came| came.headers.get("x-leastway-truncated").map(|it| it.to_str().unwrap().to_owned());
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let two = line.ask("/l/2", &[("cookie", desk.as_str())]).await;
        assert_eq!((two.status.as_u16(), two.text.as_str(), cut(&two)), (200, &*list(2, "Ana"), None));
        let three = line.ask("/l/3", &[("cookie", desk.as_str())]).await;
        assert_eq!((three.status.as_u16(), three.text.as_str()), (200, &*list(2, "Ana")));
        assert_eq!((cut(&three).as_deref(), three.headers.contains_key("etag")), (Some("2"), false));
        if let Some(length) = three.headers.get("content-length") {
            assert_eq!(length.to_str().unwrap(), list(2, "Ana").len().to_string());
        }
        let care = line.ask("/l/3", &[("cookie", ward.as_str())]).await;
        assert_eq!(
            (care.text.as_str(), cut(&care)),
            (&*list(3, "Ana"), None),
            "nothing for care is shortened"
        );
        let broken =
            line.ask("/l/broken", &[("cookie", desk.as_str()), ("accept", "application/json")]).await;
        assert_eq!((broken.status.as_u16(), broken.reason()), (403, "redaction-impossible"));
    }
    let events = house.stop().await;
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    let cut = closings.filter(|closing| {
        closing.on_exceed == Some(OnExceed::Truncate) && closing.outcome == Outcome::Completed
    });
    let told: Vec<_> =
        cut.map(|closing| (closing.records, closing.exceeded, closing.redacted.is_none())).collect();
    let exceeded = Exceeded { limit: LimitName::RecordsPerResponse, allowed: 2, actual: 3 };
    assert_eq!(told, [(Count::Exactly(2), Some(exceeded), true); 2], "what was handed on, and what had come");
}

/// A reason lets more than two records pass, and nothing more than three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_a_number_that_nobody_passes_a_reason_does_not_help_and_is_not_asked_for() {
    let house = House::furnish(Neighbors::Application(application().await), |directory| {
        append(&directory.root().join("applications/ehr.toml"), LISTS);
        let roles = directory.root().join("roles.toml");
        edit(
            &roles,
            "records_per_response = 100",
            "records_per_response = 2\nrecords_per_response_at_most = 3",
        );
        edit(&roles, "on_exceed = \"block\" ", "on_exceed = \"justify\" ");
    })
    .await;
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    house.enter(&mut browser, &page, "registrar").await;
    let list = |number: u32| format!("{}/l/{number}", house.ehr());
    let (status, reason) = (403, "records-over-response-limit");
    let told = |page: &Reply| (page.status.as_u16(), page.header("x-leastway-reason").to_owned());
    let asked = browser.open(&list(3)).await.unwrap();
    assert_eq!(told(&asked), (status, reason.to_owned()));
    assert!(asked.text().contains("/.leastway/justify"), "a reason would do: {}", asked.text());
    let vain = browser.open(&list(4)).await.unwrap();
    assert_eq!(told(&vain), (status, reason.to_owned()));
    assert!(!vain.text().contains("/.leastway/justify"), "{}", vain.text());
    assert!(vain.text().contains("beyond 3 at a time neither a reason nor a stronger sign-in helps"));
    let words = "The ward has asked for all three of them.";
    let fields = [("return_to", "/l/3"), ("action", "list"), ("code", "other"), ("text", words)];
    let given = browser.submit(&format!("{}/.leastway/justify", house.ehr()), &fields).await.unwrap();
    assert_eq!(given.status.as_u16(), 200, "{}", given.text());
    assert_eq!(told(&browser.open(&list(4)).await.unwrap()), (status, reason.to_owned()));
    let events = house.stop().await;
    let blocked: Vec<_> = events
        .iter()
        .filter_map(|event| event.closing.as_ref())
        .filter(|closing| closing.on_exceed == Some(OnExceed::Block))
        .map(|closing| closing.exceeded)
        .collect();
    let exceeded = Exceeded { limit: LimitName::RecordsPerResponseAtMost, allowed: 3, actual: 4 };
    assert_eq!(blocked, [Some(exceeded); 2]);
}

const LISTS: &str = r#"
[[application.ehr.route]]
name = "lists.people"
match = { path = "/l/*" }
action = "list"
category = ["demographics"]
reply = { kind = "csv" }
[[application.ehr.route.field]]
name = "who"
at = "column:Name"
identifies = true

[[application.ehr.route]]
name = "lists.file"
match = { path = "/f/*" }
action = "export"
category = ["demographics"]
reply = { kind = "csv" }
[[application.ehr.route.field]]
name = "who"
at = "column:Name"
identifies = true
"#;

fn list(records: usize, name: &str) -> String {
    format!("Name,Ward\n{}", format!("{name},3\n").repeat(records))
}

async fn house() -> House {
    House::furnish(Neighbors::Application(application().await), |directory| {
        append(&directory.root().join("applications/ehr.toml"), ROUTES);
        edit(
            &directory.root().join("roles.toml"),
            "categories = [\"demographics\", \"schedule\"]  # and no charts",
            "categories = [\"demographics\", \"schedule\"]\nwithhold = [\"ssn\"]",
        );
        edit(&directory.configuration(), "[gateway]\n", "[guard]\nhold = \"64KiB\"\n\n[gateway]\n");
    })
    .await
}

fn withheld(came: &Came) -> &str {
    came.headers.get("x-leastway-withheld").map_or("", |names| names.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_is_the_reply_without_what_the_role_may_not_see() {
    let house = house().await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let as_desk = [
            ("cookie", desk.as_str()),
            ("accept-encoding", "gzip, br, zstd"),
            ("if-none-match", "\"1\""),
            ("if-modified-since", "Mon, 02 Nov 2026 10:00:00 GMT"),
            ("range", "bytes=0-10"),
        ];
        for path in ["/w/json/plain", "/w/json/gzip", "/w/json/zstd"] {
            let came = line.ask(path, &as_desk).await;
            assert_eq!((came.status.as_u16(), came.text.as_str()), (200, DESK), "{path}");
            assert_eq!(withheld(&came), "hiv, ssn");
            assert_eq!(came.headers["cache-control"], "no-store");
            assert_eq!(came.headers["content-type"], "application/json");
            for gone in
                ["etag", "last-modified", "accept-ranges", "content-md5", "repr-digest", "content-encoding"]
            {
                assert!(!came.headers.contains_key(gone), "{path}: {gone}");
            }
            if let Some(length) = came.headers.get("content-length") {
                assert_eq!(length.to_str().unwrap(), DESK.len().to_string());
            }
        }
        let as_ward = [("cookie", ward.as_str())];
        let came = line.ask("/w/json/plain", &as_ward).await;
        assert_eq!((came.text.as_str(), withheld(&came)), (WARD, "hiv"), "another role, other fields");
        let head = line.by(Method::HEAD, "/w/json/plain", &as_desk, b"").await;
        assert_eq!((head.status.as_u16(), withheld(&head)), (200, "hiv, ssn"));
        assert!(!head.headers.contains_key("content-length") && !head.headers.contains_key("etag"));

        let rows = line.ask("/w/csv", &as_desk).await;
        assert_eq!((rows.text.as_str(), withheld(&rows)), ("MRN;Ssn\r\n1;\"[withheld]\"\r\n", "ssn"));
        let whole = line.ask("/w/csv", &[("cookie", ward.as_str())]).await;
        assert_eq!((whole.text.contains("123-45-6789"), withheld(&whole)), (true, ""));
        let bundle: Value = serde_json::from_str(&line.ask("/w/fhir", &as_desk).await.text).unwrap();
        let patient = &bundle["entry"][0]["resource"];
        assert_eq!(patient["id"], "1");
        assert!(patient.get("identifier").is_none() && patient.get("text").is_none(), "{patient}");
        assert_eq!(patient["meta"]["tag"][0]["code"], "SUBSETTED");
        assert_eq!(patient["meta"]["security"][0]["code"], "REDACTED");
        let page = line.ask("/w/page/plain", &as_desk).await;
        assert_eq!((page.text.as_str(), withheld(&page)), (DESK_PAGE, "ssn"));
        let page = line.ask("/w/page/plain", &as_ward).await;
        assert_eq!((page.text.as_str(), withheld(&page)), (PAGE, ""));
    }
    assert!(house.metric("leastway_replies_redacted_total").await >= 10);
    let events = house.stop().await;
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| Some((event.opening.route.as_ref()?.as_str(), event.closing.as_ref()?)))
        .filter(|(route, _)| *route == "withheld.json")
        .collect();
    let (_, first) = told.first().unwrap();
    let redacted = first.redacted.as_ref().unwrap();
    let names: Vec<_> = redacted.fields.iter().map(FieldName::as_str).collect();
    assert_eq!((names, redacted.values), (vec!["hiv", "ssn"], 3));
    assert_eq!(first.outcome, Outcome::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_redacted_does_not_pass() {
    let house = house().await;
    let (desk, ward) = (house.cookie_of("registrar").await, house.cookie_of("nurse").await);
    let session = [("cookie", desk.as_str()), ("accept", "application/json")];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        for path in ["half", "moved", "document", "strange"] {
            let came = line.ask(&format!("/w/json/{path}"), &session).await;
            assert_eq!((came.status.as_u16(), came.reason()), (403, "redaction-impossible"), "{path}");
            assert!(!came.text.contains("123-45"), "{path}: {}", came.text);
        }
        for path in ["moved", "ragged"] {
            let came = line.ask(&format!("/w/page/{path}"), &session).await;
            assert_eq!((came.status.as_u16(), came.reason()), (403, "redaction-impossible"), "{path}");
            assert!(!came.text.contains("123-45"), "{path}: {}", came.text);
        }
        let page = line.ask("/w/json/half", &[("cookie", desk.as_str()), ("accept", "text/html")]).await;
        assert!(page.text.contains("could not be taken out"), "{}", page.text);
        let wrong = line.ask("/w/json/wrong", &session).await;
        assert_eq!((wrong.status.as_u16(), wrong.text.as_str()), (500, ""), "it says that, and no more");

        let long = line.ask("/w/json/long", &session).await;
        assert_eq!((long.status.as_u16(), long.reason()), (403, "redaction-impossible"));
        assert!(!long.text.contains("123-45"), "{}", long.text);
        let (head, body) = line.begin("/w/json/long", &[("cookie", ward.as_str())]).await.into_parts();
        assert_eq!(head.status, 200, "more than memory can hold, and no number denies it");
        let body = read_bounded(body, 4 * 1024 * 1024).await;
        assert!(body.is_err(), "what is broken off never looks complete");
    }
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    let came = line.ask("/w/csv", &[("cookie", ward.as_str())]).await;
    assert_eq!(came.status, 200, "from whom nothing is withheld, it comes as it is");
    drop(line);
    let events = house.stop().await;
    let ends = |outcome: Outcome| {
        let closings = events.iter().filter_map(|event| event.closing.as_ref());
        closings
            .filter(|closing| {
                closing.reason == Some(Reason::RedactionImpossible) && closing.outcome == outcome
            })
            .count()
    };
    assert_eq!((ends(Outcome::Withheld), ends(Outcome::Aborted)), (16, 2));
}
