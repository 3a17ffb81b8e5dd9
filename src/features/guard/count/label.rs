//! What a reply's media type says beside its name: the character encoding, and the boundary of its parts.

use super::wide::Order;

/// The parameters that a counter needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// How characters are encoded.
    pub(super) charset: Charset,
    /// What separates the parts of a multipart body.
    pub(super) boundary: Option<String>,
}

/// How characters are encoded, as far as it matters where one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// Every structural byte is the ASCII byte.
    #[default]
    Ascii,
    /// UTF-16, and which byte comes first if it says so.
    Wide(Option<Order>),
    /// One that we do not read.
    Foreign,
}

impl Label {
    /// Reads the parameters of a media type (RFC 9110 section 5.6.6), as they stand behind its name.
    pub fn read(parameters: &str) -> Self {
        let mut label = Self::default();
        let mut charset = None;
        let mut rest = parameters;
        while !rest.trim_start_matches([' ', '\t', ';']).is_empty() {
            let (name, value, after) = parameter(rest.trim_start_matches([' ', '\t', ';']));
            rest = after;
            if name.eq_ignore_ascii_case("charset") {
                let read = Charset::read(&value.trim().trim_matches('\'').to_ascii_lowercase());
                // Two declarations are two readings.
                let differs = charset.is_some_and(|known| known != read);
                charset = Some(if differs { Charset::Foreign } else { read });
            } else if name.eq_ignore_ascii_case("boundary") {
                let is_first = label.boundary.is_none();
                label.boundary = Some(if is_first { value } else { String::new() });
            }
        }
        label.charset = charset.unwrap_or_default();
        label
    }

    /// Whether the character encoding is one that can be read.
    pub fn is_readable(&self) -> bool {
        self.charset != Charset::Foreign
    }

    /// Whether it says UTF-16.
    pub const fn is_wide(&self) -> bool {
        matches!(self.charset, Charset::Wide(_))
    }
}

impl Charset {
    fn read(name: &str) -> Self {
        match name {
            "utf-16" | "utf16" | "unicode" | "ucs-2" | "iso-10646-ucs-2" => Self::Wide(None),
            "utf-16le" | "utf16le" => Self::Wide(Some(Order::LittleEndian)),
            "utf-16be" | "utf16be" => Self::Wide(Some(Order::BigEndian)),
            name if is_ascii_based(name) => Self::Ascii,
            _ => Self::Foreign,
        }
    }
}

/// Whether every structural byte of the encoding with this name (in lower case) is the ASCII byte.
pub(super) fn is_ascii_based(charset: &str) -> bool {
    matches!(charset, "utf-8" | "utf8" | "us-ascii" | "ascii" | "latin1" | "")
        || ["iso-8859-", "iso8859-", "windows-125", "cp125"].iter().any(|family| charset.starts_with(family))
}

/// The parameter that `text` begins with: its name, its value, and what is behind it.
fn parameter(text: &str) -> (&str, String, &str) {
    let end = text.find([';', '=']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let Some(rest) = rest.strip_prefix('=').map(str::trim_start) else {
        return (name.trim(), String::new(), rest);
    };
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
        return (name.trim(), value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (name.trim(), value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, character)| character)),
            other => value.push(other),
        }
    }
    (name.trim(), value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_are_quoted() {
        let boundary = |text: &str| Label::read(text).boundary;
        assert_eq!(boundary("boundary=abc"), Some("abc".to_owned()));
        assert_eq!(boundary(" charset=utf-8; BOUNDARY = \"a;b=\\\"c\" ; x=1"), Some("a;b=\"c".to_owned()));
        assert_eq!(boundary("type=\"boundary=x\"; boundary=y"), Some("y".to_owned()));
        assert_eq!(boundary("boundary=a; boundary=b"), Some(String::new()), "two are none that fits");
        assert_eq!(boundary("boundary"), Some(String::new()));
        assert_eq!(boundary(""), None);

        let charset = |text: &str| Label::read(text).charset;
        assert_eq!(charset("charset=UTF-8"), Charset::Ascii);
        assert_eq!(charset("header=present; charset=\"utf-16le\""), Charset::Wide(Some(Order::LittleEndian)));
        assert_eq!(charset("charset=utf-16"), Charset::Wide(None));
        assert_eq!(charset("charset=utf-7"), Charset::Foreign);
        assert_eq!(charset("charset=shift_jis"), Charset::Foreign);
        assert_eq!(charset("charset=utf-8; charset=utf-16"), Charset::Foreign);
        assert_eq!(charset("note=\"; charset=utf-16\""), Charset::Ascii);
    }
}
