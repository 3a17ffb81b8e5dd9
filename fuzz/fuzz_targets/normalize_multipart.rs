//! A multipart body is read or refused, whatever it holds.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyNeeds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b"));
    let body = Body::read(&headers, bytes, BodyNeeds { form: true, json: true });
    if let Ok(Body::Form(fields)) = body {
        // The text of a body grows at most by reading it once more for its semicolons, and twofold from ISO 8859-1.
        let length: usize = fields.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(length <= bytes.len() * 4 + 3 * fields.iter().count());
    }
});
