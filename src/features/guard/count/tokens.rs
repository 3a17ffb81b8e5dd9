//! Tells apart what is inside of strings, and finds where tokens begin: 64 bytes at a time, by their [`Marks`].

use super::lexer::Broken;
use super::marks::Marks;

/// Where in a block tokens stand. Brackets, commas and colons inside of strings are not among them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens {
    /// The quote that opens a string.
    pub(super) opening: u64,
    /// The quote that closes one.
    pub(super) closing: u64,
    /// Every byte of a number or of `true`, `false`, `null`, and of whatever is no JSON.
    pub(super) word: u64,
    /// The first byte of one.
    pub(super) word_begin: u64,
    pub(super) open: u64,
    pub(super) close: u64,
    /// Of those two, the square ones; among other bytes it says nothing.
    pub(super) square: u64,
    pub(super) comma: u64,
    pub(super) colon: u64,
    /// The end of a line.
    pub(super) line: u64,
}

/// The state between two blocks.
#[derive(Debug, Default)]
pub(super) struct Tokenizer {
    /// All ones inside of a string.
    inside: u64,
    /// One inside of a number or word.
    in_word: u64,
    escape: Escape,
}

/// What an escape still lacks (RFC 8259 section 7).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    Nothing,
    Letter,
    Digits(u8),
}

impl Tokenizer {
    /// Whether a string is open.
    pub(super) const fn is_inside(&self) -> bool {
        self.inside != 0
    }

    /// Reads the next block, whose `bytes` may be fewer than 64. What is marked behind them is a space.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8], marks: &Marks) -> Result<Tokens, Broken> {
        let escaped = if marks.backslash == 0 && self.escape == Escape::Nothing {
            0
        } else {
            self.escapes(bytes, marks.backslash)?
        };
        let quote = marks.quote & !escaped;
        let inside = up_to_next(quote) ^ self.inside;
        if marks.control & inside != 0 {
            return Err(Broken);
        }
        let (open, close) = (marks.open & !inside, marks.close & !inside);
        let (comma, colon) = (marks.comma & !inside, marks.colon & !inside);
        let word = !(inside | quote | marks.blank | open | close | comma | colon);
        let word_begin = word & !(word << 1 | self.in_word);
        self.inside = if inside >> 63 == 1 { !0 } else { 0 };
        self.in_word = bytes.len().checked_sub(1).map_or(self.in_word, |last| word >> last & 1);
        Ok(Tokens {
            opening: quote & inside,
            closing: quote & !inside,
            word,
            word_begin,
            open,
            close,
            square: marks.square,
            comma,
            colon,
            line: marks.line & !inside,
        })
    }

    /// Checks the escapes; where the bytes stand that follow a backslash. Outside of a string a backslash is
    /// part of a word that is none.
    fn escapes(&mut self, bytes: &[u8], backslash: u64) -> Result<u64, Broken> {
        let (mut escaped, mut at) = (0_u64, 0);
        loop {
            if self.escape == Escape::Nothing {
                at = (backslash & (!0_u64).checked_shl(at).unwrap_or(0)).trailing_zeros();
            }
            let Some(byte) = bytes.get(at as usize) else { return Ok(escaped) };
            if self.escape == Escape::Letter {
                escaped |= 1 << at;
            }
            self.escape = match (self.escape, byte) {
                (Escape::Nothing, _) => Escape::Letter,
                (Escape::Letter, b'u') => Escape::Digits(4),
                (Escape::Letter, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Escape::Nothing,
                (Escape::Digits(1), digit) if digit.is_ascii_hexdigit() => Escape::Nothing,
                (Escape::Digits(left), digit) if digit.is_ascii_hexdigit() => Escape::Digits(left - 1),
                (Escape::Letter | Escape::Digits(_), _) => return Err(Broken),
            };
            at += 1;
        }
    }
}

/// Every bit from a marked one up to the next marked one, without that: from quote to quote.
const fn up_to_next(marks: u64) -> u64 {
    let mut bits = marks;
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    bits
}
