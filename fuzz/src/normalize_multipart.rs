//! A multipart body is refused, or every field is known that a lenient reader finds (one that takes a bare LF for a
//! line's end, as PHP does); written anew, it is read as the same fields.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;

const NEEDS: BodyNeeds = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let Some(fields) = fields(bytes) else { return };
    for name in lenient(bytes) {
        assert!(fields.iter().any(|(known, _)| known == name), "{name}");
    }
    let mut anew = String::new();
    for (name, value) in fields.iter() {
        write!(anew, "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            .expect("memory");
    }
    anew.push_str("--b--\r\n");
    if fields.iter().next().is_some() {
        assert!(self::fields(anew.as_bytes()).expect("what is plain stays so").iter().eq(fields.iter()));
    }
}

fn fields(bytes: &[u8]) -> Option<Fields> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=b"));
    let body = Body::read(&headers, &Fields::none(), bytes, NEEDS, LIMITS).ok()?;
    match body.content() {
        Content::Form(fields) => Some(fields.clone()),
        Content::Empty | Content::Json(_) | Content::Calls => None,
    }
}

/// The names of fields, line by line.
fn lenient(bytes: &[u8]) -> Vec<&str> {
    let (mut names, mut in_head) = (Vec::new(), false);
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line == b"--b" {
            in_head = true;
        } else if line.is_empty() {
            in_head = false;
        } else if let (true, Ok(text)) = (in_head, std::str::from_utf8(line))
            && text.to_ascii_lowercase().starts_with("content-disposition:")
            && let Some(name) =
                [" name=\"", ";name=\"", "\tname=\""].iter().find_map(|it| text.split_once(it))
        {
            names.extend(name.1.split('"').next());
        }
    }
    names
}
