//! Elements of an XML document at a path.
//!
//! Nothing is expanded and nothing fetched: a document type is refused, and with it every entity but XML's own five. The
//! document has to be well formed as far as its elements go. One that does not have what its records stand in is not "no
//! records" but unknown.

mod tag;

use self::tag::{Broken, Tag, encoding, local, unescape};
use super::Tally;
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{ElementPath, PatientLocator};

/// Counts the elements at a path, and the distinct patients that they name.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the document, not a state"
)]
pub struct XmlScanner {
    place: Place,
    /// What is read of a tag or an instruction.
    token: Vec<u8>,
    /// The names of the open elements, one after the other, and where each begins.
    names: Vec<u8>,
    open: Vec<usize>,
    path: ElementPath,
    /// How many of the open elements are on the path, from the root.
    on_way: usize,
    patient: Option<PatientLocator>,
    /// The depth of the element whose text names the patient.
    naming: Option<usize>,
    kept: Vec<u8>,
    /// What records stand in was there.
    found: bool,
    /// A record said who its patient is.
    named: bool,
    /// Whether an element has to hold text to be a record, and whether the open one still lacks it.
    with_text: bool,
    lacks_text: bool,
    /// The root has ended.
    ended: bool,
    /// Anything but white space came.
    begun: bool,
    records: u64,
    patients: Patients,
    broken: Option<WhyUnknown>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    /// After `<`, until it is known what comes.
    Opening,
    /// In a tag, and between quotes.
    Tag(Option<u8>),
    /// After so many dashes.
    Comment(u8),
    /// After so many brackets.
    Data(u8),
    /// After a question mark.
    Instruction(bool),
}

/// The deepest nesting that is read.
const DEPTH_MAX: usize = 256;

/// The longest tag or patient's text that is read.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

const COMMENT: &[u8] = b"!--";
const DATA: &[u8] = b"![CDATA[";

impl XmlScanner {
    /// A scanner for records at `path` whose patient is where `patient` says.
    pub fn new(path: &ElementPath, patient: Option<&PatientLocator>) -> Self {
        Self {
            place: Place::Text,
            token: Vec::new(),
            names: Vec::new(),
            open: Vec::new(),
            path: path.clone(),
            on_way: 0,
            patient: patient.cloned(),
            naming: None,
            kept: Vec::new(),
            found: false,
            named: false,
            with_text: false,
            lacks_text: false,
            ended: false,
            begun: false,
            records: 0,
            patients: Patients::default(),
            broken: None,
        }
    }

    /// The same, where an element without text is no record.
    #[must_use]
    pub(super) fn with_text(self) -> Self {
        Self { with_text: true, ..self }
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.patients
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        if self.broken.is_none() && self.read(piece).is_err() && self.broken.is_none() {
            self.broken = Some(WhyUnknown::Unparsable);
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match self.broken {
            Some(why) => Tally::unknown(why),
            None => Tally { records: Count::AtLeast(self.records), patients: self.count(Patients::so_far) },
        }
    }

    /// The document is complete.
    pub fn finish(&mut self) -> Tally {
        if let Some(why) = self.broken {
            return Tally::unknown(why);
        }
        let is_whole = self.place == Place::Text && self.ended && self.found;
        if self.begun && !is_whole {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::Exactly(self.records), patients: self.count(Patients::count) }
    }

    fn count(&self, count: impl Fn(&Patients) -> Count) -> Count {
        match self.patient {
            None => Count::NotCounted,
            Some(_) if self.records > 0 && !self.named => Count::Unknown(WhyUnknown::Unparsable),
            Some(_) => count(&self.patients),
        }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), Broken> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match self.place {
                Place::Text => self.text(rest)?,
                Place::Tag(None) => self.tag(rest)?,
                Place::Tag(Some(quote)) => self.value(rest, quote)?,
                Place::Opening => {
                    self.opening(byte)?;
                    after
                }
                Place::Comment(dashes) => {
                    self.comment(byte, dashes)?;
                    after
                }
                Place::Data(brackets) => {
                    self.data(byte, brackets)?;
                    after
                }
                Place::Instruction(is_last) => {
                    self.instruction(byte, is_last)?;
                    after
                }
            };
        }
        Ok(())
    }

    fn text<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Broken> {
        let end = memchr::memchr(b'<', rest);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        if self.open.is_empty() {
            // Around the root there is no text.
            let is_blank = part.iter().all(u8::is_ascii_whitespace);
            self.begun |= !is_blank || end.is_some();
            is_blank.then_some(()).ok_or(Broken)?;
        } else {
            self.meet_text(part);
            if self.naming.is_some() {
                self.keep(part)?;
            }
        }
        if end.is_some() {
            self.token.clear();
            self.place = Place::Opening;
        }
        Ok(after.get(1..).unwrap_or_default())
    }

    fn opening(&mut self, byte: u8) -> Result<(), Broken> {
        self.token.push(byte);
        self.place = match &*self.token {
            b"?" => Place::Instruction(false),
            COMMENT => Place::Comment(0),
            DATA if !self.open.is_empty() => Place::Data(0),
            begun if COMMENT.starts_with(begun) || DATA.starts_with(begun) => Place::Opening,
            [b'!', ..] | [b'>' | b'<'] => return Err(Broken),
            _ => Place::Tag(None),
        };
        Ok(())
    }

    fn tag<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Broken> {
        let end = memchr::memchr3(b'>', b'"', b'\'', rest);
        let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        self.take(part)?;
        let Some((&byte, after)) = after.split_first() else { return Ok(&[]) };
        if byte == b'>' {
            self.place = Place::Text;
            let token = std::mem::take(&mut self.token);
            self.element(&Tag::read(&token)?)?;
            self.token = token;
        } else {
            self.take(&[byte])?;
            self.place = Place::Tag(Some(byte));
        }
        Ok(after)
    }

    fn value<'a>(&mut self, rest: &'a [u8], quote: u8) -> Result<&'a [u8], Broken> {
        let Some(end) = memchr::memchr(quote, rest) else {
            self.take(rest)?;
            return Ok(&[]);
        };
        let (part, after) = rest.split_at_checked(end + 1).ok_or(Broken)?;
        self.take(part)?;
        self.place = Place::Tag(None);
        Ok(after)
    }

    fn comment(&mut self, byte: u8, dashes: u8) -> Result<(), Broken> {
        self.place = match (dashes, byte) {
            (2, b'>') => Place::Text,
            (2, _) => return Err(Broken),
            (_, b'-') => Place::Comment(dashes + 1),
            (_, _) => Place::Comment(0),
        };
        Ok(())
    }

    /// Text came: an element that lacked it is a record now.
    fn meet_text(&mut self, part: &[u8]) {
        let is_inside = self.on_way == self.path.segments().len();
        if self.lacks_text && is_inside && !part.iter().all(u8::is_ascii_whitespace) {
            self.lacks_text = false;
            self.records += 1;
        }
    }

    fn data(&mut self, byte: u8, brackets: u8) -> Result<(), Broken> {
        self.meet_text(&[byte]);
        if self.naming.is_some() {
            // Kept as text would have it.
            self.keep(if byte == b'&' { b"&amp;" } else { std::slice::from_ref(&byte) })?;
        }
        self.place = match (brackets, byte) {
            (2, b'>') => {
                if self.naming.is_some() {
                    self.kept.truncate(self.kept.len().saturating_sub(3));
                }
                Place::Text
            }
            (_, b']') => Place::Data(2.min(brackets + 1)),
            (_, _) => Place::Data(0),
        };
        Ok(())
    }

    fn instruction(&mut self, byte: u8, is_last: bool) -> Result<(), Broken> {
        if !(is_last && byte == b'>') {
            self.take(&[byte])?;
            self.place = Place::Instruction(byte == b'?');
            return Ok(());
        }
        self.place = Place::Text;
        match encoding(&self.token) {
            Some(name) if !super::label::is_ascii_based(&name) && !name.starts_with("utf-16") => {
                self.broken = Some(WhyUnknown::Charset);
                Err(Broken)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn element(&mut self, tag: &Tag<'_>) -> Result<(), Broken> {
        if tag.is_end {
            return self.close(tag.name);
        }
        if self.ended || self.open.len() == DEPTH_MAX {
            return Err(Broken);
        }
        self.enter(tag)?;
        self.open.push(self.names.len());
        self.names.extend_from_slice(tag.name);
        if tag.is_empty { self.close(tag.name) } else { Ok(()) }
    }

    /// Where an element that begins is, and what it says of a patient.
    fn enter(&mut self, tag: &Tag<'_>) -> Result<(), Broken> {
        let (depth, length) = (self.open.len(), self.path.segments().len());
        let segment = self.path.segments().get(depth).filter(|_| self.on_way == depth);
        if segment.is_some_and(|name| name.as_ref().is_none_or(|name| name.as_bytes() == local(tag.name))) {
            self.on_way += 1;
            self.found |= self.on_way + 1 == length;
            self.lacks_text = self.with_text && self.on_way == length;
            self.records += u64::from(!self.with_text && self.on_way == length);
        }
        if self.on_way < length {
            return Ok(());
        }
        match &self.patient {
            Some(PatientLocator::Attribute(name)) => {
                if let Some(value) = tag.attribute(name.as_bytes())? {
                    self.named = true;
                    self.patients.name(unescape(value)?.trim_ascii());
                }
            }
            Some(PatientLocator::Element(name)) if name.as_bytes() == local(tag.name) => {
                self.named = true;
                if self.naming.is_none() {
                    self.naming = Some(depth);
                    self.kept.clear();
                }
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &[u8]) -> Result<(), Broken> {
        let begin = self.open.pop().ok_or(Broken)?;
        if self.names.get(begin..) != Some(name) {
            return Err(Broken);
        }
        self.names.truncate(begin);
        let depth = self.open.len();
        self.on_way = self.on_way.min(depth);
        self.ended = depth == 0;
        if self.naming == Some(depth) {
            self.naming = None;
            self.patients.name(unescape(&self.kept)?.trim_ascii());
        }
        Ok(())
    }

    fn take(&mut self, part: &[u8]) -> Result<(), Broken> {
        extend(&mut self.token, part)
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Broken> {
        extend(&mut self.kept, part)
    }
}

fn extend(kept: &mut Vec<u8>, part: &[u8]) -> Result<(), Broken> {
    if kept.len() + part.len() > TOKEN_BYTES_MAX {
        return Err(Broken);
    }
    kept.extend_from_slice(part);
    Ok(())
}
