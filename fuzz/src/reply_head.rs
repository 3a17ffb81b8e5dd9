//! The head of a reply: an application sets none of our cookies in whatever spelling, says nothing in our name or
//! about the connection, and its own address is turned to ours; twice is once.

use std::sync::LazyLock;

use http::Response;
use http::header::{HeaderMap, LOCATION, SET_COOKIE};
use leastway::features::rewrite::Rewrite;
use leastway::features::rewrite::location::Origin;
use leastway::features::rewrite::settings::{CookieDomain, CookieRewrite, RewriteSettings};
use leastway::gateway::normalize::headers::strip_reply;

use crate::input::Input;

static REWRITE: LazyLock<Rewrite> = LazyLock::new(|| {
    let cookies = CookieRewrite { domain: CookieDomain::Own, path: None, secure: true, same_site: None };
    let own = vec![Origin { host: "a".to_owned(), port: 80 }];
    Rewrite::new(RewriteSettings { locations: true, cookies, literals: Vec::new() }, own, None)
});

pub fn check(bytes: &[u8]) {
    let mut headers = Input::new(bytes).headers();
    strip_reply(&mut headers);
    for name in headers.keys() {
        assert!(!name.as_str().starts_with("x-leastway-") && name != "connection" && name != "upgrade");
    }
    for line in headers.get_all(SET_COOKIE) {
        assert!(!is_ours(line.as_bytes()), "{line:?}");
    }
    let mut twice = headers.clone();
    strip_reply(&mut twice);
    assert_eq!(twice, headers);

    let turned = turned(&headers);
    for line in turned.get_all(SET_COOKIE) {
        assert!(!is_ours(line.as_bytes()), "{line:?}");
    }
    if let Some(location) = turned.get(LOCATION).filter(|location| headers.get(LOCATION) != Some(*location)) {
        assert!(location.to_str().expect("text").starts_with("https://ehr.example/"));
    }
}

fn turned(headers: &HeaderMap) -> HeaderMap {
    let mut reply = Response::new(http_body_util::Empty::<bytes::Bytes>::new());
    reply.headers_mut().clone_from(headers);
    REWRITE.apply(reply, "ehr.example", false).headers().clone()
}

/// Whether a browser would send it back as one of ours: by name, or without a name by its value.
fn is_ours(line: &[u8]) -> bool {
    let pair = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()),
        None => (&[][..], pair.trim_ascii()),
    };
    let sent = if name.is_empty() { value.to_vec() } else { [name, b"=", value].concat() };
    let name = sent.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    name == b"__host-leastway" || name == b"__host-leastway-b" || name.starts_with(b"__host-leastway-at-")
}
