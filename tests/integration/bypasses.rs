//! The ways around a limit on exports that people have found elsewhere, each tried on an application that holds nothing
//! back: whatever is asked for, and however it comes, no more records arrive than the role may have.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use leastway::domain::event::Outcome;
use leastway::platform::http::coding::{Coding, Decoder};
use serde_json::json;
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Protocol};

/// What the application gives whoever asks, and how many the role may have in one reply.
const ALL: usize = 600;
const ALLOWED: usize = 100;

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
name = "r4.batch"
match = { method = ["POST"], path = "/r4" }
action = "view"
category = ["demographics"]
reply = { kind = "fhir" }
entries = "fhir"
"#;

/// One way around.
struct Attempt {
    name: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    status: u16,
    reason: &'static str,
}

fn get(name: &'static str, path: &str, status: u16, reason: &'static str) -> Attempt {
    let (headers, body) = (Vec::new(), Vec::new());
    Attempt { name, method: Method::GET, path: path.to_owned(), headers, body, status, reason }
}

fn post(name: &'static str, path: &str, body: &str, status: u16, reason: &'static str) -> Attempt {
    let headers = vec![("content-type", "application/json")];
    Attempt {
        method: Method::POST,
        body: body.as_bytes().to_vec(),
        headers,
        ..get(name, path, status, reason)
    }
}

impl Attempt {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

const TOO_MANY: &str = "export-over-request-limit";
const TOO_MANY_TO_SEE: &str = "records-over-response-limit";
const UNKNOWN: &str = "count-unknown";
const NOT_THERE: &str = "route-not-found";

fn attempts() -> Vec<Attempt> {
    let mut attempts = ways_to_encode();
    attempts.extend(ways_to_disguise());
    attempts.extend(ways_to_ask());
    attempts.extend(ways_to_spell());
    attempts
}

/// How it comes.
fn ways_to_encode() -> Vec<Attempt> {
    let mut attempts: Vec<_> = ["gzip", "deflate", "br", "zstd"]
        .into_iter()
        .map(|coding| {
            get("a coded body", &format!("/csv/{coding}"), 403, TOO_MANY)
                .with("accept-encoding", "gzip, deflate, br, zstd")
        })
        .collect();
    attempts.extend([
        get("in parts: Range", "/csv/plain", 403, TOO_MANY).with("range", "bytes=0-999"),
        get("in parts: a 206 that nobody asked for", "/csv/partial", 403, UNKNOWN),
        get("a coding that nobody knows", "/csv/unknown-coding", 403, UNKNOWN),
        get("two codings, one in the other", "/csv/twice", 403, UNKNOWN),
        get("UTF-16", "/csv/utf16", 403, TOO_MANY),
        get("semicolons", "/csv/semicolons", 403, TOO_MANY),
        get("tabs", "/csv/tabs", 403, TOO_MANY),
        get("line breaks in quotes", "/csv/quoted", 403, TOO_MANY),
        get("many pieces", "/csv/pieces", 403, TOO_MANY),
        get("a quote that never closes", "/csv/unclosed", 403, UNKNOWN),
        get("an error's status around it", "/csv/error", 403, TOO_MANY),
    ]);
    attempts
}

/// As what it comes.
fn ways_to_disguise() -> Vec<Attempt> {
    vec![
        get("a file where one only looks", "/screen/attachment", 403, UNKNOWN),
        get("text, shown inline", "/csv/inline", 403, TOO_MANY),
        get("a ZIP where one only looks", "/screen/zip", 403, UNKNOWN),
        get("a ZIP that is said to be a page", "/screen/zip-as-page", 403, UNKNOWN),
        get("a ZIP on a route for CSV", "/csv/zip", 403, UNKNOWN),
        get("a PDF where one only looks", "/screen/pdf", 403, UNKNOWN),
        get("the print view", "/print/all", 403, TOO_MANY),
        get("data for a script to make a file of", "/json/all", 403, TOO_MANY_TO_SEE),
        get("CSV where JSON was declared", "/json/csv", 403, UNKNOWN),
    ]
}

/// What is asked for.
fn ways_to_ask() -> Vec<Attempt> {
    let batch = |url: &str| {
        json!({ "resourceType": "Bundle", "type": "batch",
                "entry": [{ "request": { "method": "GET", "url": url } }] })
        .to_string()
    };
    vec![
        get("without a limit", "/finder?q=smith", 200, ""),
        get("without its partner", "/finder?q=smith&length=600", 200, ""),
        get("a negative limit", "/finder?q=smith&length=-1&start=0", 200, ""),
        get("a huge limit", "/finder?q=smith&length=99999999999999999999&start=0", 200, ""),
        get("two limits", "/finder?q=smith&length=10&length=600&start=0", 403, "page-size-rejected"),
        get("a wildcard", "/finder?q=%25&length=600&start=0", 403, "search-too-wide"),
        get("another wildcard", "/finder?q=*&length=600&start=0", 403, "search-too-wide"),
        post("mailed elsewhere", "/mail", r#"{"to":"me@elsewhere.example"}"#, 403, "destination-not-allowed"),
        get("reverse chaining", "/r4/Patient?_has:Observation:patient:code=1", 403, "join-not-allowed"),
        get("what else is included", "/r4/Patient?_revinclude=Observation:subject", 403, "join-not-allowed"),
        get("many at once", "/r4/Patient?_count=100000", 200, ""),
        post("in a batch", "/r4", &batch("Patient?_has:Observation:patient:code=1"), 403, "join-not-allowed")
            .with("accept", "application/fhir+json"),
        post("what no route is for, in a batch", "/r4", &batch("Observation"), 404, NOT_THERE),
        post("a search that is posted", "/r4/Patient/_search", "", 404, NOT_THERE),
        post(
            "GraphQL that nobody has declared",
            "/graphql",
            r#"{"query":"{patients{mrn}}"}"#,
            404,
            NOT_THERE,
        ),
        get("a file on the server, from another address", "/files/export.csv", 404, NOT_THERE),
        post("a definition of a report", "/reports/definitions", "{}", 404, NOT_THERE),
        get("events of the server", "/stream", 404, NOT_THERE).with("accept", "text/event-stream"),
        get("another method by header", "/csv/plain", 403, TOO_MANY).with("x-http-method-override", "GET"),
        get("a format by header", "/json/all", 403, TOO_MANY_TO_SEE).with("accept", "text/csv"),
    ]
}

/// How it is spelled.
fn ways_to_spell() -> Vec<Attempt> {
    vec![
        get("two slashes", "//csv/plain", 400, "path-rejected"),
        get("a slash in code", "/csv%2fplain", 400, "path-rejected"),
        get("dots", "/screen/../csv/plain", 400, "path-rejected"),
        get("dots in code", "/screen/%2e%2e/csv/plain", 400, "path-rejected"),
        get("dots and a semicolon", "/screen/..;/csv/plain", 400, "path-rejected"),
        get("a backslash", "/screen/..%5ccsv/plain", 400, "path-rejected"),
        get("a style sheet's name", "/finder/x.css?q=smith", 404, NOT_THERE),
        get("a dot at the end", "/finder.?q=smith", 400, "path-rejected"),
        get("a NUL", "/csv/plain%00.css", 400, "path-rejected"),
    ]
}

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

async fn house() -> House {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(give)).await.unwrap() });
    House::furnish(Neighbors::Application(address), |directory| {
        let roles = directory.root().join("roles.toml");
        edit(
            &roles,
            "records_per_export = 500\nexports_per_day = 5",
            "records_per_export = 100\nexports_per_day = 1000",
        );
        let file = directory.root().join("applications/ehr.toml");
        append(&file, ROUTES);
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_around_brings_more_than_is_allowed_and_each_leaves_its_event() {
    let house = house().await;
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

/// What is asked for by the last part of the path, all of it.
async fn give(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let rows = || (0..ALL).map(|row| format!("MRN-{row:06}"));
    let csv = |between: char| {
        let lines = rows().map(|mrn| format!("{mrn}{between}name{between}ward\n"));
        let head = format!("MRN{between}Name{between}Ward\n");
        std::iter::once(head).chain(lines).collect::<Vec<_>>().concat().into_bytes()
    };
    let plain = csv(',');
    let (kind, body): (&'static str, Vec<u8>) = match path.rsplit('/').next().unwrap_or_default() {
        "gzip" => return coded("gzip", gzip(&plain)),
        "deflate" => return coded("deflate", zlib(&plain)),
        "br" => return coded("br", brotli(&plain)),
        "zstd" => return coded("zstd", zstd::encode_all(&plain[..], 3).unwrap()),
        "twice" => return coded("gzip, gzip", gzip(&gzip(&plain))),
        "unknown-coding" => return coded("compress", plain),
        "partial" => {
            let range = HeaderValue::from_static("bytes 0-999/99999");
            return (
                StatusCode::PARTIAL_CONTENT,
                [(CONTENT_TYPE, HeaderValue::from_static("text/csv")), (CONTENT_RANGE, range)],
                plain,
            )
                .into_response();
        }
        "error" => {
            return (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/csv")], plain).into_response();
        }
        "attachment" => {
            let head =
                [(CONTENT_TYPE, "text/csv"), (CONTENT_DISPOSITION, "attachment; filename=\"all.csv\"")];
            return (head, plain).into_response();
        }
        "pieces" => {
            let pieces: Vec<_> =
                plain.chunks(7).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece))).collect();
            let head = [(CONTENT_TYPE, "text/csv"), (http::header::TRAILER, "x-rows")];
            return (head, Body::from_stream(futures_util::stream::iter(pieces))).into_response();
        }
        "utf16" => {
            let text = String::from_utf8(plain).unwrap();
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            ("text/csv; charset=utf-16le", [0xFF, 0xFE].into_iter().chain(units).collect())
        }
        "semicolons" => ("text/csv", csv(';')),
        "tabs" => ("text/csv", csv('\t')),
        "quoted" => {
            let lines: Vec<_> = rows().map(|mrn| format!("\"{mrn}\",\"a\nb\"\n")).collect();
            ("text/csv", format!("MRN,Name\n{}", lines.concat()).into_bytes())
        }
        "unclosed" => ("text/csv", [&b"MRN,Name\n\""[..], &plain].concat()),
        "inline" => ("text/plain", plain),
        "zip" => ("application/zip", zipped(&plain)),
        "zip-as-page" => ("text/html", zipped(&plain)),
        "pdf" => ("text/html", [&b"%PDF-1.7\n"[..], &plain].concat()),
        "csv" => ("application/json", plain),
        _ if path.starts_with("/print") => {
            let lines: Vec<_> = rows().map(|mrn| format!("<tr><td>{mrn}<td>name")).collect();
            ("text/html", format!("<table><tbody>{}</table>", lines.concat()).into_bytes())
        }
        _ if path.starts_with("/csv") => ("text/csv", plain),
        _ if path == "/r4/Patient" => ("application/fhir+json", bundle(number(&query, "_count"))),
        _ => ("application/json", page(number(&query, "length").filter(|_| query.contains("start=")))),
    };
    ([(CONTENT_TYPE, kind)], body).into_response()
}

/// The number of this parameter, as the application reads it: the last one counts.
fn number(query: &str, name: &str) -> Option<usize> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(key, _)| key == name).last().and_then(|(_, value)| value.parse().ok())
}

fn page(length: Option<usize>) -> Vec<u8> {
    let rows: Vec<_> =
        (0..length.unwrap_or(ALL).min(ALL)).map(|row| json!({ "mrn": format!("MRN-{row:06}") })).collect();
    json!({ "rows": rows }).to_string().into_bytes()
}

fn bundle(count: Option<usize>) -> Vec<u8> {
    let entry = |row| json!({ "resource": { "resourceType": "Patient", "id": format!("MRN-{row:06}") }, "search": { "mode": "match" } });
    let entries: Vec<_> = (0..count.unwrap_or(ALL).min(ALL)).map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries }).to_string().into_bytes()
}

fn coded(coding: &'static str, body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "text/csv"), (CONTENT_ENCODING, coding)], body).into_response()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("all.csv", options).unwrap();
    archive.write_all(bytes).unwrap();
    archive.finish().unwrap().into_inner()
}

/// Brotli without compression: blocks of stored bytes (RFC 7932 section 9.2), the window's bit before the first.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (number, block) in bytes.chunks(0x8000).enumerate() {
        let header = u32::try_from(block.len() - 1).unwrap() << 3 | 1 << 19;
        encoded.extend_from_slice(&(header << u32::from(number == 0)).to_le_bytes()[..3]);
        encoded.extend_from_slice(block);
    }
    encoded.push(3);
    encoded
}
