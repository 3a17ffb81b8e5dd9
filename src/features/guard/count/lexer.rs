//! Reads JSON (RFC 8259) in pieces, strictly, and tells a [`Sink`] what it meets.
//!
//! The whole grammar is checked: what this accepts, every reader accepts, and reads alike. Comments,
//! trailing commas, bare words, control characters in strings and a second document are refused. Bytes beyond ASCII
//! are not checked: in every encoding that comes this far, none of them is part of the structure. It never allocates for a value that nobody asked for, and never holds more than one piece of text.

use std::borrow::Cow;

use super::scan::string_special;

/// The deepest nesting that is read.
pub(super) const DEPTH_MAX: usize = 512;

/// The longest key, number or wanted string that a piece may cut in two.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What is told about a document, in its order.
pub(super) trait Sink {
    /// A member's name, inside an object.
    fn key(&mut self, name: Text<'_>) -> Result<(), Broken>;
    /// An object or array opens.
    fn open(&mut self, array: bool) -> Result<(), Broken>;
    /// The innermost object or array closes.
    fn close(&mut self);
    /// A string, number, `true`, `false` or `null`.
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken>;
    /// Whether the text of the scalar that comes now will be looked at.
    fn wants_scalar(&self) -> bool;
}

/// The document cannot be read, or can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// A value that contains no other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    String(Text<'a>),
    Number(&'a [u8]),
    Boolean,
    Null,
}

/// The text of a string as it is written, between its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    /// As written, if nothing in it is escaped.
    pub(super) fn plain(self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw)
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

/// The state between two pieces. With `LINES`, a document is one line and many may follow (NDJSON).
#[derive(Debug)]
pub(super) struct Lexer<const LINES: bool> {
    arrays: [u64; DEPTH_MAX / 64],
    depth: usize,
    expect: Expect,
    token: Token,
    escape: Escape,
    escaped: bool,
    cut: Vec<u8>,
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Document,
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// What the piece before ended in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Key,
    String,
    Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Backslash,
    Hex(u8),
}

enum Stop {
    Quote(usize),
    Cut,
    Broken,
}

impl<const LINES: bool> Default for Lexer<LINES> {
    fn default() -> Self {
        Self {
            arrays: [0; DEPTH_MAX / 64],
            depth: 0,
            expect: Expect::Document,
            token: Token::None,
            escape: Escape::None,
            escaped: false,
            cut: Vec::new(),
            broken: false,
        }
    }
}

impl<const LINES: bool> Lexer<LINES> {
    /// Reads the next piece.
    pub(super) fn push<S: Sink>(&mut self, piece: &[u8], sink: &mut S) {
        let mut rest = piece;
        while !rest.is_empty() && !self.broken {
            let after = match self.token {
                Token::None => self.step(rest, sink),
                Token::Key | Token::String => self.string(rest, sink),
                Token::Word => self.word(rest, sink),
            };
            match after {
                Ok(after) => rest = after,
                Err(Broken) => self.broken = true,
            }
        }
    }

    /// Whether what was read is refused.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether nothing but white space was read.
    pub(super) fn is_blank(&self) -> bool {
        !self.broken && self.expect == Expect::Document && self.token == Token::None
    }

    /// The input has ended.
    pub(super) fn finish<S: Sink>(&mut self, sink: &mut S) -> Result<(), Broken> {
        if self.token == Token::Word && !self.broken {
            self.end_word(sink)?;
        }
        let complete = self.token == Token::None && matches!(self.expect, Expect::Nothing | Expect::Document);
        if self.broken || !complete { Err(Broken) } else { Ok(()) }
    }

    #[inline]
    fn step<'a, S: Sink>(&mut self, rest: &'a [u8], sink: &mut S) -> Result<&'a [u8], Broken> {
        let Some((&byte, after)) = rest.split_first() else { return Ok(rest) };
        match byte {
            b'"' => {
                let is_key = match self.expect {
                    Expect::Key | Expect::KeyOrEnd => true,
                    Expect::Value | Expect::ValueOrEnd | Expect::Document => false,
                    Expect::Colon | Expect::CommaOrEnd | Expect::Nothing => return Err(Broken),
                };
                return self.begin_string(is_key, after, sink);
            }
            b',' if self.expect == Expect::CommaOrEnd => {
                self.expect = if self.in_array() { Expect::Value } else { Expect::Key };
            }
            b':' if self.expect == Expect::Colon => self.expect = Expect::Value,
            b'{' | b'[' => self.open(byte == b'[', sink)?,
            b'}' if matches!(self.expect, Expect::KeyOrEnd | Expect::CommaOrEnd) && !self.in_array() => {
                self.close(sink);
            }
            b']' if matches!(self.expect, Expect::ValueOrEnd | Expect::CommaOrEnd) && self.in_array() => {
                self.close(sink);
            }
            b' ' | b'\t' => {}
            b'\n' | b'\r' => self.end_line()?,
            _ => {
                self.expect_value()?;
                self.token = Token::Word;
                return self.word(rest, sink);
            }
        }
        Ok(after)
    }

    fn end_line(&mut self) -> Result<(), Broken> {
        if LINES {
            if self.depth > 0 {
                return Err(Broken);
            }
            self.expect = Expect::Document;
        }
        Ok(())
    }

    const fn expect_value(&self) -> Result<(), Broken> {
        match self.expect {
            Expect::Value | Expect::ValueOrEnd | Expect::Document => Ok(()),
            Expect::Key | Expect::KeyOrEnd | Expect::Colon | Expect::CommaOrEnd | Expect::Nothing => {
                Err(Broken)
            }
        }
    }

    fn open<S: Sink>(&mut self, array: bool, sink: &mut S) -> Result<(), Broken> {
        self.expect_value()?;
        let word = self.arrays.get_mut(self.depth / 64).ok_or(Broken)?;
        let bit = 1 << (self.depth % 64);
        *word = if array { *word | bit } else { *word & !bit };
        self.depth += 1;
        self.expect = if array { Expect::ValueOrEnd } else { Expect::KeyOrEnd };
        sink.open(array)
    }

    fn close<S: Sink>(&mut self, sink: &mut S) {
        self.depth = self.depth.saturating_sub(1);
        self.expect = self.after_value();
        sink.close();
    }

    /// Whether the innermost container is an array. Only asked inside of one.
    #[inline]
    fn in_array(&self) -> bool {
        let level = self.depth.wrapping_sub(1);
        self.arrays.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1)
    }

    #[inline]
    const fn after_value(&self) -> Expect {
        if self.depth == 0 { Expect::Nothing } else { Expect::CommaOrEnd }
    }

    /// Reads a string, whose opening quote has been read. Most are plain and not cut in two.
    #[inline]
    fn begin_string<'a, S: Sink>(
        &mut self,
        is_key: bool,
        rest: &'a [u8],
        sink: &mut S,
    ) -> Result<&'a [u8], Broken> {
        if let Some((raw, [b'"', after @ ..])) =
            string_special(rest).and_then(|end| rest.split_at_checked(end))
        {
            tell(sink, is_key, Text { raw, escaped: false })?;
            return Ok(self.end_string(is_key, after));
        }
        self.token = if is_key { Token::Key } else { Token::String };
        self.escaped = false;
        self.string(rest, sink)
    }

    /// After a string: what nearly always follows it at once is read with it.
    #[inline]
    fn end_string<'a>(&mut self, is_key: bool, after: &'a [u8]) -> &'a [u8] {
        match after {
            [b':', after @ ..] if is_key => {
                self.expect = Expect::Value;
                after
            }
            [b',', after @ ..] if !is_key && self.depth > 0 => {
                self.expect = if self.in_array() { Expect::Value } else { Expect::Key };
                after
            }
            _ => {
                self.expect = if is_key { Expect::Colon } else { self.after_value() };
                after
            }
        }
    }

    /// Reads on in a string that is escaped or was cut in two.
    fn string<'a, S: Sink>(&mut self, rest: &'a [u8], sink: &mut S) -> Result<&'a [u8], Broken> {
        let is_key = self.token == Token::Key;
        let end = match self.scan_string(rest) {
            Stop::Quote(end) => end,
            Stop::Broken => return Err(Broken),
            Stop::Cut => {
                if is_key || sink.wants_scalar() {
                    self.keep(rest)?;
                }
                return Ok(&[]);
            }
        };
        let (part, after) = rest.split_at_checked(end).ok_or(Broken)?;
        self.token = Token::None;
        if self.cut.is_empty() {
            tell(sink, is_key, Text { raw: part, escaped: self.escaped })?;
        } else {
            self.keep(part)?;
            let whole = std::mem::take(&mut self.cut);
            tell(sink, is_key, Text { raw: &whole, escaped: self.escaped })?;
            self.reuse(whole);
        }
        Ok(self.end_string(is_key, after.get(1..).unwrap_or_default()))
    }

    fn scan_string(&mut self, bytes: &[u8]) -> Stop {
        let mut at = 0;
        loop {
            if self.escape == Escape::None {
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(hit) = string_special(rest) else { return Stop::Cut };
                at += hit;
                match bytes.get(at) {
                    Some(b'"') => return Stop::Quote(at),
                    Some(b'\\') => {
                        self.escape = Escape::Backslash;
                        self.escaped = true;
                    }
                    Some(_) | None => return Stop::Broken,
                }
            } else {
                let Some(byte) = bytes.get(at) else { return Stop::Cut };
                self.escape = match (self.escape, byte) {
                    (Escape::Backslash, b'u') => Escape::Hex(4),
                    (Escape::Backslash, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                        Escape::None
                    }
                    (Escape::Hex(1), digit) if digit.is_ascii_hexdigit() => Escape::None,
                    (Escape::Hex(left), digit) if digit.is_ascii_hexdigit() => Escape::Hex(left - 1),
                    (Escape::None | Escape::Backslash | Escape::Hex(_), _) => return Stop::Broken,
                };
            }
            at += 1;
        }
    }

    /// Reads on in a number, `true`, `false` or `null`.
    fn word<'a, S: Sink>(&mut self, rest: &'a [u8], sink: &mut S) -> Result<&'a [u8], Broken> {
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let end = rest.iter().position(|byte| !in_word(byte)).unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(end).ok_or(Broken)?;
        if after.is_empty() || !self.cut.is_empty() {
            self.keep(part)?;
            if !after.is_empty() {
                self.end_word(sink)?;
            }
        } else {
            self.token = Token::None;
            self.expect = self.after_value();
            sink.scalar(read_word(part)?)?;
        }
        Ok(after)
    }

    fn end_word<S: Sink>(&mut self, sink: &mut S) -> Result<(), Broken> {
        let whole = std::mem::take(&mut self.cut);
        self.token = Token::None;
        self.expect = self.after_value();
        sink.scalar(read_word(&whole)?)?;
        self.reuse(whole);
        Ok(())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Broken> {
        if self.cut.len() + part.len() > TEXT_BYTES_MAX {
            return Err(Broken);
        }
        self.cut.extend_from_slice(part);
        Ok(())
    }

    fn reuse(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.cut = buffer;
    }
}

#[inline]
fn tell<S: Sink>(sink: &mut S, is_key: bool, text: Text<'_>) -> Result<(), Broken> {
    if is_key { sink.key(text) } else { sink.scalar(Scalar::String(text)) }
}

fn read_word(word: &[u8]) -> Result<Scalar<'_>, Broken> {
    match word {
        b"true" | b"false" => Ok(Scalar::Boolean),
        b"null" => Ok(Scalar::Null),
        number if is_number(number) => Ok(Scalar::Number(number)),
        _ => Err(Broken),
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
