//! Where someone wanted to go before they had to sign in: always a place on the same host.

use std::fmt;

/// Path and query on our own host. Kept on the server, never sent through the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnTo(String);

/// The longest target that is kept; what is longer leads to `/`.
const LENGTH_MAX: usize = 4_096;

/// Our own paths are no place to return to: to the callback or the sign-out least of all. But for the one where a
/// sign-in in a window of its own ends, which may name the page beside which it was begun; and for those that show whoever
/// is signed in what is theirs, and by being opened change nothing.
const OWN_PATHS: &str = "/.leastway";
const LANDING: &str = "/.leastway/signed-in";
const BESIDE: &str = "/.leastway/signed-in?at=";
const OWN_PAGES: [&str; 2] = ["/.leastway/me", "/.leastway/purpose"];

impl ReturnTo {
    /// `target` if it is a path on our own host for every reader, else `/`.
    pub fn new(target: &str) -> Self {
        let is_landing = target == LANDING || target.strip_prefix(BESIDE).is_some_and(is_local);
        Self(if is_landing || is_own_page(target) || is_local(target) { target } else { "/" }.to_owned())
    }

    /// For which page it is: of a sign-in in a window of its own, the one beside which that was begun.
    pub fn page(target: &str) -> &str {
        target.strip_prefix(BESIDE).unwrap_or(target)
    }

    /// As a value for `Location`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path holds what an application puts there, which may be a patient's name.
impl fmt::Debug for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReturnTo(..)")
    }
}

fn is_local(target: &str) -> bool {
    is_plain(target) && reads_as_local(target) && !target.starts_with(OWN_PATHS)
}

/// Whatever its query asks for, the page looks at that itself.
fn is_own_page(target: &str) -> bool {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    is_plain(target) && OWN_PAGES.contains(&path)
}

fn is_plain(target: &str) -> bool {
    // Browsers read `\` as `/`, and drop tabs and line breaks: `/\evil` and `/<tab>/evil` are `//evil`.
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
    target.len() <= LENGTH_MAX && target.starts_with('/') && target.bytes().all(plain)
}

/// The reading of the WHATWG, which is the browser's: the host stays ours, and the path is not one
/// of our own after dots are resolved.
fn reads_as_local(target: &str) -> bool {
    let Ok(own) = url::Url::parse("https://own.invalid/") else { return false };
    own.join(target).is_ok_and(|read| read.origin() == own.origin() && !read.path().starts_with(OWN_PATHS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_is_a_path_on_our_own_host_or_the_root() {
        let kept = ["/", "/patients/7?tab=labs&next=//x", "/a/%2f%2fevil.example", "/a//b", "/?q=https://x"];
        let own = ["/.leastway/me", "/.leastway/purpose", "/.leastway/purpose?return_to=%2Fpatients%2F7"];
        for target in kept.into_iter().chain([LANDING, "/.leastway/signed-in?at=/ehr/a%20b"]).chain(own) {
            assert_eq!(ReturnTo::new(target).as_str(), target);
        }
        let long = format!("/{}", "a".repeat(LENGTH_MAX));
        let refused = [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\\b",
            "/a#b",
            "/a b",
            "/ä",
            " /",
            "/.leastway/sign-out",
            "/.leastway/me/end",
            "/.leastway/mend",
            "/.leastway/me/../sign-out",
            "/.leastway/me#b",
            "/.leastway/purpose?return_to=\\evil.example",
            "/.leastway/signed-in?at=//evil.example",
            "/.leastway/signed-in?at=/.leastway/sign-out",
            "/.leastway/signed-in?next=/",
            "/x/../.leastway/callback?code=1",
            "/%2e/.leastway/sign-out",
            "///evil.example",
            "javascript:alert(1)",
            &long,
        ];
        for target in refused {
            assert_eq!(ReturnTo::new(target).as_str(), "/", "{target:?}");
        }
    }

    #[test]
    fn a_sign_in_in_a_window_of_its_own_is_for_the_page_beside_it() {
        for (target, page) in [
            ("/.leastway/signed-in?at=/ehr/patients/7", "/ehr/patients/7"),
            (LANDING, LANDING),
            ("/patients?at=/x", "/patients?at=/x"),
        ] {
            assert_eq!(ReturnTo::page(target), page);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_a_browser_stays_on_our_host(
            target in prop::collection::vec(
                prop_oneof![
                    "[a-z/\\\\.?#@:%]",
                    prop_oneof![Just("/.leastway/sign-out"), Just("%2e"), Just("//"), Just("\t"), Just("https://x")].prop_map(str::to_owned),
                ],
                0..12,
            ),
        ) {
            let target = target.concat();
            let kept = ReturnTo::new(&target);
            let own = url::Url::parse("https://own.invalid/").unwrap();
            let read = own.join(kept.as_str()).unwrap();
            prop_assert_eq!(read.origin(), own.origin());
            prop_assert!(!read.path().starts_with(OWN_PATHS));
            prop_assert!(kept.as_str() == target || kept.as_str() == "/");
            let again = ReturnTo::new(kept.as_str());
            prop_assert_eq!(again.as_str(), kept.as_str());
        }
    }
}
