//! What an application says of its own address, turned into the address under which callers reach it.
//!
//! `Location`, `Content-Location` and `Refresh` that point at one of its own servers; the attributes of its
//! cookies; and, where they are declared, literals in its pages. Whatever points elsewhere stays as it came. Where
//! it is asked for, a tag with our script is put into its pages.

pub mod body;
pub mod cookie;
pub mod insert;
pub mod literal;
pub mod location;
pub mod script_policy;
pub mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_MATCH, IF_RANGE, LOCATION, RANGE, REFRESH, SET_COOKIE,
};
use http::{HeaderMap, Response, StatusCode};

use self::body::{Edit, Rewritten};
use self::insert::Insertion;
use self::literal::{Literals, Search};
use self::location::{Origin, turned, turned_refresh};
use self::script_policy::allows_own_script;
use self::settings::RewriteSettings;

/// What is rewritten in the replies of one application.
#[derive(Debug)]
pub struct Rewrite {
    settings: RewriteSettings,
    own: Vec<Origin>,
    literals: Arc<Literals>,
    /// What is put into its pages.
    tag: Option<Bytes>,
    /// Whether it has been told that a page's policy does not let the tag's script run.
    is_block_told: AtomicBool,
}

impl Rewrite {
    /// `own` are the application's servers; `tag` is put into its pages.
    pub fn new(settings: RewriteSettings, own: Vec<Origin>, tag: Option<Bytes>) -> Self {
        let literals = Arc::new(Literals::new(&settings.literals));
        Self { settings, own, literals, tag, is_block_told: AtomicBool::new(false) }
    }

    /// Whether something is put into pages that are shown in a window.
    pub const fn minds_documents(&self) -> bool {
        self.tag.is_some()
    }

    /// Prepares a request: where something is looked for in its reply, that is to come whole and in plain.
    /// `is_document` says that a browser asks for a page, to show it in a window.
    pub fn prepare(&self, headers: &mut HeaderMap, is_document: bool) {
        if !self.literals.is_empty() || is_document && self.tag.is_some() {
            Self::ask_plain(headers);
        }
    }

    /// Has a reply come whole and in plain, because something is looked for in it.
    pub fn ask_plain(headers: &mut HeaderMap) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // Tags and parts of what the application has are not those of what callers have got.
        for name in [RANGE, IF_RANGE, IF_MATCH] {
            headers.remove(name);
        }
    }

    /// Rewrites a reply to a request for `authority` (host, and port if the caller named one).
    pub fn apply<B>(&self, reply: Response<B>, authority: &str, is_document: bool) -> Response<Rewritten<B>> {
        let (mut head, body) = reply.into_parts();
        if self.settings.locations {
            let headers = &mut head.headers;
            each_value(headers, &LOCATION, |value| turned(value, &self.own, authority));
            each_value(headers, &CONTENT_LOCATION, |value| turned(value, &self.own, authority));
            each_value(headers, &REFRESH, |value| turned_refresh(value, &self.own, authority));
        }
        each_value(&mut head.headers, &SET_COOKIE, |line| {
            cookie::rewritten(line, &self.settings.cookies, &self.own)
        });
        let search = self.may_search(head.status, &head.headers).then(|| Search::new(self.literals.clone()));
        let insertion = self.tag.as_ref().filter(|_| is_document && is_page(head.status, &head.headers));
        let insertion =
            insertion.filter(|_| self.may_insert(&head.headers, authority)).cloned().map(Insertion::new);
        let edit = Edit::new(search, insertion);
        if edit.is_some() {
            Self::unmark(&mut head.headers);
        }
        Response::from_parts(head, Rewritten::new(body, edit))
    }

    /// An address in a reply to a request for `authority` as callers reach it, if it points at the application's own
    /// servers.
    pub fn turned(&self, address: &str, authority: &str) -> Option<String> {
        self.settings.locations.then(|| turned(address, &self.own, authority)).flatten()
    }

    /// Takes away what tells of the bytes of a body that has been changed.
    pub fn unmark(headers: &mut HeaderMap) {
        for name in [ETAG, ACCEPT_RANGES, CONTENT_MD5, DIGEST, CONTENT_DIGEST, REPR_DIGEST] {
            headers.remove(name);
        }
    }

    /// Whether the page's own policy lets the tag's script run. That it does not is told once.
    fn may_insert(&self, headers: &HeaderMap, authority: &str) -> bool {
        let may = allows_own_script(headers, authority);
        if !may && !self.is_block_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = authority,
                "the script is not put into pages whose own Content-Security-Policy would block it: let that name 'self' \
                 in script-src and connect-src"
            );
        }
        may
    }

    fn may_search(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        if self.literals.is_empty() {
            return false;
        }
        let is_text =
            headers.get(CONTENT_TYPE).is_some_and(|value| value.to_str().is_ok_and(literal::is_searched));
        is_plain(headers) && is_text && status != StatusCode::PARTIAL_CONTENT
    }
}

/// Whether a reply is a page in plain, in a coding that begins as ASCII does.
fn is_page(status: StatusCode, headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    status == StatusCode::OK && essence == "text/html" && !kind.contains("utf-16") && is_plain(headers)
}

fn is_plain(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_ENCODING).is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Puts what `change` makes of it in place of each value of a field; none leaves it as it is.
fn each_value(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> Option<String>) {
    if !headers.contains_key(name) {
        return;
    }
    let http::header::Entry::Occupied(mut entry) = headers.entry(name) else { return };
    for value in entry.iter_mut() {
        let changed = value.to_str().ok().and_then(&change);
        if let Some(changed) = changed.and_then(|changed| HeaderValue::from_str(&changed).ok()) {
            *value = changed;
        }
    }
}

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const DIGEST: HeaderName = HeaderName::from_static("digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::settings::{CookieDomain, CookieRewrite, Literal};
    use super::*;
    use crate::platform::http::body::read_bounded;

    fn rewrite() -> Rewrite {
        let literals = vec![Literal {
            find: "http://10.0.0.7:8080".to_owned(),
            replace: "https://ehr.clinic.example".to_owned(),
        }];
        let cookies = CookieRewrite { domain: CookieDomain::Own, path: None, secure: true, same_site: None };
        Rewrite::new(
            RewriteSettings { locations: true, cookies, literals },
            vec![Origin { host: "10.0.0.7".to_owned(), port: 8080 }],
            None,
        )
    }

    async fn text(reply: Response<Rewritten<Full<Bytes>>>) -> String {
        String::from_utf8(read_bounded(reply.into_body(), 1024).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn only_text_that_comes_whole_and_in_plain_is_searched() {
        let page = "<a href='http://10.0.0.7:8080/x'>";
        let changed = "<a href='https://ehr.clinic.example/x'>";
        let cases = [
            (200, "text/html; charset=utf-8", None, changed),
            (404, "application/json", None, changed),
            (200, "application/fhir+json", Some("identity"), changed),
            (200, "text/html", Some("gzip"), page),
            (206, "text/html", None, page),
            (200, "application/pdf", None, page),
            (200, "text/csv", None, page),
        ];
        for (status, media_type, coding, expected) in cases {
            let mut reply =
                Response::builder().status(status).header(CONTENT_TYPE, media_type).header(ETAG, "\"1\"");
            if let Some(coding) = coding {
                reply = reply.header(CONTENT_ENCODING, coding);
            }
            let reply = rewrite().apply(reply.body(Full::from(page)).unwrap(), "ehr.clinic.example", false);
            assert_eq!(reply.headers().contains_key(ETAG), expected == page, "{media_type}");
            assert_eq!(text(reply).await, expected, "{status} {media_type} {coding:?}");
        }
    }

    #[test]
    fn a_request_asks_for_plain_text_only_where_literals_are_declared() {
        let came = HeaderMap::from_iter(
            [(ACCEPT_ENCODING, "gzip"), (RANGE, "bytes=0-1")]
                .map(|(name, value)| (name, HeaderValue::from_static(value))),
        );
        let mut headers = came.clone();
        rewrite().prepare(&mut headers, false);
        assert_eq!(headers.get(ACCEPT_ENCODING).unwrap(), "identity");
        assert!(!headers.contains_key(RANGE));
        let mut headers = came.clone();
        let plain = Rewrite::new(RewriteSettings { literals: vec![], ..rewrite().settings }, vec![], None);
        plain.prepare(&mut headers, true);
        assert_eq!(headers, came);
        with_tag().prepare(&mut headers, false);
        assert_eq!(headers, came, "only pages are asked for in plain");
        with_tag().prepare(&mut headers, true);
        assert_eq!(headers[ACCEPT_ENCODING], "identity");
    }

    fn with_tag() -> Rewrite {
        let Rewrite { settings, own, .. } = rewrite();
        let settings = RewriteSettings { literals: vec![], ..settings };
        Rewrite::new(settings, own, Some(Bytes::from_static(b"<script></script>")))
    }

    #[tokio::test]
    async fn a_tag_is_put_into_pages_that_are_shown_in_a_window_and_may_run_it() {
        struct Case {
            name: &'static str,
            status: u16,
            head: &'static [(&'static str, &'static str)],
            is_document: bool,
            stands: bool,
        }
        const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
        let case = |name, head, stands| Case { name, status: 200, head, is_document: true, stands };
        let cases = [
            case("a page", &[HTML, ("etag", "\"1\"")], true),
            case(
                "a page with a policy that lets it run",
                &[HTML, ("content-security-policy", "default-src 'self'")],
                true,
            ),
            case(
                "one with a policy that blocks it",
                &[HTML, ("content-security-policy", "script-src 'none'")],
                false,
            ),
            case("coded", &[HTML, ("content-encoding", "gzip")], false),
            case("no page", &[("content-type", "application/json")], false),
            case("not ASCII", &[("content-type", "text/html; charset=UTF-16LE")], false),
            Case { status: 404, ..case("a refusal", &[HTML], false) },
            Case { is_document: false, ..case("in a frame, or by a script", &[HTML], false) },
        ];
        for Case { name, status, head, is_document, stands } in cases {
            let page = "<html><head><a href='http://10.0.0.7:8080/x'>";
            let reply = head
                .iter()
                .fold(Response::builder().status(status), |reply, (name, value)| reply.header(*name, *value));
            let reply =
                with_tag().apply(reply.body(Full::from(page)).unwrap(), "ehr.clinic.example", is_document);
            assert_eq!(
                stands,
                !reply.headers().contains_key(ETAG)
                    && text(reply).await.contains("<head><script></script><a"),
                "{name}"
            );
        }
    }
}
