//! A JSON body that is accepted is what a common reader takes it for.
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    if let Content::Json(document) = body.content() {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).ok().as_ref(), Some(document));
    }
}
