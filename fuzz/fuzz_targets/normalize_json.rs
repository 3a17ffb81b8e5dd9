//! A JSON body that is accepted is what a common reader takes it for.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyNeeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = Body::read(&headers, bytes, BodyNeeds { form: true, json: true });
    if let Ok(Body::Json(document)) = body {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).ok(), Some(document));
    }
});
