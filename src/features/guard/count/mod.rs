//! Counts the records of a reply, and the distinct patients in it, while its bytes pass.
//!
//! Push scanners: they take a body in pieces of any size, keep a bounded state, and never copy what
//! they look at, but for the few bytes that a piece cuts in two. However a body is cut, the answer is
//! the same. A body that can be read in two ways is not counted: its number is
//! [`Count::Unknown`], which for an export means block.

mod bodies;
mod csv;
mod dicom;
mod fhir;
mod grammar;
mod hl7v2;
mod html;
mod inflate;
mod inside;
mod json;
mod label;
mod largest;
mod lexer;
mod marks;
mod multipart;
mod ndjson;
mod packed;
mod patients;
mod pdf;
mod prelude;
mod scan;
mod sql;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod well_formed;
mod wide;
mod xlsx;
mod xml;
mod zip;

pub use bodies::ARCHIVES;
pub use csv::CsvScanner;
pub use dicom::DicomScanner;
pub use fhir::FhirScanner;
pub use hl7v2::Hl7v2Scanner;
pub use html::HtmlScanner;
pub use inside::InsideScanner;
pub use json::JsonScanner;
pub use label::Label;
pub use largest::LargestScanner;
pub use multipart::MultipartScanner;
pub use ndjson::NdjsonScanner;
pub use packed::PackedScanner;
pub use patients::Named;
pub use pdf::PdfScanner;
pub use sql::SqlScanner;
pub use xlsx::XlsxScanner;
pub use xml::XmlScanner;
pub use zip::ZipScanner;

pub(super) use csv::likely_delimiter;
pub(super) use html::{DEPTH_MAX, Element, Nested, Selectors, Standing, ancestors, declares_foreign};
pub(super) use prelude::{Characters, Encoding};
pub(super) use well_formed::{WellFormed, meant};
pub(super) use wide::Order;

use self::patients::Patients;
use super::media::Form;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::listed::Listed;
use crate::domain::patient::PatientNames;
use crate::domain::reply_shape::{LargestArray, PatientLocator, ReplyKind};
use crate::platform::http::coding::CodingFault;

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
    Largest(Box<LargestScanner>),
    Fhir(Box<FhirScanner>),
    Ndjson(NdjsonScanner),
    Csv(Box<CsvScanner>),
    Html(Box<HtmlScanner>),
    Xml(Box<XmlScanner>),
    Sql(Box<SqlScanner>),
    Hl7v2(Box<Hl7v2Scanner>),
    Multipart(Box<MultipartScanner>),
    Zip(Box<ZipScanner>),
    Xlsx(Box<XlsxScanner>),
    Dicom(Box<DicomScanner>),
    Inside(Box<InsideScanner>),
    Packed(Box<PackedScanner>),
    Pdf(Box<PdfScanner>),
}

/// The same for every scanner.
macro_rules! each {
    ($scanner:expr, $bound:ident => $do:expr) => {
        match $scanner {
            Scanner::Json($bound) => $do,
            Scanner::Largest($bound) => $do,
            Scanner::Fhir($bound) => $do,
            Scanner::Ndjson($bound) => $do,
            Scanner::Csv($bound) => $do,
            Scanner::Html($bound) => $do,
            Scanner::Xml($bound) => $do,
            Scanner::Sql($bound) => $do,
            Scanner::Hl7v2($bound) => $do,
            Scanner::Multipart($bound) => $do,
            Scanner::Zip($bound) => $do,
            Scanner::Xlsx($bound) => $do,
            Scanner::Dicom($bound) => $do,
            Scanner::Inside($bound) => $do,
            Scanner::Packed($bound) => $do,
            Scanner::Pdf($bound) => $do,
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
        Self::bounded(kind, patient, label, RATIO_USUAL)
    }

    /// The same, where a compressed byte inside of the reply becomes no more than `ratio_max` after the first MiB.
    pub fn bounded(
        kind: &ReplyKind,
        patient: Option<&PatientLocator>,
        label: &Label,
        ratio_max: u32,
    ) -> Option<Self> {
        let (mut column, mut member) = (None, None);
        match patient {
            Some(PatientLocator::Column(name)) => column = Some(name.as_str()),
            Some(PatientLocator::Member(name)) => member = Some(name.as_str()),
            Some(PatientLocator::Cell(_) | PatientLocator::Attribute(_) | PatientLocator::Element(_))
            | None => {}
        }
        let scanner = match kind {
            ReplyKind::Json { records } => Scanner::Json(JsonScanner::new(records, member)),
            ReplyKind::Graphql => Scanner::Json(JsonScanner::graphql(member)),
            ReplyKind::LargestArray => Scanner::Largest(Box::default()),
            ReplyKind::FhirBundle => Scanner::Fhir(Box::default()),
            ReplyKind::Ndjson => Scanner::Ndjson(NdjsonScanner::new(member)),
            ReplyKind::Csv { delimiter, header } => {
                Scanner::Csv(Box::new(CsvScanner::new(*delimiter, *header, column)))
            }
            ReplyKind::Html { rows } => Scanner::Html(Box::new(HtmlScanner::new(rows, patient))),
            ReplyKind::Xml { records } => Scanner::Xml(Box::new(XmlScanner::new(records, patient))),
            ReplyKind::Sql => Scanner::Sql(Box::new(SqlScanner::new(column))),
            ReplyKind::Hl7v2 => Scanner::Hl7v2(Box::default()),
            ReplyKind::Multipart { of } => {
                let of = of.as_deref().map(|kind| (kind, patient, ratio_max));
                Scanner::Multipart(Box::new(MultipartScanner::new(label.boundary.as_deref(), of)))
            }
            ReplyKind::Zip(shape) => Scanner::Zip(Box::new(ZipScanner::new(shape, patient, ratio_max))),
            ReplyKind::Xlsx { header } => Scanner::Xlsx(Box::new(XlsxScanner::new(*header, ratio_max))),
            ReplyKind::Dicom => Scanner::Dicom(Box::default()),
            ReplyKind::Inside(shape) => {
                Scanner::Inside(Box::new(InsideScanner::new(shape, patient, ratio_max)))
            }
            ReplyKind::Packed(shape) => {
                Scanner::Packed(Box::new(PackedScanner::new(shape, patient, ratio_max)))
            }
            ReplyKind::Pdf { record } => Scanner::Pdf(Box::new(PdfScanner::new(*record, ratio_max))),
            ReplyKind::Opaque => return None,
        };
        let characters = if Form::of(kind).is_text() { Characters::new(label) } else { Characters::BYTES };
        Some(Self { scanner, characters })
    }

    /// The patients that it was handed and has found, where several bodies of one reply are counted as a whole.
    fn patients_mut(&mut self) -> Option<&mut Patients> {
        match &mut self.scanner {
            Scanner::Json(scanner) => Some(scanner.patients_mut()),
            Scanner::Ndjson(scanner) => Some(scanner.patients_mut()),
            Scanner::Csv(scanner) => Some(scanner.patients_mut()),
            Scanner::Xml(scanner) => Some(scanner.patients_mut()),
            Scanner::Sql(scanner) => Some(scanner.patients_mut()),
            Scanner::Hl7v2(scanner) => Some(scanner.patients_mut()),
            Scanner::Dicom(scanner) => Some(scanner.patients_mut()),
            // These count them for themselves alone, or not at all, and are in no other.
            Scanner::Fhir(_)
            | Scanner::Largest(_)
            | Scanner::Html(_)
            | Scanner::Multipart(_)
            | Scanner::Zip(_)
            | Scanner::Xlsx(_)
            | Scanner::Pdf(_)
            | Scanner::Inside(_)
            | Scanner::Packed(_) => None,
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let Self { scanner, characters } = self;
        characters.push(piece, &mut |text| each!(scanner, scanner => scanner.push(text)));
    }

    /// Events are to keep the patients that it finds, and call them so. Comes before any byte.
    pub fn list_by(&mut self, names: PatientNames) {
        self.with_patients(|patients| patients.list_by(names));
    }

    /// Whom events are to keep of a body that was counted: nobody where that was not asked for.
    pub fn take_listed(&mut self) -> Option<Listed> {
        self.with_patients(Patients::take_listed).flatten()
    }

    /// Whom it has named since this was last asked, each once.
    pub fn take_named(&mut self) -> Vec<Named> {
        self.with_patients(Patients::take_named).unwrap_or_default()
    }

    /// Where the largest array stands, if that is what was looked for.
    pub fn largest(&self) -> Option<LargestArray> {
        if let Scanner::Largest(scanner) = &self.scanner { Some(scanner.largest()) } else { None }
    }

    /// Does something with the patients that it finds; nothing for a kind that names none.
    fn with_patients<R>(&mut self, act: impl FnOnce(&mut Patients) -> R) -> Option<R> {
        match &mut self.scanner {
            Scanner::Fhir(scanner) => Some(act(scanner.patients_mut())),
            Scanner::Html(scanner) => Some(scanner.with_patients(act)),
            Scanner::Zip(scanner) => scanner.patients_mut().map(act),
            Scanner::Inside(scanner) => Some(act(scanner.patients_mut())),
            Scanner::Packed(scanner) => Some(act(scanner.patients_mut())),
            Scanner::Multipart(scanner) => scanner.patients_mut().map(act),
            Scanner::Json(_)
            | Scanner::Largest(_)
            | Scanner::Ndjson(_)
            | Scanner::Csv(_)
            | Scanner::Xml(_)
            | Scanner::Sql(_)
            | Scanner::Hl7v2(_)
            | Scanner::Dicom(_)
            | Scanner::Xlsx(_)
            | Scanner::Pdf(_) => self.patients_mut().map(act),
        }
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

/// Why what does not decode is not counted.
pub(super) const fn why_unknown(fault: CodingFault) -> WhyUnknown {
    match fault {
        CodingFault::Foreign => WhyUnknown::Coding,
        CodingFault::Undecodable => WhyUnknown::Undecodable,
        CodingFault::Incomplete => WhyUnknown::Incomplete,
    }
}

/// How much a compressed byte may become where nobody says.
const RATIO_USUAL: u32 = 200;

/// An application's own error message fits in this many bytes; more of it is data.
pub(super) const ERROR_BYTES_MAX: u64 = 64 * 1024;

/// Members that an error message has at its root, and a reply with records rarely.
const ERROR_MEMBERS: &[&str] = &["error", "errors", "message", "detail", "fault"];
