//! HTTP/2 to the application, in plain and under TLS: both directions stream at once, and trailers arrive,
//! which is all that gRPC asks for.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leastway::domain::event::Outcome;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::framing::OPEN;
use crate::house::{House, Neighbors, append, edit};
use crate::line::connect;

/// What reached the application.
type Seen = Arc<Mutex<Option<(Version, http::Uri, HeaderMap)>>>;

/// An application that says each piece back as it comes, and a status at the end.
async fn application(tls: Option<TlsAcceptor>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let told = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, told) = (tls.clone(), told.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let reply = echo(request, &told);
                    async { Ok::<_, Infallible>(reply) }
                });
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let ended = match tls {
                    None => server.serve_connection(TokioIo::new(stream), service).await,
                    Some(tls) => {
                        let stream = tls.accept(stream).await.unwrap();
                        server.serve_connection(TokioIo::new(stream), service).await
                    }
                };
                drop(ended);
            });
        }
    });
    (address, seen)
}

fn echo(
    request: Request<Incoming>,
    seen: &Seen,
) -> Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + use<>>> {
    let (head, body) = request.into_parts();
    *seen.lock().unwrap() = Some((head.version, head.uri, head.headers));
    let late = [("grpc-status", "0"), ("x-late", "1"), ("set-cookie", "forged=1")];
    let late: HeaderMap =
        late.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).into_iter().collect();
    let pieces = body.into_data_stream().map(|piece| Ok(Frame::data(piece.unwrap())));
    let body = pieces.chain(futures_util::stream::once(async { Ok(Frame::trailers(late)) }));
    Response::builder().header("content-type", "application/grpc").body(StreamBody::new(body)).unwrap()
}

/// What comes from a caller by HTTP/2, piece by piece as somebody else says it.
async fn talk(
    house: &House,
) -> (mpsc::Sender<Frame<Bytes>>, tokio::task::JoinHandle<hyper::Result<Response<Incoming>>>) {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"h2").await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (say, said) = mpsc::channel::<Frame<Bytes>>(1);
    let said = futures_util::stream::unfold(said, |mut said| async move {
        Some((Ok::<_, Infallible>(said.recv().await?), said))
    });
    let request = Request::post(format!("https://{}/open/echo.Echo/Talk", host(house)))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(Box::pin(said)))
        .unwrap();
    (say, tokio::spawn(sender.send_request(request)))
}

fn host(house: &House) -> String {
    format!("ehr.localhost:{}", house.ports.gateway)
}

/// A conversation may pause for as long as it likes; what is none to an application of HTTP/1.1 does not hold its connection so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_with_an_application_that_holds_none_ends_in_its_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    // It reads all that comes, and waits for the end of it.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { tokio::io::copy(&mut stream, &mut tokio::io::sink()).await });
        }
    });
    let house = House::furnish(Neighbors::Application(address), |directory| {
        let ehr = directory.root().join("applications/ehr.toml");
        edit(&ehr, "provider = \"clinic\"", "provider = \"clinic\"\nreply_timeout = \"1s\"");
        append(&ehr, OPEN);
    })
    .await;
    let (say, reply) = talk(&house).await;
    say.send(Frame::data(Bytes::from_static(b"one"))).await.unwrap();
    let reply = tokio::time::timeout(Duration::from_secs(15), reply).await.expect("it ends");
    assert_eq!(reply.unwrap().unwrap().status(), 504);
    house.stop().await;
}

async fn call(house: &House, seen: &Seen) {
    let (say, reply) = talk(house).await;
    say.send(Frame::data(Bytes::from_static(b"one"))).await.unwrap();
    let mut reply = reply.await.unwrap().unwrap().into_body();
    let first = reply.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one", "before the caller has come to an end");
    say.send(Frame::data(Bytes::from_static(b"two"))).await.unwrap();
    assert_eq!(reply.frame().await.unwrap().unwrap().into_data().unwrap(), "two");
    let forged = HeaderMap::from_iter([("x-forged".parse().unwrap(), "1".parse().unwrap())]);
    say.send(Frame::trailers(forged)).await.unwrap();
    drop(say);
    let trailers = reply.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
    assert_eq!(trailers.get("x-late").unwrap(), "1");
    assert!(!trailers.contains_key("set-cookie"));
    assert!(reply.frame().await.is_none());

    let (version, uri, headers) = seen.lock().unwrap().take().unwrap();
    assert_eq!(version, Version::HTTP_2);
    assert_eq!(uri.authority().unwrap().as_str(), host(house), "the host that callers asked for");
    assert_eq!(uri.path(), "/open/echo.Echo/Talk");
    assert_eq!(headers.get("te").unwrap(), "trailers");
    assert!(!headers.contains_key("host") && headers.contains_key("x-request-id"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_streams_both_ways_and_ends_with_its_status() {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    for tls in [None, Some(TlsAcceptor::from(Arc::new(tls)))] {
        let is_tls = tls.is_some();
        let (address, seen) = application(tls).await;
        let house = House::furnish(Neighbors::Application(address), |directory| {
            let file = directory.root().join("applications/ehr.toml");
            let plain = format!("upstream = [\"http://127.0.0.1:{}\"]", address.port());
            let upstream = if is_tls {
                std::fs::write(directory.root().join("app.pem"), certified.cert.pem()).unwrap();
                plain.replace("http:", "https:") + "\nauthorities = \"file:../app.pem\""
            } else {
                plain.clone()
            };
            edit(&file, &plain, &format!("{upstream}\nprotocol = \"h2\""));
            append(&file, OPEN);
        })
        .await;
        for _ in 0..3 {
            call(&house, &seen).await;
        }
        let events = house.stop().await;
        let calls = events.iter().filter(|event| event.opening.method.as_deref() == Some("POST"));
        let closings: Vec<_> = calls.filter_map(|event| event.closing.clone()).collect();
        assert_eq!(closings.len(), 3, "tls: {is_tls}");
        for closing in closings {
            assert_eq!((closing.outcome, closing.bytes_in, closing.bytes_out), (Outcome::Completed, 6, 6));
        }
    }
}
