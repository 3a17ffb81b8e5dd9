//! What an application says of its own address, turned into the address under which callers reach it.
//!
//! `Location`, `Content-Location` and `Refresh` that point at one of its own servers; the attributes of its
//! cookies; and, where they are declared, literals in its pages. Whatever points elsewhere stays as it came.

pub mod body;
pub mod cookie;
pub mod literal;
pub mod location;
pub mod settings;

use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_MATCH, IF_RANGE, LOCATION, RANGE, REFRESH, SET_COOKIE,
};
use http::{HeaderMap, Response, StatusCode};

use self::body::Rewritten;
use self::literal::{Literals, Search};
use self::location::{Origin, turned, turned_refresh};
use self::settings::RewriteSettings;

/// What is rewritten in the replies of one application.
#[derive(Debug)]
pub struct Rewrite {
    settings: RewriteSettings,
    own: Vec<Origin>,
    literals: Arc<Literals>,
}

impl Rewrite {
    /// `own` are the application's servers.
    pub fn new(settings: RewriteSettings, own: Vec<Origin>) -> Self {
        let literals = Arc::new(Literals::new(&settings.literals));
        Self { settings, own, literals }
    }

    /// Prepares a request: where literals are looked for, its reply is to come whole and in plain.
    pub fn prepare(&self, headers: &mut HeaderMap) {
        if self.literals.is_empty() {
            return;
        }
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // Tags and parts of what the application has are not those of what callers have got.
        for name in [RANGE, IF_RANGE, IF_MATCH] {
            headers.remove(name);
        }
    }

    /// Rewrites a reply to a request for `authority` (host, and port if the caller named one).
    pub fn apply<B>(&self, reply: Response<B>, authority: &str) -> Response<Rewritten<B>> {
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
        let search = self.may_search(head.status, &head.headers).then(|| {
            for name in [ETAG, ACCEPT_RANGES, CONTENT_MD5, DIGEST, CONTENT_DIGEST, REPR_DIGEST] {
                head.headers.remove(name);
            }
            Search::new(self.literals.clone())
        });
        Response::from_parts(head, Rewritten::new(body, search))
    }

    fn may_search(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        if self.literals.is_empty() {
            return false;
        }
        let is_plain = headers
            .get(CONTENT_ENCODING)
            .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
        let is_text =
            headers.get(CONTENT_TYPE).is_some_and(|value| value.to_str().is_ok_and(literal::is_searched));
        is_plain && is_text && status != StatusCode::PARTIAL_CONTENT
    }
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
        )
    }

    async fn text(reply: Response<Rewritten<Full<bytes::Bytes>>>) -> String {
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
            let reply = rewrite().apply(reply.body(Full::from(page)).unwrap(), "ehr.clinic.example");
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
        rewrite().prepare(&mut headers);
        assert_eq!(headers.get(ACCEPT_ENCODING).unwrap(), "identity");
        assert!(!headers.contains_key(RANGE));
        let mut headers = came.clone();
        Rewrite::new(RewriteSettings { literals: vec![], ..rewrite().settings }, vec![])
            .prepare(&mut headers);
        assert_eq!(headers, came);
    }
}
