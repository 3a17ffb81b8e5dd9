//! A URL-encoded form is refused, or every field is known that a common reader finds.
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;

use crate::normalize_query::finds_all;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    if let Content::Form(fields) = body.content() {
        finds_all(fields, bytes);
    }
}
