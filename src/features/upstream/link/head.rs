//! The head of a request, as it is written.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Request};
use http_body::Body as _;

use super::super::send::RequestBody;

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks (RFC 9112 7.1).
    Chunked,
}

/// Writes the head. What frames the body is ours, whatever the headers say.
pub(super) fn write(output: &mut Vec<u8>, request: &Request<RequestBody>) -> Framing {
    let framing = framing(request);
    output.extend_from_slice(request.method().as_str().as_bytes());
    output.push(b' ');
    let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    output.extend_from_slice(target.as_bytes());
    output.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING {
            continue;
        }
        write_name(output, name.as_str());
        output.extend_from_slice(b": ");
        output.extend_from_slice(value.as_bytes());
        output.extend_from_slice(b"\r\n");
    }
    match framing {
        Framing::None => {}
        Framing::Length(bytes) => {
            output.extend_from_slice(format!("Content-Length: {bytes}\r\n").as_bytes());
        }
        Framing::Chunked => output.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    output.extend_from_slice(b"\r\n");
    framing
}

/// A GET or HEAD of unknown length has no body: few servers read one, and what is not read would be taken
/// for the next request. A method whose body means something says that there is none (RFC 9110 8.6).
fn framing(request: &Request<RequestBody>) -> Framing {
    let method = request.method();
    let expects_body = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if request.body().is_end_stream() {
        return if expects_body { Framing::Length(0) } else { Framing::None };
    }
    match request.body().size_hint().exact() {
        Some(0) if !expects_body => Framing::None,
        Some(bytes) => Framing::Length(bytes),
        None if matches!(*method, Method::GET | Method::HEAD) => Framing::None,
        None => Framing::Chunked,
    }
}

/// With capitals, as old applications spell names; nobody else minds.
fn write_name(output: &mut Vec<u8>, name: &str) {
    let (start, mut begins) = (output.len(), true);
    output.extend_from_slice(name.as_bytes());
    for byte in output.iter_mut().skip(start) {
        if begins {
            byte.make_ascii_uppercase();
        }
        begins = *byte == b'-';
    }
}
