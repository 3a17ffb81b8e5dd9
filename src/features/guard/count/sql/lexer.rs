//! Tells the tokens of SQL apart, in pieces: words, quoted texts, signs. Comments are passed over.
//!
//! What `MySQL` runs although it stands in a comment (`/*!40101 … */`) is read as if it stood there without. Whether a
//! backslash in a string escapes what follows differs between databases: it is taken from the dump itself, and where the
//! dump does not say and it would matter, there are two readings and so none.

use super::statement::{Statement, Wants};

/// The longest text that is told.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Of a text that nobody wants, enough to tell a keyword.
const WORD_BYTES_MAX: usize = 64;

/// One token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    /// A keyword, a name or a number.
    Word(&'a [u8]),
    /// What stands between quotes, if it is wanted.
    Quoted(&'a [u8]),
    /// Any other byte, and whether it directly follows another such.
    Sign(u8, bool),
}

/// It cannot be read, or can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

#[derive(Debug, Default)]
pub(super) struct Lexer {
    place: Place,
    kept: Vec<u8>,
    /// Inside of a comment that `MySQL` runs.
    runs: bool,
    /// The last token was a sign, and nothing came since.
    after_sign: bool,
    /// The string that is read has escapes by its prefix (`E'…'`).
    is_escaping: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Between,
    Word,
    Quoted(u8),
    /// After a backslash.
    Escape(u8),
    /// After a quote: the end, or the first of two.
    Closing(u8),
    Dash,
    /// After `--`.
    Dashes,
    Slash,
    /// After `/*`, perhaps with an `M`.
    Opening(bool),
    /// The version behind `/*!`: how many digits, and whether all were nines.
    Version(u8, bool),
    Block,
    BlockStar,
    BlockSlash,
    /// A star where a comment that runs may end.
    Star,
    Line,
    /// The tag of a text between dollars is read.
    Tag,
    /// Inside of one: how much of its end was there.
    Dollars(usize),
    /// The line of `DELIMITER`.
    Delimiter,
    Copy,
}

impl Lexer {
    pub(super) fn push(&mut self, piece: &[u8], statement: &mut Statement) -> Result<(), Broken> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.place {
                Place::Quoted(quote) => self.quoted(rest, quote, statement)?,
                Place::Line => self.line(rest),
                Place::Block => self.block(rest),
                Place::Word => self.word(rest, statement)?,
                Place::Copy => self.copy(rest, statement)?,
                Place::Between
                | Place::Escape(_)
                | Place::Closing(_)
                | Place::Dash
                | Place::Dashes
                | Place::Slash
                | Place::Opening(_)
                | Place::Version(..)
                | Place::BlockStar
                | Place::BlockSlash
                | Place::Star
                | Place::Tag
                | Place::Dollars(_)
                | Place::Delimiter => {
                    let is_taken = self.one(byte, statement)?;
                    if is_taken { after } else { rest }
                }
            };
        }
        Ok(())
    }

    /// The input has ended.
    pub(super) fn finish(&mut self, statement: &mut Statement) -> Result<(), Broken> {
        match self.place {
            Place::Between | Place::Line | Place::Dashes => {}
            Place::Word => self.end_word(statement)?,
            Place::Closing(_) => self.end_quoted(statement)?,
            Place::Delimiter => self.end_delimiter(statement)?,
            Place::Copy => statement.copy_ends(),
            Place::Dash => self.sign(b'-', statement)?,
            Place::Slash => self.sign(b'/', statement)?,
            Place::Star => self.sign(b'*', statement)?,
            Place::Quoted(_)
            | Place::Escape(_)
            | Place::Opening(_)
            | Place::Version(..)
            | Place::Block
            | Place::BlockStar
            | Place::BlockSlash
            | Place::Tag
            | Place::Dollars(_) => return Err(Broken),
        }
        if self.runs { Err(Broken) } else { statement.finish() }
    }

    /// Looks at one byte where it is not a stretch that goes on; whether it was taken.
    fn one(&mut self, byte: u8, statement: &mut Statement) -> Result<bool, Broken> {
        match self.place {
            Place::Between => self.begin(byte, statement)?,
            Place::Escape(quote) => {
                if byte == quote && statement.has_escapes().is_none() && !self.is_escaping {
                    return Err(Broken);
                }
                if byte != quote && byte != b'\\' {
                    self.keep(b"\\", statement)?;
                }
                self.keep(&[byte], statement)?;
                self.place = Place::Quoted(quote);
            }
            Place::Closing(quote) if byte == quote => {
                self.keep(&[quote], statement)?;
                self.place = Place::Quoted(quote);
            }
            Place::Closing(_) => {
                self.end_quoted(statement)?;
                return Ok(false);
            }
            Place::Dash if byte == b'-' => self.place = Place::Dashes,
            // MySQL subtracts a negative number where others see a comment.
            Place::Dashes if !byte.is_ascii_whitespace() && !statement.is_between() => return Err(Broken),
            Place::Dashes => {
                self.place = Place::Line;
                return Ok(false);
            }
            Place::Slash if byte == b'*' => self.place = Place::Opening(false),
            Place::Star if byte == b'/' => {
                self.runs = false;
                self.place = Place::Between;
            }
            Place::Dash => return self.was_sign(b'-', statement),
            Place::Slash => return self.was_sign(b'/', statement),
            Place::Star => return self.was_sign(b'*', statement),
            Place::Opening(_) | Place::Version(..) | Place::BlockStar | Place::BlockSlash => {
                return self.comment(byte, statement);
            }
            Place::Tag => self.tag(byte)?,
            Place::Dollars(seen) => self.dollars(byte, seen),
            Place::Delimiter => match byte {
                b'\n' => self.end_delimiter(statement)?,
                _ if self.kept.len() < WORD_BYTES_MAX => self.kept.push(byte),
                _ => return Err(Broken),
            },
            Place::Quoted(_) | Place::Line | Place::Block | Place::Word | Place::Copy => return Ok(false),
        }
        Ok(true)
    }

    /// The first byte of whatever comes.
    fn begin(&mut self, byte: u8, statement: &mut Statement) -> Result<(), Broken> {
        match byte {
            _ if byte.is_ascii_whitespace() => {
                self.after_sign = false;
                if byte == b'\n' && statement.copy_begins() {
                    self.place = Place::Copy;
                }
            }
            b'\'' | b'"' | b'`' => {
                self.is_escaping = false;
                if byte == b'`' {
                    statement.escapes(true)?;
                }
                self.place = Place::Quoted(byte);
            }
            b'-' => self.place = Place::Dash,
            b'/' => self.place = Place::Slash,
            b'*' if self.runs => self.place = Place::Star,
            b'#' if statement.is_between() && statement.has_escapes() != Some(false) => {
                self.place = Place::Line;
            }
            b'$' if statement.has_escapes() == Some(false) => self.place = Place::Tag,
            b'#' | 0 => return Err(Broken),
            _ if is_word(byte) => {
                self.kept.push(byte);
                self.place = Place::Word;
            }
            _ => self.sign(byte, statement)?,
        }
        Ok(())
    }

    fn was_sign(&mut self, byte: u8, statement: &mut Statement) -> Result<bool, Broken> {
        self.place = Place::Between;
        self.sign(byte, statement)?;
        Ok(false)
    }

    fn sign(&mut self, byte: u8, statement: &mut Statement) -> Result<(), Broken> {
        let follows = std::mem::replace(&mut self.after_sign, true);
        statement.token(Token::Sign(byte, follows))
    }

    fn word<'a>(&mut self, rest: &'a [u8], statement: &mut Statement) -> Result<&'a [u8], Broken> {
        let end = rest.iter().position(|byte| !is_word(*byte) && *byte != b'$');
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part, statement)?;
        if let Some(byte) = after.first() {
            let escapes = *byte == b'\'' && !statement.is_command() && self.kept.eq_ignore_ascii_case(b"e");
            self.end_word(statement)?;
            if escapes {
                self.is_escaping = true;
                self.place = Place::Quoted(b'\'');
                return Ok(after.get(1..).unwrap_or_default());
            }
        }
        Ok(after)
    }

    fn end_word(&mut self, statement: &mut Statement) -> Result<(), Broken> {
        self.place = Place::Between;
        self.after_sign = false;
        if self.kept.eq_ignore_ascii_case(b"delimiter") && statement.is_between() {
            self.kept.clear();
            self.place = Place::Delimiter;
            return Ok(());
        }
        if statement.is_command() {
            self.place = Place::Line;
        }
        let outcome = statement.token(Token::Word(&self.kept));
        self.kept.clear();
        outcome
    }

    fn end_delimiter(&mut self, statement: &mut Statement) -> Result<(), Broken> {
        self.place = Place::Between;
        let outcome = statement.delimit(self.kept.trim_ascii());
        self.kept.clear();
        outcome
    }

    fn quoted<'a>(
        &mut self,
        rest: &'a [u8],
        quote: u8,
        statement: &mut Statement,
    ) -> Result<&'a [u8], Broken> {
        let may_escape = quote != b'`' && (self.is_escaping || statement.has_escapes() != Some(false));
        let end = if may_escape { memchr::memchr2(quote, b'\\', rest) } else { memchr::memchr(quote, rest) };
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.keep(part, statement)?;
        if let Some((found, after)) = after.split_first() {
            self.place = if *found == quote { Place::Closing(quote) } else { Place::Escape(quote) };
            return Ok(after);
        }
        Ok(after)
    }

    fn end_quoted(&mut self, statement: &mut Statement) -> Result<(), Broken> {
        self.place = Place::Between;
        self.after_sign = false;
        let outcome = statement.token(Token::Quoted(&self.kept));
        self.kept.clear();
        outcome
    }

    fn keep(&mut self, part: &[u8], statement: &Statement) -> Result<(), Broken> {
        match statement.wants() {
            Wants::Text if self.kept.len() + part.len() > TEXT_BYTES_MAX => return Err(Broken),
            Wants::Text => self.kept.extend_from_slice(part),
            Wants::Keywords => {
                let room = WORD_BYTES_MAX - self.kept.len().min(WORD_BYTES_MAX);
                self.kept.extend_from_slice(part.get(..room).unwrap_or(part));
            }
        }
        Ok(())
    }

    fn line<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some(end) = memchr::memchr(b'\n', rest) else { return &[] };
        self.place = Place::Between;
        // The end of the line is still to be seen.
        rest.get(end..).unwrap_or_default()
    }

    fn block<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some(hit) = memchr::memchr2(b'*', b'/', rest) else { return &[] };
        self.place = if rest.get(hit) == Some(&b'*') { Place::BlockStar } else { Place::BlockSlash };
        rest.get(hit + 1..).unwrap_or_default()
    }

    /// At the beginning of a comment, or where it may end; whether the byte was taken.
    fn comment(&mut self, byte: u8, statement: &mut Statement) -> Result<bool, Broken> {
        match (self.place, byte) {
            // A version that there is not: MariaDB begins its dumps with such a comment.
            (Place::Version(6.., true), _) if !byte.is_ascii_digit() => self.place = Place::Block,
            (Place::Version(digits, nines), b'0'..=b'9') => {
                self.place = Place::Version(digits.saturating_add(1), nines && byte == b'9');
                return Ok(true);
            }
            (Place::Version(..), _) => {
                self.runs = true;
                self.place = Place::Between;
            }
            (Place::Opening(_), b'!') if self.runs => return Err(Broken),
            (Place::Opening(_), b'!') => {
                statement.escapes(true)?;
                self.place = Place::Version(0, true);
                return Ok(true);
            }
            (Place::Opening(false), b'M') => {
                self.place = Place::Opening(true);
                return Ok(true);
            }
            (Place::BlockStar, b'/') => {
                self.place = Place::Between;
                return Ok(true);
            }
            // One inside of the other: some databases count them, some do not.
            (Place::BlockSlash, b'*') => return Err(Broken),
            (_, _) => self.place = Place::Block,
        }
        Ok(false)
    }

    /// The tag of `PostgreSQL`'s `$tag$ … $tag$`.
    fn tag(&mut self, byte: u8) -> Result<(), Broken> {
        match byte {
            b'$' => {
                self.kept.insert(0, b'$');
                self.place = Place::Dollars(0);
            }
            _ if is_word(byte) && self.kept.len() < WORD_BYTES_MAX => self.kept.push(byte),
            _ => return Err(Broken),
        }
        Ok(())
    }

    /// Inside of such a text, of whose end so much was there.
    fn dollars(&mut self, byte: u8, seen: usize) {
        self.place = match (byte, self.kept.get(seen)) {
            (b'$', None) => {
                self.kept.clear();
                Place::Between
            }
            (_, Some(wanted)) if *wanted == byte && seen > 0 => Place::Dollars(seen + 1),
            (b'$', _) => Place::Dollars(1),
            (_, _) => Place::Dollars(0),
        };
    }

    fn copy<'a>(&mut self, rest: &'a [u8], statement: &mut Statement) -> Result<&'a [u8], Broken> {
        let end = memchr::memchr2(b'\t', b'\n', rest);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        statement.copy_part(part)?;
        match after.first() {
            Some(b'\t') => statement.copy_field_ends(),
            Some(_) if statement.copy_line_ends() => self.place = Place::Between,
            Some(_) | None => {}
        }
        Ok(after.get(1..).unwrap_or_default())
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'.') || byte >= 0x80
}
