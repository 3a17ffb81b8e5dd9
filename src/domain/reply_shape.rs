//! How to count records and find patients in a reply.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row_selector::RowSelector;

/// What a route says about its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyShape {
    /// How records are counted.
    pub kind: ReplyKind,
    /// Where a record names its patient, if the application says so.
    pub patient: Option<PatientLocator>,
    /// Whether records call patients by the numbers by which requests do, so that events can keep whom a reply listed.
    pub same_numbers: bool,
}

/// How records are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Elements of a JSON array.
    Json {
        /// Where the array is.
        records: RecordsPointer,
    },
    /// What the root fields of a GraphQL query answer (GraphQL section 7.1): elements of each outermost list, or the one thing that
    /// is answered.
    Graphql,
    /// Elements of whichever JSON array has the most: where nobody has described the reply yet.
    LargestArray,
    /// Entries of a FHIR `Bundle`, without those whose `search.mode` is `include` or `outcome`.
    FhirBundle,
    /// Lines that are not blank.
    Ndjson,
    /// Rows after the header (RFC 4180).
    Csv {
        /// The byte between fields; `None`: read off the first line.
        delimiter: Option<u8>,
        /// Whether the first row names the columns.
        header: bool,
    },
    /// Elements of a page (HTML).
    Html {
        /// Which.
        rows: RowSelector,
    },
    /// Elements of an XML document.
    Xml {
        /// Which.
        records: ElementPath,
    },
    /// Rows of a dump: the tuples of `INSERT … VALUES`, and the lines of `COPY … FROM stdin`.
    Sql,
    /// Messages of HL7 version 2, alone or in a batch; of one that names several patients, the patients.
    Hl7v2,
    /// Parts of a multipart body (RFC 2046), or what they hold.
    Multipart {
        /// What each part holds; none: each of them is a record.
        of: Option<Box<Self>>,
    },
    /// Files in a ZIP archive (APPNOTE 6.3), or what they hold.
    Zip(ArchiveShape),
    /// A file that is packed as a whole, by what it holds.
    Packed(PackedShape),
    /// Rows of a workbook (ECMA-376, XLSX), over all of its sheets.
    Xlsx {
        /// Whether the first row of each sheet names the columns.
        header: bool,
    },
    /// DICOM files (PS3.10), each of which is one record: an instance.
    Dicom,
    /// A PDF document (ISO 32000-2).
    Pdf {
        /// What counts as a record in it.
        record: PdfRecord,
    },
    /// Files in strings of a JSON document, by what they hold.
    Inside(InsideShape),
    /// Not countable by us, such as a document of a foreign format: the number is unknown, which for an
    /// export is too many.
    Opaque,
}

/// Where the largest array of a JSON reply stands that nobody has described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LargestArray {
    /// The pointer to it, as [`RecordsPointer`] reads it; absent where there is none, or a name on the way is no word.
    pub at: Option<String>,
    /// Whether the document is a FHIR `Bundle`.
    pub is_bundle: bool,
}

/// What is a record of a PDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PdfRecord {
    /// Each page.
    Page,
    /// The document, whatever it holds: for what is about one patient.
    Document,
}

/// What is in a string of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsideShape {
    /// Where the string is.
    pub at: RecordsPointer,
    /// How the file is written in it.
    pub encoding: Encoding,
    /// What it holds.
    pub of: Box<ReplyKind>,
}

/// How a file is written in a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648, in either alphabet, padded or not, on one line or several.
    #[default]
    Base64,
    /// As it is.
    Text,
}

/// What is in an archive. A file that is neither counted nor expected beside makes the number unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveShape {
    /// The files that are counted.
    pub entries: FileNames,
    /// The files that may lie beside, and are no records.
    pub besides: FileNames,
    /// What each counted file holds; none: each of them is a record.
    pub of: Option<Box<ReplyKind>>,
}

/// What is in a file that is packed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedShape {
    /// How it is packed.
    pub by: Packing,
    /// What it holds.
    pub of: Box<ReplyKind>,
}

/// How a file is packed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Names of files in an archive, in which `*` stands for any run of characters, `/` among them. ASCII letters are
/// alike in either case, as they are to whoever unpacks on Windows or macOS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileNames(Arc<[Box<[u8]>]>);

impl FileNames {
    /// Names that match any of these patterns.
    pub fn any_of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self(patterns.into_iter().map(|pattern| pattern.to_ascii_lowercase().into_bytes().into()).collect())
    }

    /// Whether one of the patterns matches this name.
    pub fn contain(&self, name: &[u8]) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }
}

/// Takes what stands before the first `*` and behind the last one off both ends, and finds each of the others as early
/// as it can be: no time grows beyond the product of both lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let found = (0..=rest.len()).find(|at| rest.get(*at..).is_some_and(|rest| rest.starts_with(part)));
        let Some(after) = found.and_then(|at| rest.get(at + part.len()..)) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Where in a JSON document the array of records is: a pointer (RFC 6901; empty: the whole document), in which a
/// segment `*` stands for every element of an array, or member of an object, on the way. Read once, for all replies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordsPointer(Arc<[Segment]>);

impl RecordsPointer {
    /// Reads what a route declares; what is before the first slash is not part of it.
    pub fn read(text: &str) -> Self {
        Self(text.split('/').skip(1).map(Segment::read).collect())
    }

    /// From the document inward.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

/// One step of a [`RecordsPointer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Every element of an array, and every member of an object whatever its name.
    Every,
    /// A member by its name, or an element by its number.
    Named {
        /// The name, in UTF-8.
        name: Box<[u8]>,
        /// The number that the name is, if it is one (RFC 6901 section 4).
        index: Option<u64>,
    },
}

impl Segment {
    fn read(text: &str) -> Self {
        if text == "*" {
            return Self::Every;
        }
        let name = text.replace("~1", "/").replace("~0", "~");
        let index = (name == "0" || !name.starts_with('0')).then(|| name.parse().ok()).flatten();
        Self::Named { name: name.into_bytes().into(), index }
    }
}

/// Which elements of an XML document are records: the path to them from the root, by names without their prefixes; `None`
/// is any name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementPath(Arc<[Option<Box<str>>]>);

/// The deepest [`ElementPath`].
const ELEMENTS_MAX: usize = 32;

impl ElementPath {
    /// Reads what a route declares, such as `/report/*/row`. None if that is not a path to what stands in a root.
    pub fn read(text: &str) -> Option<Self> {
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.contains(|sign: char| sign.is_whitespace() || ":*@[]()<>&'\"=".contains(sign))
        };
        let segments = text.strip_prefix('/')?.split('/').map(|name| match name {
            "*" => Some(None),
            name => is_name(name).then(|| Some(name.into())),
        });
        let segments: Vec<Option<Box<str>>> = segments.collect::<Option<_>>()?;
        (2..=ELEMENTS_MAX).contains(&segments.len()).then(|| Self(segments.into()))
    }

    /// From the root inward, at least two.
    pub fn segments(&self) -> &[Option<Box<str>>] {
        &self.0
    }
}

/// Where a record names its patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatientLocator {
    /// The column of that name, of CSV or SQL.
    Column(String),
    /// The member of that name, wherever it stands inside a record of JSON.
    Member(String),
    /// The cell with that number in a row of HTML, from 1.
    Cell(u16),
    /// The attribute of that name: of a row of HTML, or of any element in a record of XML.
    Attribute(String),
    /// The XML element of that name, wherever it stands inside a record.
    Element(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_names_of_files() {
        let cases = [
            ("*", "", true),
            ("*", "any/thing", true),
            ("*.csv", "patients.csv", true),
            ("*.csv", "2026/Patients.CSV", true),
            ("*.csv", "patients.csv.exe", false),
            ("*.csv", ".csv", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("README", "readme", true),
            ("README", "readme.txt", false),
            ("IMAGES/*", "images/IM0", true),
            ("", "", true),
            ("", "x", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(FileNames::any_of([pattern]).contain(name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(!FileNames::default().contain(b"a"));
        assert!(FileNames::any_of(["*.csv", "*.txt"]).contain(b"a.txt"));
    }
}
