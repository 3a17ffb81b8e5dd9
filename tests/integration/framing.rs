//! Hostile requests, octet by octet, over TLS: each is answered or its connection closed, what is put
//! behind it is never served, and the application sees one request for each that was let pass.

use std::time::Duration;

use leastway::domain::event::{EventKind, Outcome, Verdict};
use leastway::domain::reason::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::{House, Neighbors, append};
use crate::line::connect;
use crate::recorder::Recorder;

/// A route for everybody that takes any body.
pub(crate) const OPEN: &str = r#"
[[application.ehr.route]]
name = "open"
match = { path = "/open/**" }
action = "view"
access = "public"
"#;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is answered with this, nothing reaches the application, and nothing behind it is served.
    Refused(u16),
    /// It is answered with this; it has an end that nobody doubts, and what is behind it is served.
    Told(u16),
    /// It reaches the application, once, and so does what is behind it.
    Passes,
    /// Its head is right, and its body breaks: no reply says that all went well.
    Breaks,
}
use Fate::{Breaks, Passes, Refused, Told};

struct Case {
    name: &'static str,
    fate: Fate,
    bytes: Vec<u8>,
}

/// `HOST` stands for the host and port.
fn case(name: &'static str, fate: Fate, text: &str) -> Case {
    Case { name, fate, bytes: text.as_bytes().to_vec() }
}

fn post(name: &'static str, fate: Fate, headers: &str, body: &str) -> Case {
    case(name, fate, &format!("POST /open/a HTTP/1.1\r\nhost: HOST\r\n{headers}\r\n{body}"))
}

fn get(name: &'static str, fate: Fate, headers: &str) -> Case {
    case(name, fate, &format!("GET /open/a HTTP/1.1\r\nhost: HOST\r\n{headers}\r\n"))
}

fn lengths() -> Vec<Case> {
    const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";
    vec![
        post("a length", Passes, "content-length: 5\r\n", "hello"),
        post("a length with blanks around", Passes, "content-length: \t5 \r\n", "hello"),
        post("chunks", Passes, "transfer-encoding: chunked\r\n", CHUNKS),
        post("chunks, another spelling", Passes, "Transfer-Encoding: CHUNKED\r\n", CHUNKS),
        post(
            "length, then chunks",
            Refused(400),
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            CHUNKS,
        ),
        post(
            "chunks, then length",
            Refused(400),
            "transfer-encoding: chunked\r\ncontent-length: 15\r\n",
            CHUNKS,
        ),
        post("the same length twice", Refused(400), "content-length: 5\r\ncontent-length: 5\r\n", "hello"),
        post("two lengths", Refused(400), "content-length: 5\r\ncontent-length: 0\r\n", "hello"),
        post("a list of lengths", Refused(400), "content-length: 5, 5\r\n", "hello"),
        post("a sign", Refused(400), "content-length: +5\r\n", "hello"),
        post("less than none", Refused(400), "content-length: -1\r\n", "hello"),
        post("hexadecimal", Refused(400), "content-length: 0x5\r\n", "hello"),
        post("blanks within", Refused(400), "content-length: 5 5\r\n", "hello"),
        post("no number", Refused(400), "content-length:\r\n", "hello"),
        post("more than fits", Refused(400), "content-length: 99999999999999999999\r\n", "hello"),
        post("chunked, identity", Refused(400), "transfer-encoding: chunked, identity\r\n", CHUNKS),
        post("identity, chunked", Refused(400), "transfer-encoding: identity, chunked\r\n", CHUNKS),
        post("gzip, chunked", Refused(400), "transfer-encoding: gzip, chunked\r\n", CHUNKS),
        post("chunked twice", Refused(400), "transfer-encoding: chunked, chunked\r\n", CHUNKS),
        post(
            "two codings",
            Refused(400),
            "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
            CHUNKS,
        ),
        post(
            "the same coding twice",
            Refused(400),
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            CHUNKS,
        ),
        post("identity", Refused(400), "transfer-encoding: identity\r\ncontent-length: 5\r\n", "hello"),
        post("something like chunked", Refused(400), "transfer-encoding: xchunked\r\n", CHUNKS),
        post("a vertical tab", Refused(400), "transfer-encoding: \x0bchunked\r\n", CHUNKS),
        post("quoted", Refused(400), "transfer-encoding: \"chunked\"\r\n", CHUNKS),
        post(
            "an underscore is another header",
            Passes,
            "transfer_encoding: chunked\r\ncontent-length: 5\r\n",
            "hello",
        ),
        post("named by Connection", Passes, "connection: content-length\r\ncontent-length: 5\r\n", "hello"),
        case(
            "chunks in HTTP/1.0",
            Refused(400),
            &format!("POST /open/a HTTP/1.0\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n{CHUNKS}"),
        ),
    ]
}

fn chunks() -> Vec<Case> {
    let chunked = |name, fate, body| post(name, fate, "transfer-encoding: chunked\r\n", body);
    vec![
        chunked("an extension is left out", Passes, "5;a=b\r\nhello\r\n0\r\n\r\n"),
        chunked("trailers are left out", Passes, "5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n"),
        chunked("leading zeros", Passes, "00005\r\nhello\r\n000\r\n\r\n"),
        chunked("an extension that ends in LF", Breaks, "5;a=b\nhello\r\n0\r\n\r\n"),
        chunked("an extension with a CR", Breaks, "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        chunked("a size that ends in LF", Breaks, "5\nhello\r\n0\r\n\r\n"),
        chunked("a size with 0x", Breaks, "0x5\r\nhello\r\n0\r\n\r\n"),
        chunked("a size with a sign", Breaks, "+5\r\nhello\r\n0\r\n\r\n"),
        chunked("a size with a blank", Breaks, "5 \r\nhello\r\n0\r\n\r\n"),
        chunked("a size that overflows", Breaks, "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        chunked("no size", Breaks, "\r\nhello\r\n0\r\n\r\n"),
        chunked("a size that is none", Breaks, "five\r\nhello\r\n0\r\n\r\n"),
        chunked("a chunk that is longer", Breaks, "4\r\nhello\r\n0\r\n\r\n"),
        chunked("a chunk that ends in LF", Breaks, "5\r\nhello\n0\r\n\r\n"),
        chunked("a trailer that is folded", Breaks, "5\r\nhello\r\n0\r\nx-a: 1\r\n b\r\n\r\n"),
        chunked("a trailer with a blank", Breaks, "5\r\nhello\r\n0\r\nx-a : 1\r\n\r\n"),
    ]
}

fn lines() -> Vec<Case> {
    vec![
        get("plain", Passes, ""),
        case("an empty line before", Passes, "\r\nGET /open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        get("a folded value", Refused(400), "x-a: 1\r\n 2\r\n"),
        get("a folded coding", Refused(400), "transfer-encoding:\r\n chunked\r\n"),
        case("a folded first line", Refused(400), "GET /open/a HTTP/1.1\r\n host: HOST\r\n\r\n"),
        case("LF for lines", Refused(400), "GET /open/a HTTP/1.1\nhost: HOST\n\n"),
        get("LF within the headers", Refused(400), "x-a: 1\nx-b: 2\r\n"),
        case("LF at the end", Refused(400), "GET /open/a HTTP/1.1\r\nhost: HOST\r\n\n"),
        get("a CR within a value", Refused(400), "x-a: 1\r2\r\n"),
        get("a NUL within a value", Refused(400), "x-a: 1\x002\r\n"),
        get("a control character", Refused(400), "x-a: \x01\r\n"),
        get("a DEL", Refused(400), "x-a: \x7f\r\n"),
        get("a NUL within a name", Refused(400), "x\x00a: 1\r\n"),
        get("a blank before the colon", Refused(400), "content-length : 5\r\n"),
        get("a tab before the colon", Refused(400), "content-length\t: 5\r\n"),
        get("no colon", Refused(400), "x-a\r\n"),
        get("no name", Refused(400), ": 1\r\n"),
        get("a name that is none", Refused(400), "x(a): 1\r\n"),
        case("two blanks", Refused(400), "GET  /open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a tab for a blank", Refused(400), "GET\t/open/a\tHTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("four words", Refused(400), "GET /open/a b HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a blank at the end", Refused(400), "GET /open/a HTTP/1.1 \r\nhost: HOST\r\n\r\n"),
        case("no version", Refused(400), "GET /open/a\r\nhost: HOST\r\n\r\n"),
        case("another version", Refused(400), "GET /open/a HTTP/1.2\r\nhost: HOST\r\n\r\n"),
        case("the preface of HTTP/2", Refused(400), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        case("a version in lower case", Refused(400), "GET /open/a http/1.1\r\nhost: HOST\r\n\r\n"),
        case("a method in lower case", Refused(501), "get /open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        get("more headers than there may be", Refused(431), &"x-a: 1\r\n".repeat(101)),
        get("a header larger than it may be", Refused(431), &format!("x-a: {}\r\n", "a".repeat(70_000))),
        get(
            "headers larger than they may be",
            Refused(431),
            &format!("x-a: {}\r\n", "a".repeat(1000)).repeat(66),
        ),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        case("absolute", Passes, "GET https://HOST/open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case(
            "absolute, another host",
            Refused(400),
            "GET https://evil.example/open/a HTTP/1.1\r\nhost: HOST\r\n\r\n",
        ),
        case(
            "absolute, another scheme",
            Refused(400),
            "GET ftp://HOST/open/a HTTP/1.1\r\nhost: HOST\r\n\r\n",
        ),
        case("absolute, and no host", Refused(400), "GET https://HOST/open/a HTTP/1.1\r\n\r\n"),
        case("no host", Refused(400), "GET /open/a HTTP/1.1\r\n\r\n"),
        case("an empty host", Refused(400), "GET /open/a HTTP/1.1\r\nhost:\r\n\r\n"),
        case("two hosts", Refused(400), "GET /open/a HTTP/1.1\r\nhost: HOST\r\nhost: evil.example\r\n\r\n"),
        case("the same host twice", Refused(400), "GET /open/a HTTP/1.1\r\nhost: HOST\r\nhost: HOST\r\n\r\n"),
        case("a list of hosts", Refused(400), "GET /open/a HTTP/1.1\r\nhost: HOST, evil.example\r\n\r\n"),
        case("a user at the host", Refused(400), "GET /open/a HTTP/1.1\r\nhost: evil@HOST\r\n\r\n"),
        case("another host than TLS", Told(421), "GET /open/a HTTP/1.1\r\nhost: console.localhost\r\n\r\n"),
        case("asterisk", Told(400), "OPTIONS * HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a tunnel", Refused(405), "CONNECT HOST HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a trace", Refused(405), "TRACE /open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a fragment", Refused(400), "GET /open/a#b HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a raw byte", Told(400), "GET /open/\u{e9} HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("a control byte", Refused(400), "GET /open/\x01 HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        case("no slash", Refused(400), "GET open/a HTTP/1.1\r\nhost: HOST\r\n\r\n"),
        get(
            "HTTP/2 in the clear",
            Refused(400),
            "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
        ),
        get("another protocol", Refused(400), "connection: upgrade\r\nupgrade: TLS/1.0\r\n"),
        get("two protocols", Refused(400), "connection: upgrade\r\nupgrade: websocket, h2c\r\n"),
        get("a WebSocket that Connection does not name", Refused(400), "upgrade: websocket\r\n"),
        post(
            "a WebSocket with a body",
            Refused(400),
            "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\n",
            "hello",
        ),
        get("an expectation that nobody knows", Refused(400), "expect: 200-ok\r\n"),
        post(
            "an expectation, and the body at once",
            Passes,
            "expect: 100-continue\r\ncontent-length: 5\r\n",
            "hello",
        ),
        case(
            "a body where nobody looks for one",
            Passes,
            "GET /open/a HTTP/1.1\r\nhost: HOST\r\ncontent-length: 5\r\n\r\nhello",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_a_request_reaches_the_application_twice_or_undecided() {
    let (address, recorder) = Recorder::start().await;
    let house = House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), OPEN);
    })
    .await;
    let host = format!("ehr.localhost:{}", house.ports.gateway);
    let (mut wrong, mut broken) = (Vec::new(), 0);
    for case in [lengths(), chunks(), lines(), targets()].into_iter().flatten() {
        broken += usize::from(matches!(case.fate, Breaks));
        let before = recorder.count();
        let came = converse(&house, &host, &case.bytes).await;
        let reached = recorder.count() - before;
        let right = match case.fate {
            Refused(status) => came == [status] && reached == 0,
            Told(status) => came == [status, 200] && reached == 1,
            Passes => came == [200, 200] && reached == 2,
            // What has begun to be sent when its body breaks is not complete, and counts for nothing.
            Breaks => !came.contains(&200) && reached == 0,
        };
        if !right {
            wrong.push(format!("{}: {:?}, but {came:?}, and {reached} reached", case.name, case.fate));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let sent = recorder.count();
    let events = house.stop().await;
    let passed = events.iter().filter(|event| {
        event.opening.kind == EventKind::Request
            && event.opening.verdict == Verdict::Permit
            && event.closing.as_ref().is_some_and(|closing| closing.status == Some(200))
    });
    assert_eq!(passed.count(), sent, "one request at the application for each that was let pass");
    let malformed = events.iter().filter(|event| {
        event.opening.verdict == Verdict::Permit
            && event.closing.as_ref().is_some_and(|closing| {
                (closing.reason, closing.outcome) == (Some(Reason::RequestMalformed), Outcome::Refused)
            })
    });
    assert_eq!(malformed.count(), broken, "what breaks is malformed, and nobody has left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_reaches_the_application_is_framed_by_us() {
    let (address, recorder) = Recorder::start().await;
    let house = House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), OPEN);
    })
    .await;
    let host = format!("ehr.localhost:{}", house.ports.gateway);
    let text = "POST /open/a HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\ntrailer: x-late\r\n\
                transfer_encoding: identity\r\nconnection: close, x-mine\r\nx-mine: 1\r\nte: trailers\r\n\r\n\
                2;q=\"x\"\r\nhe\r\n3\r\nllo\r\n0\r\nx-late: 1\r\ncontent-length: 900\r\n\r\n";
    assert_eq!(converse(&house, &host, text.as_bytes()).await, [200]);
    let reached = recorder.last();
    assert_eq!(String::from_utf8_lossy(&reached.body), "hello");
    assert_eq!(reached.header("transfer-encoding"), Some("chunked"));
    for gone in ["trailer", "transfer_encoding", "x-mine", "te", "x-late", "content-length", "connection"] {
        assert_eq!(reached.header(gone), None, "{gone}");
    }
    house.stop().await;
}

/// Sends these bytes and a good request behind them, and gives the statuses that come back.
async fn converse(house: &House, host: &str, bytes: &[u8]) -> Vec<u16> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let mut stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
    let behind = "GET /open/behind HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n";
    let mut all = replace(bytes, host);
    all.extend(replace(behind.as_bytes(), host));
    let mut came = Vec::new();
    // The other end may close before it has read all: what came is what counts.
    let _sent = stream.write_all(&all).await;
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut came)).await;
    assert!(read.is_ok(), "left open after {}", String::from_utf8_lossy(bytes));
    let text = String::from_utf8_lossy(&came);
    text.split("HTTP/1.1 ")
        .skip(1)
        .map(|reply| reply.get(..3).unwrap().parse().unwrap())
        .filter(|status| *status >= 200)
        .collect()
}

fn replace(bytes: &[u8], host: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, b"HOST") {
        all.extend_from_slice(&rest[..at]);
        all.extend_from_slice(host.as_bytes());
        rest = &rest[at + 4..];
    }
    all.extend_from_slice(rest);
    all
}
