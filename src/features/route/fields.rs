//! Named values: the parameters of a query, the fields of a form.
//!
//! Applications read `a=1&b=2` in several ways, and a reading that we do not know is a way around a
//! route. So every reading is kept beside the others: all values of a key that comes more than once,
//! bare keys, and where a `;` stands, the pairs that it would separate. A condition holds if any of
//! them meets it. What no application should be sent (a broken escape, an overlong sequence, a
//! control character) is refused.

use super::view::Span;

/// Named values in their order. Prints none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    text: String,
    pairs: Vec<(Span, Span)>,
}

/// Why named values cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldsFault {
    /// A `%` without two hexadecimal digits.
    #[error("a broken escape in a parameter")]
    Escape,
    /// A control character other than a tab or line end in a value, or any in a name.
    #[error("a control character in a parameter")]
    Control,
    /// A UTF-8 sequence longer than its character needs.
    #[error("an overlong sequence in a parameter")]
    Overlong,
    /// More than [`Fields::COUNT_MAX`].
    #[error("too many parameters")]
    TooMany,
}

impl Fields {
    /// How many are read at most.
    pub const COUNT_MAX: usize = 1000;

    /// None.
    pub const fn none() -> Self {
        Self { text: String::new(), pairs: Vec::new() }
    }

    /// Reads `application/x-www-form-urlencoded` text: a query or the body of a form.
    pub fn parse(raw: &[u8]) -> Result<Self, FieldsFault> {
        let mut fields = Self { text: String::with_capacity(raw.len()), pairs: Vec::new() };
        for piece in raw.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            fields.read_pair(piece)?;
            if memchr::memchr(b';', piece).is_some() {
                for part in piece.split(|byte| *byte == b';').filter(|part| !part.is_empty()) {
                    fields.read_pair(part)?;
                }
            }
        }
        Ok(fields)
    }

    /// Adds a pair that is decoded already.
    pub fn push(&mut self, key: &str, value: &str) -> Result<(), FieldsFault> {
        let key = self.append(key);
        let value = self.append(value);
        self.push_spans(key, value)
    }

    /// All pairs, in their order; a bare key has an empty value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.of(&self.text), value.of(&self.text)))
    }

    /// The names, each once, in order of first appearance: all that an event may tell.
    pub fn keys(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.iter().map(|(key, _)| key).filter(|key| seen.insert(*key)).collect()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    fn read_pair(&mut self, piece: &[u8]) -> Result<(), FieldsFault> {
        let (key, value) = match memchr::memchr(b'=', piece).and_then(|at| piece.split_at_checked(at)) {
            Some((key, value)) => (key, value.strip_prefix(b"=").unwrap_or(value)),
            None => (piece, &[][..]),
        };
        let key = self.read_text(key, |byte| byte.is_ascii_control())?;
        let value = self.read_text(value, is_unwanted_in_value)?;
        self.push_spans(key, value)
    }

    fn read_text(&mut self, raw: &[u8], unwanted: fn(u8) -> bool) -> Result<Span, FieldsFault> {
        let decoded = decode(raw)?;
        let text = text_of(&decoded)?;
        if text.bytes().any(unwanted) {
            return Err(FieldsFault::Control);
        }
        Ok(self.append(&text))
    }

    fn append(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span::new(start, self.text.len())
    }

    fn push_spans(&mut self, key: Span, value: Span) -> Result<(), FieldsFault> {
        if self.pairs.len() >= Self::COUNT_MAX {
            return Err(FieldsFault::TooMany);
        }
        self.pairs.push((key, value));
        Ok(())
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fields({})", self.pairs.len())
    }
}

/// Whether a field called `found` is what a condition calls `wanted`. PHP and others make an array
/// of `wanted[]` and `wanted[x]`, and drop blanks before a name.
pub fn is_key(found: &str, wanted: &str, folds_case: bool) -> bool {
    let found = found.trim_start_matches(' ');
    let same = |text: &str| if folds_case { text.eq_ignore_ascii_case(wanted) } else { text == wanted };
    same(found) || found.split_once('[').is_some_and(|(name, _)| same(name))
}

/// The text that bytes stand for: UTF-8, or else ISO 8859-1, as old pages send it.
pub(super) fn text_of(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, FieldsFault> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(text.into());
    }
    if bytes.windows(2).any(is_overlong) {
        return Err(FieldsFault::Overlong);
    }
    Ok(bytes.iter().copied().map(char::from).collect::<String>().into())
}

/// Two bytes with which a sequence longer than its character needs begins: a lax decoder would find
/// an ASCII character in it that we do not see.
fn is_overlong(pair: &[u8]) -> bool {
    matches!(pair, [0xc0 | 0xc1 | 0xf8 | 0xfc, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f])
}

pub(super) const fn is_unwanted_in_value(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

fn decode(raw: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, FieldsFault> {
    if memchr::memchr2(b'%', b'+', raw).is_none() {
        return Ok(raw.into());
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => escaped(rest.next(), rest.next()).ok_or(FieldsFault::Escape)?,
            other => other,
        });
    }
    Ok(decoded.into())
}

/// The byte that two hexadecimal digits stand for.
pub fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
