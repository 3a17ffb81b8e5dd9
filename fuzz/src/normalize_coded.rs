//! A compressed body is judged by what it stands for, within its bound, or refused; nobody who does not decode can
//! take it for a document.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyFault, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;
use leastway::platform::http::coding::{Coding, Decoder};

use crate::input::Input;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: true, graphql: true };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 64 * 1024, ratio_max: 200 };
const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let coding = CODINGS[usize::from(input.byte()) % CODINGS.len()];
    let bytes = input.rest();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    let read = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS);
    let mut plain = Vec::new();
    let mut decoder = Decoder::new(Coding::read(&headers), LIMITS.ratio_max).expect("known");
    let is_whole =
        decoder.push(bytes, &mut |piece| plain.extend_from_slice(piece)).is_ok() && decoder.finish().is_ok();
    match read {
        Ok(body) => {
            if let Content::Json(document) = body.content() {
                assert!(is_whole && plain.len() <= LIMITS.bytes_max);
                assert_eq!(serde_json::from_slice::<serde_json::Value>(&plain).ok().as_ref(), Some(document));
                assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_err());
            }
        }
        Err(BodyFault::TooLarge) => assert!(plain.len() > LIMITS.bytes_max),
        Err(_) => {}
    }
}
