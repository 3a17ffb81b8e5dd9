//! The other door for signals: for a transmitter on this machine. The same receiver, the same token, and no TLS, since
//! nobody comes here from elsewhere.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::state::ControlState;
use crate::features::signals::SetFault;
use crate::platform::signed_token::TOKEN_BYTES_MAX;

/// Takes a signal.
pub async fn receive(State(state): State<ControlState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Nothing is read of whoever brings no token.
    let Some(receiver) = (state.signals)(&parts.headers) else { return written(&Err(SetFault::Stranger)) };
    let body = to_bytes(body, TOKEN_BYTES_MAX).await.ok();
    written(&receiver(body).await)
}

fn written(taken: &Result<(), SetFault>) -> Response {
    let Err(fault) = taken else { return StatusCode::ACCEPTED.into_response() };
    let (status, body) = fault.answer();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(CONTENT_TYPE, "application/json")], body.unwrap_or_default()).into_response()
}

/// Where a transmitter on this machine pushes to.
pub const SIGNALS_PATH: &str = "/ssf/events";
