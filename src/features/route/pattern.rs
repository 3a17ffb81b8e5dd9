//! Path patterns: `{name}` captures one segment, `{a,b}` is either text, `*` matches one, `**` the rest.

use std::fmt;

/// A pattern over the segments of a normalized path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Exactly this text, decoded.
    Literal(String),
    /// One of these texts, decoded; at least two.
    OneOf(Vec<String>),
    /// Any one segment that is not empty, under this name.
    Capture(String),
    /// Any one segment.
    One,
    /// All that is left, none included; only at the end.
    Rest,
}

/// A text that is not a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// It does not begin with a slash.
    #[error("a path pattern begins with `/`, not like `{0}`")]
    NoSlash(String),
    /// `**` stands before the end.
    #[error("`**` matches the rest, so it stands only at the end of `{0}`")]
    RestNotLast(String),
    /// A name is missing, repeated or has other characters.
    #[error("`{{{name}}}` in `{pattern}`: a capture is a name of letters, digits and `_`, used once")]
    Capture {
        /// What stands between the braces.
        name: String,
        /// The whole pattern.
        pattern: String,
    },
    /// A segment mixes text with a wildcard.
    #[error("`{segment}` in `{pattern}`: a segment is either text, `{{name}}`, `{{text,text}}`, `*` or `**`")]
    Mixed {
        /// The segment.
        segment: String,
        /// The whole pattern.
        pattern: String,
    },
    /// A literal is written encoded or holds what a normalized path never has.
    #[error(
        "`{segment}` in `{pattern}`: write text decoded, without `%`, `?`, `#`, `\\`, `.` or `..` alone, or an empty segment inside"
    )]
    Literal {
        /// The segment.
        segment: String,
        /// The whole pattern.
        pattern: String,
    },
}

impl PathPattern {
    /// Its segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix('/').ok_or_else(|| PathPatternError::NoSlash(text.to_owned()))?;
        let parts: Vec<&str> = rest.split('/').collect();
        let mut segments: Vec<Segment> = Vec::with_capacity(parts.len());
        for (position, part) in parts.iter().enumerate() {
            let last = position + 1 == parts.len();
            let segment = parse_segment(part, last, text)?;
            if matches!(segment, Segment::Rest) && !last {
                return Err(PathPatternError::RestNotLast(text.to_owned()));
            }
            if matches!(segment, Segment::Capture(_)) && segments.contains(&segment) {
                return Err(PathPatternError::Capture {
                    name: part.trim_matches(['{', '}']).to_owned(),
                    pattern: text.to_owned(),
                });
            }
            segments.push(segment);
        }
        Ok(Self { text: text.to_owned(), segments })
    }
}

fn parse_segment(part: &str, last: bool, pattern: &str) -> Result<Segment, PathPatternError> {
    let owned = || (part.to_owned(), pattern.to_owned());
    match part {
        "*" => return Ok(Segment::One),
        "**" => return Ok(Segment::Rest),
        _ => {}
    }
    if let Some(name) = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        if name.contains(',') {
            return alternatives(name, pattern);
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(PathPatternError::Capture { name: name.to_owned(), pattern: pattern.to_owned() });
        }
        return Ok(Segment::Capture(name.to_owned()));
    }
    if part.contains(['*', '{', '}']) {
        let (segment, pattern) = owned();
        return Err(PathPatternError::Mixed { segment, pattern });
    }
    // A path may end in a slash: its last segment is empty then.
    if (part.is_empty() && last) || is_text(part) {
        return Ok(Segment::Literal(part.to_owned()));
    }
    let (segment, pattern) = owned();
    Err(PathPatternError::Literal { segment, pattern })
}

/// The texts of `{a,b}`, each once.
fn alternatives(list: &str, pattern: &str) -> Result<Segment, PathPatternError> {
    let mut texts: Vec<String> = Vec::new();
    for text in list.split(',') {
        if !is_text(text) || texts.iter().any(|known| known == text) {
            return Err(PathPatternError::Literal { segment: text.to_owned(), pattern: pattern.to_owned() });
        }
        texts.push(text.to_owned());
    }
    Ok(Segment::OneOf(texts))
}

/// Whether this is a segment of a normalized path as it is written in a pattern.
fn is_text(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && !part.contains(['%', '?', '#', '\\', '*', '{', '}'])
        && !part.chars().any(char::is_control)
}
