//! Where somebody is led back to is a place on our own host to a browser, is none of our own paths that change anything,
//! and stays what it is.

use leastway::features::authn::ReturnTo;
use leastway::gateway::pages::same_origin_path;
use url::Url;

pub fn check(bytes: &[u8]) {
    let Ok(target) = std::str::from_utf8(bytes) else { return };
    let own = Url::parse("https://own.invalid/").expect("a URL");
    let kept = ReturnTo::new(target);
    let read = own.join(kept.as_str()).expect("a place");
    assert_eq!(read.origin(), own.origin());
    assert!(!read.path().starts_with("/.leastway") || HARMLESS.contains(&read.path()));
    assert!(kept.as_str() == target || kept.as_str() == "/");
    assert_eq!(ReturnTo::new(kept.as_str()).as_str(), kept.as_str());
    if let Some(path) = same_origin_path(target) {
        assert_eq!(own.join(path).expect("a place").origin(), own.origin(), "{path}");
    }
}

/// Where a sign-in in a window of its own ends, and what shows people what is theirs.
const HARMLESS: [&str; 3] = ["/.leastway/signed-in", "/.leastway/me", "/.leastway/purpose"];
