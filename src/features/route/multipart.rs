//! `multipart/form-data` (RFC 7578), strictly: readers of this format differ in everything that it
//! leaves open, so nothing open is let through.
//!
//! No preamble and no epilogue, CRLF only, one `Content-Disposition: form-data; name="…"` to a part,
//! no escapes or extended names, no transfer encodings, no nested multipart, and the boundary nowhere in a part.

use super::body::BodyFault;
use super::fields::{Fields, is_unwanted_in_value, text_of};

/// How much the headers of one part may take.
const PART_HEAD_BYTES_MAX: usize = 4096;

/// The fields of a multipart body. A file's content is a value too: some applications take a part
/// for a field whether or not it has a file name.
pub(super) fn parse(boundary: &str, body: &[u8]) -> Result<Fields, BodyFault> {
    read(boundary, body).ok_or(BodyFault::Multipart)?
}

fn read(boundary: &str, body: &[u8]) -> Option<Result<Fields, BodyFault>> {
    if !is_boundary(boundary) {
        return None;
    }
    let dashes = format!("--{boundary}");
    let delimiter = format!("\r\n{dashes}");
    let mut fields = Fields::none();
    let mut rest = body.strip_prefix(dashes.as_bytes())?;
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return (end.is_empty() || end == b"\r\n").then_some(Ok(fields));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (head, after) = split_once(rest, b"\r\n\r\n")?;
        let name = part_name(head)?;
        let (content, after) = split_once(after, delimiter.as_bytes())?;
        // To some readers a bare LF before it ends the part (PHP), and another field begins.
        if memchr::memmem::find(content, dashes.as_bytes()).is_some() {
            return None;
        }
        if let Err(fault) = push(&mut fields, name, content) {
            return Some(Err(fault));
        }
        rest = after;
    }
}

fn push(fields: &mut Fields, name: &str, content: &[u8]) -> Result<(), BodyFault> {
    let text = match text_of(content) {
        Ok(text) if !text.bytes().any(is_unwanted_in_value) => text,
        // A file, then: its name is there, and it equals nothing that a condition can write.
        Ok(_) | Err(_) => "\u{fffd}".into(),
    };
    Ok(fields.push(name, &text)?)
}

fn is_boundary(boundary: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    (1..=70).contains(&boundary.len()) && boundary.bytes().all(known)
}

/// The name of the field, if the part's headers have one reading.
fn part_name(head: &[u8]) -> Option<&str> {
    if head.len() > PART_HEAD_BYTES_MAX {
        return None;
    }
    let head = std::str::from_utf8(head).ok()?;
    let mut name = None;
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if header.is_empty() || !header.bytes().all(token) || value.chars().any(char::is_control) {
            return None;
        }
        let value = value.trim_matches(' ');
        if header.eq_ignore_ascii_case("content-disposition") {
            if name.replace(disposition_name(value)?).is_some() {
                return None;
            }
        } else if header.eq_ignore_ascii_case("content-type") {
            let value = value.to_ascii_lowercase();
            if value.starts_with("multipart/") || value.contains("utf-16") || value.contains("utf-7") {
                return None;
            }
        } else if !header.eq_ignore_ascii_case("content-length") {
            return None;
        }
    }
    name
}

/// Reads `form-data; name="…"` and, after it, `filename="…"`.
fn disposition_name(value: &str) -> Option<&str> {
    let (kind, rest) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (key, name, rest) = quoted_parameter(rest)?;
    if !key.eq_ignore_ascii_case("name") {
        return None;
    }
    if rest.is_empty() {
        return Some(name);
    }
    let (key, _, rest) = quoted_parameter(rest.strip_prefix(';')?)?;
    (key.eq_ignore_ascii_case("filename") && rest.is_empty()).then_some(name)
}

/// ` key="value"` and what follows. Browsers write `"` as `%22`; a backslash is an escape to some
/// readers and a character to others.
fn quoted_parameter(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.trim_start_matches(' ').split_once("=\"")?;
    let (value, rest) = rest.split_once('"')?;
    (!value.contains('\\')).then_some((key, value, rest.trim_start_matches(' ')))
}

fn split_once<'b>(bytes: &'b [u8], by: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = memchr::memmem::find(bytes, by)?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.strip_prefix(by)?))
}
