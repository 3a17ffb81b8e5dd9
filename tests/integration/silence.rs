//! Applications that fall silent in the middle of a reply, and those that are silent by nature.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use leastway::domain::event::Event;
use leastway::domain::event::Outcome;
use leastway::domain::reason::Reason;
use leastway::platform::http::body::read_bounded;
use tokio::net::TcpListener;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Line, Protocol, connect};

const ROUTES: &str = r#"
[[application.ehr.route]]
name = "open"
match = { path = "/open/**" }
action = "view"
access = "public"

[[application.ehr.route]]
name = "patient"
match = { path = "/patient/**" }
action = "view"
access = "public"
reply_timeout = "30s"
reply_idle = "30s"
"#;

/// Longer than a reply may be silent, and shorter than a route says that one may be.
const SILENT: Duration = Duration::from_millis(4500);

/// An application that sends a few bytes, is silent, and sends some more.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = async |body: Bytes| body.len().to_string();
    let router = Router::new()
        .route("/open/head", get(async || pausing(&[], "text/html")))
        .route("/open/piece", get(async || pausing(&["<p>"], "text/html")))
        .route("/open/events", get(async || pausing(&["data: 1\n\n"], "text/event-stream")))
        .route("/patient/piece", get(async || pausing(&["<p>"], "text/html")))
        .route("/reports/patients", get(async || pausing(&["MRN\n", "100001\n"], "text/csv")))
        .route("/", get(async || "home"))
        .route("/open/late", get(late))
        .route("/patient/late", get(late))
        .route("/open/upload", post(taken));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn pausing(first: &'static [&'static str], media_type: &'static str) -> Response {
    let first = futures_util::stream::iter(first.iter().map(|text| Bytes::from_static(text.as_bytes())));
    let last = futures_util::stream::once(async {
        tokio::time::sleep(SILENT).await;
        Bytes::from_static(b"the end")
    });
    let body = Body::from_stream(first.chain(last).map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, media_type)], body).into_response()
}

async fn late() -> &'static str {
    tokio::time::sleep(SILENT).await;
    "the end"
}

async fn furnished() -> House {
    House::furnish(Neighbors::Application(application().await), |directory| {
        let ehr = directory.root().join("applications/ehr.toml");
        edit(
            &ehr,
            "provider = \"clinic\"",
            "provider = \"clinic\"\nreply_timeout = \"2s\"\nreply_idle = \"2s\"",
        );
        append(&ehr, ROUTES);
    })
    .await
}

/// The text of a reply as far as it came, and whether it came to its end.
async fn read(line: &mut Line, path: &str) -> (String, bool) {
    let reply = line.begin(path, &[]).await;
    assert_eq!(reply.status(), 200, "{path}");
    let (mut body, mut text) = (reply.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => text.extend_from_slice(&frame.into_data().unwrap()),
            Err(_) => return (String::from_utf8(text).unwrap(), false),
        }
    }
    (String::from_utf8(text).unwrap(), true)
}

fn ended(events: &[Event], method: &str) -> Vec<(Outcome, Option<Reason>)> {
    let of_method = events.iter().filter(|event| event.opening.method.as_deref() == Some(method));
    let closings = of_method.filter_map(|event| event.closing.as_ref());
    closings.filter(|closing| closing.reason.is_some()).map(|it| (it.outcome, it.reason)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_that_stalls_is_cut_and_one_that_may_be_silent_is_not() {
    let house = furnished().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (path, came) in [("/open/head", ""), ("/open/piece", "<p>")] {
            let mut line = house.line("ehr.localhost", protocol).await;
            let since = Instant::now();
            assert_eq!(read(&mut line, path).await, (came.to_owned(), false), "{path}");
            let took = since.elapsed();
            assert!((Duration::from_secs(2)..SILENT).contains(&took), "{path}: {took:?}");
        }
        let mut line = house.line("ehr.localhost", protocol).await;
        assert_eq!(read(&mut line, "/patient/piece").await, ("<p>the end".to_owned(), true));
        assert_eq!(read(&mut line, "/open/events").await, ("data: 1\n\nthe end".to_owned(), true));
    }
    let events = house.stop().await;
    assert_eq!(ended(&events, "GET"), [(Outcome::Aborted, Some(Reason::UpstreamTimeout)); 4]);
    let bytes = events.iter().filter_map(|event| event.closing.as_ref()).filter(|it| it.reason.is_some());
    assert_eq!(bytes.map(|closing| closing.bytes_out).collect::<Vec<_>>(), [0, 3, 0, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_stalls_while_it_is_counted_is_told_of() {
    let house = furnished().await;
    let cookie = house.cookie_of("registrar").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let session = [("cookie", cookie.as_str()), ("accept", "application/json")];
    let came = line.ask("/reports/patients?export=csv", &session).await;
    assert_eq!((came.status.as_u16(), came.reason()), (504, "upstream-timeout"));
    assert!(!came.text.contains("MRN"), "{}", came.text);
    drop(line);
    let events = house.stop().await;
    assert_eq!(ended(&events, "GET").last(), Some(&(Outcome::Failed, Some(Reason::UpstreamTimeout))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_says_how_long_its_poll_may_take() {
    let house = furnished().await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let came = line.ask("/open/late", &[("accept", "application/json")]).await;
    assert_eq!((came.status.as_u16(), came.reason()), (504, "upstream-timeout"));
    let came = line.ask("/patient/late", &[]).await;
    assert_eq!((came.status.as_u16(), came.text.as_str()), (200, "the end"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_may_take_longer_than_its_reply() {
    let house = furnished().await;
    let pieces = futures_util::stream::unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        (sent < 8).then(|| (Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; 1024]))), sent + 1))
    });
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let io = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/open/upload")
        .header("host", format!("ehr.localhost:{}", house.ports.gateway))
        .body(StreamBody::new(Box::pin(pieces)))
        .unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(read_bounded(reply.into_body(), 1024).await.unwrap(), "8192");
    house.stop().await;
}
