//! Replies of the clinic's applications, compressed where the caller accepts it; and whom an
//! application believes to be asking.

use std::io::Write as _;

use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::html::Text;

/// Shorter replies are not worth compressing.
const COMPRESSED_FROM: usize = 1_024;

/// What is sent, and as what.
pub(super) struct Content {
    /// The media type.
    pub(super) kind: &'static str,
    /// The name under which a browser keeps it; `None`: it is shown.
    pub(super) file: Option<&'static str>,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
}

/// Sends `content`, with gzip if the caller accepts it.
pub(super) fn deliver(asked: &HeaderMap, content: Content) -> Response {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("gzip"));
    let wanted = content.bytes.len() >= COMPRESSED_FROM && asked.get_all(ACCEPT_ENCODING).iter().any(accepts);
    let compressed = if wanted { gzip(&content.bytes) } else { None };

    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(file) = content.file
        && let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file}\""))
    {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    if compressed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    (StatusCode::OK, headers, compressed.unwrap_or(content.bytes)).into_response()
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whom the proxy in front says is asking: from its assertion, or else from `Remote-Name`.
///
/// This application trusts its network, as old ones do. One that wants to be sure checks the assertion's
/// signature against `/.well-known/leastway/jwks.json`.
pub(super) fn person(headers: &HeaderMap) -> Option<String> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let asserted = header(HeaderName::from_static("x-leastway-assertion")).and_then(asserted_name);
    let told =
        ["remote-name", "remote-user"].into_iter().find_map(|name| header(HeaderName::from_static(name)));
    asserted.or_else(|| told.map(str::to_owned))
}

fn asserted_name(assertion: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    ["name", "sub"].into_iter().find_map(|claim| claims.get(claim)?.as_str().map(str::to_owned))
}

/// The corner of a page that says who is signed in.
pub(super) fn person_corner(headers: &HeaderMap) -> String {
    match person(headers) {
        Some(name) => format!(
            "<form class=\"person\" method=\"post\" action=\"/.leastway/sign-out\">\
             <span>Signed in as {}</span><button>Sign out</button></form>",
            Text(&name)
        ),
        None => "<span class=\"warning\">Opened without Leastway: nobody is checked here</span>".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assertion_comes_before_the_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(person(&headers), None);
        headers.insert("remote-user", HeaderValue::from_static("registrar"));
        assert_eq!(person(&headers).unwrap(), "registrar");
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"registrar","name":"Rosa Delgado"}"#);
        headers.insert("x-leastway-assertion", format!("e30.{payload}.c2ln").parse().unwrap());
        assert_eq!(person(&headers).unwrap(), "Rosa Delgado");
    }

    #[test]
    fn only_who_accepts_gzip_gets_it() {
        let content = || Content { kind: "text/csv", file: None, bytes: vec![b'a'; 4_096] };
        let mut headers = HeaderMap::new();
        assert!(deliver(&headers, content()).headers().get(CONTENT_ENCODING).is_none());
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        assert_eq!(deliver(&headers, content()).headers()[CONTENT_ENCODING], "gzip");
    }
}
