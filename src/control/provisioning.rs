//! The other door of the SCIM service: for an agent on this machine that keeps a provider's people here. The same
//! service, the same token, and no TLS, since nobody comes here from elsewhere.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use super::state::ControlState;
use crate::features::directory::scim::{Asked, ErrorKind, Reply, ScimError, message};

/// Does what a provider asks.
pub async fn serve(State(state): State<ControlState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Nothing is read of whoever brings no token.
    let Some(directory) = (state.directory)(&parts.headers) else { return unauthorized() };
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        let error = ScimError::new(ErrorKind::TooLarge, format!("a body is at most {BODY_BYTES_MAX} bytes"));
        return written(&error.reply());
    };
    written(&directory(asked(&parts, body)).await)
}

fn asked(parts: &Parts, body: Bytes) -> Asked {
    let field = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    Asked {
        method: parts.method.clone(),
        path: parts.uri.path().strip_prefix(SCIM_PATH).unwrap_or_default().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: field(CONTENT_TYPE).map(str::to_owned),
        body,
        base: format!("http://{}{SCIM_PATH}", field(HOST).unwrap_or_default()),
    }
}

fn written(reply: &Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut written = match &reply.body {
        Some(body) => (status, [(CONTENT_TYPE, "application/scim+json")], body.to_string()).into_response(),
        None => status.into_response(),
    };
    let location = reply.location.as_deref().map(|location| (LOCATION, location));
    for (name, value) in location.into_iter().chain(reply.allow.map(|allow| (ALLOW, allow))) {
        if let Ok(value) = HeaderValue::from_str(value) {
            written.headers_mut().insert(name, value);
        }
    }
    written
}

fn unauthorized() -> Response {
    let body = message(401, None, "bring the token of `provider.scim` as `Authorization: Bearer …`");
    let challenge = (WWW_AUTHENTICATE, "Bearer realm=\"leastway\"");
    let kind = (CONTENT_TYPE, "application/scim+json");
    (StatusCode::UNAUTHORIZED, [challenge, kind], body.to_string()).into_response()
}

/// Where an agent finds the service.
pub const SCIM_PATH: &str = "/scim/v2";
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
