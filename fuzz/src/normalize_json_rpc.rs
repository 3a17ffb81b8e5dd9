//! A JSON-RPC body calls what a common reader finds under `method`, or is refused.
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::call::Call;
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: false, rpc: true, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    // Nothing calls nothing.
    if bytes.is_empty() {
        return;
    }
    let document: serde_json::Value = serde_json::from_slice(bytes).expect("a common reader reads it too");
    let entries = document.as_array().cloned().unwrap_or_else(|| vec![document]);
    for entry in entries {
        let call = match entry.get("method").and_then(serde_json::Value::as_str) {
            Some(method) => Call::Method(method.to_owned()),
            None if entry
                .as_object()
                .is_some_and(|entry| entry.keys().any(|key| key.eq_ignore_ascii_case("method"))) =>
            {
                continue;
            }
            None => Call::Other,
        };
        assert!(body.calls().contains(&call));
    }
}
