//! The body of a request, where a route depends on it: a form or JSON, read whole within a bound.
//!
//! Fails closed: a body that cannot be read, or that an application could read as something else
//! than its media type says, is refused as `body-unreadable`. The body forwarded is the body judged.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};

use super::fields::{Fields, FieldsFault};
use super::{json, multipart};

/// The body of a request.
#[derive(Clone)]
pub enum Body {
    /// There is none.
    Empty,
    /// The fields of a form, URL-encoded or multipart.
    Form(Fields),
    /// A JSON document without duplicate keys.
    Json(serde_json::Value),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Form(_) => "Form(..)",
            Self::Json(_) => "Json(..)",
        })
    }
}

/// Which kinds of body the routes ask about that a request may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyNeeds {
    /// The fields of a form.
    pub form: bool,
    /// The members of a JSON document.
    pub json: bool,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// Its media type is missing, repeated, malformed or not one that the routes ask about.
    #[error("the body's media type is not one that the route can be told by")]
    MediaType,
    /// It is compressed.
    #[error("the body has a content coding")]
    Coding,
    /// It says a character encoding that is not a superset of ASCII.
    #[error("the body's character encoding is not one that we read")]
    Charset,
    /// The fields of a form are malformed.
    #[error("{0}")]
    Fields(#[from] FieldsFault),
    /// A multipart body is malformed, or more lenient readers would read it differently.
    #[error("the multipart body is malformed")]
    Multipart,
    /// JSON is malformed, has duplicate keys or is too deep.
    #[error("the JSON body is malformed, has duplicate keys or is too deep")]
    Json,
}

impl Body {
    /// Reads a whole body, of which `needs` says what the routes ask about.
    pub fn read(headers: &HeaderMap, bytes: &[u8], needs: BodyNeeds) -> Result<Self, BodyFault> {
        if bytes.is_empty() {
            return Ok(Self::Empty);
        }
        if let Some(coding) = only(headers, CONTENT_ENCODING, BodyFault::Coding)?
            && !coding.eq_ignore_ascii_case("identity")
        {
            return Err(BodyFault::Coding);
        }
        let text = only(headers, CONTENT_TYPE, BodyFault::MediaType)?.ok_or(BodyFault::MediaType)?;
        let media_type = MediaType::parse(text).ok_or(BodyFault::MediaType)?;
        media_type.check_charset()?;
        if media_type.is("application/x-www-form-urlencoded") && needs.form {
            Ok(Self::Form(Fields::parse(bytes)?))
        } else if media_type.is("multipart/form-data") && needs.form {
            let boundary = media_type.parameter("boundary").ok_or(BodyFault::Multipart)?;
            Ok(Self::Form(multipart::parse(boundary, bytes)?))
        } else if media_type.is_json() && needs.json {
            json::parse(bytes).map(Self::Json).ok_or(BodyFault::Json)
        } else {
            Err(BodyFault::MediaType)
        }
    }
}

/// The one value of a header that must not come twice.
fn only(headers: &HeaderMap, name: HeaderName, fault: BodyFault) -> Result<Option<&str>, BodyFault> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| fault),
        (Some(_), Some(_)) => Err(fault),
    }
}

/// A media type and its parameters, RFC 9110 8.3.1.
struct MediaType<'a> {
    essence: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> MediaType<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let essence = parts.next()?.trim();
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let value = unquoted(value)?;
            if parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                return None;
            }
            parameters.push((name, value));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-/".contains(&byte);
        essence.bytes().all(is_token).then_some(Self { essence, parameters })
    }

    fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    fn is_json(&self) -> bool {
        let suffix = self.essence.len().checked_sub(5).and_then(|at| self.essence.get(at..));
        self.is("application/json") || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn check_charset(&self) -> Result<(), BodyFault> {
        const KNOWN: [&str; 5] = ["utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"];
        let known = self
            .parameter("charset")
            .is_none_or(|charset| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(charset)));
        if known { Ok(()) } else { Err(BodyFault::Charset) }
    }
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
