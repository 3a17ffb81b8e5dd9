//! A DICOM file (PS3.10): one instance, and whose it is.
//!
//! Read is what stands before the picture, up to the patient's identifier (0010,0020), whose elements come in order (PS3.5
//! section 7.1). Sequences on the way are passed over, nested or not. A file in a transfer syntax that is not little
//! endian, or whose elements cannot be followed, is an instance of an unknown patient.

mod element;

use self::element::{Header, Syntax, read_header, syntax};
use super::Tally;
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};

/// Counts one file, and its patient.
#[derive(Debug)]
pub struct DicomScanner {
    place: Place,
    /// What came of the element that is being read.
    kept: Vec<u8>,
    /// How deep in sequences of unknown length.
    depth: u8,
    syntax: Option<Syntax>,
    patients: Patients,
    /// The patient is known, or known to be unknown.
    named: Option<bool>,
    broken: Option<WhyUnknown>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the preamble and the prefix, of which so many bytes came.
    Preamble(usize),
    /// Before an element.
    Header,
    /// In a value that is not kept.
    Passing(u32),
    /// In the value of an element that says something.
    Value { header: Header, left: u32 },
    /// Nothing further matters.
    Behind,
}

const PREAMBLE_BYTES: usize = 128;
const PREFIX: &[u8] = b"DICM";

/// A longer header is none.
const HEADER_BYTES_MAX: usize = 12;

/// The values that are read are short (PS3.5 section 6.2: `LO` 64 characters, `UI` 64 bytes).
const VALUE_BYTES_MAX: u32 = 1024;

const DEPTH_MAX: u8 = 32;

const TRANSFER_SYNTAX: (u16, u16) = (0x0002, 0x0010);
const PATIENT_ID: (u16, u16) = (0x0010, 0x0020);
const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const ITEM_END: (u16, u16) = (0xFFFE, 0xE00D);
const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);

impl Default for DicomScanner {
    fn default() -> Self {
        Self {
            place: Place::Preamble(0),
            kept: Vec::new(),
            depth: 0,
            syntax: None,
            patients: Patients::default(),
            named: None,
            broken: None,
        }
    }
}

impl DicomScanner {
    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while self.broken.is_none() && self.place != Place::Behind && !rest.is_empty() {
            let taken = self.read(rest);
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        match (self.broken, self.named) {
            (Some(why), _) => Tally::unknown(why),
            (None, Some(false)) => Tally { records: Count::AtLeast(self.records()), patients: UNNAMED },
            (None, Some(true) | None) => {
                Tally { records: Count::AtLeast(self.records()), patients: self.patients.so_far() }
            }
        }
    }

    /// The file is complete.
    pub fn finish(&mut self) -> Tally {
        if let Some(why) = self.broken {
            return Tally::unknown(why);
        }
        let patients = match self.place {
            Place::Preamble(0) => {
                return Tally { records: Count::Exactly(0), patients: self.patients.count() };
            }
            Place::Preamble(_) => return Tally::unknown(WhyUnknown::Mismatch),
            Place::Behind if self.named == Some(true) => self.patients.count(),
            Place::Header | Place::Passing(_) | Place::Value { .. } | Place::Behind => UNNAMED,
        };
        Tally { records: Count::Exactly(self.records()), patients }
    }

    /// The patients that it was handed and has found.
    pub(super) const fn patients_mut(&mut self) -> &mut Patients {
        &mut self.patients
    }

    const fn records(&self) -> u64 {
        if matches!(self.place, Place::Preamble(_)) { 0 } else { 1 }
    }

    /// Reads some of the piece; how much.
    fn read(&mut self, rest: &[u8]) -> usize {
        match self.place {
            Place::Preamble(came) => self.preamble(rest, came),
            Place::Header => self.header(rest),
            Place::Passing(left) => {
                let taken = rest.len().min(left as usize);
                self.pass(left - u32::try_from(taken).unwrap_or(left));
                taken
            }
            Place::Value { header, left } => self.value(rest, header, left),
            Place::Behind => rest.len(),
        }
    }

    fn preamble(&mut self, rest: &[u8], came: usize) -> usize {
        if came < PREAMBLE_BYTES {
            let taken = rest.len().min(PREAMBLE_BYTES - came);
            self.place = Place::Preamble(came + taken);
            return taken;
        }
        let expected = PREFIX.get(came - PREAMBLE_BYTES..).unwrap_or_default();
        let taken = rest.iter().zip(expected).take_while(|(byte, expected)| byte == expected).count();
        if taken < rest.len().min(expected.len()) {
            self.broken = Some(WhyUnknown::Mismatch);
        } else if taken == expected.len() {
            self.place = Place::Header;
        } else {
            self.place = Place::Preamble(came + taken);
        }
        taken
    }

    fn header(&mut self, rest: &[u8]) -> usize {
        let Some(byte) = rest.first() else { return 0 };
        self.kept.push(*byte);
        let syntax = self.syntax_here();
        match read_header(&self.kept, syntax) {
            Some(header) => {
                self.kept.clear();
                self.enter(header);
            }
            None if self.kept.len() >= HEADER_BYTES_MAX => self.give_up(),
            None => {}
        }
        1
    }

    /// The group that describes the file has a syntax of its own (PS3.10 section 7.1).
    fn syntax_here(&self) -> Syntax {
        let is_description = self.kept.first_chunk().is_some_and(|group| *group == [2, 0]);
        let is_at_root = self.depth == 0;
        match self.syntax {
            Some(syntax) if !(is_description && is_at_root) => syntax,
            Some(_) | None => Syntax::Explicit,
        }
    }

    fn enter(&mut self, header: Header) {
        let Header { tag, length, is_sequence } = header;
        let is_root = self.depth == 0;
        match tag {
            // Behind the description it has to be known how to read on.
            _ if is_root && tag.0 > TRANSFER_SYNTAX.0 && self.syntax.is_none() => self.give_up(),
            SEQUENCE_END | ITEM_END if is_root || length != Some(0) => self.give_up(),
            SEQUENCE_END | ITEM_END => self.depth -= 1,
            ITEM if is_root => self.give_up(),
            TRANSFER_SYNTAX | PATIENT_ID if is_root => match length {
                Some(left) if left <= VALUE_BYTES_MAX && left > 0 => {
                    self.place = Place::Value { header, left }
                }
                Some(_) | None => self.give_up(),
            },
            _ if is_root && tag > PATIENT_ID => self.give_up(),
            _ if length.is_none() && !is_sequence => self.give_up(),
            _ => self.descend(length),
        }
    }

    /// Passes over what has a length, and goes into what ends with a mark.
    fn descend(&mut self, length: Option<u32>) {
        match length {
            Some(left) => self.pass(left),
            None if self.depth == DEPTH_MAX => self.give_up(),
            None => self.depth += 1,
        }
    }

    const fn pass(&mut self, left: u32) {
        self.place = if left == 0 { Place::Header } else { Place::Passing(left) };
    }

    fn value(&mut self, rest: &[u8], header: Header, left: u32) -> usize {
        let part = rest.get(..left as usize).unwrap_or(rest);
        self.kept.extend_from_slice(part);
        let left = left - u32::try_from(part.len()).unwrap_or(left);
        if left > 0 {
            self.place = Place::Value { header, left };
            return part.len();
        }
        let value = std::mem::take(&mut self.kept);
        self.place = Place::Header;
        let text = value.trim_ascii_end();
        let text = text.strip_suffix(b"\0").unwrap_or(text).trim_ascii();
        if header.tag == PATIENT_ID {
            self.named = Some(!text.is_empty());
            self.patients.name(text);
            self.place = Place::Behind;
        } else if self.syntax.is_some() {
            self.give_up();
        } else {
            self.syntax = syntax(text);
        }
        part.len()
    }

    /// What follows cannot be followed, or has no identifier any more.
    const fn give_up(&mut self) {
        self.named = Some(false);
        self.place = Place::Behind;
    }
}

const UNNAMED: Count = Count::Unknown(WhyUnknown::Unparsable);
