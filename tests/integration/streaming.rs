//! What streams is not held up, what is large is not kept, and odd replies are carried as they are meant.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use leastway::domain::event::Outcome;
use leastway::domain::reason::Reason;
use leastway::platform::http::body::read_bounded;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::client::TlsStream;

use crate::alone::is_alone;
use crate::framing::OPEN;
use crate::house::{House, Neighbors, append};
use crate::line::{Protocol, connect};

const LARGE: u64 = 200 * 1024 * 1024;
const PIECE: usize = 64 * 1024;
static FILL: [u8; PIECE] = [7; PIECE];
/// What sockets, TLS and HTTP/2 may hold between both ends.
const BETWEEN: u64 = 24 * 1024 * 1024;
/// What the whole process, both ends included, may grow by while it carries [`LARGE`].
const GROWS: u64 = 64 * 1024 * 1024;

/// An application whose connections are each served by a few lines.
async fn application<F, S>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, serve) = (listener.local_addr().unwrap(), Arc::new(serve));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let serve = serve.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                serve(stream, String::from_utf8(head).unwrap()).await;
            });
        }
    });
    address
}

async fn furnished(application: SocketAddr) -> House {
    House::furnish(Neighbors::Application(application), |directory| {
        append(&directory.root().join("applications/ehr.toml"), OPEN);
    })
    .await
}

/// Sends bytes one after the other, and gives what comes back after each, as soon as it comes.
async fn raw(house: &House) -> TlsStream<TcpStream> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_stream_that_ends_by_closing_comes_event_by_event() {
    let next = Arc::new(Notify::new());
    let told = next.clone();
    let address = application(move |mut stream, _| {
        let next = next.clone();
        async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await.unwrap();
            for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
                stream.write_all(event.as_bytes()).await.unwrap();
                next.notified().await;
            }
        }
    })
    .await;
    let house = furnished(address).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let mut body = line.begin("/open/events", &[("accept", "text/event-stream")]).await.into_body();
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
            assert_eq!(frame.unwrap().unwrap().unwrap().into_data().unwrap(), event, "at once");
            // Only now is there another.
            told.notify_one();
        }
        assert!(read_bounded(body, 1024).await.unwrap().is_empty());
    }
    let events = house.stop().await;
    let outcomes: Vec<_> = events
        .iter()
        .filter(|event| event.opening.route.as_ref().is_some_and(|route| route.as_str() == "open"))
        .map(|event| event.closing.as_ref().map(|closing| (closing.outcome, closing.bytes_out)))
        .collect();
    assert_eq!(outcomes, [Some((Outcome::Completed, 27)); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_off_at_once_has_come_as_far_as_it_came() {
    const ROUNDS: usize = 50;
    let address = application(|mut stream, head| async move {
        let sent = if head.starts_with("GET /open/head") { 0 } else { 20_000 };
        let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: 30000\r\n\r\n{}", "x".repeat(sent));
        stream.write_all(reply.as_bytes()).await.unwrap();
    })
    .await;
    let house = furnished(address).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for round in 0..ROUNDS {
            let path = if round % 2 == 0 { "/open/head" } else { "/open/some" };
            let mut line = house.line("ehr.localhost", protocol).await;
            let reply = line.begin(path, &[]).await;
            assert_eq!(reply.status(), 200, "{protocol:?}, {path}");
            assert!(
                read_bounded(reply.into_body(), 64 * 1024).await.is_err(),
                "{protocol:?}, {path}: no short file"
            );
        }
    }
    let events = house.stop().await;
    let broken = events.iter().filter_map(|event| event.closing.as_ref()).filter(|closing| {
        closing.outcome == Outcome::Aborted && closing.reason == Some(Reason::UpstreamAborted)
    });
    assert_eq!(broken.count(), 2 * ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_replies_are_carried_as_they_are_meant() {
    let address = application(|mut stream, head| async move {
        let path = head.split(' ').nth(1).unwrap();
        let reply = match path {
            "/open/hints" => {
                "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                 HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
            }
            "/open/head" => "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n",
            "/open/gone" => "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\n",
            "/open/empty" => "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
            "/open/same" => "HTTP/1.1 304 Not Modified\r\ncontent-length: 777\r\netag: \"1\"\r\n\r\n",
            "/open/named" => {
                "HTTP/1.1 200 OK\r\ncontent-disposition: attachment; filename=\"a\\\";b.txt\"; filename*=UTF-8''%c3%b1\r\n\
                 content-length: 2\r\n\r\nok"
            }
            _ => "HTTP/1.0 200 OK\r\n\r\nok",
        };
        stream.write_all(reply.as_bytes()).await.unwrap();
    })
    .await;
    let house = furnished(address).await;
    let cases = [
        ("GET", "hints", 200, Some("2"), "ok"),
        ("HEAD", "head", 200, Some("12345"), ""),
        ("HEAD", "gone", 404, Some("9"), ""),
        ("GET", "empty", 204, None, ""),
        ("GET", "same", 304, None, ""),
        ("GET", "named", 200, Some("2"), "ok"),
        ("GET", "old", 200, None, "ok"),
    ];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let authority = std::fs::read(house.directory.authority()).unwrap();
        for (method, path, status, length, text) in cases {
            let url = format!("https://ehr.localhost:{}/open/{path}", house.ports.gateway);
            let request = Request::builder().method(method);
            let reply = match protocol {
                Protocol::Http1 => {
                    let io = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
                    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
                    tokio::spawn(connection);
                    let host = format!("ehr.localhost:{}", house.ports.gateway);
                    let request = request.uri(format!("/open/{path}")).header("host", host);
                    sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
                }
                Protocol::Http2 => {
                    let io = connect(&authority, "ehr.localhost", house.ports.gateway, b"h2").await;
                    let (mut sender, connection) =
                        http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
                    tokio::spawn(connection);
                    sender.send_request(request.uri(url).body(Empty::<Bytes>::new()).unwrap()).await.unwrap()
                }
            };
            assert_eq!(reply.status(), status, "{method} {path}");
            let came =
                reply.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned());
            assert_eq!(came.as_deref(), length, "{method} {path}");
            if path == "named" {
                let name = reply.headers()["content-disposition"].to_str().unwrap();
                assert_eq!(name, "attachment; filename=\"a\\\";b.txt\"; filename*=UTF-8''%c3%b1");
            }
            assert_eq!(read_bounded(reply.into_body(), 64 * 1024).await.unwrap(), text, "{method} {path}");
        }
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_asked_for_where_it_may_pass_and_nowhere_else() {
    let address = application(|mut stream, head| async move {
        assert!(head.to_ascii_lowercase().contains("content-length: 5\r\n"), "{head}");
        let mut body = [0; 5];
        stream.read_exact(&mut body).await.unwrap();
        assert_eq!(&body, b"hello");
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    let house = furnished(address).await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: ehr.localhost:{}\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\
             connection: close\r\n\r\n",
            house.ports.gateway
        )
    };
    let mut stream = raw(&house).await;
    stream.write_all(head("/open/a").as_bytes()).await.unwrap();
    let mut came = vec![0; 25];
    stream.read_exact(&mut came).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&came), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    came.clear();
    let _ended = stream.read_to_end(&mut came).await;
    assert!(came.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&came));

    let mut stream = raw(&house).await;
    stream.write_all(head("/patients/100001/notes").as_bytes()).await.unwrap();
    came.clear();
    let _ended = stream.read_to_end(&mut came).await;
    let text = String::from_utf8_lossy(&came);
    assert!(text.starts_with("HTTP/1.1 401 "), "nobody is asked for what will not pass: {text}");
    house.stop().await;
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_download_waits_for_its_reader_and_is_not_kept() {
    if !is_alone("streaming::a_large_download_waits_for_its_reader_and_is_not_kept") {
        return;
    }
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let address = application(move |mut stream, _| {
        let counted = counted.clone();
        async move {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            while counted.load(Ordering::Relaxed) < LARGE {
                stream.write_all(&FILL).await.unwrap();
                counted.fetch_add(PIECE as u64, Ordering::Relaxed);
            }
        }
    })
    .await;
    let house = furnished(address).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        sent.store(0, Ordering::Relaxed);
        let before = resident();
        let mut line = house.line("ehr.localhost", protocol).await;
        let mut body = line.begin("/open/large", &[]).await.into_body();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ahead = sent.load(Ordering::Relaxed);
        assert!(ahead < BETWEEN, "{ahead} bytes were taken for somebody who does not read");
        let (mut came, mut most) = (0, 0);
        while let Some(frame) = body.frame().await {
            came += frame.unwrap().into_data().unwrap().len() as u64;
            most = most.max(resident());
        }
        assert_eq!(came, LARGE);
        let grown = most.saturating_sub(before);
        assert!(grown < GROWS, "grew by {grown} bytes");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_waits_for_the_application_and_is_not_kept() {
    if !is_alone("streaming::a_large_upload_waits_for_the_application_and_is_not_kept") {
        return;
    }
    let go_on = Arc::new(Notify::new());
    let told = go_on.clone();
    let address = application(move |mut stream, head| {
        let go_on = go_on.clone();
        async move {
            assert!(head.to_ascii_lowercase().contains(&format!("content-length: {LARGE}\r\n")), "{head}");
            go_on.notified().await;
            let (mut rest, mut piece) = (LARGE, vec![0; PIECE]);
            while rest > 0 {
                rest -= stream.read(&mut piece).await.unwrap() as u64;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    let house = furnished(address).await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let given = Arc::new(AtomicU64::new(0));
        let counted = given.clone();
        let pieces = futures_util::stream::unfold(0, move |sent| {
            let counted = counted.clone();
            async move {
                if sent == LARGE {
                    return None;
                }
                counted.fetch_add(PIECE as u64, Ordering::Relaxed);
                let piece = Ok::<_, Infallible>(Frame::data(Bytes::from_static(&FILL)));
                Some((piece, sent + PIECE as u64))
            }
        });
        let body = StreamBody::new(Box::pin(pieces));
        let host = format!("ehr.localhost:{}", house.ports.gateway);
        let request = Request::post("/open/large").header("content-length", LARGE);
        let before = resident();
        let reply = match protocol {
            Protocol::Http1 => {
                let io = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
                let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.unwrap();
                tokio::spawn(connection);
                tokio::spawn(sender.send_request(request.header("host", host).body(body).unwrap()))
            }
            Protocol::Http2 => {
                let io = connect(&authority, "ehr.localhost", house.ports.gateway, b"h2").await;
                let (mut sender, connection) =
                    http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await.unwrap();
                tokio::spawn(connection);
                let url = format!("https://{host}/open/large");
                tokio::spawn(sender.send_request(request.uri(url).body(body).unwrap()))
            }
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        let ahead = given.load(Ordering::Relaxed);
        assert!(ahead < BETWEEN, "{ahead} bytes were taken for an application that does not read");
        told.notify_one();
        assert_eq!(reply.await.unwrap().unwrap().status(), 200);
        assert_eq!(given.load(Ordering::Relaxed), LARGE);
        let grown = resident().saturating_sub(before);
        assert!(grown < GROWS, "grew by {grown} bytes");
    }
    house.stop().await;
}
