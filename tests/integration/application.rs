//! An application that answers every request with the headers that reached it, and one path slowly.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use http::Request;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How many pieces the slow path sends, and what is in each.
pub(crate) const PIECES: usize = 8;
pub(crate) const PIECE: &[u8; 1024] = &[b'x'; 1024];

/// Starts it; it ends with the test.
pub(crate) async fn start() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/static/slow", get(slow))
        .route("/static/endless", get(endless))
        .route("/static/late", get(late))
        .route("/patients/{patient}/notes", post(async |note: Bytes| note.len().to_string()))
        .fallback(echo);
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

/// A line for each header: `name: value`.
async fn echo(request: Request<Body>) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
    };
    request.headers().iter().map(line).collect()
}

async fn slow() -> axum::response::Response {
    let pieces = futures_util::stream::unfold(0, |sent| async move {
        if sent == PIECES {
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
async fn endless() -> axum::response::Response {
    let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 * 1024]));
    Body::from_stream(futures_util::stream::repeat_with(piece)).into_response()
}

/// A reply that begins after a while.
async fn late() -> &'static str {
    tokio::time::sleep(Duration::from_secs(2)).await;
    "late"
}
