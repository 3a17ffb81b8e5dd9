//! What is said about a reply out of which something is taken, made true again.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, EXPIRES,
    HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, PRAGMA, TRAILER,
};
use http::{HeaderMap, Method};

use super::Plan;
use crate::domain::field::FieldName;

/// Prepares a request: its reply is to come whole, in plain, and not as a reference to what the caller had before, which may
/// have been more than they may have now.
pub fn prepare(headers: &mut HeaderMap, method: &Method) {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if method.is_safe() {
        headers.remove(IF_NONE_MATCH);
        headers.remove(IF_MODIFIED_SINCE);
    }
}

/// Takes out of the head of a reply what is true of the application's own bytes alone: their length, coding, digests (RFC 9530 and
/// those before), signatures (RFC 9421), validators and parts. What is left is for this one person, so that nobody keeps it, and
/// says which fields are missing, and after how many records it was cut.
pub(in crate::features::guard) fn settle(headers: &mut HeaderMap, plan: &Plan, keep: Option<u64>) {
    for name in [
        ACCEPT_RANGES,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        ETAG,
        EXPIRES,
        LAST_MODIFIED,
        PRAGMA,
        TRAILER,
        CONTENT_DIGEST,
        CONTENT_MD5,
        DIGEST,
        REPR_DIGEST,
        SIGNATURE,
        SIGNATURE_INPUT,
    ] {
        headers.remove(name);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let names: Vec<&str> = plan.names().iter().map(FieldName::as_str).collect();
    if let Ok(names) = HeaderValue::from_str(&names.join(", "))
        && !names.is_empty()
    {
        headers.insert(WITHHELD, names);
    }
    if let Some(keep) = keep {
        headers.insert(TRUNCATED, HeaderValue::from(keep));
    }
}

/// Names the fields that are withheld, to whoever has asked.
const WITHHELD: HeaderName = HeaderName::from_static("x-leastway-withheld");

/// After how many records the reply was cut.
const TRUNCATED: HeaderName = HeaderName::from_static("x-leastway-truncated");

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const DIGEST: HeaderName = HeaderName::from_static("digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, IF_MATCH};

    use super::*;
    use crate::domain::field::{Field, Place};

    #[test]
    fn what_is_true_of_the_whole_alone_is_not_said_of_the_rest() {
        let field = Field {
            name: "ssn".parse().unwrap(),
            categories: Vec::new(),
            identifies: false,
            places: vec![Place::Member("ssn".into())],
        };
        let plan = Plan::new(None, [&field]).unwrap();
        let mut headers = HeaderMap::new();
        for name in [
            "etag",
            "content-length",
            "content-encoding",
            "digest",
            "repr-digest",
            "content-md5",
            "signature",
        ] {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=600"));
        settle(&mut headers, &plan, Some(100));
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cache-control", "content-type", "x-leastway-truncated", "x-leastway-withheld"]);
        assert_eq!(headers[TRUNCATED], "100");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[WITHHELD], "ssn");
    }

    #[test]
    fn nobody_is_referred_to_what_they_had_before() {
        let mut headers = HeaderMap::new();
        for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_MATCH] {
            headers.insert(name, HeaderValue::from_static("\"1\""));
        }
        let mut posted = headers.clone();
        prepare(&mut headers, &Method::GET);
        assert!(!headers.contains_key(IF_NONE_MATCH) && !headers.contains_key(IF_MODIFIED_SINCE));
        assert_eq!(headers[ACCEPT_ENCODING], "identity");
        assert!(headers.contains_key(IF_MATCH), "it only makes a request fail");
        prepare(&mut posted, &Method::PUT);
        assert!(posted.contains_key(IF_NONE_MATCH), "there it keeps what is there from being overwritten");
    }
}
