//! The entries of a FHIR bundle lie below the base, byte for byte as they are written, or it is refused.
#![no_main]

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::bundle;
use leastway::features::route::fields::Fields;
use libfuzzer_sys::fuzz_target;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

fuzz_target!(|bytes: &[u8]| {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/fhir+json"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    let Ok(entries) = bundle::entries(&body, "/fhir/") else { return };
    for entry in &entries {
        let target = entry.target.as_str();
        assert!(target.starts_with("/fhir/") || target.starts_with("/fhir?"), "{target}");
        assert!(!target.contains(['#', '\\', ' ']));
    }
});
