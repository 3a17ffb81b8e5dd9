//! Every path of the control listener, on one page.

use std::future::IntoFuture as _;
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};
use axum::{BoxError, Router};
use http::StatusCode;
use http::header::{HeaderName, RETRY_AFTER};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::timeout::error::Elapsed;

use super::state::ControlState;
use super::{
    api, authority, break_glass, detections, evidence, metrics, page, probes, provisioning, reports,
    revocation, rotation, seals, signals,
};

/// The paths that ask for nothing: for whoever watches over the process.
pub const OPEN: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// The paths that ask for the token, with their method.
pub const GUARDED: [(&str, &str); 18] = [
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/sessions"),
    ("POST", "/api/v1/sessions/revoke"),
    ("GET", "/api/v1/events"),
    ("POST", "/api/v1/events/reveal"),
    ("GET", "/api/v1/seals"),
    ("POST", "/api/v1/seals/destroy"),
    ("POST", "/api/v1/seals/renew-patients"),
    ("GET", "/api/v1/feeds"),
    ("GET", "/api/v1/exports"),
    ("GET", "/api/v1/detections"),
    ("POST", "/api/v1/detections/{id}"),
    ("GET", "/api/v1/break-glass"),
    ("POST", "/api/v1/break-glass/{id}"),
    ("POST", "/api/v1/reports/{name}"),
    ("POST", "/api/v1/evidence"),
    ("POST", "/api/v1/reload"),
    ("POST", "/api/v1/rotation"),
];

/// The paths that ask for a provider's token, with any method: its directory.
pub const DIRECTORY: &str = "/scim/v2/{*path}";

/// The path that asks for a transmitter's token.
pub const SIGNALS: (&str, &str) = ("POST", signals::SIGNALS_PATH);

/// The administrators' pages, with their method. Who may come there is told by a cookie, which [`page`] gives for the
/// token.
pub const PAGES: [(&str, &str); 16] = [
    ("GET", "/"),
    ("GET", page::STYLESHEET_PATH),
    ("GET", page::SESSIONS_PATH),
    ("GET", page::END_PATH),
    ("POST", page::END_PATH),
    ("GET", page::DETECTIONS_PATH),
    ("POST", page::DETECTIONS_PATH),
    ("GET", page::BREAKS_PATH),
    ("POST", page::BREAKS_PATH),
    ("GET", page::REPORTS_PATH),
    ("POST", page::REPORTS_PATH),
    ("GET", page::EVIDENCE_PATH),
    ("POST", page::EVIDENCE_PATH),
    ("GET", page::SIGN_IN_PATH),
    ("POST", page::SIGN_IN_PATH),
    ("POST", page::SIGN_OUT_PATH),
];

/// The control listener's paths.
pub fn router(state: ControlState) -> Router {
    let guarded = bounded(
        Router::new()
            .route("/status", get(api::status))
            .route("/sessions", get(api::sessions))
            .route("/sessions/revoke", post(revocation::revoke))
            .route("/events", get(api::events))
            .route("/events/reveal", post(seals::reveal))
            .route("/seals", get(seals::list))
            .route("/seals/destroy", post(seals::destroy))
            .route("/seals/renew-patients", post(seals::renew_patients))
            .route("/feeds", get(api::feeds))
            .route("/exports", get(api::exports))
            .route("/detections", get(detections::list))
            .route("/detections/{id}", post(detections::review))
            .route("/break-glass", get(break_glass::list))
            .route("/break-glass/{id}", post(break_glass::review))
            .route("/reports/{name}", post(reports::report))
            .route("/reload", post(api::reload))
            .route("/rotation", post(rotation::rotation))
            .layer(DefaultBodyLimit::max(revocation::QUESTION_BYTES_MAX))
            .layer(from_fn_with_state(state.clone(), authority::needs_token)),
    );
    let packed = bounded_by(
        Router::new()
            .route("/evidence", post(evidence::evidence))
            .layer(DefaultBodyLimit::max(revocation::QUESTION_BYTES_MAX))
            .layer(from_fn_with_state(state.clone(), authority::needs_token)),
        PACKS,
    );
    let directory = bounded(
        Router::new()
            .route(DIRECTORY, any(provisioning::serve))
            .route(signals::SIGNALS_PATH, post(signals::receive))
            .layer(DefaultBodyLimit::disable()),
    );
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::metrics))
        .nest("/api/v1", guarded.merge(packed))
        .merge(directory)
        .merge(pages())
        .layer(from_fn(authority::needs_own_host))
        .with_state(state)
}

/// The administrators' pages: bounded on their own, so that programs do not keep them waiting.
fn pages() -> Router<ControlState> {
    let packed = Router::new()
        .route(page::EVIDENCE_PATH, get(page::evidence).post(page::pack))
        .layer(DefaultBodyLimit::max(revocation::QUESTION_BYTES_MAX))
        .layer(from_fn(page::needs_own_page));
    bounded(
        Router::new()
            .route("/", get(page::first))
            .route(page::STYLESHEET_PATH, get(page::stylesheet))
            .route(page::SESSIONS_PATH, get(page::sessions))
            .route(page::END_PATH, get(page::ask).post(page::end))
            .route(page::DETECTIONS_PATH, get(page::detections).post(page::review))
            .route(page::BREAKS_PATH, get(page::breaks).post(page::review_break))
            .route(page::REPORTS_PATH, get(page::reports).post(page::report))
            .route(page::SIGN_IN_PATH, get(page::first).post(page::sign_in))
            .route(page::SIGN_OUT_PATH, post(page::sign_out))
            .layer(DefaultBodyLimit::max(revocation::QUESTION_BYTES_MAX))
            .layer(from_fn(page::needs_own_page)),
    )
    .merge(bounded_by(packed, PACKS))
}

/// Only so many questions at once, each for only so long.
fn bounded(paths: Router<ControlState>) -> Router<ControlState> {
    bounded_by(paths, (REQUESTS_MAX, ANSWERED_WITHIN))
}

fn bounded_by(paths: Router<ControlState>, (at_once, within): (usize, Duration)) -> Router<ControlState> {
    paths.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(unanswered))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(at_once))
            .timeout(within),
    )
}

/// Questions that read the journal can take long: only so many at once, each for only so long. Probes and
/// metrics are not held up by them.
async fn unanswered(error: BoxError) -> (StatusCode, [(HeaderName, &'static str); 1]) {
    let took_too_long = error.is::<Elapsed>();
    let status = if took_too_long { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(RETRY_AFTER, "5")])
}

/// Questions at once.
pub const REQUESTS_MAX: usize = 8;
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
/// Evidence packs at once, and how long one may take: each reads a journal of years from its first entry.
pub const PACKS: (usize, Duration) = (1, Duration::from_secs(15 * 60));

/// Serves, as long as it is polled.
pub async fn serve(listener: TcpListener, state: ControlState) {
    if let Err(error) = axum::serve(listener, router(state)).into_future().await {
        tracing::error!(error = %error, "the control listener has ended");
    }
}
