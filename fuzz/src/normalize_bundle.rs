//! The entries of a FHIR bundle lie below the base, byte for byte as they are written, or it is refused.
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::bundle;
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/fhir+json"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    let Ok(entries) = bundle::entries(&body, "/fhir/") else { return };
    let Content::Json(document) = body.content() else { panic!("a bundle is JSON") };
    let members = document.as_object().expect("a bundle is an object").iter();
    let written = members.filter(|(name, _)| name.eq_ignore_ascii_case("entry")).map(|(_, value)| value);
    assert_eq!(entries.len(), written.map(|entries| entries.as_array().map_or(0, Vec::len)).sum::<usize>());
    for entry in &entries {
        let target = entry.target.as_str();
        assert!(target.starts_with("/fhir/") || target.starts_with("/fhir?"), "{target}");
        assert!(!target.contains(['#', '\\', ' ']));
    }
}
