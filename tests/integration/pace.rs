//! Callers that are slow, or say much and ask nothing.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use leastway::domain::event::{EventKind, Outcome};
use leastway::domain::reason::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Protocol, connect};

async fn house(limits: &str) -> House {
    let lines = format!("[gateway.limits]\n{limits}");
    House::furnish(Neighbors::All, |directory| {
        let main = directory.configuration();
        edit(&main, "trusted_proxies", "head_timeout = \"2s\"\ntrusted_proxies");
        append(&main, &lines);
    })
    .await
}

async fn socket(house: &House, protocol: &[u8]) -> TlsStream<TcpStream> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    connect(&authority, "ehr.localhost", house.ports.gateway, protocol).await
}

/// How long it takes until the other end has closed, and what came before.
async fn closed(stream: &mut TlsStream<TcpStream>) -> (Duration, Vec<u8>) {
    let (since, mut came) = (Instant::now(), Vec::new());
    let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut came)).await;
    assert!(ended.is_ok(), "it stays open");
    (since.elapsed(), came)
}

fn seconds(range: std::ops::Range<u64>) -> std::ops::Range<Duration> {
    Duration::from_secs(range.start)..Duration::from_secs(range.end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_has_to_come_in_time_and_a_connection_may_not_stand_idle_for_ever() {
    let house = house("idle = \"6s\"").await;
    let request = format!("GET /static/a.css HTTP/1.1\r\nhost: ehr.localhost:{}\r\n", house.ports.gateway);

    let mut silent = socket(&house, b"http/1.1").await;
    let mut halting = socket(&house, b"http/1.1").await;
    let mut idle = socket(&house, b"http/1.1").await;
    let mut http2 = socket(&house, b"h2").await;
    halting.write_all(request.as_bytes()).await.unwrap();
    idle.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    http2.write_all(&preface()).await.unwrap();
    let dripping = async {
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if halting.write_all(b"x").await.is_err() {
                break;
            }
        }
        closed(&mut halting).await
    };
    let since = Instant::now();
    let dripped = async {
        dripping.await;
        since.elapsed()
    };
    let (silent, dripped, idle, http2) =
        tokio::join!(closed(&mut silent), dripped, closed(&mut idle), closed(&mut http2));
    assert!(seconds(1..4).contains(&silent.0), "{silent:?}");
    assert!(seconds(1..8).contains(&dripped), "{dripped:?}");
    assert!(seconds(5..10).contains(&idle.0) && idle.1.starts_with(b"HTTP/1.1 200"), "{idle:?}");
    assert!(seconds(5..13).contains(&http2.0), "{http2:?}");
    assert_eq!(house.metric("leastway_connections_cut_total").await, 2);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_its_reply_is_cut_and_the_event_says_so() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let house = house("unread = \"5s\"").await;
        let mut line = house.line("ehr.localhost", protocol).await;
        let mut body = line.begin("/static/flood", &[]).await.into_body();
        // As long as it reads, it may go on.
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(8) {
            assert!(body.frame().await.unwrap().is_ok());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let since = Instant::now();
        while house.metric("leastway_connections_cut_total").await == 0 {
            assert!(since.elapsed() < Duration::from_secs(20), "it is not cut");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // What lies in the buffers of the kernel counts as not taken.
        assert!(since.elapsed() > Duration::from_secs(2), "{:?}", since.elapsed());
        drop((line, body));
        let events = house.stop().await;
        let closings = events.iter().filter_map(|event| event.closing.as_ref());
        let closing = closings.max_by_key(|closing| closing.bytes_out).unwrap();
        assert_eq!((closing.outcome, closing.reason), (Outcome::Aborted, Some(Reason::RequestTimeout)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_not_late_that_waits_for_its_caller() {
    let house = House::furnish(Neighbors::All, |directory| {
        append(&directory.configuration(), "[gateway.limits]\nbody_rate = \"1KiB\"\nbody_grace = \"3s\"");
        let ehr = directory.root().join("applications/ehr.toml");
        edit(&ehr, "provider = \"clinic\"", "provider = \"clinic\"\nreply_timeout = \"1s\"");
    })
    .await;
    let nurse = house.cookie_of("nurse").await;
    let host = format!("ehr.localhost:{}", house.ports.gateway);
    let head = format!(
        "POST /patients/100001/notes HTTP/1.1\r\nhost: {host}\r\ncookie: {nurse}\r\norigin: https://{host}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let mut stream = socket(&house, b"http/1.1").await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let (_, came) = closed(&mut stream).await;
    let came = String::from_utf8_lossy(&came);
    assert!(came.starts_with("HTTP/1.1 408") && came.contains("request-timeout"), "{came}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_refused_where_it_is_read_and_where_it_is_forwarded() {
    let house = house("body_rate = \"1KiB\"\nbody_grace = \"1s\"").await;
    let nurse = house.cookie_of("nurse").await;
    let host = format!("host: ehr.localhost:{}\r\ncookie: {nurse}", house.ports.gateway);
    let origin = format!("origin: https://ehr.localhost:{}", house.ports.gateway);
    for path in ["/.leastway/justify", "/patients/100001/notes"] {
        let head =
            format!("POST {path} HTTP/1.1\r\n{host}\r\n{origin}\r\ncontent-type: application/json\r\n");
        let mut stream = socket(&house, b"http/1.1").await;
        stream.write_all(format!("{head}content-length: 100\r\n\r\n{{").as_bytes()).await.unwrap();
        let (took, came) = closed(&mut stream).await;
        let came = String::from_utf8_lossy(&came);
        assert!(came.starts_with("HTTP/1.1 408"), "{path}: {came}");
        assert!(came.contains("request-timeout"), "{came}");
        assert!(seconds(0..6).contains(&took), "{took:?}");
    }
    let events = house.stop().await;
    let closings = events.iter().filter_map(|event| event.closing.as_ref());
    assert_eq!(closings.filter(|closing| closing.reason == Some(Reason::RequestTimeout)).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_token_that_drips_is_told_to_be_slow_and_not_to_be_wrong() {
    let house = house("body_rate = \"1KiB\"\nbody_grace = \"1s\"").await;
    let head = format!(
        "POST /.leastway/back-channel-logout HTTP/1.1\r\nhost: ehr.localhost:{}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nlogout_token=a",
        house.ports.gateway
    );
    let mut stream = socket(&house, b"http/1.1").await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let (took, came) = closed(&mut stream).await;
    let came = String::from_utf8_lossy(&came);
    assert!(came.starts_with("HTTP/1.1 408") && came.contains("request-timeout"), "{came}");
    assert!(seconds(0..6).contains(&took), "{took:?}");
    let events = house.stop().await;
    let posted = events.iter().find(|event| event.opening.kind == EventKind::Authentication).unwrap();
    let closing = posted.closing.as_ref().unwrap();
    assert_eq!((closing.outcome, closing.reason), (Outcome::Aborted, Some(Reason::RequestTimeout)));
    assert!(!posted.opening.reasons.contains(&Reason::LogoutTokenInvalid));
}

fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(0x4, 0, 0, &[])].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![high, middle, low, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `:method: GET`, `:scheme: https`, `:path: /` of the static table (RFC 7541 appendix A), and a host.
const HEAD: &[u8] = b"\x82\x87\x84\x41\x0dehr.localhost";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_end_their_connection() {
    let house = house("control_frames = \"200/1h\"\nresets = 20").await;
    let floods: [(&str, Vec<u8>); 6] = [
        ("PING", frame(0x6, 0, 0, &[0; 8]).repeat(1000)),
        ("SETTINGS", frame(0x4, 0, 0, &[]).repeat(1000)),
        ("PRIORITY", frame(0x2, 0, 1, &[0, 0, 0, 0, 1]).repeat(1000)),
        ("empty DATA", [frame(0x1, 4, 1, HEAD), frame(0x0, 0, 1, &[]).repeat(1000)].concat()),
        (
            "resets",
            (0..500)
                .flat_map(|n| {
                    [frame(0x1, 5, 2 * n + 1, HEAD), frame(0x3, 0, 2 * n + 1, &[0, 0, 0, 8])].concat()
                })
                .collect(),
        ),
        ("CONTINUATION", [frame(0x1, 0, 1, HEAD), frame(0x9, 0, 1, &[0; 64]).repeat(3000)].concat()),
    ];
    for (name, flood) in floods {
        let mut stream = socket(&house, b"h2").await;
        let sent = async {
            stream.write_all(&preface()).await?;
            stream.write_all(&flood).await
        };
        // It may be ended before all of it was sent.
        let sent = sent.await;
        let (took, _) = closed(&mut stream).await;
        assert!(took < Duration::from_secs(5), "{name}: {sent:?} {took:?}");
    }
    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    assert_eq!(line.ask("/static/a.css", &[]).await.status, 200);
    house.stop().await;
}
