//! Parts of a multipart body (RFC 2046 section 5.1): what follows each line of the boundary but the last.
//!
//! The boundary comes with the type. A line may end in LF alone, and what stands before the first part or behind the last is no
//! part. Three things are [`WhyUnknown::Unparsable`], for readers take them differently: no boundary or no end, a line
//! that begins like the boundary and goes on, and a part that is multipart itself and so holds any number.

use super::Tally;
use crate::domain::count::{Count, WhyUnknown};

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
    blank: bool,
    broken: bool,
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
    /// A scanner for parts between lines of this boundary.
    pub fn new(boundary: Option<&str>) -> Self {
        let fits = |text: &&str| !text.is_empty() && text.len() <= BOUNDARY_BYTES_MAX && !text.ends_with(' ');
        Self {
            boundary: boundary.filter(fits).map(|text| format!("--{text}").into_bytes().into()),
            line: Vec::new(),
            place: Place::Before,
            in_type: false,
            parts: 0,
            blank: true,
            broken: false,
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.blank &= piece.iter().all(u8::is_ascii_whitespace);
        let mut rest = piece;
        while !rest.is_empty() && !self.broken {
            let end = memchr::memchr(b'\n', rest);
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            self.keep(part);
            if end.is_some() {
                self.end_line();
            }
            rest = after.get(1..).unwrap_or_default();
        }
    }

    /// How many so far: a lower bound, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.broken {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::AtLeast(self.parts), patients: Count::NotCounted }
    }

    /// The body is complete.
    pub fn finish(&mut self) -> Tally {
        if self.blank {
            return Tally::NONE;
        }
        self.end_line();
        if self.broken || self.place != Place::Behind {
            return Tally::unknown(WhyUnknown::Unparsable);
        }
        Tally { records: Count::Exactly(self.parts), patients: Count::NotCounted }
    }

    fn keep(&mut self, part: &[u8]) {
        let is_header = self.place == Place::Headers;
        let most = if is_header { LINE_BYTES_MAX } else { BOUNDARY_BYTES_MAX + BLANK_BYTES_MAX };
        let room = most - self.line.len().min(most);
        self.broken |= is_header && part.len() > room;
        self.line.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    fn end_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        let Some(boundary) = &self.boundary else {
            self.broken = true;
            return;
        };
        match line.strip_prefix(&**boundary).map(<[u8]>::trim_ascii_end) {
            Some(b"") if self.place != Place::Behind => {
                self.parts += 1;
                self.place = Place::Headers;
                self.in_type = false;
            }
            Some(b"--") if self.place != Place::Behind => self.place = Place::Behind,
            Some(_) => self.broken = true,
            None if self.place == Place::Headers => self.header(&line),
            None => {}
        }
        line.clear();
        self.line = line;
    }

    fn header(&mut self, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            self.place = Place::Content;
            return;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
            self.in_type = name.eq_ignore_ascii_case(b"content-type");
        }
        self.broken |= self.in_type && line.to_ascii_lowercase().windows(9).any(|part| part == b"multipart");
    }
}
