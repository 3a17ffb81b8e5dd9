//! Parts of a multipart body (RFC 2046 section 5.1): what follows each line of the boundary but the last.
//!
//! The boundary comes with the type. A line may end in LF alone, and what stands before the first part or behind the last is no
//! part. Three things are [`WhyUnknown::Unparsable`], for readers take them differently: no boundary or no end, a line
//! that begins like the boundary and goes on, and a part that is multipart itself and so holds any number.
//!
//! Where a route says what parts hold, what they hold is counted. The end of the line before a boundary is the boundary's.

mod part;

use self::part::Part;
use super::Tally;
use super::patients::Patients;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{PatientLocator, ReplyKind};

/// Counts parts.
#[derive(Debug)]
pub struct MultipartScanner {
    /// With its two dashes; none where the type has none.
    boundary: Option<Box<[u8]>>,
    line: Vec<u8>,
    place: Place,
    /// A header of a part that goes on says its type.
    in_type: bool,
    parts: u64,
    /// What they hold, if that is counted.
    part: Option<Part>,
    /// This line of a part that is counted is no boundary, whatever follows.
    in_text: bool,
    blank: bool,
    broken: Option<WhyUnknown>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Headers,
    Content,
    Behind,
}

/// RFC 2046 section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;

/// A header of a part that is longer is refused.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Of other lines so much is kept beside what a boundary can be.
const BLANK_BYTES_MAX: usize = 64;

impl MultipartScanner {
    /// A scanner for parts between lines of this boundary, each of which is a record, or holds what `of` says.
    pub fn new(boundary: Option<&str>, of: Option<(&ReplyKind, Option<&PatientLocator>, u32)>) -> Self {
        let fits = |text: &&str| !text.is_empty() && text.len() <= BOUNDARY_BYTES_MAX && !text.ends_with(' ');
        Self {
            boundary: boundary.filter(fits).map(|text| format!("--{text}").into_bytes().into()),
            line: Vec::new(),
            place: Place::Before,
            in_type: false,
            parts: 0,
            part: of.map(|(kind, patient, ratio_max)| Part::new(kind, patient, ratio_max)),
            in_text: false,
            blank: true,
            broken: None,
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.blank &= piece.iter().all(u8::is_ascii_whitespace);
        let mut rest = piece;
        while !rest.is_empty() && self.broken.is_none() {
            let end = memchr::memchr(b'\n', rest);
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            self.keep(part);
            if end.is_some() {
                self.end_line();
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// The patients that it has found; none where nothing is counted in its parts.
    pub(super) fn patients_mut(&mut self) -> Option<&mut Patients> {
        self.part.as_mut().map(Part::patients_mut)
    }

    /// How many so far: a lower bound, or already unknown.
    pub fn so_far(&self) -> Tally {
        match (self.broken, &self.part) {
            (Some(why), _) => Tally::unknown(why),
            (None, Some(part)) => part.so_far(),
            (None, None) => Tally { records: Count::AtLeast(self.parts), patients: Count::NotCounted },
        }
    }

    /// The body is complete.
    pub fn finish(&mut self) -> Tally {
        if self.blank {
            return Tally::NONE;
        }
        self.end_line();
        let is_cut = (self.place != Place::Behind).then_some(WhyUnknown::Unparsable);
        match (self.broken.or(is_cut), &self.part) {
            (Some(why), _) => Tally::unknown(why),
            (None, Some(part)) => part.whole(),
            (None, None) => Tally { records: Count::Exactly(self.parts), patients: Count::NotCounted },
        }
    }

    fn fail(&mut self, why: WhyUnknown) {
        self.broken.get_or_insert(why);
    }

    fn keep(&mut self, part: &[u8]) {
        if self.place == Place::Content && self.part.is_some() {
            self.keep_text(part);
            return;
        }
        let is_header = self.place == Place::Headers;
        let most = if is_header { LINE_BYTES_MAX } else { BOUNDARY_BYTES_MAX + BLANK_BYTES_MAX };
        let room = most - self.line.len().min(most);
        if is_header && part.len() > room {
            self.fail(WhyUnknown::Unparsable);
        }
        self.line.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    /// More of a line in a part that is counted: what cannot be a boundary any more is what the part holds.
    fn keep_text(&mut self, more: &[u8]) {
        let (Some(part), Some(boundary)) = (&mut self.part, &self.boundary) else { return };
        if self.in_text {
            part.text(more);
            return;
        }
        let (begun, rest) =
            more.split_at_checked(boundary.len().saturating_sub(self.line.len())).unwrap_or((more, &[]));
        self.line.extend_from_slice(begun);
        if self.line.len() < boundary.len() && boundary.starts_with(&self.line) {
            return;
        }
        if self.line.starts_with(boundary) {
            let room = (boundary.len() + BLANK_BYTES_MAX).saturating_sub(self.line.len());
            self.line.extend_from_slice(rest.get(..room).unwrap_or(rest));
            return;
        }
        part.text(&std::mem::take(&mut self.line));
        part.text(rest);
        self.in_text = true;
    }

    /// Whether the line was one of a part that is counted, and has been told.
    fn end_text(&mut self) -> bool {
        let (Some(part), Some(boundary)) = (&mut self.part, &self.boundary) else { return false };
        let is_text = self.place == Place::Content && (self.in_text || !self.line.starts_with(boundary));
        if is_text {
            part.text(&self.line);
            part.end_line();
            self.line.clear();
            self.in_text = false;
        }
        is_text
    }

    fn end_line(&mut self) {
        if self.end_text() {
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        let Some(boundary) = &self.boundary else {
            self.fail(WhyUnknown::Unparsable);
            return;
        };
        match line.strip_prefix(&**boundary).map(<[u8]>::trim_ascii_end) {
            Some(b"") if self.place != Place::Behind => {
                self.end_part();
                self.parts += 1;
                self.place = Place::Headers;
                self.in_type = false;
                if let Some(part) = &mut self.part {
                    part.begin();
                }
            }
            Some(b"--") if self.place != Place::Behind => {
                self.end_part();
                self.place = Place::Behind;
            }
            Some(_) => self.fail(WhyUnknown::Unparsable),
            None if self.place == Place::Headers => self.header(&line),
            None => {}
        }
        line.clear();
        self.line = line;
    }

    /// The part before this line is complete.
    fn end_part(&mut self) {
        let ended = match (self.place, &mut self.part) {
            (Place::Content, Some(part)) => part.end(),
            // It ended among its headers, and readers differ in what it holds.
            (Place::Headers, Some(_)) => Err(WhyUnknown::Unparsable),
            (Place::Before | Place::Behind, Some(_)) | (_, None) => Ok(()),
        };
        if let Err(why) = ended {
            self.fail(why);
        }
    }

    fn header(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            self.place = Place::Content;
            if let Some(Err(why)) = self.part.as_mut().map(Part::open) {
                self.fail(why);
            }
            return;
        }
        if let Some(Err(why)) = self.part.as_mut().map(|part| part.header(line)) {
            self.fail(why);
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            self.in_type = name.eq_ignore_ascii_case(b"content-type");
        }
        if self.in_type && line.to_ascii_lowercase().windows(9).any(|part| part == b"multipart") {
            self.fail(WhyUnknown::Unparsable);
        }
    }
}
