//! Keys of how the records of a reply are counted.

use super::{Absent, Kind, Table, key};

/// How records may be counted.
pub(in crate::config) const REPLY_KINDS: &[&str] = &[
    "csv",
    "tsv",
    "json",
    "graphql",
    "fhir",
    "ndjson",
    "html",
    "xml",
    "sql",
    "hl7v2",
    "multipart",
    "zip",
    "gzip",
    "zstd",
    "xlsx",
    "dicom",
    "pdf",
    "opaque",
];

/// What a file inside of a reply may hold.
pub(in crate::config) const INNER_KINDS: &[&str] =
    &["csv", "tsv", "json", "ndjson", "xml", "sql", "hl7v2", "dicom", "pdf"];

/// How a file may be written in a string.
pub(in crate::config) const ENCODINGS: &[&str] = &["base64", "text"];

pub(super) static REPLY: Table = Table {
    header: "application.NAME.route.reply",
    doc: "How the records of a reply are counted.",
    keys: &[
        key(
            "kind",
            Kind::Word(|| REPLY_KINDS.to_vec()),
            Absent::Refused,
            "Rows (CSV, or between tabs), elements of a JSON array, what a GraphQL query is answered (the elements of each outermost list \
             under whatever alias, of connections too; an object is one record at least), entries of a FHIR Bundle (those that are found, not those \
             that come along; but no fewer than it names patients), lines of JSON, rows of a page, elements of XML, rows of \
             a database's dump, messages of HL7 version 2, parts of a multipart body or files in a ZIP archive or what they \
             hold, what a file packed by gzip or Zstandard holds, rows of a workbook that have a value, objects of DICOM, pages of a PDF, or not countable by us.",
        ),
        key(
            "entries",
            Kind::Texts("*.csv"),
            Absent::Is("[\"*\"]"),
            "`zip` only: names of the files that are counted; `*` stands for any characters. A file that is neither one of these \
             nor one of `besides` makes the number unknown.",
        ),
        key(
            "besides",
            Kind::Texts("README.txt"),
            Absent::Is("[]"),
            "`zip` only: names of the files that may lie beside, and are not counted.",
        ),
        key(
            "inside",
            Kind::Text("/data"),
            Absent::Means("the document itself is counted"),
            "`json` only: pointer to the string in which a file stands, such as the `data` of a FHIR Binary; a segment `*` \
             stands for every element on the way. `of` then says what it holds.",
        ),
        key(
            "encoding",
            Kind::Word(|| ENCODINGS.to_vec()),
            Absent::Is("\"base64\""),
            "With `inside`: how the file is written in the string.",
        ),
        key(
            "of",
            Kind::Word(|| INNER_KINDS.to_vec()),
            Absent::Means("each file or part is one record"),
            "`zip`, `gzip`, `zstd`, `multipart`, and `json` with `inside`: what the files or parts hold; `gzip`, `zstd` and `inside` need it. \
             `records`, `delimiter`, `header` and `patient` are then said of that.",
        ),
        key(
            "records",
            Kind::Text("/data/rows"),
            Absent::Means("the document is the array"),
            "`json`: pointer to the array; a segment `*` stands for every element or member on the way. `xml`, where it is needed: path to \
             the elements such as `/report/*/row`, by names without prefixes; `*` stands for any name. `pdf`, where it is needed: \
             `pages`, or `document` for what is about one patient whatever its length.",
        ),
        key(
            "rows",
            Kind::Text("#list tbody tr"),
            Absent::Means("a problem for `html`"),
            "`html` only: CSS selector of the records, of names, `#id`, `.class`, `[attribute]` and `[attribute=value]`, inside \
             of each other or directly so (`>`). A page without what they stand in is not counted; none is seen after scripts.",
        ),
        key(
            "delimiter",
            Kind::Text(";"),
            Absent::Means("read off the first line"),
            "`csv` only: the character between fields.",
        ),
        key(
            "header",
            Kind::YesNo,
            Absent::Means("`true`"),
            "`csv`, `tsv` and `xlsx` only: whether the first row, of each sheet, names the columns.",
        ),
        key(
            "patient",
            Kind::Text("column:ID"),
            Absent::Means("not known"),
            "Where a record names its patient: `column:NAME` for `csv`, `tsv` and `sql`, `member:NAME` for the JSON kinds (of GraphQL, where a record has none under that name, the number of patients is unknown), \
             `cell:NUMBER` (from 1) or `attribute:NAME` of a row for `html`, `element:NAME` or `attribute:NAME` anywhere in a \
             record for `xml`. `fhir`, `hl7v2` and `dicom` name their own.",
        ),
        key(
            "same_numbers",
            Kind::YesNo,
            Absent::Means("`true` for `fhir`, else `false`"),
            "Whether these are the numbers by which requests name patients (`{patient}`), and not others such as those of an insurer.              Events then keep whom a reply listed, as digests: each of up to 500 patients, or one digest of all, so that a patient's              reports and accounting of disclosures can tell of lists and files. Where they are other numbers, `true` would tell of              the wrong patients.",
        ),
    ],
};
