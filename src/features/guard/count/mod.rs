//! Counts the records of a reply, and the distinct patients in it, while its bytes pass.
//!
//! Push scanners: they take a body in pieces of any size, keep a bounded state, and never copy what
//! they look at, but for the few bytes that a piece cuts in two. However a body is cut, the answer is
//! the same. A body that can be read in two ways is not counted: its number is
//! [`Count::Unknown`], which for an export means block.

mod csv;
mod fhir;
mod grammar;
mod hl7v2;
mod html;
mod json;
mod label;
mod lexer;
mod marks;
mod multipart;
mod ndjson;
mod patients;
mod prelude;
mod scan;
mod sql;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod well_formed;
mod wide;
mod xml;

pub use csv::CsvScanner;
pub use fhir::FhirScanner;
pub use hl7v2::Hl7v2Scanner;
pub use html::HtmlScanner;
pub use json::JsonScanner;
pub use label::Label;
pub use multipart::MultipartScanner;
pub use ndjson::NdjsonScanner;
pub use patients::Named;
pub use sql::SqlScanner;
pub use xml::XmlScanner;

pub(super) use csv::likely_delimiter;
pub(super) use prelude::{Characters, Encoding};
pub(super) use well_formed::{WellFormed, meant};
pub(super) use wide::Order;

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
    characters: Characters,
}

#[derive(Debug)]
enum Scanner {
    Json(JsonScanner),
    Fhir(Box<FhirScanner>),
    Ndjson(NdjsonScanner),
    Csv(Box<CsvScanner>),
    Html(Box<HtmlScanner>),
    Xml(Box<XmlScanner>),
    Sql(Box<SqlScanner>),
    Hl7v2(Box<Hl7v2Scanner>),
    Multipart(Box<MultipartScanner>),
}

/// The same for every scanner.
macro_rules! each {
    ($scanner:expr, $bound:ident => $do:expr) => {
        match $scanner {
            Scanner::Json($bound) => $do,
            Scanner::Fhir($bound) => $do,
            Scanner::Ndjson($bound) => $do,
            Scanner::Csv($bound) => $do,
            Scanner::Html($bound) => $do,
            Scanner::Xml($bound) => $do,
            Scanner::Sql($bound) => $do,
            Scanner::Hl7v2($bound) => $do,
            Scanner::Multipart($bound) => $do,
        }
    };
}

impl Counter {
    /// The scanner for `kind`; none for a kind that cannot be counted.
    pub fn new(kind: &ReplyKind, patient: Option<&PatientLocator>) -> Option<Self> {
        Self::labelled(kind, patient, &Label::default())
    }

    /// The scanner for `kind` in a reply whose media type says this; none for a kind that cannot be counted.
    pub fn labelled(kind: &ReplyKind, patient: Option<&PatientLocator>, label: &Label) -> Option<Self> {
        let (mut column, mut member) = (None, None);
        match patient {
            Some(PatientLocator::Column(name)) => column = Some(name.as_str()),
            Some(PatientLocator::Member(name)) => member = Some(name.as_str()),
            Some(PatientLocator::Cell(_) | PatientLocator::Attribute(_) | PatientLocator::Element(_))
            | None => {}
        }
        let scanner = match kind {
            ReplyKind::Json { records } => Scanner::Json(JsonScanner::new(records, member)),
            ReplyKind::FhirBundle => Scanner::Fhir(Box::default()),
            ReplyKind::Ndjson => Scanner::Ndjson(NdjsonScanner::new(member)),
            ReplyKind::Csv { delimiter, header } => {
                Scanner::Csv(Box::new(CsvScanner::new(*delimiter, *header, column)))
            }
            ReplyKind::Html { rows } => Scanner::Html(Box::new(HtmlScanner::new(rows, patient))),
            ReplyKind::Xml { records } => Scanner::Xml(Box::new(XmlScanner::new(records, patient))),
            ReplyKind::Sql => Scanner::Sql(Box::new(SqlScanner::new(column))),
            ReplyKind::Hl7v2 => Scanner::Hl7v2(Box::default()),
            ReplyKind::Multipart => {
                Scanner::Multipart(Box::new(MultipartScanner::new(label.boundary.as_deref())))
            }
            ReplyKind::Opaque => return None,
        };
        Some(Self { scanner, characters: Characters::new(label) })
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let Self { scanner, characters } = self;
        characters.push(piece, &mut |text| each!(scanner, scanner => scanner.push(text)));
    }

    /// Whom it has named since this was last asked, each once.
    pub fn take_named(&mut self) -> Vec<Named> {
        each!(&mut self.scanner, scanner => scanner.take_named())
    }

    /// How many so far: lower bounds, or already unknown.
    pub fn so_far(&self) -> Tally {
        if self.characters.is_broken() {
            return Tally::unknown(WhyUnknown::Charset);
        }
        each!(&self.scanner, scanner => scanner.so_far())
    }

    /// The body is complete.
    pub fn finish(&mut self) -> Tally {
        let Self { scanner, characters } = self;
        characters.finish(&mut |text| each!(scanner, scanner => scanner.push(text)));
        if !characters.is_sound() {
            return Tally::unknown(WhyUnknown::Charset);
        }
        each!(scanner, scanner => scanner.finish())
    }
}

/// An application's own error message fits in this many bytes; more of it is data.
pub(super) const ERROR_BYTES_MAX: u64 = 64 * 1024;

/// Members that an error message has at its root, and a reply with records rarely.
const ERROR_MEMBERS: &[&str] = &["error", "errors", "message", "detail", "fault"];
