//! What an application sets with the page that a kept form was on: it goes with the form, as a browser would send it
//! (RFC 6265), and on to the browser, whatever the form is answered with.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::super::handle::Answer;
use super::super::normalize::cookies::{SERVER_COOKIE, crumbs, name_of, sets_own};
use super::super::refusal::Refusal;
use crate::features::upstream::jar::{covers, default_path};
use crate::foundation::clock::Timestamp;

/// The cookies that came with a page.
#[derive(Debug, Default)]
pub(super) struct PageCookies {
    lines: Vec<HeaderValue>,
    /// The path of those that name none.
    path: String,
}

/// What one line sets.
struct Set<'l> {
    pair: &'l str,
    name: &'l str,
    value: &'l str,
    path: &'l str,
    /// Whether it is to be forgotten.
    is_over: bool,
}

impl PageCookies {
    /// Those of a reply to a request for `path`.
    pub(super) fn of(reply: &HeaderMap, path: &str) -> Self {
        Self { lines: reply.get_all(SET_COOKIE).iter().cloned().collect(), path: default_path(path) }
    }

    /// Puts what is for `path` into the request, in place of what the browser had; nothing of ours.
    pub(super) fn write(&self, headers: &mut HeaderMap, path: &str, now: Timestamp) {
        let mut all: Vec<Set<'_>> = Vec::new();
        for set in self.lines.iter().filter(|line| !sets_own(line)).filter_map(|line| self.read(line, now)) {
            if covers(set.path, path) {
                all.retain(|before| before.name != set.name);
                all.push(set);
            }
        }
        if all.is_empty() {
            return;
        }
        let known = headers.get_all(COOKIE).iter().flat_map(crumbs);
        let kept = known.filter(|crumb| !all.iter().any(|set| set.name.as_bytes() == name_of(crumb)));
        let anew = all.iter().filter(|set| !set.is_over).map(|set| set.pair.as_bytes());
        let line = kept.chain(anew).collect::<Vec<_>>().join(&b"; "[..]);
        headers.remove(COOKIE);
        if let (false, Ok(value)) = (line.is_empty(), HeaderValue::from_bytes(&line)) {
            headers.insert(COOKIE, value);
        }
    }

    /// Binds to the servers that the page came from: applications with values.
    pub(super) fn bind(&self, servers: &mut Vec<(String, String)>, now: Timestamp) {
        for set in self.lines.iter().filter_map(|line| self.read(line, now)) {
            if let Some(application) = set.name.strip_prefix(SERVER_COOKIE) {
                servers.retain(|(known, _)| known != application);
                servers.push((application.to_owned(), set.value.to_owned()));
            }
        }
    }

    /// Tells the browser of them, before what the answer sets itself.
    pub(super) fn hand_on(self, answered: Result<Answer, Refusal>) -> Result<Answer, Refusal> {
        if self.lines.is_empty() {
            return answered;
        }
        let mut answer = match answered {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Answer::Refused(Box::new(refusal), self.lines)),
        };
        if let Some(headers) = answer.headers_mut() {
            self.put_before(headers);
        }
        Ok(answer)
    }

    fn put_before(self, headers: &mut HeaderMap) {
        let later: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
        headers.remove(SET_COOKIE);
        headers.extend(self.lines.into_iter().chain(later).map(|line| (SET_COOKIE, line)));
    }

    fn read<'l>(&'l self, line: &'l HeaderValue, now: Timestamp) -> Option<Set<'l>> {
        let mut parts = std::str::from_utf8(line.as_bytes()).ok()?.split(';').map(str::trim);
        let pair = parts.next()?;
        let (name, value) = pair.split_once('=').map(|(name, value)| (name.trim(), value.trim()))?;
        let (mut path, mut seconds, mut expires) = (&*self.path, None, None);
        for part in parts {
            let (attribute, said) = part.split_once('=').unwrap_or((part, ""));
            let (attribute, said) = (attribute.trim(), said.trim());
            if attribute.eq_ignore_ascii_case("path") {
                path = if said.starts_with('/') { said } else { &self.path };
            } else if attribute.eq_ignore_ascii_case("max-age") {
                seconds = said.parse::<i64>().ok().or(seconds);
            } else if attribute.eq_ignore_ascii_case("expires") {
                expires = moment(said).or(expires);
            }
        }
        // Of the two, `Max-Age` counts (RFC 6265, section 5.3).
        let is_over = seconds.map_or(expires.is_some_and(|at| at <= now), |seconds| seconds <= 0);
        (!name.is_empty()).then_some(Set { pair, name, value, path, is_over })
    }
}

/// A date as applications write it: the weekday tells nothing, and older ones have `01-Jan-1970`.
fn moment(text: &str) -> Option<Timestamp> {
    let date = text.split_once(',').map_or(text, |(_, date)| date).trim().replace('-', " ");
    let moment = jiff::fmt::rfc2822::parse(&date).ok()?;
    Some(Timestamp::from_millis(moment.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    fn page(lines: &[&'static str]) -> PageCookies {
        let line = |line: &&'static str| (SET_COOKIE, HeaderValue::from_static(line));
        PageCookies::of(&lines.iter().map(line).collect(), "/patients/7")
    }

    /// What the form at `path` is sent with.
    fn sent(lines: &[&'static str], path: &str) -> String {
        let mut asked: HeaderMap = [(COOKIE, HeaderValue::from_static("A=1; B=1"))].into_iter().collect();
        page(lines).write(&mut asked, path, now());
        asked.get(COOKIE).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_the_page_sets_takes_the_place_of_what_was() {
        const FORM: &str = "/patients/7/notes";
        for (lines, line) in [
            (&["A=2; Path=/", "C=3"][..], "B=1; A=2; C=3"),
            (&["A=2", "A=3; HttpOnly"], "B=1; A=3"),
            (&["A=; Max-Age=0"], "B=1"),
            (&["A=2; max-age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT"], "B=1"),
            (&["A=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], "B=1; A=2"),
            (
                &["A=2; Expires=Thu, 01-Jan-1970 00:00:01 GMT", "B=; expires=Sun, 01 Mar 2026 08:00:00 GMT"],
                "",
            ),
            (&["A=2; Expires=Sun, 01 Mar 2026 08:00:01 GMT"], "B=1; A=2"),
            (&["A=2; Max-Age=0", "A=3"], "B=1; A=3"),
            (&["A=2", "A=; Max-Age=0"], "B=1"),
            (&["A="], "B=1; A="),
            (&["A=2; Path=/patients/7"], "B=1; A=2"),
            (&["A=2; Path=/patients/7/no", "B=2; Path=/other"], "A=1; B=1"),
            (
                &["__Host-leastway-at-ehr=s; Path=/", "__Host-Leastway=x; Path=/", "=__Host-leastway=x"],
                "A=1; B=1",
            ),
            (&["broken", "=nameless"], "A=1; B=1"),
        ] {
            assert_eq!(sent(lines, FORM), line, "{lines:?}");
        }
        assert_eq!(sent(&["A=2"], "/notes"), "A=1; B=1", "it is for what lies beside the page");
    }

    #[test]
    fn the_form_goes_to_the_server_that_the_page_came_from() {
        let mut servers = vec![("ehr".to_owned(), "old".to_owned()), ("console".to_owned(), "c".to_owned())];
        page(&["A=2; Path=/", "__Host-leastway-at-ehr=new; Path=/; Secure"]).bind(&mut servers, now());
        let servers: Vec<_> = servers.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(servers, [("console", "c"), ("ehr", "new")]);
    }

    #[test]
    fn what_the_page_sets_is_handed_on_before_what_the_reply_sets() {
        let mut told: HeaderMap = [(SET_COOKIE, HeaderValue::from_static("A=9"))].into_iter().collect();
        page(&["A=2; Path=/", "C=3"]).put_before(&mut told);
        let lines: Vec<_> = told.get_all(SET_COOKIE).iter().collect();
        assert_eq!(lines, ["A=2; Path=/", "C=3", "A=9"]);
    }

    #[test]
    fn a_refusal_is_told_beside_what_the_page_has_set() {
        let Ok(Answer::Refused(refusal, lines)) = page(&["A=2"]).hand_on(Err(Refusal::Internal)) else {
            panic!()
        };
        assert!(matches!(*refusal, Refusal::Internal));
        assert_eq!(lines, ["A=2"]);
        assert!(page(&[]).hand_on(Err(Refusal::Internal)).is_err());
    }
}
