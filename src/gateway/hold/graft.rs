//! What an application makes anew for each page, above all a CSRF token, is put into a form that was kept before it is sent:
//! from the page that the form was on, as that is now for its person.
//!
//! The page is asked for as any request of theirs: decided, recorded in an event of its own, sent and released. Which page
//! it was is the browser's word, so only one of the same application is asked for, and only by a route that looks.
//! Whatever does not come of that, nothing of the form is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, ORIGIN, RANGE,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::super::handle::{self, Answer, From, Moment, note_head, pursue, tell};
use super::super::manner::Manner;
use super::super::normalize::Head;
use super::super::refusal::Refusal;
use super::super::sought::seek_whole;
use super::super::subject::Person;
use super::own;
use super::page_cookies::PageCookies;
use crate::features::hold::Typed;
use crate::features::route::table::Route;
use crate::features::session::Found;
use crate::features::upstream::error::UpstreamError;
use crate::features::upstream::form_page::hidden_values;
use crate::foundation::id::HoldId;
use crate::platform::http::body::read_bounded;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Grafted {
    /// The body of the form as it is sent; none where what its application makes anew is not to be had.
    pub(super) body: Option<Bytes>,
    /// What the application has set with the page.
    pub(super) cookies: PageCookies,
}

/// Puts into the form of an entry what its application makes anew.
pub(super) async fn graft(
    moment: &Moment,
    (parts, head): (&Parts, &Head),
    (id, person): (HoldId, &Person),
    (line, manner): (SocketAddr, &Manner),
    typed: &Typed,
) -> Grafted {
    let form = seek(moment, parts, head, typed.body.clone());
    let Some((application, form)) = form.filter(|(_, route)| !route.fresh_fields.is_empty()) else {
        return Grafted { body: Some(typed.body.clone()), cookies: PageCookies::default() };
    };
    let known = person.known().filter(|_| is_form(&typed.content_type));
    let page = page(parts, head, own::came_from(typed, manner.authority()));
    let page = page.filter(|(parts, head)| {
        let sought = seek(moment, parts, head, Bytes::new());
        sought.is_some_and(|(its, route)| its == application && route.action.is_looking())
    });
    let (Some(known), Some(page)) = (known, page) else { return Grafted::default() };
    let from = From { found: Found::Session(known.session.clone()), line, manner, resumes: None };
    let (text, cookies) = ask(moment, from, page, id).await;
    let wanted = &form.fresh_fields;
    let fields = text.and_then(|text| hidden_values(&text, wanted));
    Grafted { body: fields.and_then(|fields| with_fields(&typed.body, wanted, &fields)), cookies }
}

/// The application of a request, by its position, and the route.
fn seek(moment: &Moment, parts: &Parts, head: &Head, body: Bytes) -> Option<(usize, Arc<Route>)> {
    let rules = &moment.current.rules;
    let normalized = head.clone().resolve(&rules.routes).ok()?;
    let route = seek_whole(rules, &normalized, parts, body).ok()?.part.route?;
    Some((normalized.application.index, route))
}

/// The request for the page that the form was on.
fn page(parts: &Parts, head: &Head, target: &str) -> Option<(Parts, Head)> {
    let head = head.clone().at(target.parse().ok()?);
    let mut parts = parts.clone();
    for name in OF_THE_FORM {
        parts.headers.remove(name);
    }
    parts.headers.insert(ACCEPT, HeaderValue::from_static("text/html"));
    parts.method = Method::GET;
    parts.uri = head.target().clone().into();
    Some((parts, head))
}

/// The page, if it is one, and what the application sets with it.
async fn ask(
    moment: &Moment,
    from: From<'_>,
    (parts, head): (Parts, Head),
    id: HoldId,
) -> (Option<Bytes>, PageCookies) {
    let (manner, until) = (from.manner, Instant::now() + PATIENCE);
    let path = head.target().path().to_owned();
    let (moment, mut draft) = moment.another();
    draft.open(|opening| opening.note = Some(format!("the page of a kept form, for entry {id}")));
    let mut draft = Some(draft);
    note_head(&mut draft, &parts, &head);
    let body = handle::Coming::Kept(Bytes::new());
    let answered = timeout_at(until, Box::pin(pursue(&moment, from, (parts, head), body, None, &mut draft)));
    let answered = answered.await.unwrap_or(Err(Refusal::Upstream(UpstreamError::ReplyTimeout)));
    let is_released = matches!(answered, Ok(Answer::Released(..)));
    let reply = tell(&moment, answered, manner, draft).await;
    if !is_released {
        return (None, PageCookies::default());
    }
    let cookies = PageCookies::of(reply.headers(), &path);
    let is_page = reply.status() == StatusCode::OK && reply.headers().get(CONTENT_TYPE).is_some_and(is_html);
    let text = timeout_at(until, read_bounded(reply.into_body(), PAGE_BYTES_MAX)).await;
    (text.ok().and_then(Result::ok).filter(|_| is_page), cookies)
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
/// For how long the page is waited for, to its end.
const PATIENCE: Duration = Duration::from_secs(15);

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
}
