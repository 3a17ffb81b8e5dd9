//! Counts the records of a reply, and the distinct patients in it, while its bytes pass.
//!
//! Push scanners: they take a body in pieces of any size, keep a bounded state, and never copy what
//! they look at, but for the few bytes that a piece cuts in two. However a body is cut, the answer is
//! the same. A body that can be read in two ways is not counted: its number is
//! [`Count::Unknown`], which for an export means block.

mod csv;
mod fhir;
mod grammar;
mod json;
mod lexer;
mod marks;
mod ndjson;
mod patients;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod tokens;

pub use csv::CsvScanner;
pub use fhir::FhirScanner;
pub use json::JsonScanner;
pub use ndjson::NdjsonScanner;

use crate::domain::count::{Count, WhyUnknown};
use crate::domain::reply_shape::{PatientLocator, ReplyKind};

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: Count,
    /// Distinct patients.
    pub patients: Count,
}

impl Tally {
    /// Nobody asked.
    pub const NOT_COUNTED: Self = Self { records: Count::NotCounted, patients: Count::NotCounted };

    /// A reply without content.
    pub const NONE: Self = Self { records: Count::Exactly(0), patients: Count::NotCounted };

    /// Neither can be known.
    pub const fn unknown(why: WhyUnknown) -> Self {
        Self { records: Count::Unknown(why), patients: Count::Unknown(why) }
    }
}

/// The scanner that a declared shape asks for.
#[derive(Debug)]
pub struct Counter {
    scanner: Scanner,
    prelude: Prelude,
}

#[derive(Debug)]
enum Scanner {
    Json(JsonScanner),
    Fhir(Box<FhirScanner>),
    Ndjson(NdjsonScanner),
    Csv(Box<CsvScanner>),
}

impl Counter {
    /// The scanner for `kind`; none for a kind that cannot be counted.
    pub fn new(kind: &ReplyKind, patient: Option<&PatientLocator>) -> Option<Self> {
        let member = match patient {
            Some(PatientLocator::Member(name)) => Some(name.as_str()),
            Some(PatientLocator::Column(_)) | None => None,
        };
        let column = match patient {
            Some(PatientLocator::Column(name)) => Some(name.as_str()),
            Some(PatientLocator::Member(_)) | None => None,
        };
        let scanner = match kind {
            ReplyKind::Json { records } => Scanner::Json(JsonScanner::new(records, member)),
            ReplyKind::FhirBundle => Scanner::Fhir(Box::default()),
            ReplyKind::Ndjson => Scanner::Ndjson(NdjsonScanner::new(member)),
            ReplyKind::Csv { delimiter, header } => {
                Scanner::Csv(Box::new(CsvScanner::new(*delimiter, *header, column)))
            }
            ReplyKind::Opaque => return None,
        };
        Some(Self { scanner, prelude: Prelude::default() })
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        match &mut self.prelude {
            Prelude::Passed => self.scan(piece),
            Prelude::Refused => {}
            Prelude::Gathering { bytes, length } => {
                let taken = gather(bytes, length, piece);
                if *length == PRELUDE_BYTES {
                    self.open();
                    self.scan(piece.get(taken..).unwrap_or_default());
                }
            }
        }
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if matches!(self.prelude, Prelude::Refused) {
            return Tally::unknown(WhyUnknown::Charset);
        }
        match &self.scanner {
            Scanner::Json(scanner) => scanner.so_far(),
            Scanner::Fhir(scanner) => scanner.so_far(),
            Scanner::Ndjson(scanner) => scanner.so_far(),
            Scanner::Csv(scanner) => scanner.so_far(),
        }
    }

    /// The body is complete.
    pub fn finish(&mut self) -> Tally {
        if matches!(self.prelude, Prelude::Gathering { .. }) {
            self.open();
        }
        if matches!(self.prelude, Prelude::Refused) {
            return Tally::unknown(WhyUnknown::Charset);
        }
        match &mut self.scanner {
            Scanner::Json(scanner) => scanner.finish(),
            Scanner::Fhir(scanner) => scanner.finish(),
            Scanner::Ndjson(scanner) => scanner.finish(),
            Scanner::Csv(scanner) => scanner.finish(),
        }
    }

    /// Reads the character encoding off the first bytes (RFC 8259 section 8.1 allows a reader to
    /// ignore a UTF-8 byte order mark; UTF-16 and UTF-32 show a mark of their own or a zero byte).
    fn open(&mut self) {
        let Prelude::Gathering { bytes, length } = &self.prelude else { return };
        let (bytes, length) = (*bytes, *length);
        let gathered = bytes.get(..length).unwrap_or_default();
        if gathered.contains(&0) || gathered.starts_with(&[0xFE, 0xFF]) || gathered.starts_with(&[0xFF, 0xFE])
        {
            self.prelude = Prelude::Refused;
            return;
        }
        self.prelude = Prelude::Passed;
        self.scan(gathered.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(gathered));
    }

    fn scan(&mut self, piece: &[u8]) {
        match &mut self.scanner {
            Scanner::Json(scanner) => scanner.push(piece),
            Scanner::Fhir(scanner) => scanner.push(piece),
            Scanner::Ndjson(scanner) => scanner.push(piece),
            Scanner::Csv(scanner) => scanner.push(piece),
        }
    }
}

const PRELUDE_BYTES: usize = 4;

/// The first bytes, which tell the character encoding.
#[derive(Debug)]
enum Prelude {
    Gathering { bytes: [u8; PRELUDE_BYTES], length: usize },
    Passed,
    Refused,
}

impl Default for Prelude {
    fn default() -> Self {
        Self::Gathering { bytes: [0; PRELUDE_BYTES], length: 0 }
    }
}

fn gather(bytes: &mut [u8; PRELUDE_BYTES], length: &mut usize, piece: &[u8]) -> usize {
    let free = bytes.get_mut(*length..).unwrap_or_default();
    let taken = free.iter_mut().zip(piece).map(|(slot, byte)| *slot = *byte).count();
    *length += taken;
    taken
}

/// An application's own error message fits in this many bytes; more of it is data.
pub(super) const ERROR_BYTES_MAX: u64 = 64 * 1024;

/// Members that an error message has at its root, and a reply with records rarely.
const ERROR_MEMBERS: &[&str] = &["error", "errors", "message", "detail", "fault"];
