//! Every path of the control listener, on one page.

use std::future::IntoFuture as _;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::state::ControlState;
use super::{api, authority, metrics, probes};

/// The paths that ask for nothing: for whoever watches over the process.
pub const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// The paths that ask for the token, with their method.
pub const GUARDED: [(&str, &str); 4] = [
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/sessions"),
    ("GET", "/api/v1/events"),
    ("POST", "/api/v1/reload"),
];

/// The control listener's paths.
pub fn router(state: ControlState) -> Router {
    let guarded = Router::new()
        .route("/status", get(api::status))
        .route("/sessions", get(api::sessions))
        .route("/events", get(api::events))
        .route("/reload", post(api::reload))
        .layer(from_fn_with_state(state.clone(), authority::needs_token));
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::metrics))
        .nest("/api/v1", guarded)
        .layer(from_fn(authority::needs_own_host))
        .with_state(state)
}

/// Serves until `stop` says so.
pub async fn serve(listener: TcpListener, state: ControlState, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        // A sender that is gone has stopped, too.
        let _seen = stop.wait_for(|stop| *stop).await;
    };
    let served = axum::serve(listener, router(state)).with_graceful_shutdown(stopped);
    if let Err(error) = served.into_future().await {
        tracing::error!(error = %error, "the control listener has ended");
    }
}
