//! The application's cookies, kept on our side: for each account, one jar for each person (session).
//!
//! The browser never sees what is in a jar, and nothing that it sends can take its place.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

/// All jars of one account.
#[derive(Debug, Default)]
pub(super) struct Jars(Mutex<HashMap<SessionId, Arc<PersonJar>>>);

/// One person's jar.
#[derive(Debug)]
pub(super) struct PersonJar {
    cookies: Mutex<Jar>,
    /// Whoever signs in holds it; others wait for that.
    pub(super) signing_in: tokio::sync::Mutex<()>,
    /// How often somebody has signed in with it; 0: never.
    signed_in: AtomicU64,
    /// The server that it was signed in at.
    server: AtomicUsize,
    /// Which of all uses was its last.
    used: AtomicU64,
}

impl Jars {
    pub(super) fn of(&self, session: SessionId) -> Arc<PersonJar> {
        let mut jars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = USES.fetch_add(1, Ordering::Relaxed);
        if jars.len() >= JARS_MAX && !jars.contains_key(&session) {
            let oldest = jars.iter().min_by_key(|(_, jar)| jar.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(session, _)| *session) {
                jars.remove(&oldest);
            }
        }
        let jar = jars.entry(session).or_insert_with(|| Arc::new(PersonJar::new()));
        jar.used.store(newest, Ordering::Relaxed);
        jar.clone()
    }

    /// The jar of a session, if it has one.
    pub(super) fn find(&self, session: SessionId) -> Option<Arc<PersonJar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&session).cloned()
    }

    /// Throws away the jars of sessions that are gone.
    pub(super) fn forget(&self, is_there: impl Fn(SessionId) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|session, _| is_there(*session));
    }
}

impl PersonJar {
    fn new() -> Self {
        Self {
            cookies: Mutex::default(),
            signing_in: tokio::sync::Mutex::new(()),
            signed_in: AtomicU64::new(0),
            server: AtomicUsize::new(usize::MAX),
            used: AtomicU64::new(0),
        }
    }

    /// How often somebody has signed in with it.
    pub(super) fn times(&self) -> u64 {
        self.signed_in.load(Ordering::Acquire)
    }

    /// Takes the place of what was in it: the application has signed us in at `server`.
    pub(super) fn renew(&self, cookies: Jar, server: usize) {
        *self.cookies.lock().unwrap_or_else(PoisonError::into_inner) = cookies;
        self.server.store(server, Ordering::Relaxed);
        self.signed_in.fetch_add(1, Ordering::Release);
    }

    /// The application does not know it any more: whoever comes next signs in.
    pub(super) fn expire(&self) {
        self.signed_in.store(0, Ordering::Release);
    }

    /// The server that it was signed in at.
    pub(super) fn server(&self) -> Option<usize> {
        Some(self.server.load(Ordering::Relaxed)).filter(|server| *server != usize::MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    pub(super) fn write_over(&self, headers: &mut HeaderMap, path: &str) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).write_over(headers, path);
    }

    pub(super) fn take_hidden(&self, reply: &mut HeaderMap, path: &str) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).take_hidden(reply, path);
    }

    pub(super) fn write(&self, headers: &mut HeaderMap, path: &str, browsers: &[String]) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).write(headers, path, browsers);
    }

    pub(super) fn take(&self, reply: &mut HeaderMap, path: &str, browsers: &[String]) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).take(reply, path, browsers);
    }
}

/// Cookies (RFC 6265) of one application. Their `Domain` and `Secure` mean nothing here: they go back to
/// this application and to nobody else.
#[derive(Default)]
pub struct Jar(Vec<Kept>);

struct Kept {
    name: String,
    path: String,
    value: Secret,
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jar({} cookies)", self.0.len())
    }
}

impl Jar {
    /// Takes the cookies out of a reply to a request for `path`; those that are the browser's stay in it.
    pub fn take(&mut self, reply: &mut HeaderMap, path: &str, browsers: &[String]) {
        self.take_but(reply, path, |_, name, _| browsers.iter().any(|browsers| browsers == name));
    }

    /// Takes out of a reply what a page's scripts could not see, and what becomes of a cookie that is kept already.
    fn take_hidden(&mut self, reply: &mut HeaderMap, path: &str) {
        self.take_but(reply, path, |jar, name, line| {
            let is_kept = jar.0.iter().any(|known| known.name == name);
            let mut attributes = line.split(';').skip(1);
            !is_kept && !attributes.any(|attribute| attribute.trim().eq_ignore_ascii_case("httponly"))
        });
    }

    fn take_but(&mut self, reply: &mut HeaderMap, path: &str, stays: impl Fn(&Self, &str, &str) -> bool) {
        let lines: Vec<HeaderValue> = reply.get_all(SET_COOKIE).iter().cloned().collect();
        if lines.is_empty() {
            return;
        }
        reply.remove(SET_COOKIE);
        for line in lines {
            let text = std::str::from_utf8(line.as_bytes()).unwrap_or_default();
            let Some((name, kept)) = read(text, path) else { continue };
            if stays(self, &name, text) {
                reply.append(SET_COOKIE, line);
                continue;
            }
            self.put(name, kept);
        }
    }

    fn put(&mut self, name: String, (path, value): (String, Option<Secret>)) {
        self.0.retain(|known| known.name != name || known.path != path);
        let size = |kept: &Kept| kept.name.len() + kept.path.len() + kept.value.reveal().len();
        let Some(kept) = value.map(|value| Kept { name, path, value }) else { return };
        let bytes: usize = self.0.iter().map(size).sum();
        if self.0.len() < COOKIES_MAX && bytes + size(&kept) <= JAR_BYTES_MAX {
            self.0.push(kept);
        }
    }

    /// Puts the cookies for `path` into a request; of the browser's own, only those named stay.
    pub fn write(&self, headers: &mut HeaderMap, path: &str, browsers: &[String]) {
        self.write_beside(headers, path, |name| browsers.iter().any(|browsers| browsers.as_bytes() == name));
    }

    /// Puts the cookies for `path` into a request; the browser's own stay, unless one of that name is kept.
    fn write_over(&self, headers: &mut HeaderMap, path: &str) {
        self.write_beside(headers, path, |name| !self.0.iter().any(|kept| kept.name.as_bytes() == name));
    }

    fn write_beside(&self, headers: &mut HeaderMap, path: &str, stays: impl Fn(&[u8]) -> bool) {
        let mut line = Vec::new();
        let mut add = |name: &[u8], value: &[u8]| {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name);
            line.push(b'=');
            line.extend_from_slice(value);
        };
        for lines in headers.get_all(COOKIE) {
            for crumb in lines.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
                let Some(at) = memchr::memchr(b'=', crumb) else { continue };
                let (name, value) = crumb.split_at(at);
                if stays(name.trim_ascii()) {
                    add(name.trim_ascii(), value.get(1..).unwrap_or_default());
                }
            }
        }
        for kept in self.0.iter().filter(|kept| covers(&kept.path, path)) {
            add(kept.name.as_bytes(), kept.value.reveal().as_bytes());
        }
        headers.remove(COOKIE);
        if let (false, Ok(mut value)) = (line.is_empty(), HeaderValue::from_bytes(&line)) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
    }
}

/// A cookie's name, path and value; no value, if it is to be forgotten.
fn read(line: &str, asked: &str) -> Option<(String, (String, Option<Secret>))> {
    let mut parts = line.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.len() + value.len() > COOKIE_BYTES_MAX {
        return None;
    }
    // An empty value and a moment long ago are how applications say that it is to be forgotten.
    let (mut path, mut ended) = (default_path(asked), value.is_empty());
    for part in parts {
        let (attribute, said) = part.split_once('=').unwrap_or((part, ""));
        let said = said.trim();
        if attribute.trim().eq_ignore_ascii_case("path") && said.starts_with('/') {
            said.clone_into(&mut path);
        }
        if attribute.trim().eq_ignore_ascii_case("max-age") {
            ended |= said.starts_with('-') || said == "0";
        }
        if attribute.trim().eq_ignore_ascii_case("expires") {
            ended |= said.contains("1970") || said.contains("-70 ");
        }
    }
    let value = (!ended).then(|| Secret::new(value.to_owned()));
    Some((name.to_owned(), (path, value)))
}

/// The path of a cookie that comes with the reply for the path `asked` and names none (RFC 6265, section 5.1.4).
pub fn default_path(asked: &str) -> String {
    match asked.rfind('/') {
        Some(at) if at > 0 => asked.get(..at).unwrap_or("/").to_owned(),
        Some(_) | None => "/".to_owned(),
    }
}

/// Whether a cookie's path covers the path that is asked for (RFC 6265, section 5.1.4).
pub fn covers(path: &str, asked: &str) -> bool {
    let Some(rest) = asked.strip_prefix(path) else { return false };
    rest.is_empty() || path.ends_with('/') || rest.starts_with('/')
}

static USES: AtomicU64 = AtomicU64::new(0);
const JARS_MAX: usize = 20_000;
const COOKIES_MAX: usize = 50;
const JAR_BYTES_MAX: usize = 16 * 1024;
const COOKIE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (SET_COOKIE, HeaderValue::from_static(line))).collect()
    }

    fn sent(jar: &Jar, path: &str, browser: &'static str, browsers: &[String]) -> String {
        let mut headers: HeaderMap = [(COOKIE, HeaderValue::from_static(browser))].into_iter().collect();
        jar.write(&mut headers, path, browsers);
        headers.get(COOKIE).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_jar_keeps_what_the_application_sets_and_the_browser_gets_only_its_own() {
        let mut jar = Jar::default();
        let browsers = ["XSRF-TOKEN".to_owned()];
        let mut headers = reply(&[
            "SID=secret; Path=/; HttpOnly; Secure; Domain=elsewhere.example",
            "XSRF-TOKEN=t; Path=/",
            "deep=1; Path=/ehr/deep",
            "here=2",
            "broken",
        ]);
        jar.take(&mut headers, "/ehr/login", &browsers);
        let left: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(left, ["XSRF-TOKEN=t; Path=/"]);
        let browser = "SID=forged; sid=forged; theme=dark; XSRF-TOKEN=t";
        assert_eq!(sent(&jar, "/ehr/x", browser, &browsers), "XSRF-TOKEN=t; SID=secret; here=2");
        assert_eq!(sent(&jar, "/ehr/deep/x", browser, &[]), "SID=secret; deep=1; here=2");
        assert_eq!(sent(&jar, "/ehrs", browser, &[]), "SID=secret");
        assert_eq!(format!("{jar:?}"), "Jar(3 cookies)");
    }

    #[test]
    fn what_scripts_cannot_see_is_kept_and_nothing_of_the_browser_takes_its_place() {
        let mut jar = Jar::default();
        let mut headers = reply(&["SID=1; Path=/; HttpOnly", "theme=dark; Path=/", "XSRF=t; path=/; secure"]);
        jar.take_hidden(&mut headers, "/");
        let left: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(left, ["theme=dark; Path=/", "XSRF=t; path=/; secure"]);
        let sent = |jar: &Jar, browser: &'static str| {
            let mut headers: HeaderMap = [(COOKIE, HeaderValue::from_static(browser))].into_iter().collect();
            jar.write_over(&mut headers, "/x");
            headers.get(COOKIE).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(sent(&jar, "theme=dark; SID=forged;SID =forged; XSRF=t"), "theme=dark; XSRF=t; SID=1");
        let mut gone = reply(&["SID=; Path=/; Max-Age=0"]);
        jar.take_hidden(&mut gone, "/");
        assert!(jar.0.is_empty() && !gone.contains_key(SET_COOKIE), "an end need not say that it is hidden");
        assert_eq!(sent(&jar, "theme=dark"), "theme=dark");
    }

    #[test]
    fn a_cookie_is_replaced_and_forgotten_as_the_application_says() {
        let mut jar = Jar::default();
        for line in ["SID=1; Path=/", "SID=2; Path=/", "other=3; Path=/"] {
            jar.take(&mut reply(&[line]), "/", &[]);
        }
        assert_eq!(sent(&jar, "/", "", &[]), "SID=2; other=3");
        jar.take(&mut reply(&["SID=; Path=/; Max-Age=0"]), "/", &[]);
        jar.take(&mut reply(&["other=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]), "/", &[]);
        assert_eq!(sent(&jar, "/", "", &[]), "");
        for _ in 0..10 {
            for number in 0..COOKIES_MAX {
                let line = HeaderValue::from_str(&format!("c{number}=1; Path=/{number}")).unwrap();
                jar.take(&mut [(SET_COOKIE, line)].into_iter().collect(), "/", &[]);
            }
        }
        assert_eq!(jar.0.len(), COOKIES_MAX);
        let mut jar = Jar::default();
        for number in 0..COOKIES_MAX {
            let line = format!("c{number}={}; Path=/", "x".repeat(COOKIE_BYTES_MAX - 8));
            let line = HeaderValue::from_str(&line).unwrap();
            jar.take(&mut [(SET_COOKIE, line)].into_iter().collect(), "/", &[]);
        }
        assert_eq!(jar.0.len(), 4);
    }

    #[test]
    fn each_session_has_a_jar_of_its_own_until_it_is_gone() {
        use crate::foundation::clock::Timestamp;
        use crate::foundation::entropy::SeededEntropy;
        let session = |seed| SessionId::new(Timestamp::from_seconds(1), &SeededEntropy::new(seed));
        let (nora, rosa) = (session(1), session(2));
        let jars = Jars::default();
        jars.of(nora).take(&mut reply(&["SID=nora; Path=/"]), "/", &[]);
        let mut headers = HeaderMap::new();
        jars.of(rosa).write(&mut headers, "/", &[]);
        assert!(headers.is_empty());
        jars.of(nora).write(&mut headers, "/", &[]);
        assert_eq!(headers.get(COOKIE).unwrap(), "SID=nora");
        jars.forget(|session| session != nora);
        jars.of(nora).write(&mut headers, "/", &[]);
        assert!(headers.is_empty(), "it ended with its session");
    }
}
