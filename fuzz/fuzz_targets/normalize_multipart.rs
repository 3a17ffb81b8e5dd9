//! A multipart body is read or refused, whatever it holds.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;
use libfuzzer_sys::fuzz_target;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    if let Content::Form(fields) = body.content() {
        // The text of a body grows at most by reading it once more for its semicolons, and twofold from ISO 8859-1.
        let length: usize = fields.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(length <= bytes.len() * 4 + 3 * fields.iter().count());
    }
});
