//! Pages of a PDF document (ISO 32000-2).
//!
//! A reader goes by tables at the end of the file, which is not here yet while it streams; so every object that comes is
//! looked at, those in compressed streams of objects too. What an update has replaced is in the file still, and counts. The
//! tree of pages says how many there are: where fewer were found, the file hides some from us, and the number is unknown. So
//! is that of a file that is encrypted, breaks off, or has other files attached.
//!
//! No crate reads a PDF from front to back: those that there are want the whole file in memory, and its tables believed.

mod dictionary;
mod token;

use self::dictionary::{Dictionaries, Facts, Filters, Kind};
use self::token::{Lexer, Token};
use super::Tally;
use super::inflate::Inflater;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::PdfRecord;

/// Counts pages, or documents.
#[derive(Debug)]
pub struct PdfScanner {
    record: PdfRecord,
    lexer: Lexer,
    dictionaries: Dictionaries,
    place: Place,
    /// For streams of objects, what is in them.
    inflater: Inflater,
    inner: Lexer,
    /// How many came.
    bytes: u64,
    /// The last thing that came says that the file ends.
    ended: bool,
    broken: Option<WhyUnknown>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Among objects.
    Outside,
    /// Behind the word `stream`, and behind a carriage return there.
    StreamBegins { returned: bool },
    /// In a stream, of which `left` bytes are to come or, if that is not known, as many as there are before its end.
    Stream { left: Option<u64>, matched: usize, content: Content },
    /// Behind a stream whose length was known.
    StreamEnds,
}

/// What is in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Nothing that tells of pages, or nothing more.
    Passed,
    /// Objects as they are.
    Plain,
    /// Objects, compressed.
    Packed,
}

const BEGIN: &[u8] = b"%PDF-";
const END: &[u8] = b"endstream";

impl PdfScanner {
    /// A scanner for what counts as a record, where a compressed byte becomes no more than `ratio_max` after the first MiB.
    pub fn new(record: PdfRecord, ratio_max: u32) -> Self {
        Self {
            record,
            lexer: Lexer::default(),
            dictionaries: Dictionaries::default(),
            place: Place::Outside,
            inflater: Inflater::new(true, ratio_max),
            inner: Lexer::default(),
            bytes: 0,
            ended: false,
            broken: None,
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.broken.is_none() {
            self.broken = self.begins(piece).and_then(|()| self.read(piece)).err();
        }
    }

    /// How many so far: a lower bound, or already unknown.
    pub fn so_far(&self) -> Tally {
        let records = match (self.broken, self.record) {
            (Some(why), _) => return Tally::unknown(why),
            (None, PdfRecord::Document) => u64::from(self.bytes > 0),
            (None, PdfRecord::Page) => self.dictionaries.pages,
        };
        Tally { records: Count::AtLeast(records), patients: Count::NotCounted }
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        if self.broken.is_none() && self.bytes == 0 {
            return Tally::NONE;
        }
        match self.broken.or_else(|| self.end().err()) {
            Some(why) => Tally::unknown(why),
            None => Tally {
                records: Count::Exactly(self.so_far().records.at_least()),
                patients: Count::NotCounted,
            },
        }
    }

    /// Whether the first bytes are those of a PDF.
    fn begins(&mut self, piece: &[u8]) -> Result<(), WhyUnknown> {
        let expected =
            usize::try_from(self.bytes).ok().and_then(|came| BEGIN.get(came..)).unwrap_or_default();
        self.bytes += piece.len() as u64;
        let is_right = expected.iter().zip(piece).all(|(expected, byte)| expected == byte);
        if is_right { Ok(()) } else { Err(WhyUnknown::Mismatch) }
    }

    fn end(&mut self) -> Result<(), WhyUnknown> {
        if self.bytes < BEGIN.len() as u64 {
            return Err(WhyUnknown::Mismatch);
        }
        if self.record == PdfRecord::Document {
            return Ok(());
        }
        self.byte(b'\n')?;
        let is_whole =
            self.place == Place::Outside && self.lexer.is_between() && self.dictionaries.is_outside();
        if !is_whole || !self.ended {
            return Err(WhyUnknown::Incomplete);
        }
        let Dictionaries { pages, said, .. } = self.dictionaries;
        if pages == 0 || pages < said { Err(WhyUnknown::Unparsable) } else { Ok(()) }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), WhyUnknown> {
        if self.record == PdfRecord::Document {
            return Ok(());
        }
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.place {
                Place::Stream { left: Some(left), content, .. } => self.measured(rest, left, content)?,
                Place::Stream { left: None, matched, content } => self.unmeasured(rest, matched, content)?,
                Place::Outside | Place::StreamEnds | Place::StreamBegins { .. } => {
                    // Behind a carriage return alone the content begins, which is no good style but happens.
                    let is_content = self.place == Place::StreamBegins { returned: true } && byte != b'\n';
                    self.byte(byte)?;
                    if is_content { rest } else { after }
                }
            };
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Result<(), WhyUnknown> {
        if let Place::StreamBegins { returned } = self.place {
            self.place = match (byte, returned) {
                (b'\r', false) => Place::StreamBegins { returned: true },
                (b'\n', _) | (_, true) => self.stream()?,
                (_, false) => return Err(WhyUnknown::Unparsable),
            };
            return Ok(());
        }
        let Self { lexer, dictionaries, place, ended, .. } = self;
        lexer.read(byte, &mut |token| outside(token, dictionaries, place, ended))?;
        // The word was ended by this byte, which is the end of its line.
        if let Place::StreamBegins { .. } = self.place {
            return self.byte(byte);
        }
        Ok(())
    }

    /// A stream begins: what is in it.
    fn stream(&mut self) -> Result<Place, WhyUnknown> {
        let Facts { kind, length, filters, has_parameters, .. } = self.dictionaries.last;
        let content = match (kind, filters) {
            (Kind::Objects, _) if has_parameters => return Err(WhyUnknown::Coding),
            (Kind::Objects, Filters::Flate) => Content::Packed,
            (Kind::Objects, Filters::None) if length.is_some() => Content::Plain,
            (Kind::Objects, Filters::None | Filters::Other) => return Err(WhyUnknown::Coding),
            (Kind::Other | Kind::Page | Kind::Pages, _) => Content::Passed,
        };
        self.inflater.restart(true);
        self.inner = Lexer::default();
        Ok(match length {
            Some(0) => Place::StreamEnds,
            left => Place::Stream { left, matched: 0, content },
        })
    }

    /// In a stream whose length is known.
    fn measured<'a>(&mut self, rest: &'a [u8], left: u64, content: Content) -> Result<&'a [u8], WhyUnknown> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
        let (part, after) = rest.split_at_checked(most).unwrap_or((rest, &[]));
        let content = self.content(part, content)?;
        let left = left - part.len() as u64;
        self.place = if left > 0 {
            Place::Stream { left: Some(left), matched: 0, content }
        } else if content == Content::Packed {
            return Err(WhyUnknown::Undecodable);
        } else {
            self.end_objects(content)?;
            Place::StreamEnds
        };
        Ok(after)
    }

    /// In a stream whose length another object says, which may be behind it: it ends where it says so.
    fn unmeasured<'a>(
        &mut self,
        rest: &'a [u8],
        matched: usize,
        content: Content,
    ) -> Result<&'a [u8], WhyUnknown> {
        if content == Content::Packed {
            let (read, content) = self.unpack(rest)?;
            self.place = Place::Stream { left: None, matched: 0, content };
            return Ok(rest.get(read..).unwrap_or_default());
        }
        let from = if matched > 0 { 0 } else { memchr::memchr(b'e', rest).unwrap_or(rest.len()) };
        let mut matched = matched;
        for (at, byte) in rest.iter().enumerate().skip(from) {
            matched = advance(matched, *byte);
            if matched == END.len() {
                self.place = Place::Outside;
                return Ok(rest.get(at + 1..).unwrap_or_default());
            }
            if matched == 0 {
                self.place = Place::Stream { left: None, matched, content };
                return Ok(rest.get(at + 1..).unwrap_or_default());
            }
        }
        self.place = Place::Stream { left: None, matched, content };
        Ok(&[])
    }

    /// What is in a stream of objects; what is then still to come.
    fn content(&mut self, part: &[u8], content: Content) -> Result<Content, WhyUnknown> {
        match content {
            Content::Passed => Ok(Content::Passed),
            Content::Packed => self.unpack(part).map(|(_, content)| content),
            Content::Plain => {
                let Self { inner, dictionaries, .. } = self;
                objects(part, inner, dictionaries).map(|()| Content::Plain)
            }
        }
    }

    fn unpack(&mut self, part: &[u8]) -> Result<(usize, Content), WhyUnknown> {
        let Self { inner, dictionaries, inflater, .. } = self;
        let inflated = inflater.push(part, &mut |piece| objects(piece, inner, dictionaries))?;
        if !inflated.ended {
            return Ok((inflated.read, Content::Packed));
        }
        self.end_objects(Content::Plain)?;
        Ok((inflated.read, Content::Passed))
    }

    fn end_objects(&mut self, content: Content) -> Result<(), WhyUnknown> {
        if content != Content::Plain {
            return Ok(());
        }
        let Self { inner, dictionaries, .. } = self;
        inner.finish(&mut |token| dictionaries.read(token))?;
        if dictionaries.is_outside() { Ok(()) } else { Err(WhyUnknown::Unparsable) }
    }
}

/// Reads objects of a stream.
fn objects(bytes: &[u8], lexer: &mut Lexer, dictionaries: &mut Dictionaries) -> Result<(), WhyUnknown> {
    bytes.iter().try_for_each(|byte| lexer.read(*byte, &mut |token| dictionaries.read(token)))
}

/// A token among the objects of the file.
fn outside(
    token: Token<'_>,
    dictionaries: &mut Dictionaries,
    place: &mut Place,
    ended: &mut bool,
) -> Result<(), WhyUnknown> {
    if let Token::Comment(text) = token {
        *ended |= text.trim_ascii_end() == b"%EOF";
        return Ok(());
    }
    *ended = false;
    if *place == Place::StreamEnds {
        *place = Place::Outside;
        return if token == Token::Word(END) { Ok(()) } else { Err(WhyUnknown::Unparsable) };
    }
    match token {
        Token::Word(b"obj" | b"endobj" | b"trailer" | b"xref" | b"startxref") => {
            if !dictionaries.is_outside() {
                return Err(WhyUnknown::Unparsable);
            }
            dictionaries.forget();
            Ok(())
        }
        Token::Word(b"stream") if dictionaries.is_outside() => {
            *place = Place::StreamBegins { returned: false };
            Ok(())
        }
        Token::Name(_) | Token::Word(_) | Token::Text | Token::Open { .. } | Token::Close { .. } => {
            dictionaries.read(token)
        }
        Token::Comment(_) => Ok(()),
    }
}

/// How much of the end of a stream stands before the next byte. Only its first letter stands in it twice.
fn advance(matched: usize, byte: u8) -> usize {
    let expected = |matched: usize| END.get(matched) == Some(&byte);
    match matched {
        _ if expected(matched) => matched + 1,
        // Behind `endstre`, an `e` may have begun another.
        7 if expected(1) => 2,
        _ => usize::from(expected(0)),
    }
}
