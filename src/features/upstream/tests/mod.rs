//! The application's side against applications that misbehave, each a few lines of a socket.

mod balance;
mod coming;
mod form;
mod signed_in;
mod tls;
mod trial;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use super::assertion::{AssertionKey, Assertions};
use super::bond::Errand;
use super::credential::Credentials;
use super::error::UpstreamError;
use super::headers::{ASSERTION, Facts, write};
use super::pool::Pool;
use super::send::{RequestBody, send};
use super::servers::Upstream;
use super::settings::{
    BalanceSettings, Connections, Cookies, HealthSettings, IdentityHeaders, Protocol, Server, StatusSet,
    Sticky, UpstreamSettings,
};
use crate::domain::application::Category;
use crate::domain::assurance::Assurance;
use crate::domain::category::{Categories, Protection};
use crate::domain::patience::Patience;
use crate::domain::proof::{Journaled, Permit};
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Identity, Subject};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::{RequestId, SessionId};
use crate::platform::http::body::{Full, read_bounded};
use crate::platform::tls::client::Trust;

/// Settings for an application with these servers.
pub(crate) fn settings_of(addresses: &[SocketAddr]) -> UpstreamSettings {
    let server =
        |address: &SocketAddr| Server { tls: false, host: address.ip().to_string(), port: address.port() };
    UpstreamSettings {
        application: "ehr".parse().unwrap(),
        servers: addresses.iter().map(server).collect(),
        protocol: Protocol::Http1,
        trust: Trust::default(),
        server_name: None,
        connect_timeout: Duration::from_secs(1),
        reply_timeout: Duration::from_millis(500),
        reply_idle: Duration::from_secs(60),
        keep_alive: Duration::from_secs(15),
        preserve_host: true,
        identity_headers: vec![IdentityHeaders::RemoteUser],
        connections: Connections::Shared,
        cookies: Cookies::Browser,
        balance: BalanceSettings {
            sticky: Sticky::No,
            requests_max: None,
            waiting_max: 100,
            wait_max: Duration::from_secs(5),
            slow_start: Duration::ZERO,
        },
        health: HealthSettings {
            failures: 5,
            failure_status: StatusSet::new(vec!["503".parse().unwrap()]),
            out: Duration::from_secs(10),
            out_max: Duration::from_secs(60),
            check: None,
        },
        credentials: Credentials::default(),
    }
}

fn request(method: Method, body: &'static str) -> Request<RequestBody> {
    let body = RequestBody::Held(Full::new(Bytes::from_static(body.as_bytes())));
    Request::builder().method(method).uri("/x?y=1").header("host", "ehr.example").body(body).unwrap()
}

/// An application that answers each connection's requests with the given texts, then closes it.
async fn application(connections: Vec<Vec<&'static str>>) -> (SocketAddr, Rc<Cell<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Rc::new(Cell::new(0));
    let counted = served.clone();
    tokio::task::spawn_local(async move {
        for replies in connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            for reply in replies {
                if read_head(&mut stream).await.is_none() {
                    break;
                }
                counted.set(counted.get() + 1);
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        }
    });
    (address, served)
}

/// A server that answers whatever comes on any number of connections; `answer` is given the head with
/// the body and the connection's number, from 0.
async fn server<F, A>(answer: F) -> SocketAddr
where
    F: Fn(String, usize) -> A + 'static,
    A: Future<Output = String> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Rc::new(answer);
    tokio::task::spawn_local(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::task::spawn_local(async move {
                while let Some(request) = read_request(&mut stream).await {
                    let reply = answer(request, number).await;
                    if stream.write_all(reply.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A reply with this text.
fn reply(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let head = read_head(stream).await?;
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    // The case of names means nothing (RFC 9110 section 5.1).
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\r\n", name.to_lowercase()),
        None => format!("{line}\r\n"),
    };
    let head: String = head.split_terminator("\r\n").map(line).collect();
    Some(head + std::str::from_utf8(&body).unwrap())
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

async fn ask(pool: &Rc<Pool>, request: Request<RequestBody>) -> Result<(StatusCode, Bytes), UpstreamError> {
    ask_as(pool, request, &NOBODY).await
}

async fn ask_as(
    pool: &Rc<Pool>,
    mut request: Request<RequestBody>,
    errand: &Errand,
) -> Result<(StatusCode, Bytes), UpstreamError> {
    let reply = send(pool, &mut request, errand, &Permit::assertion(), &Journaled::assertion()).await?;
    let status = reply.status();
    Ok((status, read_bounded(reply.into_body(), 1024).await.unwrap()))
}

/// Somebody who is not signed in, and bound to no server.
const NOBODY: Errand = Errand {
    session: None,
    line: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), 4000),
    server: None,
    patience: Patience { head: None, silence: None },
};

fn pool(address: SocketAddr) -> Rc<Pool> {
    Pool::new(Arc::new(balanced(settings_of(&[address]))))
}

pub(crate) fn balanced(settings: UpstreamSettings) -> Upstream {
    Upstream::new(settings).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_serves_again_once_its_reply_was_read() {
    let run = async {
        let (address, served) = application(vec![vec![OK, OK, OK]]).await;
        let pool = pool(address);
        for _ in 0..3 {
            assert_eq!(ask(&pool, request(Method::GET, "")).await.unwrap().1, "ok");
        }
        assert_eq!(served.get(), 3, "all on the one connection that there is");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_safe_request_survives_a_connection_that_died_and_a_change_is_never_sent_twice() {
    let run = async {
        // Each connection answers once, reads one request more and closes without an answer.
        let (address, served) = application(vec![vec![OK, ""], vec![OK, ""], vec![OK]]).await;
        let pool = pool(address);
        assert!(ask(&pool, request(Method::GET, "")).await.is_ok());
        assert!(ask(&pool, request(Method::GET, "")).await.is_ok(), "asked again on a new connection");
        assert_eq!(served.get(), 3);
        let failed = ask(&pool, request(Method::POST, "order=1")).await.unwrap_err();
        assert!(matches!(failed, UpstreamError::Aborted(_)), "{failed:?}");
        assert_eq!(served.get(), 4, "sent once");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_the_application_has_its_reason() {
    let run = async {
        let cases = [
            (
                "nobody asked to switch",
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
                "upstream-malformed",
            ),
            ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "upstream-malformed"),
            ("silence, then the end", "", "upstream-aborted"),
        ];
        for (name, reply, reason) in cases {
            let (address, _) = application(vec![vec![reply]]).await;
            let failed = ask(&pool(address), request(Method::POST, "a=1")).await.unwrap_err();
            assert_eq!(failed.reason().as_str(), reason, "{name}: {failed:?}");
        }
        let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let failed = ask(&pool(unused), request(Method::GET, "")).await.unwrap_err();
        assert_eq!(failed.reason().as_str(), "upstream-unreachable");
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn an_application_that_hangs_is_given_up() {
    let run = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(listener.local_addr().unwrap());
        let failed = ask(&pool, request(Method::GET, "")).await.unwrap_err();
        assert!(matches!(failed, UpstreamError::ReplyTimeout), "{failed:?}");
    };
    LocalSet::new().run_until(run).await;
}

fn identity() -> Identity {
    let subject = Subject {
        issuer: "https://id.example".into(),
        sub: "nora".into(),
        name: "Nora\r\nX-Evil: 1".into(),
        groups: vec!["nursing".to_owned(), "ward-3".to_owned()],
        attributes: std::collections::BTreeMap::new(),
    };
    Identity {
        subject: Arc::new(subject),
        provider: "clinic".parse().unwrap(),
        roles: vec!["nurse".parse().unwrap()],
        purpose: Purpose::Treatment,
        assurance: Assurance::default(),
        justification: None,
        version: 1,
    }
}

#[test]
fn the_application_is_told_who_asks_and_no_name_breaks_a_header() {
    let (identity, now) = (identity(), Timestamp::from_seconds(1_800_000_000));
    let request = RequestId::new(now, &SeededEntropy::new(1));
    let facts = Facts {
        request,
        client: "192.0.2.7".parse().unwrap(),
        authority: "ehr.example:8443",
        identity: Some(&identity),
        assertion: None,
    };
    let mut headers = HeaderMap::new();
    write(&mut headers, &facts, &[IdentityHeaders::RemoteUser], None);
    assert_eq!(headers.get("host").unwrap(), "ehr.example:8443");
    assert_eq!(headers.get("remote-user").unwrap(), "nora");
    assert_eq!(headers.get("remote-name").unwrap(), "NoraX-Evil: 1");
    assert_eq!(headers.get("remote-groups").unwrap(), "nursing,ward-3");
    assert_eq!(headers.get("x-forwarded-for").unwrap(), "192.0.2.7");
    assert_eq!(headers.get("x-request-id").unwrap().to_str().unwrap(), request.to_string());
    assert!(headers.get("x-evil").is_none() && headers.get(ASSERTION).is_none());
}

#[test]
fn an_assertion_is_signed_once_a_while_and_again_when_its_person_changes() {
    let key = AssertionKey::from_pkcs8(&AssertionKey::generate().unwrap(), "leastway".to_owned()).unwrap();
    let (mut identity, now) = (identity(), Timestamp::from_seconds(1_800_000_000));
    let session = SessionId::new(now, &SeededEntropy::new(2));
    let application = "ehr".parse().unwrap();
    let assertions = Assertions::default();
    let about = |names: &[&str]| {
        let names: Vec<Category> = names.iter().map(|name| name.parse().unwrap()).collect();
        Categories::default().protection(&names)
    };
    let of_data = |identity: &Identity, protection: Protection, now| {
        assertions.of(&key, (&application, 0), (identity, session), protection, now).unwrap()
    };
    let of = |identity: &Identity, now| of_data(identity, Protection::default(), now);
    let first = of(&identity, now);
    assert_eq!(of(&identity, now.plus(Duration::from_secs(29))), first);
    assert_ne!(of(&identity, now.plus(Duration::from_secs(30))), first);
    let sud = of_data(&identity, about(&["sud"]), now);
    assert_ne!(of(&identity, now), sud, "what it says of the data is another");
    identity.version = 2;
    assert_ne!(of(&identity, now), first, "what it says of the person has changed");

    let set: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(serde_json::json!({ "keys": [key.jwk()] })).unwrap();
    let verifier = jsonwebtoken::DecodingKey::from_jwk(&set.keys[0]).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["ehr"]);
    validation.set_issuer(&["leastway"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<serde_json::Value>(first.to_str().unwrap(), &verifier, &validation);
    let claims = claims.unwrap().claims;
    assert!(claims.get("sensitivity").is_none() && claims.get("laws").is_none());
    let of_sud = jsonwebtoken::decode::<serde_json::Value>(sud.to_str().unwrap(), &verifier, &validation);
    let of_sud = of_sud.unwrap().claims;
    assert_eq!(of_sud["laws"], serde_json::json!(["sud_records"]));
    assert_eq!(of_sud["sensitivity"], serde_json::json!(["ETHUD", "OPIOIDUD", "SUD"]));
    assert_eq!((claims["sub"].as_str(), claims["purpose"].as_str()), (Some("nora"), Some("TREAT")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
}
