//! Which headers go on to the application, and which of its own come back.
//!
//! Removed first, before anything of ours is added: hop-by-hop fields and all that `Connection` names
//! (RFC 9110 7.6.1); framing, which our own writer makes anew; and every header that we set or that
//! tells an application who asks, from where, for what or how: identity, forwarding, overrides of
//! method and target. Servers that pass headers as variables (CGI, WSGI, PHP) fold `_`, `.` and other
//! characters into one, so that `X_Forwarded.User` is `X-Forwarded-User` to them, and to us.

use http::HeaderMap;
use http::header::{CONNECTION, HeaderName};

use super::fault::Fault;

/// How many headers a request may have.
pub const HEADERS_MAX: usize = 100;

/// Refuses a head that is too large: HTTP/2's accounting (RFC 9113 6.5.2), 32 bytes for each field.
pub fn check_size(headers: &HeaderMap, bytes_max: usize) -> Result<(), Fault> {
    if headers.len() > HEADERS_MAX {
        return Err(Fault::too_large("headers: too many"));
    }
    let size = |(name, value): (&HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + 32;
    if headers.iter().map(size).sum::<usize>() > bytes_max {
        return Err(Fault::too_large("headers: too large"));
    }
    Ok(())
}

/// Removes from a request what must not go on. `from_trusted_proxy` lets a valid trace context pass.
pub fn strip(headers: &mut HeaderMap, from_trusted_proxy: bool) {
    remove_named_by_connection(headers);
    let keeps_trace = from_trusted_proxy && has_trace(headers);
    let unwanted = |name: &HeaderName| match name.as_str() {
        "traceparent" | "tracestate" => !keeps_trace,
        name => is_hop_by_hop(name) || is_protected(name),
    };
    remove_where(headers, unwanted);
    super::cookies::strip(headers);
}

/// Removes from a reply what must not come back: hop-by-hop fields, our own headers and cookies.
pub fn strip_reply(headers: &mut HeaderMap) {
    remove_named_by_connection(headers);
    // `Trailer` announces what comes after the body; whether that may pass is the guard's to say.
    let unwanted = |name: &str| is_hop_by_hop(name) && name != "trailer" || name.starts_with("x-leastway-");
    remove_where(headers, |name| unwanted(name.as_str()));
    super::cookies::strip_reply(headers);
}

/// Whether only we may set a header of this name, however it is spelled.
pub fn is_protected(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain && is_everyday(name) {
        return false;
    }
    let mut folded = [0; FOLDED_BYTES];
    let folded = fold(name, &mut folded);
    PREFIXES.iter().any(|prefix| folded.starts_with(prefix.as_bytes()))
        || is_listed(EXACT, folded)
        || !is_plain && (is_listed(PLAIN_ONLY, folded) || is_folded_hop_by_hop(folded))
}

/// What browsers send with every request: told at once, because this runs for every header.
fn is_everyday(name: &str) -> bool {
    name.starts_with("accept") || name.starts_with("sec-") || is_listed(PLAIN_ONLY, name.as_bytes())
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "content-length"
            | "upgrade"
            | "http2-settings"
    )
}

fn is_folded_hop_by_hop(folded: &[u8]) -> bool {
    std::str::from_utf8(folded).is_ok_and(is_hop_by_hop)
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|option| !OPTIONS.iter().any(|known| option.eq_ignore_ascii_case(known)))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// What `Connection` nearly always says: no field of that name goes on in any case.
const OPTIONS: [&[u8]; 4] = [b"keep-alive", b"close", b"upgrade", b"te"];

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Whether there is exactly one trace context, and a valid one (W3C Trace Context, version 00).
fn has_trace(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all("traceparent").iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
    let mut parts = line.to_str().unwrap_or_default().split('-');
    let (version, trace, span, flags) = (parts.next(), parts.next(), parts.next(), parts.next());
    version == Some("00")
        && trace.is_some_and(|trace| is_hex(trace, 32) && is_set(trace))
        && span.is_some_and(|span| is_hex(span, 16) && is_set(span))
        && flags.is_some_and(|flags| is_hex(flags, 2))
        && parts.next().is_none()
}

/// Longer than every name in the lists; of longer names only the beginning counts.
const FOLDED_BYTES: usize = 40;

fn fold<'b>(name: &str, buffer: &'b mut [u8; FOLDED_BYTES]) -> &'b [u8] {
    let mut length = 0;
    for (place, byte) in buffer.iter_mut().zip(name.bytes()) {
        *place = if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

fn is_listed(list: &[&str], folded: &[u8]) -> bool {
    list.binary_search_by(|known| known.as_bytes().cmp(folded)).is_ok()
}

/// Families of names.
const PREFIXES: &[&str] = &[
    "remote-",
    "ssl-client-",
    "x-auth-request-",
    "x-authenticated-",
    "x-forwarded-",
    "x-leastway-",
    "x-original-",
    "x-remote-",
    "x-ssl-",
    "x-webauth-",
];

/// Names that only we set or that nobody may send, whatever their spelling. In order.
const EXACT: &[&str] = &[
    "auth-type",
    "auth-user",
    "cf-connecting-ip",
    "client-ip",
    "content-length",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "http-client-ip",
    "proxy",
    "remote",
    "transfer-encoding",
    "true-client-ip",
    "via",
    "x-auth-user",
    "x-client-cert",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-forwarded",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method-override",
    "x-middleware-subrequest",
    "x-proxy-user",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-request-id",
    "x-rewrite-url",
    "x-user",
    "x-wap-profile",
];

/// Names that are the caller's own, but in their plain spelling only. In order.
const PLAIN_ONLY: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "content-disposition",
    "content-encoding",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-range",
    "origin",
    "range",
    "referer",
    "traceparent",
    "tracestate",
    "user-agent",
];

#[cfg(test)]
mod tests {
    use super::{EXACT, FOLDED_BYTES, PLAIN_ONLY, PREFIXES};

    #[test]
    fn the_lists_are_in_order_and_fit_the_buffer() {
        assert!(EXACT.is_sorted() && PLAIN_ONLY.is_sorted() && PREFIXES.is_sorted());
        assert!(!EXACT.iter().chain(PREFIXES).any(|name| super::is_everyday(name)));
        assert!(EXACT.iter().chain(PLAIN_ONLY).chain(PREFIXES).all(|name| name.len() < FOLDED_BYTES));
    }
}
