//! HTTP/1.1 on the wire: in pieces of any size the same heads end at the same places, and where a head is taken for
//! clean, the HTTP library (httparse, as hyper asks it) finds one request that ends at the same byte, and its body
//! too.

use httparse::{EMPTY_HEADER, Header, Request, Status};
use leastway::gateway::normalize::wire::{Found, Head, Wire};

use crate::input::{Input, pieces};

/// As many as fit into the head.
const FIELDS_MAX: usize = 1024;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cut = input.byte();
    let bytes = input.rest();
    let whole = places([bytes].into_iter());
    assert_eq!(places(pieces(bytes, cut)), whole);
    agrees(bytes, &whole);
}

/// Where heads end, and whether they are clean; what is not is the last.
fn places<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(usize, bool)> {
    let (mut wire, mut places, mut before) = (Wire::new(4096), Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        loop {
            match wire.read(&piece[at..]) {
                Found::Nothing => break,
                Found::Head(bytes, Head::Clean) => {
                    at += bytes;
                    places.push((before + at, true));
                }
                Found::Head(bytes, Head::Upgrade | Head::Odd(_)) | Found::Broken(bytes, _) => {
                    places.push((before + at + bytes, false));
                    return places;
                }
            }
        }
        before += piece.len();
    }
    places
}

fn agrees(bytes: &[u8], places: &[(usize, bool)]) {
    let mut start = Some(0);
    for (end, _) in places.iter().filter(|(_, is_clean)| *is_clean) {
        let message = &bytes[start.expect("the body before has ended")..*end];
        let mut fields = vec![EMPTY_HEADER; FIELDS_MAX];
        let mut request = Request::new(&mut fields);
        match request.parse(message) {
            Ok(Status::Complete(length)) => assert_eq!(length, message.len()),
            Ok(Status::Partial) => panic!("the library waits for more of this head"),
            // It is answered with an error, and nothing follows.
            Err(_) => return,
        }
        start = body(request.headers, &bytes[*end..]).map(|length| end + length);
    }
}

/// How long a body is, if all of it is there.
fn body(headers: &[Header<'_>], rest: &[u8]) -> Option<usize> {
    let value = |name: &str| headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    if value("transfer-encoding").is_none() {
        let length = value("content-length")
            .map_or(Some(0), |length| std::str::from_utf8(length.value).expect("digits").trim().parse().ok());
        return length.filter(|length| *length <= rest.len());
    }
    let mut at = 0;
    loop {
        let Ok(Status::Complete((line, size))) = httparse::parse_chunk_size(rest.get(at..)?) else {
            return None;
        };
        at += line;
        if size == 0 {
            break;
        }
        at = at.checked_add(usize::try_from(size).ok()?)?;
        at += rest.get(at..)?.starts_with(b"\r\n").then_some(2)?;
    }
    // Trailers are fields, up to an empty line.
    while !rest.get(at..)?.starts_with(b"\r\n") {
        at += rest.get(at..)?.windows(2).position(|end| end == b"\r\n")? + 2;
    }
    Some(at + 2)
}
