//! What a body says that it is: its media type and parameters, RFC 9110 8.3.1, read strictly.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};

/// A media type and its parameters.
pub(super) struct MediaType<'a> {
    essence: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> MediaType<'a> {
    /// The media type of a message; `None` if it has none, several or one that can be read in two ways.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        Self::parse(only(headers, CONTENT_TYPE)?)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let essence = parts.next()?.trim();
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let value = unquoted(value)?;
            // A blank before `=` hides a parameter from some readers and not from others.
            if !is_token(name) || parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return None;
            }
            // PHP takes the first `boundary` that stands anywhere for the parameter.
            let is_decoy = !name.eq_ignore_ascii_case("boundary") && mentions_boundary(part);
            if is_decoy && parameters.iter().all(|(known, _)| !known.eq_ignore_ascii_case("boundary")) {
                return None;
            }
            parameters.push((name, value));
        }
        let (kind, subtype) = essence.split_once('/')?;
        (is_token(kind) && is_token(subtype)).then_some(Self { essence, parameters })
    }

    pub(super) fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    pub(super) fn is_url_encoded(&self) -> bool {
        self.is("application/x-www-form-urlencoded")
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.is("multipart/form-data")
    }

    pub(super) fn is_json(&self) -> bool {
        ["application/json", "text/json", "application/json-rpc", "application/jsonrequest"]
            .iter()
            .any(|known| self.is(known))
            || self.has_suffix("+json")
    }

    pub(super) fn is_xml(&self) -> bool {
        self.is("text/xml") || self.is("application/xml") || self.has_suffix("+xml")
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Whether its character encoding, if it says one, is a superset of ASCII that we read.
    pub(super) fn has_known_charset(&self) -> bool {
        self.parameter("charset").is_none_or(is_known_charset)
    }

    fn has_suffix(&self, suffix: &str) -> bool {
        let at = self.essence.len().checked_sub(suffix.len());
        at.and_then(|at| self.essence.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    }
}

fn mentions_boundary(part: &str) -> bool {
    part.to_ascii_lowercase().contains("boundary")
}

/// Whether a character encoding is a superset of ASCII that we read.
pub(super) fn is_known_charset(charset: &str) -> bool {
    const KNOWN: [&str; 5] = ["utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"];
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(charset))
}

/// Whether a message may be a form to somebody: it says so, or what it says can be read in two ways.
pub(super) fn may_be_form(headers: &HeaderMap) -> bool {
    if !headers.contains_key(CONTENT_TYPE) {
        return false;
    }
    MediaType::of(headers).is_none_or(|known| known.is_url_encoded() || known.is_multipart())
}

/// The one value of a header that must not come twice.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok(),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

fn is_token(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
    !text.is_empty() && text.bytes().all(known)
}

/// A token, or a quoted string that needs no escapes. A `;` or `,` within quotes is refused with the
/// rest: where one reader honours the quotes and another does not, they disagree.
fn unquoted(value: &str) -> Option<&str> {
    let inner = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,;".contains(&byte);
    (!inner.is_empty() && inner.bytes().all(plain)).then_some(inner)
}
