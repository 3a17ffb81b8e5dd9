//! An XML-RPC body calls one method, whose name stands in it as it is, or is refused.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::call::Call;
use leastway::features::route::fields::Fields;
use libfuzzer_sys::fuzz_target;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: false, rpc: true, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    // Nothing calls nothing.
    if bytes.is_empty() {
        return;
    }
    let [Call::Method(name)] = body.calls() else { panic!("one method") };
    let text = std::str::from_utf8(bytes).expect("it was read as UTF-8");
    assert!(text.contains(&format!(">{name}<")));
});
