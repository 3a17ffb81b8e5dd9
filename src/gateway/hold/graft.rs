//! What an application makes anew for each page, above all a CSRF token, is put into a form that was kept before it is sent:
//! from the page that the form was on, as that is now for its person.
//!
//! The page is asked for as any request of theirs: decided, recorded in an event of its own, sent and released. Whatever
//! does not come of that, nothing of the form is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, ORIGIN, RANGE, SET_COOKIE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::super::handle::{self, From, Moment, note_head, pursue, tell};
use super::super::manner::Manner;
use super::super::normalize::{Head, own_path};
use super::super::sought::seek_whole;
use super::super::subject::Person;
use super::own;
use crate::features::hold::Typed;
use crate::features::session::Found;
use crate::features::upstream::form_page::hidden_fields;
use crate::platform::http::body::read_bounded;

/// A form as it is sent.
#[derive(Debug)]
pub(super) struct Fresh {
    /// Its body.
    pub(super) body: Bytes,
    /// What the application has set with the page.
    cookies: Vec<HeaderValue>,
}

/// The form with what its application makes anew; none where that is not to be had.
pub(super) async fn graft(
    moment: &Moment,
    (parts, head): (&Parts, &Head),
    person: &Person,
    (line, manner): (SocketAddr, &Manner),
    typed: &Typed,
) -> Option<Fresh> {
    let wanted = wanted(moment, parts, head, typed);
    if wanted.is_empty() {
        return Some(Fresh { body: typed.body.clone(), cookies: Vec::new() });
    }
    let page: PathAndQuery = own::came_from(typed, manner.authority()).parse().ok()?;
    if own_path(&page).is_some() || !is_form(&typed.content_type) {
        return None;
    }
    let found = Found::Session(person.known()?.session.clone());
    let (text, cookies) = ask(moment, (parts, head), found, (line, manner), page).await?;
    let fields: BTreeMap<String, String> = hidden_fields(&text).into_iter().rev().collect();
    let body = with_fields(&typed.body, &wanted, &fields)?;
    Some(Fresh { body, cookies })
}

impl Fresh {
    /// Puts what the application has set into the request.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if self.cookies.is_empty() {
            return;
        }
        let set: Vec<_> = self.cookies.iter().filter_map(pair).collect();
        let name_of = |crumb: &str| crumb.split('=').next().unwrap_or_default().trim().to_owned();
        let known = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let known = known.flat_map(|line| line.split(';')).map(str::trim).filter(|crumb| !crumb.is_empty());
        let kept = known.filter(|crumb| !set.iter().any(|it| name_of(it) == name_of(crumb)));
        let all: Vec<_> = kept.map(str::to_owned).chain(set.iter().cloned()).collect();
        if let Ok(value) = HeaderValue::from_str(&all.join("; ")) {
            headers.insert(COOKIE, value);
        }
    }

    /// Puts it into the reply, before what the reply sets itself.
    pub(super) fn hand_on(&self, headers: &mut HeaderMap) {
        if self.cookies.is_empty() {
            return;
        }
        let later: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
        headers.remove(SET_COOKIE);
        for line in self.cookies.iter().chain(&later) {
            headers.append(SET_COOKIE, line.clone());
        }
    }
}

/// The fields that the route of the form takes anew.
fn wanted(moment: &Moment, parts: &Parts, head: &Head, typed: &Typed) -> Vec<String> {
    let rules = &moment.current.rules;
    let Ok(normalized) = head.clone().resolve(&rules.routes) else { return Vec::new() };
    let sought = seek_whole(rules, &normalized, parts, typed.body.clone());
    let route = sought.ok().and_then(|sought| sought.part.route);
    route.map_or_else(Vec::new, |route| route.fresh_fields.to_vec())
}

/// The page that the form was on, and what the application sets with it.
async fn ask(
    moment: &Moment,
    (parts, head): (&Parts, &Head),
    found: Found,
    (line, manner): (SocketAddr, &Manner),
    page: PathAndQuery,
) -> Option<(Bytes, Vec<HeaderValue>)> {
    let mut parts = parts.clone();
    for name in OF_THE_FORM {
        parts.headers.remove(name);
    }
    parts.headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    parts.method = Method::GET;
    parts.uri = page.clone().into();
    let head = head.clone().at(page);
    let (moment, draft) = moment.another();
    let mut draft = Some(draft);
    note_head(&mut draft, &parts, &head);
    let from = From { found, line, manner, resumes: None };
    let body = handle::Coming::Kept(Bytes::new());
    let answered = Box::pin(pursue(&moment, from, (parts, head), body, None, &mut draft)).await;
    let reply = tell(&moment, answered, manner, draft).await;
    let is_page = reply.status() == StatusCode::OK && reply.headers().get(CONTENT_TYPE).is_some_and(is_html);
    let cookies = reply.headers().get_all(SET_COOKIE).iter().cloned().collect();
    let text = read_bounded(reply.into_body(), PAGE_BYTES_MAX).await.ok()?;
    is_page.then_some((text, cookies))
}

/// The body with the values of these fields; none where one has none. All else stays byte for byte.
fn with_fields(body: &[u8], wanted: &[String], fields: &BTreeMap<String, String>) -> Option<Bytes> {
    let mut written = Vec::with_capacity(body.len());
    for (position, piece) in body.split(|byte| *byte == b'&').enumerate() {
        if position > 0 {
            written.push(b'&');
        }
        let name = url::form_urlencoded::parse(piece).next().map(|(name, _)| name.into_owned());
        let Some(name) = name.filter(|name| wanted.contains(name)) else {
            written.extend_from_slice(piece);
            continue;
        };
        let spelled = piece.split(|byte| *byte == b'=').next().unwrap_or_default();
        written.extend_from_slice(spelled);
        written.push(b'=');
        for part in url::form_urlencoded::byte_serialize(fields.get(&name)?.as_bytes()) {
            written.extend_from_slice(part.as_bytes());
        }
    }
    Some(written.into())
}

/// Name and value of what is set, as a request brings it.
fn pair(line: &HeaderValue) -> Option<String> {
    let pair = line.to_str().ok()?.split(';').next()?.trim();
    pair.contains('=').then(|| pair.to_owned())
}

fn is_form(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn is_html(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|kind| essence(kind).eq_ignore_ascii_case("text/html"))
}

fn essence(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}

/// What belongs to the form, or to what its browser has already.
const OF_THE_FORM: [HeaderName; 10] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    ORIGIN,
    ACCEPT_ENCODING,
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
];
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_taken_anew_and_all_else_stays_as_it_was_typed() {
        let fields = BTreeMap::from([("csrf".to_owned(), "a b&c=é".to_owned())]);
        let grafted = |body: &str, wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
            with_fields(body.as_bytes(), &wanted, &fields)
                .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        };
        let new = "a+b%26c%3D%C3%A9";
        for (body, becomes) in [
            ("text=x%20y&csrf=old&n=%e9", format!("text=x%20y&csrf={new}&n=%e9")),
            ("csrf=old", format!("csrf={new}")),
            ("c%73rf=old&text=", format!("c%73rf={new}&text=")),
            ("csrf&csrf=2", format!("csrf={new}&csrf={new}")),
            ("text=csrf", "text=csrf".to_owned()),
            ("", String::new()),
        ] {
            assert_eq!(grafted(body, &["csrf"]), Some(becomes), "{body}");
        }
        assert_eq!(grafted("nonce=1", &["nonce"]), None, "the page does not have it");
        assert_eq!(grafted("text=1", &["nonce"]).as_deref(), Some("text=1"), "the form never had it");
    }

    #[test]
    fn what_the_page_sets_takes_the_place_of_what_was_and_comes_before_what_the_reply_sets() {
        let cookies = ["A=2; Path=/", "C=3"].map(HeaderValue::from_static).to_vec();
        let fresh = Fresh { body: Bytes::new(), cookies };
        let mut asked: HeaderMap = [(COOKIE, HeaderValue::from_static("A=1; B=1"))].into_iter().collect();
        fresh.write(&mut asked);
        assert_eq!(asked[COOKIE], "B=1; A=2; C=3");
        let mut told: HeaderMap = [(SET_COOKIE, HeaderValue::from_static("A=9"))].into_iter().collect();
        fresh.hand_on(&mut told);
        let lines: Vec<_> = told.get_all(SET_COOKIE).iter().collect();
        assert_eq!(lines, ["A=2; Path=/", "C=3", "A=9"]);
    }
}
