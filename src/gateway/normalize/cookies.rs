//! Our cookies among those of the application: they never reach it, and it never sets them.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};

pub use crate::features::authn::BINDING_COOKIE;
pub use crate::features::risk::BROWSER_COOKIE;
pub use crate::features::session::device_key::DEVICE_COOKIE;
use crate::foundation::secret::Secret;

/// The cookie that names the session.
pub const SESSION_COOKIE: &str = "__Host-leastway";

/// The cookie that remembers at which provider a browser's people sign in.
pub const PROVIDER_COOKIE: &str = "__Host-leastway-p";

/// What the name of a cookie that binds to a server of an application begins with; the application's name
/// follows.
pub const SERVER_COOKIE: &str = "__Host-leastway-at-";

/// One of our cookies, as a request brought it.
#[derive(Debug, Clone)]
pub enum OwnCookie {
    /// It did not.
    None,
    /// It did.
    One(Secret),
    /// It did, more than once, which no browser of ours does: it counts as none.
    Several,
}

impl OwnCookie {
    /// The value, if there is exactly one.
    pub const fn value(&self) -> Option<&Secret> {
        match self {
            Self::One(value) => Some(value),
            Self::None | Self::Several => None,
        }
    }
}

/// Finds one of our cookies in `Cookie` fields, by its exact name.
pub fn find<'a>(fields: impl IntoIterator<Item = &'a HeaderValue>, name: &str) -> OwnCookie {
    let mut found = OwnCookie::None;
    let crumbs = fields.into_iter().flat_map(crumbs);
    for value in crumbs.filter(|crumb| name_of(crumb) == name.as_bytes()).map(value_of) {
        found = match (found, std::str::from_utf8(value)) {
            (OwnCookie::None, Ok(value)) => OwnCookie::One(Secret::new(value.to_owned())),
            _ => OwnCookie::Several,
        };
    }
    found
}

/// The value of the cookie that binds to a server of `application`, if there is exactly one.
pub fn server_of(found: &[(String, String)], application: &str) -> Option<String> {
    let mut values = found.iter().filter(|(name, _)| name == application).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.clone()),
        (None | Some(_), _) => None,
    }
}

/// Finds the cookies that bind to servers: applications with values.
pub fn find_servers(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_there =
        |line: &HeaderValue| memchr::memmem::find(line.as_bytes(), SERVER_COOKIE.as_bytes()).is_some();
    if !headers.get_all(COOKIE).iter().any(is_there) {
        return Vec::new();
    }
    let crumbs = headers.get_all(COOKIE).iter().flat_map(crumbs);
    let found = crumbs.filter_map(|crumb| {
        let application = name_of(crumb).strip_prefix(SERVER_COOKIE.as_bytes())?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        Some((text(application)?, text(value_of(crumb))?))
    });
    found.take(SERVER_COOKIES_MAX).collect()
}

/// Removes our cookies, in whatever letter case, from what the application will see. All others stay
/// as they came, in one field (RFC 9113 8.2.3 lets HTTP/2 split them).
pub fn strip(headers: &mut HeaderMap) {
    let is_ours = headers.get_all(COOKIE).iter().flat_map(crumbs).any(|crumb| is_own(name_of(crumb)));
    let is_touched = is_ours || headers.get_all(COOKIE).iter().nth(1).is_some();
    if !is_touched {
        return;
    }
    let mut kept = Vec::new();
    for crumb in headers.get_all(COOKIE).iter().flat_map(crumbs).filter(|crumb| !is_own(name_of(crumb))) {
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        kept.extend_from_slice(crumb);
    }
    headers.remove(COOKIE);
    if !kept.is_empty()
        && let Ok(value) = HeaderValue::from_bytes(&kept)
    {
        headers.insert(COOKIE, value);
    }
}

/// Drops what would set our cookies from a reply of the application.
pub fn strip_reply(headers: &mut HeaderMap) {
    if !headers.get_all(SET_COOKIE).iter().any(sets_own) {
        return;
    }
    let kept: Vec<HeaderValue> =
        headers.get_all(SET_COOKIE).iter().filter(|line| !sets_own(line)).cloned().collect();
    headers.remove(SET_COOKIE);
    for line in kept {
        headers.append(SET_COOKIE, line);
    }
}

/// Whether a `Set-Cookie` would set one of ours. A cookie without a name is sent back as its value
/// alone, so that `=__Host-leastway=x` would come back as ours.
pub fn sets_own(line: &HeaderValue) -> bool {
    let pair = line.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let nameless = pair.strip_prefix(b"=").unwrap_or(pair).trim_ascii();
    is_own(name_of(nameless))
}

fn is_own(name: &[u8]) -> bool {
    let Some((begin, rest)) = name.split_at_checked(SESSION_COOKIE.len()) else { return false };
    begin.eq_ignore_ascii_case(SESSION_COOKIE.as_bytes())
        && (rest.is_empty()
            || name.eq_ignore_ascii_case(BINDING_COOKIE.as_bytes())
            || name.eq_ignore_ascii_case(BROWSER_COOKIE.as_bytes())
            || name.eq_ignore_ascii_case(PROVIDER_COOKIE.as_bytes())
            || begins(name, SERVER_COOKIE)
            || begins(name, DEVICE_COOKIE))
}

fn begins(name: &[u8], with: &str) -> bool {
    name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
}

/// The cookies of one `Cookie` field: names with values.
pub fn crumbs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    pieces(line.as_bytes()).map(<[u8]>::trim_ascii).filter(|crumb| !crumb.is_empty())
}

/// What stands between semicolons.
fn pieces(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let end = memchr::memchr(b';', line);
        rest = end.and_then(|end| line.get(end + 1..));
        line.get(..end.unwrap_or(line.len()))
    })
}

/// The name of one of them.
pub fn name_of(crumb: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'=', crumb).unwrap_or(crumb.len());
    crumb.get(..end).unwrap_or_default().trim_ascii()
}

fn value_of(crumb: &[u8]) -> &[u8] {
    memchr::memchr(b'=', crumb).and_then(|at| crumb.get(at + 1..)).unwrap_or_default().trim_ascii()
}

/// Applications of one host; a browser has one such cookie for each.
const SERVER_COOKIES_MAX: usize = 32;
