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
}

/// How records are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// Elements of a JSON array.
    Json {
        /// Where the array is.
        records: RecordsPointer,
    },
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
    /// Parts of a multipart body (RFC 2046).
    Multipart,
    /// Not countable by us, such as a PDF or a ZIP archive: the number is unknown, which for an
    /// export is too many.
    Opaque,
}

/// Where in a JSON document the array of records is: a pointer (RFC 6901; empty: the whole document), in which a
/// segment `*` stands for every element of an array on the way. Read once, for all replies.
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
    /// Every element of an array.
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
