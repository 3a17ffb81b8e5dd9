//! Hostile HTTP/2, frame by frame, over TLS (RFC 9113): what a library would never send.

use std::time::Duration;

use leastway::domain::reason::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::framing::OPEN;
use crate::house::{House, Neighbors, append};
use crate::line::connect;
use crate::recorder::Recorder;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ENHANCE_YOUR_CALM: u32 = 11;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// It has a reply.
    Status(u16),
    /// A piece of that.
    Piece,
    /// Its stream is reset.
    Reset,
    /// The connection is given up, with this error.
    GoAway(u32),
    /// The connection ends.
    Closed,
}
use Came::{Piece, Reset, Status};

/// A connection that speaks frames.
pub(crate) struct Connection(TlsStream<TcpStream>);

impl Connection {
    async fn open(house: &House) -> Self {
        Self::open_with(house, &[]).await
    }

    async fn open_with(house: &House, settings: &[u8]) -> Self {
        let authority = std::fs::read(house.directory.authority()).unwrap();
        let mut connection = Self(connect(&authority, "ehr.localhost", house.ports.gateway, b"h2").await);
        connection.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        connection.send(SETTINGS, 0, 0, settings).await;
        connection
    }

    /// Whether the other end still takes it.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.0.write_all(&frame(kind, flags, stream, payload)).await.is_ok()
    }

    /// Asks on stream 1.
    async fn ask(&mut self, house: &House, path: &str, cookie: &str) {
        let host = format!("ehr.localhost:{}", house.ports.gateway);
        let fields = block(&[
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", &host),
            (":path", path),
            ("cookie", cookie),
        ]);
        self.send(HEADERS, END_STREAM | END_HEADERS, 1, &fields).await;
    }

    /// Makes room for the reply on stream 1: whether any of its body comes.
    pub(crate) async fn gets_body(&mut self) -> bool {
        self.send(WINDOW_UPDATE, 0, 1, &WINDOW.to_be_bytes()).await;
        self.came().await == Piece
    }

    /// What comes on stream 1, or ends all streams.
    async fn came(&mut self) -> Came {
        self.next(|came| came).await
    }

    /// What ends all streams, whatever becomes of each.
    async fn ended(&mut self) -> Came {
        self.next(|came| came.filter(|came| !matches!(came, Status(_) | Piece | Reset))).await
    }

    async fn next(&mut self, wanted: impl Fn(Option<Came>) -> Option<Came>) -> Came {
        let came = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                let Ok(length) = self.0.read_u24().await else { return Came::Closed };
                let (kind, _flags) = (self.0.read_u8().await.unwrap(), self.0.read_u8().await.unwrap());
                let stream = self.0.read_u32().await.unwrap();
                let mut payload = vec![0; length as usize];
                self.0.read_exact(&mut payload).await.unwrap();
                let came = match kind {
                    DATA if stream == 1 && length > 0 => Some(Piece),
                    HEADERS if stream == 1 => Some(Status(status(&payload))),
                    RST_STREAM if stream == 1 => Some(Reset),
                    GOAWAY => Some(Came::GoAway(u32::from_be_bytes(payload[4..8].try_into().unwrap()))),
                    _ => None,
                };
                if let Some(came) = wanted(came) {
                    return came;
                }
            }
        });
        came.await.unwrap()
    }
}

/// A connection whose caller has asked for a long reply and takes no more of it: its window is full, and stays so.
pub(crate) async fn taken_to_the_brim(house: &House, path: &str, cookie: &str) -> Connection {
    let mut connection = Connection::open(house).await;
    connection.ask(house, path, cookie).await;
    let mut room = WINDOW;
    while room > 0 {
        let length = connection.0.read_u24().await.unwrap();
        let kind = connection.0.read_u8().await.unwrap();
        let mut rest = vec![0; 5 + length as usize];
        connection.0.read_exact(&mut rest).await.unwrap();
        if kind == DATA {
            room -= length;
        }
    }
    connection
}

/// A connection whose caller has asked and has the head of the reply, but no room for any of its body.
pub(crate) async fn without_room(house: &House, path: &str, cookie: &str) -> Connection {
    const INITIAL_WINDOW_SIZE_0: [u8; 6] = [0, 4, 0, 0, 0, 0];

    let mut connection = Connection::open_with(house, &INITIAL_WINDOW_SIZE_0).await;
    connection.ask(house, path, cookie).await;
    assert_eq!(connection.came().await, Status(200), "{path}");
    connection
}

/// As many bytes may come before more are asked for (RFC 9113 6.9.2).
const WINDOW: u32 = 65_535;

trait ReadU24 {
    async fn read_u24(&mut self) -> std::io::Result<u32>;
}

impl ReadU24 for TlsStream<TcpStream> {
    async fn read_u24(&mut self) -> std::io::Result<u32> {
        let (high, low) = (self.read_u8().await?, self.read_u16().await?);
        Ok(u32::from(high) << 16 | u32::from(low))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields without compression (RFC 7541 6.2.2), so that anything can be said.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            integer(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

fn integer(block: &mut Vec<u8>, mut number: usize) {
    if number < 0x7f {
        return block.push(u8::try_from(number).unwrap());
    }
    block.push(0x7f);
    number -= 0x7f;
    while number >= 0x80 {
        block.push(u8::try_from(number % 0x80).unwrap() | 0x80);
        number /= 0x80;
    }
    block.push(u8::try_from(number).unwrap());
}

/// The status, which comes first: an index, or three digits in Huffman's code (RFC 7541 B).
fn status(block: &[u8]) -> u16 {
    match block {
        [index @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(index - 0x88)],
        [0x08 | 0x18 | 0x48, 0x03, digits @ ..] => String::from_utf8_lossy(&digits[..3]).parse().unwrap(),
        [0x08 | 0x18 | 0x48, length, rest @ ..] if length & 0x80 != 0 => {
            let bits: Vec<bool> = rest[..usize::from(length & 0x7f)]
                .iter()
                .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
                .collect();
            let mut at = 0;
            let mut take = |count: usize| {
                let taken = bits[at..at + count].iter().fold(0, |sum, bit| sum << 1 | u16::from(*bit));
                at += count;
                taken
            };
            (0..3).fold(0, |sum, _| {
                let five = take(5);
                // Five bits for 0, 1 and 2; six for the others.
                sum * 10 + if five < 3 { five } else { (five << 1 | take(1)) - 0b01_1001 + 3 }
            })
        }
        odd => panic!("{odd:?}"),
    }
}

struct Case {
    name: &'static str,
    came: Came,
    fields: Vec<(&'static str, String)>,
    body: Option<&'static str>,
}

/// A request in which fields are put in place of those of the same name, or added.
fn case(name: &'static str, came: Came, changes: &[(&'static str, &str)]) -> Case {
    let mut fields: Vec<(&'static str, String)> =
        [(":method", "GET"), (":scheme", "https"), (":path", "/open/a"), (":authority", "HOST")]
            .map(|(name, value)| (name, value.to_owned()))
            .into();
    for (name, value) in changes {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => (*value).clone_into(known),
            None => fields.push((name, (*value).to_owned())),
        }
    }
    Case { name, came, fields, body: None }
}

fn with(name: &'static str, came: Came, more: &[(&'static str, &str)]) -> Case {
    let mut tried = case(name, came, &[]);
    tried.fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    tried
}

fn without(name: &'static str, came: Came, gone: &str) -> Case {
    let mut tried = case(name, came, &[]);
    tried.fields.retain(|(name, _)| *name != gone);
    tried
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("plain", Status(200), &[]),
        without("no method", Reset, ":method"),
        without("no path", Reset, ":path"),
        without("no scheme", Reset, ":scheme"),
        without("no authority", Status(400), ":authority"),
        with("two methods", Reset, &[(":method", "POST")]),
        with("two paths", Reset, &[(":path", "/open/b")]),
        with("two authorities", Reset, &[(":authority", "evil.example")]),
        with("a pseudo-header that nobody knows", Reset, &[(":user", "root")]),
        with("a pseudo-header of replies", Reset, &[(":status", "200")]),
        case("an empty path", Reset, &[(":path", "")]),
        case("a path without a slash", Reset, &[(":path", "open/a")]),
        case("an absolute path", Reset, &[(":path", "https://evil.example/open/a")]),
        case("asterisk", Status(400), &[(":path", "*"), (":method", "OPTIONS")]),
        case("a path with a line end", Reset, &[(":path", "/open/a HTTP/1.1\r\nx-a: 1")]),
        case("a path with a blank", Reset, &[(":path", "/open/a b")]),
        case("another host than TLS", Status(421), &[(":authority", "console.localhost")]),
        case("a user at the host", Status(400), &[(":authority", "evil@HOST")]),
        case("another host in the header", Status(400), &[("host", "evil.example")]),
        case("another scheme", Status(400), &[(":scheme", "ftp")]),
        case("a tunnel with a path", Reset, &[(":method", "CONNECT")]),
        case("a protocol without a tunnel", Reset, &[(":protocol", "websocket")]),
        case("a method with a line end", Reset, &[(":method", "GET / HTTP/1.1\r\nx: ")]),
        case("a value with a line end", Reset, &[("x-a", "1\r\ntransfer-encoding: chunked")]),
        case("a value with LF", Reset, &[("x-a", "1\nx-b: 2")]),
        case("a value with NUL", Reset, &[("x-a", "1\0")]),
        case("a name with a line end", Reset, &[("x-a: 1\r\nx-b", "2")]),
        case("a name with a colon", Reset, &[("x-a:", "1")]),
        case("a name in upper case", Reset, &[("X-A", "1")]),
        case("an empty name", Reset, &[("", "1")]),
        case("a coding", Reset, &[("transfer-encoding", "chunked")]),
        case("connection", Reset, &[("connection", "close")]),
        case("keep-alive", Reset, &[("keep-alive", "timeout=5")]),
        case("an upgrade", Reset, &[("upgrade", "h2c")]),
        case("TE other than trailers", Reset, &[("te", "gzip")]),
        case("TE: trailers", Status(200), &[("te", "trailers")]),
        case("a length that is none", Reset, &[("content-length", "5, 5")]),
        case("TE: trailers and more", Reset, &[("te", "trailers, gzip")]),
        case("proxy-connection", Reset, &[("proxy-connection", "keep-alive")]),
        case("a name with a blank", Reset, &[("x a", "1")]),
        case("a name outside ASCII", Reset, &[("x-\u{e4}", "1")]),
        case("a name with DEL", Reset, &[("x-\u{7f}", "1")]),
        case("a value with DEL", Reset, &[("x-a", "1\u{7f}")]),
        case("a value that begins with a blank", Status(400), &[("x-a", " 1")]),
        case("a value that ends with a tab", Status(400), &[("x-a", "1\t")]),
        case("an empty value", Status(200), &[("x-a", "")]),
        case("an empty host", Reset, &[(":authority", "")]),
        with("two schemes", Reset, &[(":scheme", "http")]),
        with("two protocols", Reset, &[(":protocol", "websocket"), (":protocol", "websocket")]),
        case("a length without a body", Reset, &[(":method", "POST"), ("content-length", "5")]),
        case("an expectation that nobody knows", Status(400), &[("expect", "200-ok")]),
    ];
    let mut tunnel = case("a tunnel", Status(405), &[(":method", "CONNECT")]);
    tunnel.fields.retain(|(name, _)| !matches!(*name, ":path" | ":scheme"));
    cases.push(tunnel);
    for (name, gone) in [("a socket without a path", ":path"), ("a socket without a scheme", ":scheme")] {
        let mut socket = case(name, Reset, &[(":method", "CONNECT"), (":protocol", "websocket")]);
        socket.fields.retain(|(name, _)| *name != gone);
        cases.push(socket);
    }
    let mut late = case("a pseudo-header after a header", Reset, &[]);
    late.fields.insert(0, ("x-a", "1".to_owned()));
    cases.push(late);
    for (name, came, length, body) in [
        ("a body", Status(200), "5", "hello"),
        ("a body longer than it says", Reset, "2", "hello"),
        ("a body shorter than it says", Reset, "9", "hello"),
    ] {
        let case = case(name, came, &[(":method", "POST"), ("content-length", length)]);
        cases.push(Case { body: Some(body), ..case });
    }
    cases
}

async fn furnished() -> (House, Recorder) {
    let (address, recorder) = Recorder::start().await;
    let house = House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), OPEN);
    })
    .await;
    (house, recorder)
}

fn settled(house: &House, fields: &[(&str, String)]) -> Vec<u8> {
    let host = format!("ehr.localhost:{}", house.ports.gateway);
    let fields: Vec<(&str, String)> =
        fields.iter().map(|(name, value)| (*name, value.replace("HOST", &host))).collect();
    block(&fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trick_with_fields_reaches_the_application() {
    let (house, recorder) = furnished().await;
    let mut wrong = Vec::new();
    for case in cases() {
        let before = recorder.count();
        let mut connection = Connection::open(&house).await;
        let block = settled(&house, &case.fields);
        let end = if case.body.is_none() { END_STREAM } else { 0 };
        connection.send(HEADERS, END_HEADERS | end, 1, &block).await;
        if let Some(body) = case.body {
            connection.send(DATA, END_STREAM, 1, body.as_bytes()).await;
        }
        let came = connection.came().await;
        // A stream error may be made a connection error (RFC 9113 5.4.1).
        let right = came == case.came || case.came == Reset && matches!(came, Came::GoAway(_));
        let reached = recorder.count() - before;
        if !right || reached != usize::from(case.came == Status(200)) {
            wrong.push(format!("{}: {:?}, but {came:?}, and {reached} reached", case.name, case.came));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trick_with_trailers_reaches_the_application() {
    type Fields = &'static [(&'static str, &'static str)];
    let (house, recorder) = furnished().await;
    let head = settled(&house, &case("", Status(200), &[(":method", "POST")]).fields);
    let ends = END_HEADERS | END_STREAM;
    let cases: [(&str, u8, Fields, bool); 8] = [
        ("trailers", ends, &[("x-checksum", "1")], true),
        ("no field", ends, &[], true),
        ("trailers that do not end the stream", END_HEADERS, &[("x-checksum", "1")], false),
        ("a pseudo-header", ends, &[(":path", "/open/b")], false),
        ("a pseudo-header before a field", ends, &[(":method", "GET"), ("x-checksum", "1")], false),
        ("a pseudo-header behind a field", ends, &[("x-checksum", "1"), (":path", "/open/b")], false),
        ("a name in upper case", ends, &[("X-Checksum", "1")], false),
        ("a field of the connection", ends, &[("transfer-encoding", "chunked")], false),
    ];
    for (name, flags, fields, passes) in cases {
        let before = recorder.count();
        let mut connection = Connection::open(&house).await;
        connection.send(HEADERS, END_HEADERS, 1, &head).await;
        connection.send(DATA, 0, 1, b"hello").await;
        connection.send(HEADERS, flags, 1, &block(fields)).await;
        let came = connection.came().await;
        let right = match came {
            Status(status) => passes && status == 200,
            Piece | Reset | Came::GoAway(_) | Came::Closed => !passes,
        };
        assert!(right, "{name}: {came:?}");
        assert_eq!(recorder.count() - before, usize::from(passes), "{name}");
        assert!(
            !passes || !recorder.last().head.contains("checksum"),
            "trailers of requests are not relayed"
        );
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_end_their_own_connection_and_no_other() {
    let (house, recorder) = furnished().await;
    let plain = settled(&house, &case("plain", Status(200), &[]).fields);

    // CONTINUATION without an end (CVE-2024-27316).
    let mut connection = Connection::open(&house).await;
    connection.send(HEADERS, 0, 1, &plain).await;
    let more = block(&[("x-a", &"a".repeat(8000))]);
    for _ in 0..1000 {
        if !connection.send(CONTINUATION, 0, 1, &more).await {
            break;
        }
    }
    let came = connection.ended().await;
    assert!(matches!(came, Came::GoAway(ENHANCE_YOUR_CALM) | Came::Closed), "{came:?}");

    // Requests that are taken back at once (CVE-2023-44487).
    let mut connection = Connection::open(&house).await;
    for stream in (1..4000).step_by(2) {
        let sent = connection.send(HEADERS, END_HEADERS | END_STREAM, stream, &plain).await
            && connection.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes()).await;
        if !sent {
            break;
        }
    }
    let came = connection.ended().await;
    assert!(matches!(came, Came::GoAway(ENHANCE_YOUR_CALM) | Came::Closed), "{came:?}");

    // More fields than there may be, and larger ones; the last are more than is read of a head at all.
    for fields in [
        vec![("x-a", "1".to_owned()); 101],
        vec![("x-a", "a".repeat(1000)); 70],
        vec![("x-a", "a".repeat(1000)); 140],
    ] {
        let mut connection = Connection::open(&house).await;
        let mut all = case("", Status(431), &[]).fields;
        all.extend(fields);
        let block = settled(&house, &all);
        let mut pieces = block.chunks(16_000).peekable();
        connection
            .send(
                HEADERS,
                END_STREAM | if block.len() <= 16_000 { END_HEADERS } else { 0 },
                1,
                pieces.next().unwrap(),
            )
            .await;
        while let Some(piece) = pieces.next() {
            let end = if pieces.peek().is_none() { END_HEADERS } else { 0 };
            connection.send(CONTINUATION, end, 1, piece).await;
        }
        assert_eq!(connection.came().await, Status(431));
    }

    let before = recorder.count();
    let mut connection = Connection::open(&house).await;
    connection.send(HEADERS, END_HEADERS | END_STREAM, 1, &plain).await;
    assert_eq!(connection.came().await, Status(200), "others are served");
    assert_eq!(recorder.count(), before + 1);
    let events = house.stop().await;
    let too_large = events.iter().filter(|event| event.opening.reasons == [Reason::HeaderTooLarge]);
    assert_eq!(too_large.count(), 2, "each head that is read and refused leaves an event");
}
