//! Whatever cookies look like, ours do not reach the application and all others do, in order; stripping twice is
//! stripping once; and ours is found only where it stands once and by its name.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use leastway::gateway::normalize::cookies::{
    BINDING_COOKIE, BROWSER_COOKIE, DEVICE_COOKIE, OwnCookie, PROVIDER_COOKIE, SERVER_COOKIE, SESSION_COOKIE,
    find, find_servers, strip,
};

const NAMES: [&str; 4] = [SESSION_COOKIE, BINDING_COOKIE, BROWSER_COOKIE, PROVIDER_COOKIE];

pub fn check(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in bytes.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(COOKIE, value);
    }
    let came = crumbs(&headers);
    for name in NAMES {
        let named: Vec<&(Vec<u8>, Vec<u8>)> = came.iter().filter(|(it, _)| it == name.as_bytes()).collect();
        match find(headers.get_all(COOKIE), name) {
            OwnCookie::None => assert!(named.is_empty()),
            OwnCookie::One(value) => {
                assert_eq!(named.len(), 1);
                let value = value.reveal().as_bytes();
                assert!(named[0].1.ends_with(value) || named[0].1.trim_ascii_end().ends_with(value));
            }
            OwnCookie::Several => assert!(named.len() > 1 || std::str::from_utf8(&named[0].1).is_err()),
        }
    }
    assert!(find_servers(&headers).len() <= 32);

    strip(&mut headers);
    let kept: Vec<_> = came.into_iter().filter(|(name, _)| !is_ours(name)).collect();
    assert_eq!(crumbs(&headers), kept);
    let once = headers.clone();
    strip(&mut headers);
    assert_eq!(once, headers);
}

/// Names, and whole crumbs.
fn crumbs(headers: &HeaderMap) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = headers.get_all(COOKIE).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    let crumbs = lines.map(<[u8]>::trim_ascii).filter(|crumb| !crumb.is_empty());
    let name =
        |crumb: &[u8]| crumb.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_vec();
    crumbs.map(|crumb| (name(crumb), crumb.to_vec())).collect()
}

fn is_ours(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|ours| name == ours.to_ascii_lowercase().as_bytes())
        || [SERVER_COOKIE, DEVICE_COOKIE]
            .iter()
            .any(|it| name.starts_with(it.to_ascii_lowercase().as_bytes()))
}
