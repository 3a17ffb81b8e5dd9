//! The path of a request: forwarded byte for byte, matched by its decoded segments.
//!
//! Refuses, and never repairs, what two servers could read differently. It decodes at most once, and
//! what it accepts means the same to a server that decodes again, collapses dots and slashes, turns
//! backslashes, cuts at `;` or NUL, or normalizes Unicode. What an application needs beyond that is
//! declared as a quirk of the application, and then matched as that application reads it.
//!
//! A `#` never arrives here: the HTTP library cuts the target off before it, so that what follows is
//! neither matched nor forwarded. [`CanonicalPath::parse`] refuses it in text from elsewhere.

use http::uri::PathAndQuery;

use crate::features::route::fields::escaped;
use crate::features::route::quirks::{Quirks, fold};
use crate::features::route::settings::Quirk;
use crate::features::route::view::{PathView, Segments, Span};

/// How long a path may be.
pub const PATH_BYTES_MAX: usize = 8192;
/// How many segments it may have.
pub const SEGMENTS_MAX: usize = 128;

/// A path with one reading.
#[derive(Clone)]
pub struct CanonicalPath {
    /// Shared with the request's target: this is what is forwarded.
    target: PathAndQuery,
    decoded: Reading,
    /// Present where the application folds case.
    folded: Option<Reading>,
}

/// Segments, as places in a text of their own or, where nothing had to be decoded, in the raw path.
#[derive(Clone)]
struct Reading {
    text: Option<String>,
    spans: Vec<Span>,
}

/// Why a path is refused. Tells the rule, never the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum PathFault {
    /// It does not begin with a slash: an asterisk, an authority, or nothing.
    #[error("path: not in origin form")]
    NotOriginForm,
    /// Longer than [`PATH_BYTES_MAX`].
    #[error("path: too long")]
    TooLong,
    /// More than [`SEGMENTS_MAX`].
    #[error("path: too many segments")]
    TooManySegments,
    /// A control character, blank or NUL, raw or encoded.
    #[error("path: control character or raw blank")]
    Control,
    /// A backslash, raw or encoded.
    #[error("path: backslash")]
    Backslash,
    /// A fragment.
    #[error("path: fragment")]
    Fragment,
    /// A character that has to be encoded, such as `"` or `<`.
    #[error("path: character that has to be encoded")]
    RawCharacter,
    /// A byte beyond ASCII that is not encoded.
    #[error("path: raw byte beyond ASCII")]
    RawNonAscii,
    /// A `%` without two hexadecimal digits.
    #[error("path: broken escape")]
    BrokenEscape,
    /// What it decodes to is an escape again.
    #[error("path: escape within an escape")]
    DoubleEncoding,
    /// It decodes to something that is not UTF-8; overlong sequences among it.
    #[error("path: not UTF-8")]
    InvalidUtf8,
    /// An encoded slash, and the application does not have the quirk `encoded_slash`.
    #[error("path: encoded slash")]
    EncodedSlash,
    /// An encoded `?`, `#` or `;`.
    #[error("path: encoded delimiter")]
    EncodedDelimiter,
    /// A `;`, and the application does not have the quirk `path_parameters`.
    #[error("path: parameters")]
    Parameters,
    /// `.` or `..`, in whatever spelling.
    #[error("path: dot segment")]
    DotSegment,
    /// Two slashes in a row.
    #[error("path: empty segment")]
    EmptySegment,
    /// A segment that ends in a dot or a blank, which Windows drops.
    #[error("path: segment ends in a dot or blank")]
    TrailingDotOrBlank,
    /// A character that Unicode or Windows takes for another: a full-width slash, a combining mark.
    #[error("path: character that is taken for another")]
    Lookalike,
    /// A stream (`:`) or a short name (`~1`), where the application reads paths as Windows does.
    #[error("path: Windows stream or short name")]
    WindowsName,
    /// Another spelling of our own paths, or one of them asked of an application.
    #[error("path: one of our own")]
    OwnPath,
}

impl CanonicalPath {
    /// Reads the path of a request's target.
    pub fn read(target: &PathAndQuery, quirks: Quirks) -> Result<Self, PathFault> {
        // `PathAndQuery::path` says `/` for a target without a path.
        if !target.as_str().starts_with('/') {
            return Err(PathFault::NotOriginForm);
        }
        let decoded = Reading::of(target.path(), quirks)?;
        let folded = quirks.has(Quirk::FoldsCase).then(|| decoded.folded(target.path()));
        Ok(Self { target: target.clone(), decoded, folded })
    }

    /// Reads a path from text that did not come as a request's target.
    pub fn parse(raw: &str, quirks: Quirks) -> Result<Self, PathFault> {
        if !raw.starts_with('/') {
            return Err(PathFault::NotOriginForm);
        }
        check_bytes(raw)?;
        let target = PathAndQuery::try_from(raw).map_err(|_| PathFault::RawCharacter)?;
        Self::read(&target, quirks)
    }

    /// The path as it came, and as it is forwarded.
    pub fn as_str(&self) -> &str {
        self.target.path()
    }

    /// The segments to match.
    pub fn view(&self) -> PathView<'_> {
        let decoded = self.decoded.segments(self.as_str());
        let matched = self.folded.as_ref().map_or(decoded, |folded| folded.segments(self.as_str()));
        PathView { matched, decoded }
    }
}

impl std::fmt::Debug for CanonicalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CanonicalPath({} segments)", self.decoded.spans.len())
    }
}

impl Reading {
    fn of(raw: &str, quirks: Quirks) -> Result<Self, PathFault> {
        let is_plain = check_bytes(raw)?;
        let body = raw.strip_prefix('/').ok_or(PathFault::NotOriginForm)?;
        let mut text = (!is_plain).then(|| String::with_capacity(raw.len()));
        let mut spans = Vec::with_capacity(8);
        let mut start = 1;
        let mut parts = body.split('/').peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() && parts.peek().is_none() {
                // A trailing slash, or the root.
                break;
            }
            if spans.len() == SEGMENTS_MAX {
                return Err(PathFault::TooManySegments);
            }
            spans.push(match &mut text {
                None => {
                    check_segment(part, quirks)?;
                    Span::new(start, start + part.len())
                }
                Some(text) => append_decoded(text, part, quirks)?,
            });
            start += part.len() + 1;
        }
        Ok(Self { text, spans })
    }

    fn folded(&self, raw: &str) -> Self {
        let mut text = String::with_capacity(raw.len());
        let spans = self
            .segments(raw)
            .iter()
            .map(|segment| {
                let start = text.len();
                text.push_str(&fold(segment));
                Span::new(start, text.len())
            })
            .collect();
        Self { text: Some(text), spans }
    }

    fn segments<'a>(&'a self, raw: &'a str) -> Segments<'a> {
        Segments::new(self.text.as_deref().unwrap_or(raw), &self.spans)
    }
}

/// Checks every byte as it came; tells whether there is nothing to decode.
fn check_bytes(raw: &str) -> Result<bool, PathFault> {
    if raw.len() > PATH_BYTES_MAX {
        return Err(PathFault::TooLong);
    }
    let mut is_plain = true;
    for byte in raw.bytes() {
        match byte {
            b'%' | b';' => is_plain = false,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' => {}
            // The last two are not in RFC 3986, but browsers send them as they are.
            byte if b"-._~!$&'()*+,=:@[]".contains(&byte) => {}
            b'\\' => return Err(PathFault::Backslash),
            b'#' => return Err(PathFault::Fragment),
            0..=b' ' | 0x7f => return Err(PathFault::Control),
            0x80.. => return Err(PathFault::RawNonAscii),
            _ => return Err(PathFault::RawCharacter),
        }
    }
    Ok(is_plain)
}

/// Decodes one segment to the end of `text`, without its parameters.
fn append_decoded(text: &mut String, part: &str, quirks: Quirks) -> Result<Span, PathFault> {
    let (name, parameters) = match part.split_once(';') {
        None => (part, None),
        Some(_) if !quirks.has(Quirk::PathParameters) => return Err(PathFault::Parameters),
        Some((name, parameters)) => (name, Some(parameters)),
    };
    if let Some(parameters) = parameters {
        check_parameters(&decode(parameters)?)?;
    }
    let decoded = decode(name)?;
    check_segment(&decoded, quirks)?;
    let start = text.len();
    text.push_str(&decoded);
    Ok(Span::new(start, text.len()))
}

fn decode(part: &str) -> Result<std::borrow::Cow<'_, str>, PathFault> {
    if !part.contains('%') {
        return Ok(part.into());
    }
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => escaped(rest.next(), rest.next()).ok_or(PathFault::BrokenEscape)?,
            other => other,
        });
    }
    String::from_utf8(decoded).map(Into::into).map_err(|_| PathFault::InvalidUtf8)
}

/// Checks a segment as it is after decoding.
fn check_segment(segment: &str, quirks: Quirks) -> Result<(), PathFault> {
    check_characters(segment)?;
    if segment.contains('/') && !quirks.has(Quirk::EncodedSlash) {
        return Err(PathFault::EncodedSlash);
    }
    if segment.contains(['?', '#', ';']) {
        return Err(PathFault::EncodedDelimiter);
    }
    // Where an encoded slash is wanted, what stands between two is held to the same rules.
    segment.split('/').try_for_each(check_name)?;
    if quirks.has(Quirk::FoldsCase) && is_windows_name(segment) {
        return Err(PathFault::WindowsName);
    }
    Ok(())
}

/// Checks the parameters of a segment, which are forwarded but not matched.
fn check_parameters(parameters: &str) -> Result<(), PathFault> {
    check_characters(parameters)?;
    if parameters.contains('/') {
        return Err(PathFault::EncodedSlash);
    }
    if parameters.contains(['?', '#']) {
        return Err(PathFault::EncodedDelimiter);
    }
    Ok(())
}

fn check_characters(decoded: &str) -> Result<(), PathFault> {
    if decoded.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    if decoded.contains('\\') {
        return Err(PathFault::Backslash);
    }
    if is_still_encoded(decoded) {
        return Err(PathFault::DoubleEncoding);
    }
    if !decoded.is_ascii() && decoded.chars().any(is_lookalike) {
        return Err(PathFault::Lookalike);
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), PathFault> {
    match name {
        "" => Err(PathFault::EmptySegment),
        "." | ".." => Err(PathFault::DotSegment),
        _ if name.ends_with(['.', ' ']) => Err(PathFault::TrailingDotOrBlank),
        _ => Ok(()),
    }
}

/// Whether decoding again would find an escape: `%41`, or `%u0041` as IIS reads it.
fn is_still_encoded(decoded: &str) -> bool {
    decoded.split('%').skip(1).any(|after| {
        let digits = |text: &str, count: usize| {
            text.len() >= count && text.bytes().take(count).all(|byte| byte.is_ascii_hexdigit())
        };
        digits(after, 2) || after.strip_prefix(['u', 'U']).is_some_and(|after| digits(after, 4))
    })
}

/// Characters that a Unicode normalization, a case folding or a Windows code page turns into another:
/// compatibility forms of ASCII, letters that fold to ASCII, combining marks, and what is not seen.
fn is_lookalike(character: char) -> bool {
    matches!(character,
        '\u{ff00}'..='\u{ffef}' // full-width and half-width forms
        | '\u{2000}'..='\u{206f}' // blanks, dot leaders, dashes, fraction slash, bidirectional marks
        | '\u{2070}'..='\u{209f}' // superscripts and subscripts
        | '\u{2100}'..='\u{218f}' // letter-like symbols (the Kelvin sign) and number forms
        | '\u{2215}' | '\u{2216}' | '\u{2236}' | '\u{29f5}' | '\u{29f8}' | '\u{29f9}'
        | '\u{2460}'..='\u{24ff}' // enclosed
        | '\u{3000}'..='\u{3004}' | '\u{fb00}'..='\u{fb06}' | '\u{fe00}'..='\u{fe6f}'
        | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1ff}'
        | '\u{300}'..='\u{36f}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' // combining
        | '\u{a0}' | '\u{a5}' | '\u{aa}' | '\u{ad}' | '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{ba}' | '\u{20a9}'
        | '\u{130}' | '\u{131}' | '\u{17f}' // dotted and dotless i, long s
        | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{e0000}'..='\u{10ffff}')
}

/// `file::$DATA` and `LONGFI~1`: other names of the same thing on Windows.
fn is_windows_name(segment: &str) -> bool {
    let short = |after: &str| after.starts_with(|first: char| first.is_ascii_digit());
    segment.contains(':') || segment.split('~').skip(1).any(short)
}
