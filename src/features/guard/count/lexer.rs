//! Reads JSON (RFC 8259) in pieces, strictly, and tells a [`Sink`] what it meets.
//!
//! The whole grammar is checked: what this accepts, every reader accepts, and reads alike. Comments,
//! trailing commas, bare words, control characters in strings and a second document are refused. Bytes beyond ASCII
//! are not checked: in every encoding that comes this far, none of them is part of the structure. It never
//! allocates for a value that nobody asked for, and never holds more than one piece of text.
//!
//! It works on 64 bytes at a time. [`mark`] finds the bytes that matter, [`Tokenizer`] where tokens begin, and
//! [`Grammar`] whether each may follow the one before, all by arithmetic on words of bits. Here is looked at, one by
//! one, what is left: brackets, which have to match; numbers and words, which have to be right; and
//! the strings that the sink wants to know.

use super::grammar::{Grammar, Order};
use super::marks::{BLOCK_BYTES, Marks, STRETCH_BLOCKS, STRETCH_BYTES, mark};
use super::text::{NameFilter, Scalar, Text};
use super::tokens::{Tokenizer, Tokens};

/// The deepest nesting that is read.
pub(super) const DEPTH_MAX: usize = 512;

/// The longest name, string or number that is told.
pub(super) const TEXT_BYTES_MAX: usize = 64 * 1024;

/// What is told about a document, in its order.
pub(super) trait Sink {
    /// What is to be told of the tokens that come now. Asked again after whatever was told.
    fn wants(&self) -> Wants;
    /// The names that matter where no scalars are wanted. Always the same.
    fn names(&self) -> NameFilter;
    /// A member's name, inside an object.
    fn key(&mut self, name: Text<'_>) -> Result<(), Broken>;
    /// An object or array opens.
    fn open(&mut self, array: bool) -> Result<(), Broken>;
    /// The innermost object or array closes.
    fn close(&mut self);
    /// A string, number, `true`, `false` or `null`.
    fn scalar(&mut self, scalar: Scalar<'_>) -> Result<(), Broken>;
    /// The next part of a string, as it is written, where [`Wants::Streamed`].
    fn part(&mut self, _: &[u8]) -> Result<(), Broken> {
        Ok(())
    }
    /// Where of the elements of an array nothing but their number matters: whether one of them is open, and nothing in it.
    fn is_in_element(&self) -> Option<bool> {
        None
    }
    /// There, so many objects opened, and each closed again but for the last where `is_open`.
    fn elements(&mut self, _number: u32, _is_open: bool) {}
}

/// How much a [`Sink`] wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// What opens and closes, which is always told.
    Structure,
    /// Names too, if they pass the filter.
    Names,
    /// All names, and scalars, but of a string only that it is there.
    Scalars,
    /// All names, and scalars, and what strings say.
    Strings,
    /// All names, and scalars, and what strings say as it comes, however long they are: the parts of one, and then
    /// [`Scalar::Unread`].
    Streamed,
}

/// The document cannot be read, or can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// The state between two pieces. With `LINES`, a document is one line and many may follow (NDJSON).
#[derive(Debug)]
pub(in crate::features::guard) struct Lexer<const LINES: bool> {
    tokenizer: Tokenizer,
    grammar: Grammar,
    container: Container,
    depth: usize,
    /// Which of the open containers are arrays.
    arrays: [u64; DEPTH_MAX / 64],
    unfinished: Option<Kind>,
    /// Where in the piece the unfinished text begins.
    begin: usize,
    /// What earlier pieces held of it.
    kept: Vec<u8>,
    broken: bool,
}

/// What is innermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    None,
    Object,
    Array,
}

/// A text that is told when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    String,
    Streamed,
    Word,
}

/// A block of a piece.
struct Block<'a> {
    piece: &'a [u8],
    /// Where in the piece it begins.
    offset: usize,
    /// 64, but for the last one of the piece.
    length: usize,
    tokens: Tokens,
    order: Order,
    has_escapes: bool,
}

impl Block<'_> {
    /// Whether the name that opens at `at` may be a wanted one.
    #[inline]
    fn may_hold(&self, names: NameFilter, at: u32, ahead: u64) -> bool {
        let end = (self.tokens.closing & ahead).trailing_zeros() as usize;
        if self.has_escapes || end == BLOCK_BYTES {
            return true;
        }
        let name = self.piece.get(self.offset + at as usize + 1..self.offset + end);
        name.is_none_or(|name| names.passes(name))
    }
}

impl<const LINES: bool> Default for Lexer<LINES> {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::default(),
            grammar: Grammar::default(),
            container: Container::None,
            depth: 0,
            arrays: [0; DEPTH_MAX / 64],
            unfinished: None,
            begin: 0,
            kept: Vec::new(),
            broken: false,
        }
    }
}

impl<const LINES: bool> Lexer<LINES> {
    /// Reads the next piece.
    pub(super) fn push<S: Sink>(&mut self, piece: &[u8], sink: &mut S) {
        if !self.broken && self.read(piece, sink).is_err() {
            self.broken = true;
        }
    }

    /// Whether what was read is refused.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether nothing but white space was read.
    pub(super) const fn is_blank(&self) -> bool {
        !self.broken && self.depth == 0 && self.grammar.is_at_start()
    }

    /// The input has ended.
    pub(super) fn finish<S: Sink>(&mut self, sink: &mut S) -> Result<(), Broken> {
        if self.broken || self.depth > 0 || self.tokenizer.is_inside() {
            return Err(Broken);
        }
        if self.unfinished.take() == Some(Kind::Word) {
            tell(sink, Kind::Word, &self.kept, false)
        } else {
            Ok(())
        }
    }

    fn read<S: Sink>(&mut self, piece: &[u8], sink: &mut S) -> Result<(), Broken> {
        let mut marks = [Marks::default(); STRETCH_BLOCKS];
        let mut offset = 0;
        for stretch in piece.chunks(STRETCH_BYTES) {
            mark(stretch, &mut marks);
            for (bytes, marks) in stretch.chunks(BLOCK_BYTES).zip(&marks) {
                let tokens = self.tokenizer.read(bytes, marks)?;
                let order = self.grammar.check::<LINES>(&tokens)?;
                let has_escapes = marks.backslash != 0;
                let block = Block { piece, offset, length: bytes.len(), tokens, order, has_escapes };
                if self.unfinished.is_some() {
                    self.end_text(&block, !0, sink)?;
                }
                if !self.pass_flat(&block, sink)? {
                    self.walk(&block, sink)?;
                }
                offset += bytes.len();
            }
        }
        let rest = piece.get(self.begin..).unwrap_or_default();
        match self.unfinished {
            None => return Ok(()),
            Some(Kind::Streamed) => sink.part(rest)?,
            Some(Kind::Name | Kind::String | Kind::Word) => self.keep(rest)?,
        }
        self.begin = 0;
        Ok(())
    }

    /// Takes a block as a whole where objects that hold no others open and close in turn and only their number matters, as in
    /// most lists of records. Whether it was one; if not, nothing of it is taken.
    #[inline]
    fn pass_flat<S: Sink>(&mut self, block: &Block<'_>, sink: &mut S) -> Result<bool, Broken> {
        let Tokens { opening, word_begin, open, close, square, colon, .. } = block.tokens;
        let brackets = open | close;
        let was_inside = match (sink.is_in_element(), self.container) {
            (Some(false), Container::Array) if self.depth < DEPTH_MAX => false,
            (Some(true), Container::Object) => true,
            _ => return Ok(false),
        };
        // Each bracket that closes lends to all bits below it, down to the one that opens; at the brackets
        // themselves the difference is what opens exactly where they take turns.
        let inside = close.wrapping_sub(open).wrapping_sub(u64::from(was_inside));
        // A bracket itself stands in what it opens or closes.
        let within = inside ^ brackets;
        if brackets & square | inside & brackets ^ open | (opening | word_begin) & !within != 0 {
            return Ok(false);
        }
        if block.order.only_in_array & within | colon & !within != 0 {
            return Err(Broken);
        }
        let mut words = word_begin;
        while words != 0 {
            self.pass_word(block, words.trailing_zeros())?;
            words &= words - 1;
        }
        let is_inside = inside >> 63 == 1;
        match (was_inside, is_inside) {
            (false, true) => self.enter(false)?,
            (true, false) => self.leave(),
            (false, false) | (true, true) => {}
        }
        sink.elements(open.count_ones(), is_inside);
        Ok(true)
    }

    /// Checks a word that nobody wants to be told.
    #[inline]
    fn pass_word(&mut self, block: &Block<'_>, at: u32) -> Result<(), Broken> {
        let begin = block.offset + at as usize;
        let end = (!block.tokens.word & !0 << at).trailing_zeros() as usize;
        if end >= block.length {
            (self.unfinished, self.begin) = (Some(Kind::Word), begin);
            return Ok(());
        }
        let word = block.piece.get(begin..block.offset + end).unwrap_or_default();
        Scalar::read(word).map(drop)
    }

    /// Goes through what has to be looked at one by one.
    #[inline(never)]
    fn walk<S: Sink>(&mut self, block: &Block<'_>, sink: &mut S) -> Result<(), Broken> {
        let Tokens { opening, word_begin, open, close, square, .. } = block.tokens;
        let brackets = open | close;
        let names = if block.has_escapes {
            block.order.names
        } else {
            sink.names().sift(block.order.names, block.tokens.closing)
        };
        let (mut ahead, mut unchecked) = (!0_u64, !0_u64);
        loop {
            let strings = match (sink.wants(), self.container) {
                (Wants::Structure, _) | (Wants::Names, Container::Array | Container::None) => 0,
                (Wants::Names, Container::Object) => names,
                (Wants::Scalars | Wants::Strings | Wants::Streamed, _) => opening,
            };
            let next = (brackets | word_begin | strings) & ahead;
            if next == 0 {
                break;
            }
            let at = next.trailing_zeros();
            let bit = 1_u64 << at;
            ahead = (!0 << at) ^ bit;
            if brackets & bit != 0 {
                self.check_container(block, unchecked & !ahead)?;
                unchecked = ahead;
                let array = square & bit != 0;
                if open & bit != 0 { self.open(array, sink)? } else { self.close(array, sink)? }
            } else if word_begin & bit != 0 {
                self.begin_text(Kind::Word, block, at, sink)?;
            } else if block.order.names & bit != 0 && self.container == Container::Object {
                if sink.wants() != Wants::Names || block.may_hold(sink.names(), at, ahead) {
                    self.begin_text(Kind::Name, block, at + 1, sink)?;
                }
            } else {
                match sink.wants() {
                    Wants::Strings => self.begin_text(Kind::String, block, at + 1, sink)?,
                    Wants::Streamed => self.begin_text(Kind::Streamed, block, at + 1, sink)?,
                    Wants::Structure | Wants::Names | Wants::Scalars => sink.scalar(Scalar::Unread)?,
                }
            }
        }
        self.check_container(block, unchecked)
    }

    /// Checks what may stand in some containers only, for the part of the block that is directly in this one.
    #[inline]
    fn check_container(&self, block: &Block<'_>, part: u64) -> Result<(), Broken> {
        let Tokens { comma, colon, line, .. } = block.tokens;
        let line = if LINES { line } else { 0 };
        let forbidden = match self.container {
            Container::None => comma | colon,
            Container::Object => block.order.only_in_array | line,
            Container::Array => colon | line,
        };
        if forbidden & part == 0 { Ok(()) } else { Err(Broken) }
    }

    #[inline]
    fn open<S: Sink>(&mut self, array: bool, sink: &mut S) -> Result<(), Broken> {
        self.enter(array)?;
        sink.open(array)
    }

    #[inline]
    fn close<S: Sink>(&mut self, array: bool, sink: &mut S) -> Result<(), Broken> {
        if self.container != if array { Container::Array } else { Container::Object } {
            return Err(Broken);
        }
        self.leave();
        sink.close();
        Ok(())
    }

    #[inline]
    fn enter(&mut self, array: bool) -> Result<(), Broken> {
        let word = self.arrays.get_mut(self.depth / 64).ok_or(Broken)?;
        let bit = 1 << (self.depth % 64);
        *word = if array { *word | bit } else { *word & !bit };
        self.depth += 1;
        self.container = if array { Container::Array } else { Container::Object };
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
        self.container = match self.depth.checked_sub(1) {
            None => Container::None,
            Some(level) if self.arrays.get(level / 64).is_some_and(|word| word >> (level % 64) & 1 == 1) => {
                Container::Array
            }
            Some(_) => Container::Object,
        };
    }

    #[inline]
    fn begin_text<S: Sink>(
        &mut self,
        kind: Kind,
        block: &Block<'_>,
        at: u32,
        sink: &mut S,
    ) -> Result<(), Broken> {
        self.unfinished = Some(kind);
        self.begin = block.offset + at as usize;
        self.end_text(block, (!0_u64).checked_shl(at).unwrap_or(0), sink)
    }

    /// Tells the unfinished text, if it ends in this block.
    #[inline]
    fn end_text<S: Sink>(&mut self, block: &Block<'_>, ahead: u64, sink: &mut S) -> Result<(), Broken> {
        let Some(kind) = self.unfinished else { return Ok(()) };
        let ends = match kind {
            Kind::Name | Kind::String | Kind::Streamed => block.tokens.closing,
            Kind::Word => !block.tokens.word,
        };
        let end = (ends & ahead).trailing_zeros() as usize;
        if end >= block.length {
            return Ok(());
        }
        self.unfinished = None;
        let text = block.piece.get(self.begin..block.offset + end).unwrap_or_default();
        if kind == Kind::Streamed {
            sink.part(text)?;
            return sink.scalar(Scalar::Unread);
        }
        if self.kept.is_empty() {
            let may_be_escaped = block.has_escapes || self.begin < block.offset;
            return tell(sink, kind, text, may_be_escaped);
        }
        self.keep(text)?;
        tell(sink, kind, &self.kept, true)?;
        self.kept.clear();
        Ok(())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Broken> {
        if self.kept.len() + part.len() > TEXT_BYTES_MAX {
            return Err(Broken);
        }
        self.kept.extend_from_slice(part);
        Ok(())
    }
}

#[inline]
fn tell<S: Sink>(sink: &mut S, kind: Kind, raw: &[u8], may_be_escaped: bool) -> Result<(), Broken> {
    // Not only where a piece cuts it: the answer is the same however a body is cut.
    if raw.len() > TEXT_BYTES_MAX {
        return Err(Broken);
    }
    let text = if may_be_escaped { Text::new(raw) } else { Text::plain(raw) };
    match kind {
        Kind::Name => sink.key(text),
        Kind::String | Kind::Streamed => sink.scalar(Scalar::String(text)),
        Kind::Word => {
            let scalar = Scalar::read(raw)?;
            if matches!(sink.wants(), Wants::Scalars | Wants::Strings | Wants::Streamed) {
                sink.scalar(scalar)
            } else {
                Ok(())
            }
        }
    }
}
