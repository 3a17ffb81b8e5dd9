//! A compressed body is judged by what it stands for, within its bound, or refused.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;
use libfuzzer_sys::fuzz_target;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: true, graphql: true };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 64 * 1024, ratio_max: 200 };
const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

fuzz_target!(|input: (u8, &[u8])| {
    let (coding, bytes) = input;
    let coding = CODINGS[usize::from(coding) % CODINGS.len()];
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    if let Content::Json(document) = body.content() {
        // Who does not decode cannot take it for a document.
        assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_err());
        assert!(document.to_string().len() <= LIMITS.bytes_max * 6);
    }
});
