//! How to count records and find patients in a reply.

use serde::{Deserialize, Serialize};

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
    /// Elements of the JSON array at `pointer` (RFC 6901; empty: the whole document is the array).
    Json {
        /// Where the array is. A segment `*` stands for every element of an array on the way.
        pointer: String,
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
    /// Not countable by us, such as a PDF or a ZIP archive: the number is unknown, which for an
    /// export is too many.
    Opaque,
}

/// Where a record names its patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatientLocator {
    /// The CSV column of that name.
    Column(String),
    /// The member of that name, wherever it stands inside a record of JSON.
    Member(String),
}
