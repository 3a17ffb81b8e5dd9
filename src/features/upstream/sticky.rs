//! What binds a caller to a server: a cookie of ours, or one of the application's.
//!
//! Ours holds a few digits of a digest of the server's address: enough to tell the servers of one
//! application apart, too few to guess the address from. It gives nobody anything: whoever writes another
//! server's tag into it goes to that server of the same application, decided and recorded as before.
//!
//! Of the application's cookie only a digest is kept, beside the server that set it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};

use super::servers::Upstream;
use super::settings::{Sticky, UpstreamSettings};
use crate::foundation::digest::Digest;

/// The tags of the servers, in order; no two are the same.
pub(super) fn tags(settings: &UpstreamSettings) -> Vec<String> {
    let with_salt = |salt: u8| -> Vec<String> {
        let tag = |server: &super::settings::Server| {
            let parts =
                [settings.application.as_str().as_bytes(), b"\n", &[salt], server.to_string().as_bytes()]
                    .concat();
            let mut tag = Digest::of(&parts).to_string();
            tag.truncate(TAG_DIGITS);
            tag
        };
        settings.servers.iter().map(tag).collect()
    };
    let are_distinct = |tags: &Vec<String>| {
        tags.iter()
            .enumerate()
            .all(|(position, tag)| !tags.iter().skip(position + 1).any(|other| other == tag))
    };
    (0..=u8::MAX)
        .map(with_salt)
        .find(are_distinct)
        // The same server written twice: by its position, then.
        .unwrap_or_else(|| (0..settings.servers.len()).map(|position| format!("{position:04}")).collect())
}

impl Upstream {
    /// The server that a request is bound to. `own` is the value of our cookie for this application.
    pub fn bound_to(&self, own: Option<&str>, headers: &HeaderMap) -> Option<usize> {
        if self.servers.len() < 2 {
            return None;
        }
        let tag = match &self.settings.balance.sticky {
            Sticky::No => return None,
            Sticky::OwnCookie => own?.to_owned(),
            Sticky::ApplicationCookie(name) => self.together.learned.recognize(name, headers)?,
        };
        self.servers.iter().position(|server| server.tag == tag)
    }

    /// The value that our cookie is to have after `server` has answered; `None`: it has it already, or
    /// there is to be no such cookie.
    pub fn binds_to(&self, server: usize, own: Option<&str>) -> Option<&str> {
        if self.settings.balance.sticky != Sticky::OwnCookie || self.servers.len() < 2 {
            return None;
        }
        let tag = self.servers.get(server)?.tag.as_str();
        (own != Some(tag)).then_some(tag)
    }

    /// Remembers which server set the application's cookie.
    pub(super) fn learn(&self, server: usize, reply: &HeaderMap) {
        if let (Some(name), Some(state)) = (self.binding_cookie(), self.servers.get(server)) {
            self.together.learned.learn(name, reply, &state.tag);
        }
    }
}

/// The first value of a cookie in a request.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let lines = headers.get_all(COOKIE).iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')).find_map(|pair| value_of(pair, name))
}

fn value_of<'p>(pair: &'p [u8], name: &str) -> Option<&'p [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name.as_bytes())?.trim_ascii_start();
    Some(rest.strip_prefix(b"=")?.trim_ascii())
}

/// Which server set which value of a cookie. Two halves: when the younger is full the older is forgotten, so that
/// what is used stays and the size is bounded.
#[derive(Debug, Default)]
pub struct Learned(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    younger: HashMap<Digest, String>,
    older: HashMap<Digest, String>,
}

impl Learned {
    /// Remembers the values that a reply of the server with this tag gives the cookie `name`.
    pub fn learn(&self, name: &str, reply: &HeaderMap, tag: &str) {
        for line in reply.get_all(SET_COOKIE) {
            let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            if let Some(value) = value_of(pair, name).filter(|value| !value.is_empty()) {
                self.add(value, tag);
            }
        }
    }

    /// The tag of the server that set what a request brings back in the cookie `name`.
    pub fn recognize(&self, name: &str, request: &HeaderMap) -> Option<String> {
        self.find(cookie(request, name)?)
    }

    fn add(&self, value: &[u8], tag: &str) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.add(Digest::of(value), tag.to_owned());
    }

    fn find(&self, value: &[u8]) -> Option<String> {
        let digest = Digest::of(value);
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = halves.younger.get(&digest) {
            return Some(tag.clone());
        }
        let tag = halves.older.remove(&digest)?;
        halves.add(digest, tag.clone());
        Some(tag)
    }
}

impl Halves {
    fn add(&mut self, digest: Digest, tag: String) {
        if self.younger.len() >= HALF_MAX {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(digest, tag);
    }
}

const TAG_DIGITS: usize = 4;
/// Values in one half.
const HALF_MAX: usize = 50_000;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::features::upstream::tests::{balanced, settings_of};

    fn upstream(sticky: Sticky) -> Upstream {
        let servers =
            ["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"].map(|address| address.parse().unwrap());
        let mut settings = settings_of(&servers);
        settings.balance.sticky = sticky;
        balanced(settings)
    }

    #[test]
    fn a_tag_names_a_server_however_they_are_ordered_and_says_nothing_of_its_address() {
        let upstream = upstream(Sticky::OwnCookie);
        let mut settings = upstream.settings.clone();
        settings.servers.reverse();
        let mut reversed = tags(&settings);
        reversed.reverse();
        assert_eq!(reversed, tags(&upstream.settings));
        assert!(reversed.iter().all(|tag| tag.len() == TAG_DIGITS));
        settings.servers = vec![settings.servers[0].clone(); 2];
        assert_eq!(tags(&settings), ["0000", "0001"], "even if one is written twice");
    }

    #[test]
    fn our_cookie_binds_only_to_a_server_that_there_is() {
        let upstream = upstream(Sticky::OwnCookie);
        let headers = HeaderMap::new();
        let tag = upstream.binds_to(2, None).unwrap().to_owned();
        assert_eq!(upstream.bound_to(Some(&tag), &headers), Some(2));
        assert_eq!(upstream.binds_to(2, Some(&tag)), None, "it is bound there already");
        assert!(upstream.binds_to(1, Some(&tag)).is_some(), "it has moved");
        for forged in ["", "0", "99", "zzzz", "../x", &tag.to_uppercase().repeat(9)] {
            assert_eq!(upstream.bound_to(Some(forged), &headers), None, "{forged}");
        }
    }

    #[test]
    fn a_cookie_of_the_application_binds_to_the_server_that_set_it() {
        let upstream = upstream(Sticky::ApplicationCookie("SID".to_owned()));
        let mut reply = HeaderMap::new();
        reply.append(SET_COOKIE, HeaderValue::from_static("other=b; Path=/"));
        reply.append(SET_COOKIE, HeaderValue::from_static("SID=a.b=c; Path=/; HttpOnly"));
        upstream.learn(1, &reply);
        let bound = |line: &'static str| {
            let headers: HeaderMap = [(COOKIE, HeaderValue::from_static(line))].into_iter().collect();
            upstream.bound_to(None, &headers)
        };
        assert_eq!(bound("x=1; SID=a.b=c"), Some(1));
        assert_eq!(bound("SID=b"), None, "nobody has set that");
        assert_eq!(bound("sid=a.b=c; XSID=a.b=c"), None, "another name");
        assert!(!format!("{upstream:?}").contains("a.b=c"), "it is not kept");
    }

    #[test]
    fn what_is_learned_is_bounded_and_what_is_used_stays() {
        let learned = Learned::default();
        learned.add(b"used", "0001");
        for number in 0..HALF_MAX * 3 {
            learned.add(&number.to_be_bytes(), "0002");
            if number % 1000 == 0 {
                assert_eq!(learned.find(b"used").as_deref(), Some("0001"), "{number}");
            }
        }
        let halves = learned.0.lock().unwrap();
        assert!(halves.younger.len() + halves.older.len() <= 2 * HALF_MAX);
        assert!(!halves.younger.contains_key(&Digest::of(&0_usize.to_be_bytes())));
    }
}
