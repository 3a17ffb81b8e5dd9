//! An XML-RPC body calls one method, whose name stands in it as it is, or is refused.
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds};
use leastway::features::route::call::Call;
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: false, json: false, rpc: true, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    let Ok(body) = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS) else { return };
    // Nothing calls nothing.
    if bytes.is_empty() {
        return;
    }
    let [Call::Method(name)] = body.calls() else { panic!("one method") };
    let text = std::str::from_utf8(bytes).expect("it was read as UTF-8");
    // Whatever a reader does not look at, there is no second name that it could take for the method.
    let (mut outside, mut rest) = (String::new(), text);
    while let Some((before, inside)) = rest.split_once("<![CDATA[") {
        outside.push_str(before);
        rest = inside.split_once("]]>").expect("it ends").1;
    }
    outside.push_str(rest);
    let (_, after) = outside.split_once("<methodName").expect("it stands there");
    assert_eq!(outside.matches("<methodName").count(), 1);
    assert!(after.trim_start().starts_with(&format!(">{name}<")), "{after}");
    assert!(!outside.contains("<!DOCTYPE") && !outside.contains("<!ENTITY"));
}
