//! JSON that passes as it is written, but for the values that a [`Guide`] takes out.
//!
//! Bytes are copied, never written anew: what is not taken out keeps its spelling, its white space, and its order. It
//! takes a document in pieces of any size and keeps no more than what stands between two values, and a name. Whether
//! the document is JSON at all is for [`WellFormed`](crate::features::guard::count::WellFormed) to say, which reads each
//! piece first; of what is not, this makes something, and it does not leave.

use super::Fault;
use super::guide::{Fate, Guide, Step, Value};
use crate::domain::field::MARK;
use crate::features::guard::count::meant;

/// Between two values there are at most so many bytes: white space, and a name.
const GAP_BYTES_MAX: usize = 128 * 1024;

/// A string that is told is no longer than this.
const TOLD_BYTES_MAX: usize = 1024;

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Editor<G: Guide> {
    guide: G,
    open: Vec<Level<G::Frame>>,
    place: Place,
    /// What came since the last value, and is not decided about.
    gap: Vec<u8>,
    /// Where in it the name begins, behind its quote.
    name_begins: usize,
    /// The name of the member whose value comes.
    name: Option<Vec<u8>>,
    /// What came of a string that is told.
    told: Option<Vec<u8>>,
    /// How many values were taken out.
    values: u64,
}

/// An open object or array.
#[derive(Debug)]
struct Level<F> {
    frame: F,
    array: bool,
    /// How many values came in it.
    count: u64,
    /// Whether any of them passed.
    has_passed: bool,
}

/// Where in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between values.
    Between,
    /// In a name.
    Name { escaped: bool },
    /// In a string.
    Text { escaped: bool, passes: bool },
    /// In a number or a word.
    Word { passes: bool },
    /// In an object or array that is taken out, so deep in it; in a string there.
    Gone { depth: usize, text: Option<bool> },
}

impl<G: Guide> Editor<G> {
    pub(super) const fn new(guide: G) -> Self {
        Self {
            guide,
            open: Vec::new(),
            place: Place::Between,
            gap: Vec::new(),
            name_begins: 0,
            name: None,
            told: None,
            values: 0,
        }
    }

    /// Who says what becomes of each value.
    pub(super) const fn guide(&self) -> &G {
        &self.guide
    }

    /// How many values were taken out.
    pub(super) const fn values(&self) -> u64 {
        self.values
    }

    /// Reads the next piece, and writes what passes of it.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.place {
                Place::Between => self.between(byte, rest, after, out)?,
                Place::Name { escaped } => self.name(escaped, rest)?,
                Place::Text { escaped, passes } => self.text(escaped, passes, rest, out)?,
                Place::Word { passes } => self.word(passes, rest, out),
                Place::Gone { depth, text } => self.gone(depth, text, rest),
            };
        }
        Ok(())
    }

    /// The text has ended; writes what is left of it.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.gap);
    }

    /// Between values: what comes is kept until the next of them is decided about.
    fn between<'p>(
        &mut self,
        byte: u8,
        rest: &'p [u8],
        after: &'p [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'p [u8], Fault> {
        let names = self.open.last().is_some_and(|level| !level.array) && self.name.is_none();
        match byte {
            b'"' if names => {
                self.keep(b"\"")?;
                self.name_begins = self.gap.len();
                self.place = Place::Name { escaped: false };
                Ok(after)
            }
            b'"' => {
                let passes = self.begin(Value::Scalar, None, out)?;
                if passes {
                    out.push(b'"');
                }
                self.place = Place::Text { escaped: false, passes };
                Ok(after)
            }
            b'{' | b'[' => {
                let array = byte == b'[';
                let value = if array { Value::Array } else { Value::Object };
                let passes = self.begin(value, Some(array), out)?;
                if passes {
                    out.push(byte);
                } else {
                    self.place = Place::Gone { depth: 1, text: None };
                }
                Ok(after)
            }
            b'}' | b']' => {
                self.end(out)?;
                out.push(byte);
                Ok(after)
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => {
                let is_gap = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
                let length = rest.iter().take_while(|byte| is_gap(byte)).count();
                let (gap, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                self.keep(gap)?;
                Ok(after)
            }
            _ => {
                let value = if byte == b'n' { Value::Null } else { Value::Scalar };
                let passes = self.begin(value, None, out)?;
                self.told = None;
                self.place = Place::Word { passes };
                Ok(rest)
            }
        }
    }

    fn name<'p>(&mut self, escaped: bool, rest: &'p [u8]) -> Result<&'p [u8], Fault> {
        let (text, end) = string(escaped, rest);
        self.keep(text)?;
        match end {
            End::Inside { escaped } => self.place = Place::Name { escaped },
            End::Closed(after) => {
                let name = meant(self.gap.get(self.name_begins..).unwrap_or_default()).into_owned();
                self.name = Some(name);
                self.keep(b"\"")?;
                self.place = Place::Between;
                return Ok(after);
            }
        }
        Ok(&[])
    }

    fn text<'p>(
        &mut self,
        escaped: bool,
        passes: bool,
        rest: &'p [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'p [u8], Fault> {
        let (text, end) = string(escaped, rest);
        if passes {
            out.extend_from_slice(text);
        }
        if let Some(told) = &mut self.told {
            if told.len() + text.len() > TOLD_BYTES_MAX {
                return Err(Fault::TooLong);
            }
            told.extend_from_slice(text);
        }
        match end {
            End::Inside { escaped } => {
                self.place = Place::Text { escaped, passes };
                Ok(&[])
            }
            End::Closed(after) => {
                if passes {
                    out.push(b'"');
                }
                self.place = Place::Between;
                if let Some(told) = self.told.take() {
                    let within = self.open.last_mut().map(|level| &mut level.frame);
                    self.guide.told(within, &meant(&told))?;
                }
                Ok(after)
            }
        }
    }

    fn word<'p>(&mut self, passes: bool, rest: &'p [u8], out: &mut Vec<u8>) -> &'p [u8] {
        let ends = |byte: &u8| {
            matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"')
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if passes {
            out.extend_from_slice(word);
        }
        if !after.is_empty() {
            self.place = Place::Between;
        }
        after
    }

    /// In what is taken out: looks for its end alone.
    fn gone<'p>(&mut self, depth: usize, text: Option<bool>, rest: &'p [u8]) -> &'p [u8] {
        if let Some(escaped) = text {
            let (_, end) = string(escaped, rest);
            let (text, after) = match end {
                End::Inside { escaped } => (Some(escaped), &[][..]),
                End::Closed(after) => (None, after),
            };
            self.place = Place::Gone { depth, text };
            return after;
        }
        let found = rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'));
        let Some(at) = found else { return &[] };
        let after = rest.get(at + 1..).unwrap_or_default();
        self.place = match rest.get(at) {
            Some(b'"') => Place::Gone { depth, text: Some(false) },
            Some(b'{' | b'[') => Place::Gone { depth: depth + 1, text: None },
            Some(_) | None if depth > 1 => Place::Gone { depth: depth - 1, text: None },
            Some(_) | None => Place::Between,
        };
        after
    }

    /// A value begins: writes what stands before it, or what stands in its place. Whether it passes.
    fn begin(&mut self, value: Value, array: Option<bool>, out: &mut Vec<u8>) -> Result<bool, Fault> {
        let name = self.name.take();
        let within = self.open.last_mut();
        let step = match (&within, &name) {
            (None, _) => Step::Root,
            (Some(level), None) => Step::Element(level.count),
            (Some(_), Some(name)) => Step::Member(name),
        };
        let fate = self.guide.begin(self.open.last_mut().map(|level| &mut level.frame), step, value)?;
        let stays = !matches!(fate, Fate::Remove | Fate::GoAlong);
        let mut has_passed = true;
        if let Some(level) = self.open.last_mut() {
            level.count += 1;
            has_passed = level.has_passed;
            level.has_passed |= stays;
        }
        if stays {
            // The comma belongs to what went before, and that has gone.
            let comma = self.gap.iter().position(|byte| matches!(byte, b',' | b'"')).filter(|_| !has_passed);
            let comma = comma.filter(|at| self.gap.get(*at) == Some(&b','));
            let (before, after) = match comma {
                Some(at) => (self.gap.get(..at), self.gap.get(at + 1..)),
                None => (Some(self.gap.as_slice()), None),
            };
            out.extend_from_slice(before.unwrap_or_default());
            out.extend_from_slice(after.unwrap_or_default());
        }
        self.gap.clear();
        self.told = matches!(fate, Fate::Tell(_)).then(Vec::new);
        match fate {
            Fate::Keep(frame) | Fate::Tell(frame) => {
                if let Some(array) = array {
                    self.told = None;
                    self.open.push(Level { frame, array, count: 0, has_passed: false });
                }
                return Ok(true);
            }
            Fate::Mask => {
                out.push(b'"');
                out.extend_from_slice(MARK.as_bytes());
                out.push(b'"');
            }
            Fate::Remove => {}
            Fate::GoAlong => return Ok(false),
        }
        self.values += 1;
        Ok(false)
    }

    /// An object or array ends.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.name = None;
        if let Some(level) = self.open.pop() {
            let added = self.guide.end(level.frame)?;
            if !added.is_empty() && level.has_passed {
                out.push(b',');
            }
            out.extend_from_slice(added.as_bytes());
        }
        out.append(&mut self.gap);
        Ok(())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.gap.len() + part.len() > GAP_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        self.gap.extend_from_slice(part);
        Ok(())
    }
}

/// How the part of a string ends.
enum End<'p> {
    /// It goes on in the next piece; whether the last byte was a backslash that counts.
    Inside { escaped: bool },
    /// With its quote; what is behind that.
    Closed(&'p [u8]),
}

/// The text of a string up to its quote or the end of the piece.
fn string(escaped: bool, rest: &[u8]) -> (&[u8], End<'_>) {
    // What a backslash of the piece before protects.
    let mut from = usize::from(escaped);
    while let Some(hit) = memchr::memchr2(b'"', b'\\', rest.get(from..).unwrap_or_default()) {
        let at = from + hit;
        if rest.get(at) == Some(&b'"') {
            return (rest.get(..at).unwrap_or_default(), End::Closed(rest.get(at + 1..).unwrap_or_default()));
        }
        from = at + 2;
    }
    (rest, End::Inside { escaped: from > rest.len() })
}
