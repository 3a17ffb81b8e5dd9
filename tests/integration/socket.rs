//! WebSockets, by an upgrade of HTTP/1.1 and by an extended CONNECT of HTTP/2: they carry what is said, and
//! end with the session or at their bounds, with a word.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message as Spoken, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leastway::app::reload::Reloaded;
use leastway::domain::event::Event;
use leastway::domain::event::Outcome;
use leastway::domain::reason::Reason;
use leastway::domain::risk::Level;
use leastway::domain::subject::SubjectId;
use leastway::features::risk::Told;
use leastway::foundation::clock::{Clock as _, SystemClock};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Line, Protocol, connect, raw};

const ROUTES: &str = r#"
[[application.ehr.route]]
name = "live"
match = { method = ["GET"], path = "/live" }
action = "view"
category = ["clinical"]

[[application.ehr.route]]
name = "short"
match = { method = ["GET"], path = "/short" }
action = "view"
access = "public"
websocket = { idle = "2s", frame = "1KiB" }

[[application.ehr.route]]
name = "brief"
match = { method = ["GET"], path = "/brief" }
action = "view"
access = "public"
websocket = { lifetime = "2s" }

[[application.ehr.route]]
name = "page"
match = { method = ["GET"], path = "/page" }
action = "view"
access = "public"
"#;

/// An application that says everything back, and pings by itself.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let socket = || get(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(echo) });
    let router = Router::new()
        .route("/live", socket())
        .route("/short", socket())
        .route("/brief", socket())
        .route("/", get(|| async { "home" }))
        .route("/page", get(|| async { "a page" }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn echo(mut socket: WebSocket) {
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        let answer = tokio::select! {
            _ = tick.tick() => Spoken::Ping(Bytes::from_static(b"are you there")),
            said = socket.recv() => match said {
                Some(Ok(said @ (Spoken::Text(_) | Spoken::Binary(_)))) => said,
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}

async fn furnished() -> House {
    House::furnish(Neighbors::Application(application().await), |directory| {
        append(&directory.root().join("applications/ehr.toml"), ROUTES);
    })
    .await
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
type Socket = WebSocketStream<Box<dyn Stream>>;

async fn open(house: &House, protocol: Protocol, path: &str, cookie: &str) -> Socket {
    match protocol {
        Protocol::Http1 => {
            let authority = std::fs::read(house.directory.authority()).unwrap();
            let stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
            let url = format!("wss://ehr.localhost:{}{path}", house.ports.gateway);
            let mut request = url.into_client_request().unwrap();
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
            let stream: Box<dyn Stream> = Box::new(stream);
            let (socket, reply) = tokio_tungstenite::client_async(request, stream).await.unwrap();
            assert_eq!(reply.status(), StatusCode::SWITCHING_PROTOCOLS);
            socket
        }
        Protocol::Http2 => {
            let reply = connect_extended(house, "websocket", path, cookie).await;
            assert_eq!(reply.status(), StatusCode::OK);
            for gone in ["upgrade", "connection", "sec-websocket-accept"] {
                assert!(!reply.headers().contains_key(gone), "{gone}");
            }
            let stream = hyper::upgrade::on(reply).await.unwrap();
            let stream: Box<dyn Stream> = Box::new(TokioIo::new(stream));
            WebSocketStream::from_raw_socket(stream, Role::Client, None).await
        }
    }
}

/// Asks by an extended CONNECT (RFC 8441).
async fn connect_extended(
    house: &House,
    protocol: &'static str,
    path: &str,
    cookie: &str,
) -> Response<Incoming> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"h2").await;
    let (mut sender, connection) =
        http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let url = |path: &str| format!("https://ehr.localhost:{}{path}", house.ports.gateway);
    // Whoever asks has seen that it may.
    let first = Request::get(url("/page")).body(Empty::new()).unwrap();
    assert_eq!(sender.send_request(first).await.unwrap().status(), StatusCode::OK);
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(url(path))
        .extension(hyper::ext::Protocol::from_static(protocol))
        .header("sec-websocket-version", "13")
        .header("cookie", cookie)
        .body(Empty::new())
        .unwrap();
    sender.send_request(request).await.unwrap()
}

/// What comes next, but for pings.
async fn next(socket: &mut Socket) -> Option<Message> {
    let said = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(said)) => return Some(said),
                Some(Err(_)) | None => return None,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), said).await.unwrap()
}

/// The code with which it ends.
async fn ending(socket: &mut Socket) -> u16 {
    match next(socket).await {
        Some(Message::Close(Some(close))) => close.code.into(),
        other => panic!("{other:?}"),
    }
}

fn of_route<'e>(events: &'e [Event], route: &str) -> Vec<&'e Event> {
    let is_it = |event: &&Event| event.opening.route.as_ref().is_some_and(|name| name.as_str() == route);
    events.iter().filter(is_it).collect()
}

fn closings(events: &[Event], route: &str) -> Vec<(Outcome, Option<Reason>)> {
    let closings = of_route(events, route).into_iter().filter_map(|event| event.closing.as_ref());
    closings.map(|closing| (closing.outcome, closing.reason)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_comes_back_over_both_protocols() {
    let house = furnished().await;
    let cookie = house.cookie_of("nurse").await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut socket = open(&house, protocol, "/live", &cookie).await;
        for said in [Message::text("hello"), Message::binary(vec![7; 100 * 1024]), Message::text("")] {
            socket.send(said.clone()).await.unwrap();
            assert_eq!(next(&mut socket).await, Some(said));
        }
        socket.close(None).await.unwrap();
        assert!(matches!(next(&mut socket).await, Some(Message::Close(_)) | None));
    }
    let events = house.stop().await;
    assert_eq!(closings(&events, "live"), [(Outcome::Completed, None); 2]);
    let of_sockets = of_route(&events, "live");
    let statuses: Vec<_> = of_sockets.iter().map(|event| event.closing.as_ref().unwrap().status).collect();
    assert_eq!(statuses, [Some(101), Some(200)]);
    for event in of_sockets {
        let closing = event.closing.as_ref().unwrap();
        assert!(closing.bytes_in > 100 * 1024 && closing.bytes_out > 100 * 1024, "{closing:?}");
        assert!(event.opening.subject.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_its_session_and_says_so() {
    let house = furnished().await;
    let cookie = house.cookie_of("nurse").await;
    let mut sockets = [
        open(&house, Protocol::Http1, "/live", &cookie).await,
        open(&house, Protocol::Http2, "/live", &cookie).await,
    ];
    for socket in &mut sockets {
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(socket).await, Some(Message::text("hello")));
    }
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let sign_out = format!(
        "POST /.leastway/sign-out HTTP/1.1\r\nhost: ehr.localhost:{}\r\ncookie: {cookie}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        house.ports.gateway
    );
    assert!(raw(&authority, "ehr.localhost", house.ports.gateway, sign_out.as_bytes()).await < 400);
    for socket in &mut sockets {
        assert_eq!(ending(socket).await, 1008, "a close frame, and not a bare cut");
    }
    let events = house.stop().await;
    assert_eq!(closings(&events, "live"), [(Outcome::Aborted, Some(Reason::SessionRevoked)); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_its_person_may_no_longer_open_it() {
    let house = furnished().await;
    let cookie = house.cookie_of("nurse").await;
    let mut socket = open(&house, Protocol::Http1, "/live", &cookie).await;
    // New rules under which it may go on, as often as they come.
    append(&house.file("roles.toml"), "# nothing new");
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Some(Message::text("hello")));

    let nurse = r#"categories = ["demographics", "schedule", "clinical"]"#;
    edit(&house.file("roles.toml"), nurse, r#"categories = ["demographics", "schedule"]"#);
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    assert_eq!(ending(&mut socket).await, 1008);
    let events = house.stop().await;
    assert_eq!(closings(&events, "live"), [(Outcome::Aborted, Some(Reason::NoRuleMatched))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_when_its_person_is_said_to_be_at_risk() {
    let house = furnished().await;
    let rule = "[risk.said]\nwhen = \"told\"\nthen = \"step_up\"\nassurance = \"mfa\"";
    append(&house.file("roles.toml"), rule);
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    let cookie = house.cookie_of("nurse").await;
    let mut socket = open(&house, Protocol::Http1, "/live", &cookie).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Some(Message::text("hello")));

    let issuer = format!("https://id.localhost:{}", house.ports.provider).into();
    let (nurse, now) = (SubjectId { issuer, sub: "nurse".into() }, SystemClock.now());
    let said = Told { level: Level::High, why: None, since: now, until: None };
    house.running.shared.risk.told(&nurse, said, now).await.unwrap();
    assert_eq!(ending(&mut socket).await, 1008);
    let events = house.stop().await;
    assert_eq!(closings(&events, "live"), [(Outcome::Aborted, Some(Reason::RiskTold))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_do_not_keep_it_alive_and_data_does_until_its_time_is_over() {
    let house = furnished().await;
    let mut quiet = open(&house, Protocol::Http1, "/short", "a=b").await;
    let mut busy = open(&house, Protocol::Http2, "/short", "a=b").await;
    let mut brief = open(&house, Protocol::Http1, "/brief", "a=b").await;
    let talk = async {
        for _ in 0..10 {
            busy.send(Message::text("still here")).await.unwrap();
            assert_eq!(next(&mut busy).await, Some(Message::text("still here")));
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        ending(&mut busy).await
    };
    let chatter = async {
        while let Ok(()) = brief.send(Message::text("on and on")).await {
            match next(&mut brief).await {
                Some(Message::Text(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Some(Message::Close(Some(close))) => return u16::from(close.code),
                other => panic!("{other:?}"),
            }
        }
        panic!("cut without a word");
    };
    let ends = tokio::join!(ending(&mut quiet), talk, chatter);
    assert_eq!(ends, (1001, 1001, 1001));
    let events = house.stop().await;
    let timed_out = (Outcome::Aborted, Some(Reason::RequestTimeout));
    assert_eq!(closings(&events, "short"), [timed_out; 2]);
    assert_eq!(closings(&events, "brief"), [timed_out]);
    let lasted = |event: &&Event| event.closing.as_ref().unwrap().duration_us / 1_000_000;
    let mut seconds: Vec<u64> = of_route(&events, "short").iter().map(lasted).collect();
    seconds.sort_unstable();
    // A socket that is told to close has two seconds left to do so.
    assert!(seconds[0] <= 5 && seconds[1] > 5, "{seconds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_may_not_be_reaches_nobody() {
    let house = furnished().await;
    let mut socket = open(&house, Protocol::Http1, "/short", "a=b").await;
    socket.send(Message::binary(vec![0; 1024])).await.unwrap();
    assert_eq!(next(&mut socket).await, Some(Message::binary(vec![0; 1024])));
    socket.send(Message::binary(vec![0; 1025])).await.unwrap();
    assert_eq!(ending(&mut socket).await, 1009);

    // A frame without a mask, as no browser sends it, directly behind the request.
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let mut stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
    let mut text = format!(
        "GET /short HTTP/1.1\r\nhost: ehr.localhost:{}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        house.ports.gateway
    )
    .into_bytes();
    text.extend([0x81, 1, b'x']);
    stream.write_all(&text).await.unwrap();
    let mut came = Vec::new();
    let _ended = stream.read_to_end(&mut came).await;
    let head = came.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    assert!(came.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&came));
    assert_eq!(came[head..][came.len() - head - 4..], [0x88, 2, 0x03, 0xea]);
    assert!(!came[head..].windows(3).any(|frame| frame == [0x81, 1, b'x']), "not said back");

    let events = house.stop().await;
    assert_eq!(closings(&events, "short"), [(Outcome::Aborted, Some(Reason::RequestMalformed)); 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tunnel_is_for_websockets_of_whoever_may_and_for_nothing_else() {
    let house = furnished().await;
    let cases = [
        ("nobody is signed in", "websocket", "/live", 401, "sign-in-required"),
        ("another protocol", "connect-udp", "/live", 501, "method-rejected"),
        ("no WebSocket is there", "websocket", "/page", 502, "upstream-malformed"),
        ("no route is there", "websocket", "/nowhere", 404, "route-not-found"),
    ];
    for (name, protocol, path, status, reason) in cases {
        let reply = connect_extended(&house, protocol, path, "a=b").await;
        assert_eq!(reply.status(), status, "{name}");
        assert_eq!(reply.headers()["x-leastway-reason"], reason, "{name}");
    }
    let mut line: Line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(line.ask("/page", &[]).await.status, 200);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_a_seat_at_its_server_and_a_place_here_until_it_has_closed() {
    let house = House::furnish(Neighbors::Application(application().await), |directory| {
        let ehr = directory.root().join("applications/ehr.toml");
        let balance = "balance = { requests = 1, wait = \"200ms\" }";
        edit(&ehr, "provider = \"clinic\"", &format!("provider = \"clinic\"\n{balance}"));
        append(&ehr, ROUTES);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let ask = async || {
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let came = line.ask("/page", &[("accept", "application/json")]).await;
        (came.status.as_u16(), came.reason().to_owned())
    };
    for protocol in [Protocol::Http1, Protocol::Http2] {
        assert_eq!(ask().await.0, 200);
        let mut socket = open(&house, protocol, "/live", &cookie).await;
        // Longer than it may lie open without a seat, a pool's sweep or a check would take.
        for _ in 0..3 {
            assert_eq!(ask().await, (503, "upstream-overloaded".to_owned()));
            tokio::time::sleep(Duration::from_millis(700)).await;
            socket.send(Message::text("hello")).await.unwrap();
            assert_eq!(next(&mut socket).await, Some(Message::text("hello")));
        }
        while house.metric("leastway_connections_open").await > 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(house.metric("leastway_connections_open").await, 1, "a tunnel is a connection");
        socket.close(None).await.unwrap();
        while next(&mut socket).await.is_some() {}
        drop(socket);
        let freed = async {
            while ask().await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), freed).await.unwrap();
    }
    house.stop().await;
}
