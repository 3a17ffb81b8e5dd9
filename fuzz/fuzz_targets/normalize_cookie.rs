//! Whatever a cookie looks like, ours do not reach the application; stripping twice is stripping once.
#![no_main]

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use leastway::gateway::normalize::cookies::{BINDING_COOKIE, OwnCookie, SESSION_COOKIE, find, strip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: Vec<&[u8]>| {
    let mut headers = HeaderMap::new();
    for value in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(COOKIE, value);
    }
    strip(&mut headers);
    for name in [SESSION_COOKIE, BINDING_COOKIE] {
        assert!(matches!(find(&headers, name), OwnCookie::None));
    }
    let once = headers.clone();
    strip(&mut headers);
    assert_eq!(once, headers);
});
