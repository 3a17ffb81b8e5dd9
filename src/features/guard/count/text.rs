//! What a JSON document says in one place: a name, a string, a number, a word.

use std::borrow::Cow;

use super::lexer::Broken;

/// A value that contains no other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    String(Text<'a>),
    Number(&'a [u8]),
    Boolean,
    Null,
    /// A string that nobody wanted to read.
    Unread,
}

impl<'a> Scalar<'a> {
    /// A number, `true`, `false` or `null`.
    pub(super) fn read(word: &'a [u8]) -> Result<Self, Broken> {
        match word {
            b"true" | b"false" => Ok(Self::Boolean),
            b"null" => Ok(Self::Null),
            number if is_number(number) => Ok(Self::Number(number)),
            _ => Err(Broken),
        }
    }
}

/// Tells most names apart from a few wanted ones at a glance: by their length, then by their ends.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameFilter {
    /// Bit *n* for a length of *n* bytes. A longer name than there are bits is never sifted out.
    lengths: u64,
    ends: u64,
}

impl NameFilter {
    /// No name is wanted.
    pub(super) const NONE: Self = Self { lengths: 0, ends: 0 };

    /// `name` is wanted too.
    pub(super) const fn with(self, name: &[u8]) -> Self {
        let length = if name.len() < 64 { 1 << name.len() } else { 0 };
        Self { lengths: self.lengths | length, ends: self.ends | Self::end_bit(name) }
    }

    /// Of the `names` that open in a block of 64 bytes without escapes, those that may be wanted: they close in it
    /// after the right number of bytes, or not in it.
    #[inline]
    pub(super) fn sift(self, names: u64, closing: u64) -> u64 {
        let mut sifted = names & (!0_u64).checked_shl(64 - closing.leading_zeros()).unwrap_or(0);
        let mut lengths = self.lengths;
        while lengths != 0 {
            sifted |= names & (closing >> lengths.trailing_zeros() >> 1);
            lengths &= lengths - 1;
        }
        sifted
    }

    /// Whether `name`, written without escapes, may be wanted.
    #[inline]
    pub(super) const fn passes(self, name: &[u8]) -> bool {
        self.ends & Self::end_bit(name) != 0
    }

    const fn end_bit(name: &[u8]) -> u64 {
        let ends = match name {
            [] => 0,
            [only] => *only as usize,
            [first, .., last] => *first as usize + *last as usize,
        };
        1 << ((ends + name.len()) % 64)
    }
}

/// The text of a string as it is written, between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { raw, escaped: raw.contains(&b'\\') }
    }

    /// What is known to hold no backslash.
    pub(super) const fn plain(raw: &'a [u8]) -> Self {
        Self { raw, escaped: false }
    }

    /// What it means.
    pub(super) fn decoded(self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether it means `name`.
    pub(super) fn is(self, name: &[u8]) -> bool {
        if self.escaped { unescape(self.raw) == name } else { self.raw == name }
    }
}

/// RFC 8259 section 6.
fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then(|| text.get(count..)).flatten()
    }
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let rest = match text.strip_prefix(b"0") {
        Some(rest) => Some(rest),
        None => digits(text),
    };
    let Some(rest) = rest else { return false };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => digits(fraction),
        None => Some(rest),
    };
    let Some(rest) = rest else { return false };
    match rest {
        [] => true,
        [b'e' | b'E', exponent @ ..] => {
            let exponent = match exponent {
                [b'+' | b'-', rest @ ..] => rest,
                exponent => exponent,
            };
            digits(exponent).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

/// What an escaped text means. A surrogate without its partner stands for U+FFFD.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    let mut rest = raw;
    let mut encoded = [0; 4];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let Some((&letter, after)) = rest.split_first() else { break };
        rest = after;
        match letter {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                let character = take_unicode(&mut rest);
                text.extend_from_slice(character.encode_utf8(&mut encoded).as_bytes());
            }
            other => text.push(other),
        }
    }
    text
}

fn take_unicode(rest: &mut &[u8]) -> char {
    let unit = take_unit(rest);
    if (0xD800..0xDC00).contains(&unit)
        && let Some(mut partner) = rest.strip_prefix(b"\\u")
    {
        let low = take_unit(&mut partner);
        if (0xDC00..0xE000).contains(&low) {
            *rest = partner;
            let point = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            return char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
    }
    char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn take_unit(rest: &mut &[u8]) -> u32 {
    let (digits, after) = rest.split_at_checked(4).unwrap_or((rest, &[]));
    *rest = after;
    digits.iter().fold(0, |unit, digit| unit << 4 | char::from(*digit).to_digit(16).unwrap_or(0))
}
