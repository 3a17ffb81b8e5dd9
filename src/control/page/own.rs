//! What is ours: the forms of our own pages and no others, our cookie among those of a browser, and what every reply says.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::super::authority::problem;
use crate::foundation::secret::Secret;

/// Lets a form pass that is of a page of ours, and says on every reply what a browser may do with it.
pub async fn needs_own_page(request: Request, next: Next) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut reply = if is_look || is_own_form(request.headers()) {
        next.run(request).await
    } else {
        problem(StatusCode::FORBIDDEN, "forms are taken from the pages of this listener alone")
    };
    for (name, value) in SAID {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// Whether a form comes from the origin that it is posted to. Another port of this machine is the same site to a
/// browser, and would be sent the cookie: so `Origin` has to be the very one, and a browser that says `Sec-Fetch-Site`
/// has to say `same-origin`. Whoever says neither is no browser of today.
fn is_own_form(headers: &HeaderMap) -> bool {
    let (Ok(origin), Ok(site), Ok(Some(host))) =
        (one(headers, ORIGIN), one(headers, SEC_FETCH_SITE), one(headers, HOST))
    else {
        return false;
    };
    let is_origin =
        origin.map(|it| it.strip_prefix("http://").is_some_and(|it| it.eq_ignore_ascii_case(host)));
    let is_site = site.map(|site| site == "same-origin");
    is_origin.or(is_site).is_some() && is_origin.unwrap_or(true) && is_site.unwrap_or(true)
}

/// A field's text, if it is there; an error if it comes twice or is none.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The value of our cookie. One that comes twice counts as none.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let fields = headers.get_all(COOKIE).iter().filter_map(|field| field.to_str().ok());
    let mut values = fields
        .flat_map(|field| field.split(';'))
        .filter_map(|crumb| crumb.trim().split_once('=').filter(|(name, _)| *name == COOKIE_NAME))
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(Secret::new(value.to_owned())),
        (None | Some(_), _) => None,
    }
}

/// Gives the browser a cookie for as long as it is open. Not `Secure`: the listener speaks HTTP, on loopback.
pub(super) fn given(value: &Secret) -> String {
    format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict", value.reveal())
}

/// Takes it away.
pub(super) fn taken() -> String {
    format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// The cookie of whoever has signed in.
const COOKIE_NAME: &str = "leastway-control";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// `same-origin`, not `no-referrer`: under that a browser says `Origin: null` with our own forms.
const SAID: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
