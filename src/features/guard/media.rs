//! What a reply says that it is, and what its first bytes show.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::count::Label;
use crate::domain::reply_shape::ReplyKind;

/// Shapes that are alike to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Rows,
    Page,
    Xml,
    Sql,
    Hl7v2,
    Multipart,
    Any,
}

impl Form {
    pub(super) const fn of(kind: &ReplyKind) -> Self {
        match kind {
            ReplyKind::Json { .. } | ReplyKind::FhirBundle | ReplyKind::Ndjson => Self::Json,
            ReplyKind::Csv { .. } => Self::Rows,
            ReplyKind::Html { .. } => Self::Page,
            ReplyKind::Xml { .. } => Self::Xml,
            ReplyKind::Sql => Self::Sql,
            ReplyKind::Hl7v2 => Self::Hl7v2,
            ReplyKind::Multipart => Self::Multipart,
            ReplyKind::Opaque => Self::Any,
        }
    }
}

/// The media type that a reply declares, read once.
#[derive(Debug, Clone)]
pub(super) struct Declared<'h> {
    headers: &'h HeaderMap,
    /// Without its parameters, in lower case.
    essence: Cow<'h, str>,
    family: Family,
    parameters: &'h str,
    /// Two declarations are two readings.
    is_ambiguous: bool,
}

/// Media types that are alike to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Json,
    Csv,
    Html,
    /// HTML by the rules of XML, which is another reading of it.
    Xhtml,
    Xml,
    Sql,
    Hl7v2,
    Multipart,
    /// Says nothing: absent, `text/plain`, and the types that legacy applications put on downloads.
    Generic,
    /// A page's parts: scripts, style, images, fonts, sound.
    Asset,
    /// A stream of events that never ends.
    Events,
    /// A document or an archive.
    Document,
    Other,
}

impl<'h> Declared<'h> {
    pub(super) fn read(headers: &'h HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let text = values.next().map_or("", |value| value.to_str().unwrap_or("?/?"));
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = lower(essence.trim());
        let family = family(&essence);
        Self { headers, essence, family, parameters, is_ambiguous: values.next().is_some() }
    }

    /// Whether a reply of this type can have this form.
    pub(super) const fn may_be(&self, form: Form) -> bool {
        match form {
            // PHP sends JSON as HTML unless told otherwise. The grammar of JSON is strict enough to tell.
            Form::Json => {
                matches!(
                    self.family(),
                    Family::Json | Family::Csv | Family::Html | Family::Xhtml | Family::Generic
                )
            }
            Form::Rows => matches!(self.family(), Family::Csv | Family::Generic),
            Form::Page => matches!(self.family(), Family::Html | Family::Generic),
            Form::Xml => matches!(self.family(), Family::Xml | Family::Generic),
            Form::Sql => matches!(self.family(), Family::Sql | Family::Generic),
            Form::Hl7v2 => matches!(self.family(), Family::Hl7v2 | Family::Generic),
            Form::Multipart => matches!(self.family(), Family::Multipart),
            Form::Any => true,
        }
    }

    /// Whether an application may say in this type that something went wrong.
    pub(super) const fn may_be_message(&self) -> bool {
        matches!(self.family(), Family::Json | Family::Html | Family::Xhtml | Family::Xml | Family::Generic)
    }

    const fn family(&self) -> Family {
        if self.is_ambiguous { Family::Other } else { self.family }
    }

    /// What the type says beside its name.
    pub(super) fn label(&self) -> Label {
        Label::read(self.parameters)
    }

    /// Whether the head of the reply says that it is a file to keep, whatever the route is called. Rows that a
    /// route declares are looked at unless the reply says `attachment`.
    pub(super) fn is_file(&self, form: Form) -> bool {
        let essence = &*self.essence;
        let typed = match self.family {
            Family::Csv => form != Form::Rows,
            Family::Document => true,
            Family::Sql => form != Form::Sql,
            Family::Hl7v2 => form != Form::Hl7v2,
            // Without a type it is the bytes that tell.
            Family::Generic => form != Form::Rows && !matches!(essence, "" | "text/plain"),
            Family::Json => form != Form::Json && (essence.contains("ndjson") || essence.contains("jsonl")),
            Family::Html
            | Family::Xhtml
            | Family::Xml
            | Family::Multipart
            | Family::Asset
            | Family::Events
            | Family::Other => false,
        };
        typed || self.is_attached()
    }

    fn is_attached(&self) -> bool {
        self.headers.get_all(CONTENT_DISPOSITION).iter().any(|value| {
            let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"attachment")
        })
    }

    /// Whether it is a part of a page: an image, a font, a script.
    pub(super) fn is_asset(&self) -> bool {
        self.family == Family::Asset
    }

    /// Whether it is a stream of events, whose first may be long in coming.
    pub(super) fn is_events(&self) -> bool {
        self.family == Family::Events
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn family(essence: &str) -> Family {
    let (kind, subtype) = essence.split_once('/').unwrap_or((essence, ""));
    match (kind, subtype) {
        ("application" | "text", "json" | "x-ndjson" | "ndjson" | "jsonl" | "x-jsonlines") => Family::Json,
        ("text", "csv" | "tab-separated-values" | "comma-separated-values")
        | ("application", "csv" | "x-csv") => Family::Csv,
        ("text", "html") => Family::Html,
        ("application", "xhtml+xml") => Family::Xhtml,
        ("application" | "text", "sql" | "x-sql") => Family::Sql,
        ("application", "hl7-v2" | "edi-hl7") | ("x-application" | "application", "hl7-v2+er7") => {
            Family::Hl7v2
        }
        ("multipart", _) => Family::Multipart,
        ("text" | "application", "xml") => Family::Xml,
        ("" | "binary", _)
        | ("text", "plain")
        | ("application", "octet-stream" | "force-download" | "download" | "x-download" | "vnd.ms-excel") => {
            Family::Generic
        }
        ("text", "css" | "javascript")
        | ("application", "javascript" | "x-javascript" | "wasm" | "manifest+json")
        | ("image" | "font" | "audio" | "video", _) => Family::Asset,
        ("text", "event-stream") => Family::Events,
        ("application", name) if name.ends_with("+json") => Family::Json,
        ("application", name) if name.ends_with("+xml") => Family::Xml,
        ("application", name) if is_document(name) => Family::Document,
        ("text", "rtf") => Family::Document,
        (_, _) => Family::Other,
    }
}

fn is_document(subtype: &str) -> bool {
    let known = [
        "pdf",
        "zip",
        "x-zip-compressed",
        "gzip",
        "x-gzip",
        "x-tar",
        "x-7z-compressed",
        "x-rar-compressed",
        "vnd.rar",
        "rtf",
        "msword",
        "dicom",
        "x-sqlite3",
        "vnd.sqlite3",
        "x-bzip2",
        "zstd",
        "x-compressed",
    ];
    known.contains(&subtype)
        || [
            "vnd.openxmlformats",
            "vnd.ms-",
            "vnd.oasis.opendocument",
            "vnd.apache.parquet",
            "msexcel",
            "x-excel",
        ]
        .iter()
        .any(|beginning| subtype.starts_with(beginning))
}

/// The first bytes of a body, without the white space and byte order mark before them.
#[derive(Debug, Default)]
pub(super) struct Lead {
    bytes: [u8; LEAD_BYTES],
    length: usize,
    skipped: usize,
    /// UTF-16, of which every other byte is zero where it matters.
    wide: bool,
}

const LEAD_BYTES: usize = 16;

/// White space beyond this is not looked through.
const BLANK_BYTES_MAX: usize = 4096;

impl Lead {
    /// The head says that it is UTF-16.
    pub(super) const fn widen(&mut self) {
        self.wide = true;
    }

    /// Whether it is all there.
    pub(super) const fn is_complete(&self) -> bool {
        self.length == LEAD_BYTES || self.skipped > BLANK_BYTES_MAX
    }

    /// Takes what is missing from the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        let mut rest = piece;
        if self.length == 0 {
            self.wide |= self.skipped == 0 && matches!(rest.first(), Some(0xFE | 0xFF));
            let skippable = |byte: &&u8| {
                byte.is_ascii_whitespace()
                    || matches!(**byte, 0xEF | 0xBB | 0xBF | 0xFE | 0xFF)
                    || self.wide && **byte == 0
            };
            let blank = rest.iter().take_while(skippable).count();
            self.skipped += blank;
            rest = rest.get(blank..).unwrap_or_default();
        }
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        let told = rest.iter().filter(|byte| !self.wide || **byte != 0);
        self.length += free.iter_mut().zip(told).map(|(slot, byte)| *slot = *byte).count();
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether a body that begins so cannot have this form.
    pub(super) fn contradicts(&self, form: Form) -> bool {
        let lead = self.bytes();
        match form {
            Form::Json => self.is_document() || lead.starts_with(b"<"),
            Form::Rows => {
                self.is_document()
                    || lead.starts_with(b"<")
                    || lead.starts_with(b"{")
                    || lead.starts_with(b"[{")
            }
            // A page begins as it likes, and what else has to begin in one way is read so.
            Form::Page | Form::Xml | Form::Hl7v2 | Form::Multipart => self.is_document(),
            Form::Sql => self.begins(MAGIC),
            Form::Any => false,
        }
    }

    /// Whether a body that begins so is a document, an archive or a database.
    pub(super) fn is_document(&self) -> bool {
        self.begins(MAGIC) || self.begins(SQL_MAGIC)
    }

    fn begins(&self, magics: &[&[u8]]) -> bool {
        magics.iter().any(|magic| self.bytes().starts_with(magic))
    }
}

/// ZIP (and so XLSX, DOCX, ODS), PDF, gzip, zstd, 7z, RAR, bzip2, xz, OLE (XLS, DOC), RTF, SQLite, Parquet.
const MAGIC: &[&[u8]] = &[
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"%PDF",
    b"\x1F\x8B",
    b"\x28\xB5\x2F\xFD",
    b"7z\xBC\xAF\x27\x1C",
    b"Rar!",
    b"BZh",
    b"\xFD7zXZ",
    b"\xD0\xCF\x11\xE0",
    b"{\\rtf",
    b"SQLite format 3",
    b"PAR1",
];

/// SQL dumps.
const SQL_MAGIC: &[&[u8]] = &[
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"/*M!999999\\- ena",
    b"-- PostgreSQL da",
    b"-- phpMyAdmin SQ",
    b"-- Adminer ",
];
