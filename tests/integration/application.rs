//! An application that answers every request with what reached it: a POST with its body, any other with its
//! headers; and a few paths slowly.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How many pieces the slow path sends, and what is in each.
pub(crate) const PIECES: usize = 8;
pub(crate) const PIECE: &[u8; 1024] = &[b'x'; 1024];

/// The application; it ends with the test.
pub(crate) struct Application {
    pub(crate) address: SocketAddr,
    reached: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Application {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let router = Router::new()
            .route("/static/slow", get(slow))
            .route("/static/endless", get(endless))
            .route("/static/flood", get(flood))
            .route("/static/late", get(late))
            .route("/patients/{patient}/notes", post(async |note: Bytes| note.len().to_string()))
            .route("/patients/endless", get(endless))
            .route("/patients/quiet", get(quiet))
            .route("/patients/flood", get(flood))
            .route("/patients/late", get(late))
            .route("/patients/file", get(file))
            .route("/patients/socket", get(socket))
            .route("/archive/{kind}", get(many))
            .fallback(echo)
            .layer(from_fn_with_state(reached.clone(), count));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, reached, task }
    }

    /// How many requests have come.
    pub(crate) fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn count(State(reached): State<Arc<AtomicUsize>>, request: Request<Body>, next: Next) -> Response {
    reached.fetch_add(1, Ordering::SeqCst);
    next.run(request).await
}

/// The body byte for byte; or a line for each header: `name: value`.
/// With the target as it came.
async fn echo(request: Request<Body>) -> Response {
    let target = request.uri().path_and_query().unwrap().as_str().parse::<HeaderValue>().unwrap();
    let mut reply = echoed(request);
    reply.headers_mut().insert("x-target", target);
    reply
}

fn echoed(request: Request<Body>) -> Response {
    if request.method() == Method::POST {
        return request.into_body().into_response();
    }
    let line = |(name, value): (&http::HeaderName, &HeaderValue)| {
        format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
    };
    request.headers().iter().map(line).collect::<String>().into_response()
}

async fn slow() -> Response {
    in_pieces(PIECES)
}

async fn endless() -> Response {
    in_pieces(usize::MAX)
}

/// One piece, and then nothing for ever.
async fn quiet() -> Response {
    let first = futures_util::stream::iter([Ok::<_, Infallible>(Bytes::from_static(PIECE))]);
    Body::from_stream(first.chain(futures_util::stream::pending())).into_response()
}

/// An answer that takes its time.
async fn late() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1500)).await;
    "a chart"
}

/// A WebSocket that listens and says nothing.
async fn socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket| while socket.recv().await.is_some_and(|came| came.is_ok()) {})
}

/// A file, on a path where one only looks.
async fn file() -> Response {
    let head = [(CONTENT_TYPE, "text/csv"), (CONTENT_DISPOSITION, "attachment; filename=\"a.csv\"")];
    (head, "MRN\n100001\n").into_response()
}

/// Three hundred records of one kind, on paths that nobody has declared.
async fn many(Path(kind): Path<String>) -> Response {
    let joined = |one: &str, between: &str| vec![one; 300].join(between);
    let (kind, body) = match kind.as_str() {
        "members" => {
            ("application/json", format!("{{\"data\":[{}]}}", joined("{\"mrn\":1,\"tags\":[1]}", ",")))
        }
        "results" => ("application/json", format!("{{\"results\":{{\"items\":[{}]}}}}", joined("{}", ","))),
        "bundle" => {
            ("application/json", format!("{{\"resourceType\":\"Bundle\",\"entry\":[{}]}}", joined("{}", ",")))
        }
        "lines" => ("application/x-ndjson", joined("{}", "\n")),
        "rows" => ("text/csv", format!("MRN\n{}", joined("1", "\n"))),
        "table" => ("text/html", format!("<table>{}</table>", joined("<tr><td>1", ""))),
        _ => ("", String::new()),
    };
    if kind.is_empty() {
        let head = [(CONTENT_DISPOSITION, "attachment")];
        return (head, Body::from("a file of no type")).into_response();
    }
    ([(CONTENT_TYPE, kind)], body).into_response()
}

fn in_pieces(pieces: usize) -> Response {
    let pieces = futures_util::stream::unfold(0, move |sent| async move {
        if sent == pieces {
            return None;
        }
        if sent > 0 {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        Some((Ok::<_, Infallible>(Bytes::from_static(PIECE)), sent + 1))
    });
    Body::from_stream(pieces).into_response()
}

/// A reply without an end, for whoever reads it.
async fn flood() -> Response {
    let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 * 1024]));
    Body::from_stream(futures_util::stream::repeat_with(piece)).into_response()
}
