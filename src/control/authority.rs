//! Who may ask the control plane: whoever reaches the listener for the probes, whoever has the token for
//! the rest. A browser that was led here by another name (DNS rebinding) is turned away.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::state::ControlState;

/// Lets a request pass whose `Host` is an address or `localhost`: a name could be anybody's.
pub async fn needs_own_host(request: Request, next: Next) -> Response {
    if is_own_host(request.headers()) {
        next.run(request).await
    } else {
        problem(StatusCode::MISDIRECTED_REQUEST, "ask for this listener by its address or as localhost")
    }
}

fn is_own_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else {
        return false;
    };
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = without_port.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok()
}

/// Lets a request pass that brings the token.
pub async fn needs_token(State(state): State<ControlState>, request: Request, next: Next) -> Response {
    let Some(token) = &state.token else {
        return problem(StatusCode::FORBIDDEN, "set `control.token` to use the API");
    };
    let brought = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match brought.and_then(|value| value.strip_prefix("Bearer ")) {
        Some(brought) if token.is(brought) => next.run(request).await,
        _ => {
            let mut refused =
                problem(StatusCode::UNAUTHORIZED, "bring the token as `Authorization: Bearer …`");
            let challenge = HeaderValue::from_static(CHALLENGE);
            refused.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            refused
        }
    }
}

/// A problem (RFC 9457).
pub fn problem(status: StatusCode, title: &str) -> Response {
    let body = json!({ "type": "about:blank", "title": title, "status": status.as_u16() }).to_string();
    (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
}

/// What a refusal for want of the token says.
pub(super) const CHALLENGE: &str = "Bearer realm=\"leastway-control\"";
