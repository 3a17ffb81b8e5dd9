//! Replies in every spelling and cut, and connections that end where they should not.

use http::{HeaderMap, HeaderValue, StatusCode, Version};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::chunks::Chunks;
use super::*;
use crate::platform::http::body::Full;

fn read(text: &str, method: &Method) -> Result<Option<Head>, LinkFault> {
    let (mut input, mut looked_at) = (BytesMut::from(text), 0);
    let head = reply::split_head(&mut input, &mut looked_at)?.unwrap();
    assert!(input.is_empty(), "{text:?}");
    reply::read(&head, method)
}

#[test]
fn where_a_body_ends_is_said_in_one_way() {
    let cases: [(&str, Method, &str, bool); 15] = [
        ("200 OK\r\ncontent-length: 5", Method::GET, "Length(5)", true),
        ("200 OK\r\ncontent-length: 5, 5\r\ncontent-length: 5", Method::GET, "Length(5)", true),
        ("200 OK\r\ncontent-length: 0", Method::GET, "None", true),
        ("200 OK\r\ncontent-length: 5", Method::HEAD, "None", true),
        ("204 No Content\r\ncontent-length: 5", Method::GET, "None", true),
        ("304 Not Modified\r\ntransfer-encoding: chunked", Method::GET, "None", true),
        ("200 OK\r\nTransfer-Encoding: Chunked", Method::GET, "Chunked", true),
        ("200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5", Method::GET, "Chunked", false),
        ("200 OK\r\ncontent-length: 5\r\nconnection: x, Close", Method::GET, "Length(5)", false),
        (
            "200 OK\r\nconnection: close\r\nconnection: keep-alive\r\ncontent-length: 5",
            Method::GET,
            "Length(5)",
            false,
        ),
        ("200 OK\r\nx: y", Method::GET, "UntilClosed", false),
        ("200 OK\r\ntransfer-encoding: identity\r\ncontent-length: 5", Method::GET, "UntilClosed", false),
        ("101 Switching Protocols\r\nupgrade: websocket", Method::GET, "None", false),
        ("200 OK\ncontent-length: 5", Method::GET, "Length(5)", true),
        ("503\r\ncontent-length: 5", Method::GET, "Length(5)", true),
    ];
    for (text, method, content, keeps) in cases {
        let head = read(&format!("HTTP/1.1 {text}\r\n\r\n"), &method).unwrap().unwrap();
        assert!(format!("{:?}", head.content).starts_with(content), "{text:?}: {:?}", head.content);
        assert_eq!(head.keeps, keeps, "{text:?}");
    }
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
    let head = read(both, &Method::GET).unwrap().unwrap();
    assert!(!head.reply.headers().contains_key("content-length"), "only one of them frames it");
    let old = |connection: &str| {
        let text = format!("HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: {connection}\r\n\r\n");
        read(&text, &Method::GET).unwrap().unwrap()
    };
    assert!(!old("x").keeps && old("keep-alive").keeps);
    assert_eq!(old("x").reply.version(), Version::HTTP_10);
}

#[test]
fn what_can_be_read_in_two_ways_is_no_reply() {
    let cases = [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6",
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 6",
        "HTTP/1.1 200 OK\r\ncontent-length: +5",
        "HTTP/1.1 200 OK\r\ncontent-length: 0x5",
        "HTTP/1.1 200 OK\r\ncontent-length: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked",
        "HTTP/1.1 200 OK\r\ncontent-length : 5",
        "HTTP/1.1 200 OK\r\nx: y\r\n folded: z",
        "HTTP/1.1 200 OK\r\nno colon",
        "HTTP/1.1 20 OK",
        "HTTP/2.0 200 OK",
        "ICY 200 OK",
    ];
    for text in cases {
        let failed = read(&format!("{text}\r\n\r\n"), &Method::GET);
        assert!(matches!(failed, Err(LinkFault::Malformed(_))), "{text:?}: {failed:?}");
    }
}

#[test]
fn a_head_that_is_too_large_or_of_another_protocol_is_not_waited_for() {
    let split = |text: &[u8]| reply::split_head(&mut BytesMut::from(text), &mut 0);
    assert!(matches!(split(b""), Ok(None)) && matches!(split(b"HTT"), Ok(None)));
    assert!(split(b"SSH-2.0-OpenSSH_9.2").is_err());
    let mut large = b"HTTP/1.1 200 OK\r\nx: ".to_vec();
    large.resize(70 * 1024, b'y');
    assert!(split(&large).is_err());
    large.extend_from_slice(b"\r\n\r\n");
    assert!(split(&large).is_err());
}

/// What chunks hold, fed in pieces of so many bytes; with what was left over.
fn chunked(bytes: &[u8], pieces: usize) -> Result<(Vec<u8>, Option<HeaderMap>, usize), LinkFault> {
    let (mut chunks, mut input) = (Chunks::default(), BytesMut::new());
    let (mut data, mut trailers) = (Vec::new(), None);
    let mut rest = bytes;
    while !chunks.is_over() {
        match chunks.next(&mut input)? {
            Some(frame) => match frame.into_data() {
                Ok(more) => data.extend_from_slice(&more),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            None if chunks.is_over() => {}
            None if rest.is_empty() => return Err(LinkFault::Closed),
            None => {
                let (now, later) = rest.split_at(pieces.min(rest.len()));
                input.extend_from_slice(now);
                rest = later;
            }
        }
    }
    Ok((data, trailers, input.len() + rest.len()))
}

#[test]
fn chunks_are_read_strictly() {
    let trailers: HeaderMap = [("grpc-status", "0")]
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    let good: [(&str, &str, Option<&HeaderMap>); 5] = [
        ("0\r\n\r\n", "", None),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", None),
        ("00A ;name=\"value\"\r\n0123456789\r\n000\r\n\r\n", "0123456789", None),
        ("1\r\n\n\r\n1\r\n\r\r\n0\r\n\r\n", "\n\r", None),
        ("2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n", "ok", Some(&trailers)),
    ];
    for (text, expected, trailers) in good {
        for pieces in 1..=text.len() {
            let (data, found, left) = chunked(text.as_bytes(), pieces).unwrap();
            assert_eq!(
                (data.as_slice(), found.as_ref(), left),
                (expected.as_bytes(), trailers, 0),
                "{text:?}"
            );
        }
    }
    let bad = [
        "\r\nhello",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "10000000000000000\r\nhello",
        "0\r\n \r\n\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\na: b\n\r\n",
        "0\r\na: b\nc: d\r\n\r\n",
        "0\r\n\n",
    ];
    for text in bad {
        for pieces in 1..=text.len() {
            let failed = chunked(text.as_bytes(), pieces);
            assert!(matches!(failed, Err(LinkFault::Malformed(_))), "{text:?} by {pieces}: {failed:?}");
        }
    }
    let unending = [
        vec![b'1'; 20_000],
        [b"1;".to_vec(), vec![b'x'; 20_000]].concat(),
        [b"0\r\n".to_vec(), vec![b'x'; 20_000]].concat(),
    ];
    for text in unending {
        // As long as it is, it may be there at once.
        let ended = [&text[..], b"\r\n\r\n"].concat();
        for (text, pieces) in [(&text, 1000), (&text, text.len()), (&ended, 1000), (&ended, ended.len())] {
            assert!(matches!(chunked(text, pieces), Err(LinkFault::Malformed(_))));
        }
    }
}

proptest! {
    #[test]
    fn chunks_hold_what_was_put_into_them(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..8),
        pieces in 1..60_usize,
        behind in 0..20_usize,
    ) {
        let mut text = Vec::new();
        for part in &parts {
            text.extend(format!("{:X}\r\n", part.len()).bytes().chain(part.iter().copied()).chain(*b"\r\n"));
        }
        text.extend(b"0\r\n\r\n");
        text.extend(vec![b'H'; behind]);
        let (data, _, left) = chunked(&text, pieces).unwrap();
        prop_assert_eq!((data, left), (parts.concat(), behind));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = [b"HTTP/1.1 ".as_slice(), &bytes, b"\r\n\r\n"].concat();
        if let Ok(Some(head)) = reply::split_head(&mut BytesMut::from(text.as_slice()), &mut 0) {
            let _read = reply::read(&head, &Method::GET);
        }
        let _read = chunked(&bytes, 7);
    }
}

/// A connection, and its other end.
async fn pair() -> (Link<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Link::new(near), listener.accept().await.unwrap().0)
}

fn request(method: Method, body: &'static str) -> Request<RequestBody> {
    let body = RequestBody::Held(Full::new(Bytes::from_static(body.as_bytes())));
    Request::builder().method(method).uri("/a%2Fb?c=1").header("host", "ehr.example").body(body).unwrap()
}

async fn text(link: &mut Link<TcpStream>, content: &mut Content) -> Result<String, LinkFault> {
    let mut text = String::new();
    while let Some(frame) = poll_fn(|context| content.poll_frame(link, context)).await {
        text += std::str::from_utf8(&frame?.into_data().unwrap_or_default()).unwrap();
    }
    Ok(text)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_request_is_written_as_it_has_to_be() {
    let cases = [
        (request(Method::GET, ""), "GET /a%2Fb?c=1 HTTP/1.1\r\nHost: ehr.example\r\n\r\n"),
        (
            request(Method::POST, "order=1"),
            "POST /a%2Fb?c=1 HTTP/1.1\r\nHost: ehr.example\r\nContent-Length: 7\r\n\r\norder=1",
        ),
        (
            request(Method::PUT, ""),
            "PUT /a%2Fb?c=1 HTTP/1.1\r\nHost: ehr.example\r\nContent-Length: 0\r\n\r\n",
        ),
        (request(Method::DELETE, ""), "DELETE /a%2Fb?c=1 HTTP/1.1\r\nHost: ehr.example\r\n\r\n"),
    ];
    for (mut request, expected) in cases {
        // What the headers say of the length is not believed.
        request.headers_mut().insert("content-length", HeaderValue::from_static("3"));
        request.headers_mut().insert("transfer-encoding", HeaderValue::from_static("chunked"));
        let (mut link, mut far) = pair().await;
        far.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        let (head, sending) = link.ask(&mut request, SECOND).await.unwrap();
        assert!(head.reply.status() == StatusCode::NO_CONTENT && sending.is_none());
        let mut came = vec![0; expected.len()];
        far.read_exact(&mut came).await.unwrap();
        assert_eq!(std::str::from_utf8(&came).unwrap(), expected);
        assert!(link.rest() && link.is_open());
    }
}

#[tokio::test]
async fn an_application_that_says_only_that_it_is_busy_is_given_up() {
    let (mut link, mut far) = pair().await;
    tokio::spawn(async move { while far.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {} });
    let given_up = link.ask(&mut request(Method::GET, ""), SECOND * 3600).await.unwrap_err();
    assert!(matches!(given_up.fault, LinkFault::Malformed(_)), "{given_up:?}");
}

#[tokio::test]
async fn nothing_follows_a_reply_behind_which_something_came() {
    for (reply, behind) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "\r\n"),
    ] {
        let (mut link, mut far) = pair().await;
        far.write_all(reply.as_bytes()).await.unwrap();
        let (mut head, _) = link.ask(&mut request(Method::GET, ""), SECOND).await.unwrap();
        text(&mut link, &mut head.content).await.unwrap();
        assert!(head.keeps && link.rest() && link.is_open());
        far.write_all(behind.as_bytes()).await.unwrap();
        link.stream.read_u8().await.unwrap();
        far.write_all(behind.as_bytes()).await.unwrap();
        while link.is_open() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_too_early_is_a_fault_wherever_it_ends() {
    let reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for length in 0..reply.len() {
        let (mut link, mut far) = pair().await;
        far.write_all(&reply.as_bytes()[..length]).await.unwrap();
        far.shutdown().await.unwrap();
        let whole = match link.ask(&mut request(Method::GET, ""), SECOND).await {
            Ok((mut head, _)) => text(&mut link, &mut head.content).await,
            Err(unanswered) => Err(unanswered.fault),
        };
        assert!(matches!(whole, Err(LinkFault::Closed)), "{length}: {whole:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_begin_is_late_and_the_next_has_its_whole_time() {
    let (mut link, mut far) = pair().await;
    far.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
    assert!(link.ask(&mut request(Method::GET, ""), SECOND).await.is_ok());
    tokio::time::sleep(SECOND * 3 / 4).await;
    let asked = Instant::now();
    let late = link.ask(&mut request(Method::GET, ""), SECOND).await.unwrap_err();
    assert!(matches!(late.fault, LinkFault::Late) && !late.is_unsent);
    assert!((SECOND..SECOND + Duration::from_millis(10)).contains(&asked.elapsed()));
}

#[tokio::test]
async fn a_body_that_has_come_with_its_head_is_taken_whole_and_no_other() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (reply, whole, keeps) in [
        (format!("{head}hello"), Some("hello"), true),
        (format!("{head}helloH"), Some("hello"), false),
        (format!("{head}hell"), None, false),
        (chunks.to_owned(), None, false),
        ("HTTP/1.1 200 OK\r\n\r\nhello".to_owned(), None, false),
    ] {
        let (mut link, mut far) = pair().await;
        far.write_all(reply.as_bytes()).await.unwrap();
        let (mut head, _) = link.ask(&mut request(Method::GET, ""), SECOND).await.unwrap();
        assert_eq!(head.content.take_whole(&mut link).as_deref(), whole.map(str::as_bytes), "{reply}");
        assert_eq!((head.content.is_over(), link.rest()), (whole.is_some(), keeps), "{reply}");
    }
}

#[tokio::test]
async fn a_read_has_a_byte_to_spare_which_shows_that_there_is_no_more() {
    let (mut link, mut far) = pair().await;
    let body = "x".repeat(20_000);
    far.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        .await
        .unwrap();
    let (mut head, _) = link.ask(&mut request(Method::GET, ""), SECOND).await.unwrap();
    assert_eq!(text(&mut link, &mut head.content).await.unwrap(), body);
    // A read that fills its space to the end would leave the socket marked as one with more in it.
    assert!(link.input.capacity() > link.input.len());
}
