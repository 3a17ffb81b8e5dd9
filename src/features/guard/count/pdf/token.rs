//! Tokens of PDF (ISO 32000-2 section 7.2), in pieces.

use crate::domain::count::WhyUnknown;

/// What is told of the syntax, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name without its slash, as it is meant.
    Name(&'a [u8]),
    /// A number or a keyword.
    Word(&'a [u8]),
    /// A string, of which nothing is told.
    Text,
    /// A comment without its sign, as far as it is kept.
    Comment(&'a [u8]),
    /// `<<` or `[`.
    Open { dictionary: bool },
    /// `>>` or `]`.
    Close { dictionary: bool },
}

/// The state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Lexer {
    place: Place,
    kept: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Between,
    Comment,
    Name,
    Word,
    /// In a string, in so many parentheses, and behind a backslash.
    Text {
        depth: u16,
        escaped: bool,
    },
    Hex,
    Less,
    Greater,
}

/// A longer name or word is none that matters, and is cut.
const KEPT_BYTES_MAX: usize = 128;

/// Parentheses within a string.
const DEPTH_MAX: u16 = 1024;

impl Lexer {
    /// Whether a token could begin here.
    pub(super) fn is_between(&self) -> bool {
        self.place == Place::Between
    }

    /// Reads one byte, and tells the tokens that it completes.
    pub(super) fn read(
        &mut self,
        byte: u8,
        tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>,
    ) -> Result<(), WhyUnknown> {
        match self.place {
            Place::Between => self.begin(byte, tell),
            Place::Comment if matches!(byte, b'\r' | b'\n') => self.end(tell),
            Place::Name | Place::Word if is_blank(byte) => self.end(tell),
            Place::Name | Place::Word if is_delimiter(byte) => {
                self.end(tell)?;
                self.begin(byte, tell)
            }
            Place::Comment | Place::Name | Place::Word => {
                if self.kept.len() < KEPT_BYTES_MAX {
                    self.kept.push(byte);
                }
                Ok(())
            }
            Place::Text { depth, escaped } => self.text(byte, depth, escaped, tell),
            Place::Hex => match byte {
                b'>' => self.close(Token::Text, tell),
                _ if byte.is_ascii_hexdigit() || is_blank(byte) => Ok(()),
                _ => Err(WhyUnknown::Unparsable),
            },
            Place::Less if byte == b'<' => self.close(Token::Open { dictionary: true }, tell),
            Place::Less => {
                self.place = Place::Hex;
                self.read(byte, tell)
            }
            Place::Greater if byte == b'>' => self.close(Token::Close { dictionary: true }, tell),
            Place::Greater => Err(WhyUnknown::Unparsable),
        }
    }

    /// The input has ended.
    pub(super) fn finish(
        &mut self,
        tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>,
    ) -> Result<(), WhyUnknown> {
        self.read(b'\n', tell)?;
        if self.is_between() { Ok(()) } else { Err(WhyUnknown::Incomplete) }
    }

    fn begin(
        &mut self,
        byte: u8,
        tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>,
    ) -> Result<(), WhyUnknown> {
        self.kept.clear();
        self.place = match byte {
            _ if is_blank(byte) => Place::Between,
            b'%' => Place::Comment,
            b'/' => Place::Name,
            b'(' => Place::Text { depth: 1, escaped: false },
            b'<' => Place::Less,
            b'>' => Place::Greater,
            b'[' => return tell(Token::Open { dictionary: false }),
            b']' => return tell(Token::Close { dictionary: false }),
            b'{' | b'}' | b')' => return Err(WhyUnknown::Unparsable),
            _ => {
                self.kept.push(byte);
                Place::Word
            }
        };
        Ok(())
    }

    fn text(
        &mut self,
        byte: u8,
        depth: u16,
        escaped: bool,
        tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>,
    ) -> Result<(), WhyUnknown> {
        let depth = match byte {
            _ if escaped => depth,
            b'(' if depth == DEPTH_MAX => return Err(WhyUnknown::Unparsable),
            b'(' => depth + 1,
            b')' if depth == 1 => return self.close(Token::Text, tell),
            b')' => depth - 1,
            _ => depth,
        };
        self.place = Place::Text { depth, escaped: !escaped && byte == b'\\' };
        Ok(())
    }

    fn close(
        &mut self,
        token: Token<'_>,
        tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>,
    ) -> Result<(), WhyUnknown> {
        self.place = Place::Between;
        tell(token)
    }

    fn end(&mut self, tell: &mut dyn FnMut(Token<'_>) -> Result<(), WhyUnknown>) -> Result<(), WhyUnknown> {
        let place = std::mem::take(&mut self.place);
        match place {
            Place::Comment => tell(Token::Comment(&self.kept)),
            Place::Name if self.kept.contains(&b'#') => tell(Token::Name(&meant(&self.kept))),
            Place::Name => tell(Token::Name(&self.kept)),
            Place::Word => tell(Token::Word(&self.kept)),
            Place::Between | Place::Text { .. } | Place::Hex | Place::Less | Place::Greater => Ok(()),
        }
    }
}

/// A name may write any byte as `#` and two digits (section 7.3.5).
fn meant(name: &[u8]) -> Vec<u8> {
    let digit = |at: usize| name.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut meant = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(byte) = name.get(at) {
        let code =
            digit(at + 1).zip(digit(at + 2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let escaped = code.filter(|_| *byte == b'#');
        meant.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    meant
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}
