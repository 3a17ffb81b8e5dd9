//! Where a request ends, and what its connection becomes: RFC 9112 6 and RFC 9113 8, strictly.
//!
//! Nothing that is read here is relayed: `Content-Length`, `Transfer-Encoding` and every other
//! hop-by-hop field is removed, and our own writer frames what is sent. What the HTTP library does not
//! show of HTTP/1.1, such as a `Content-Length` beside a `Transfer-Encoding`, [`super::wire`] sees.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};

use super::fault::Fault;
use super::wire::content_length;

/// How long a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none.
    None,
    /// This many bytes, more than none.
    Bytes(u64),
    /// Known at its end only.
    Unknown,
}

/// What the caller asks the connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// A WebSocket (RFC 6455).
    WebSocket,
}

/// How long a method's name may be.
const METHOD_BYTES_MAX: usize = 32;

/// Reads an extended CONNECT (RFC 8441) as the request that HTTP/1.1 makes of it: a GET that asks for an
/// upgrade. Only a WebSocket is known.
pub fn extended_connect(parts: &mut Parts) -> Result<Option<Upgrade>, Fault> {
    let Some(protocol) = parts.extensions.remove::<hyper::ext::Protocol>() else { return Ok(None) };
    let is_connect = parts.method == Method::CONNECT && parts.version == Version::HTTP_2;
    if !is_connect || protocol.as_str() != "websocket" {
        return Err(Fault::method(StatusCode::NOT_IMPLEMENTED, "upgrade: not a WebSocket"));
    }
    parts.method = Method::GET;
    // The key belongs to HTTP/1.1, and one of ours is sent instead.
    parts.headers.remove(SEC_WEBSOCKET_KEY);
    Ok(Some(Upgrade::WebSocket))
}

/// Refuses the methods that are never forwarded. All others are a matter of the routes.
pub fn check_method(method: &Method) -> Result<(), Fault> {
    if *method == Method::CONNECT || *method == Method::TRACE {
        return Err(Fault::method(StatusCode::METHOD_NOT_ALLOWED, "method: CONNECT or TRACE"));
    }
    let name = method.as_str();
    // Debugging methods of IIS that answer with what they were sent.
    if name.eq_ignore_ascii_case("TRACK") || name.eq_ignore_ascii_case("DEBUG") {
        return Err(Fault::method(StatusCode::METHOD_NOT_ALLOWED, "method: TRACK or DEBUG"));
    }
    // Methods are told by letter case, but not every server does: `get` would be matched as another
    // method than it is executed as. HTTP/2's preface is no method.
    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_name || name.len() > METHOD_BYTES_MAX || name == "PRI" {
        return Err(Fault::method(StatusCode::NOT_IMPLEMENTED, "method: not a name that is forwarded"));
    }
    Ok(())
}

/// How long the body is.
pub fn body_length(parts: &Parts) -> Result<BodyLength, Fault> {
    let encoding = the_one(&parts.headers, &TRANSFER_ENCODING, "framing: several Transfer-Encoding")?;
    let length = the_one(&parts.headers, &CONTENT_LENGTH, "framing: several Content-Length")?;
    match (encoding, length) {
        (Some(_), Some(_)) => Err(Fault::malformed("framing: Content-Length with Transfer-Encoding")),
        (Some(_), None) if parts.version != Version::HTTP_11 => {
            Err(Fault::malformed("framing: Transfer-Encoding outside HTTP/1.1"))
        }
        (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(BodyLength::Unknown),
        (Some(_), None) => Err(Fault::malformed("framing: Transfer-Encoding other than chunked")),
        (None, Some(length)) => match content_length(length) {
            Some(0) => Ok(BodyLength::None),
            Some(bytes) => Ok(BodyLength::Bytes(bytes)),
            None => Err(Fault::malformed("framing: odd Content-Length")),
        },
        // HTTP/2 says the end by a flag that is not in the head.
        (None, None) if parts.version == Version::HTTP_2 => Ok(BodyLength::Unknown),
        (None, None) => Ok(BodyLength::None),
    }
}

/// What the connection is to become. Only a WebSocket is known; `h2c` and others are refused, for
/// what follows them on the connection would pass undecided.
pub fn upgrade(parts: &Parts) -> Result<Option<Upgrade>, Fault> {
    let Some(protocol) = the_one(&parts.headers, &UPGRADE, "upgrade: given twice")? else {
        return Ok(None);
    };
    let is_asked = parts
        .headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"));
    let is_websocket = protocol.eq_ignore_ascii_case(b"websocket")
        && is_asked
        && parts.version == Version::HTTP_11
        && parts.method == Method::GET
        && body_length(parts)? == BodyLength::None
        && the_one(&parts.headers, &SEC_WEBSOCKET_KEY, "upgrade: several keys")?.is_some();
    if is_websocket {
        Ok(Some(Upgrade::WebSocket))
    } else {
        Err(Fault::malformed("upgrade: not a WebSocket"))
    }
}

/// Refuses values that begin or end with a blank. In HTTP/1.1 such blanks are no part of a value; in HTTP/2 there may
/// be none (RFC 9113 section 8.2.1).
pub fn check_values(parts: &Parts) -> Result<(), Fault> {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let is_odd = |value: &[u8]| is_blank(value.first()) || is_blank(value.last());
    if parts.version == Version::HTTP_2 && parts.headers.values().any(|value| is_odd(value.as_bytes())) {
        return Err(Fault::malformed("headers: a value begins or ends with a blank"));
    }
    Ok(())
}

/// Refuses expectations other than `100-continue`.
pub fn check_expectation(headers: &HeaderMap) -> Result<(), Fault> {
    match the_one(headers, &EXPECT, "expect: given twice")? {
        Some(expectation) if !expectation.eq_ignore_ascii_case(b"100-continue") => {
            Err(Fault::malformed("expect: not 100-continue"))
        }
        Some(_) | None => Ok(()),
    }
}

fn the_one<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    twice: &'static str,
) -> Result<Option<&'h [u8]>, Fault> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Fault::malformed(twice));
    }
    Ok(line.map(http::HeaderValue::as_bytes))
}
