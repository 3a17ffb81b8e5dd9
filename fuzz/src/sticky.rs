//! A cookie of an application leads to the server that gave it its value last, and to none if nobody did: as RFC 6265
//! (5.2, 5.4) reads what was set and what comes back, the first of two.

use http::header::{COOKIE, HeaderMap, SET_COOKIE};
use leastway::features::upstream::sticky::Learned;

use crate::input::Input;

const NAME: &str = "SID";

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (learned, mut known) = (Learned::default(), Vec::new());
    for tag in ["a", "b", "a"] {
        let reply = input.headers();
        learned.learn(NAME, &reply, tag);
        for line in reply.get_all(SET_COOKIE) {
            let pair = line.as_bytes().split(|byte| *byte == b';').next().expect("one at least");
            known.extend(value(pair).filter(|value| !value.is_empty()).map(|value| (value, tag)));
        }
    }
    let request = input.headers();
    let found = learned.recognize(NAME, &request);
    assert_eq!(found.as_deref(), brought(&request).and_then(|brought| last(&known, &brought)));
}

fn last<'t>(known: &[(Vec<u8>, &'t str)], brought: &[u8]) -> Option<&'t str> {
    known.iter().rev().find(|(value, _)| value == brought).map(|(_, tag)| *tag)
}

fn brought(request: &HeaderMap) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = request.get_all(COOKIE).iter().map(|line| line.as_bytes()).collect();
    lines.join(&b';').split(|byte| *byte == b';').find_map(value)
}

/// The value of a pair, if the cookie's name stands before its first `=`.
fn value(pair: &[u8]) -> Option<Vec<u8>> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    (pair[..at].trim_ascii() == NAME.as_bytes()).then(|| pair[at + 1..].trim_ascii().to_vec())
}
