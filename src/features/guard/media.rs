//! What a reply says that it is.

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
    /// A file that is no text: an archive, a packed file, a workbook, an object of DICOM, a PDF.
    File,
    Any,
}

impl Form {
    pub(super) const fn of(kind: &ReplyKind) -> Self {
        match kind {
            ReplyKind::Json { .. }
            | ReplyKind::Graphql
            | ReplyKind::LargestArray
            | ReplyKind::FhirBundle
            | ReplyKind::Ndjson
            | ReplyKind::Inside(_) => Self::Json,
            ReplyKind::Csv { .. } => Self::Rows,
            ReplyKind::Html { .. } => Self::Page,
            ReplyKind::Xml { .. } => Self::Xml,
            ReplyKind::Sql => Self::Sql,
            ReplyKind::Hl7v2 => Self::Hl7v2,
            ReplyKind::Multipart { .. } => Self::Multipart,
            ReplyKind::Zip(_)
            | ReplyKind::Packed(_)
            | ReplyKind::Xlsx { .. }
            | ReplyKind::Dicom
            | ReplyKind::Pdf { .. } => Self::File,
            ReplyKind::Opaque => Self::Any,
        }
    }

    /// Whether its bytes are characters, which may be encoded in several ways.
    pub(super) const fn is_text(self) -> bool {
        match self {
            Self::Json | Self::Rows | Self::Page | Self::Xml | Self::Sql | Self::Hl7v2 | Self::Multipart => {
                true
            }
            Self::File | Self::Any => false,
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
            Form::File => matches!(self.family(), Family::Document | Family::Generic),
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
        // What a route declares to be such a text is looked at under any name.
        let is_text = matches!(form, Form::Rows | Form::Sql | Form::Hl7v2);
        typed || self.is_attached() || !is_text && self.is_named_as_file()
    }

    /// Whether it is data in another form than the route declares, which nobody counts: what `_format=xml` or `Accept`
    /// brings in place of JSON, or a stream of events. A page in its place may be what a person is told, and its size says
    /// more (`is_page_for_data`); but not at FHIR, where it is another writing of the same resources.
    pub(super) fn is_other_data(&self, kind: &ReplyKind) -> bool {
        let form = Form::of(kind);
        let is_page = matches!(self.family(), Family::Html | Family::Xhtml);
        let is_page_of_data = is_page && matches!(kind, ReplyKind::FhirBundle);
        match form {
            // Nobody has said what else it could be.
            Form::Any => false,
            // What a script asks for beside a page is a route of its own.
            Form::Page => self.is_events(),
            Form::Json | Form::Rows | Form::Xml | Form::Sql | Form::Hl7v2 | Form::Multipart | Form::File => {
                is_page_of_data || !is_page && !self.may_be(form) && !self.is_asset()
            }
        }
    }

    /// Whether it is a page where the route declares data.
    pub(super) const fn is_page_for_data(&self, form: Form) -> bool {
        match form {
            Form::Any | Form::Page => false,
            Form::Json | Form::Rows | Form::Xml | Form::Sql | Form::Hl7v2 | Form::Multipart | Form::File => {
                matches!(self.family(), Family::Html | Family::Xhtml)
            }
        }
    }

    /// Whether rows could come under this type where none are expected: as text to look at, which is how some
    /// applications show an export.
    pub(super) fn may_hide_rows(&self, form: Form) -> bool {
        let is_bare = self.family() == Family::Generic && matches!(&*self.essence, "" | "text/plain");
        match form {
            Form::Any | Form::Page | Form::Xml | Form::Multipart => is_bare,
            // What is said to be JSON, and begins like none.
            Form::Json => is_bare || self.family() == Family::Json,
            Form::Rows | Form::Sql | Form::Hl7v2 | Form::File => false,
        }
    }

    fn is_attached(&self) -> bool {
        self.headers.get_all(CONTENT_DISPOSITION).iter().any(|value| {
            let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"attachment")
        })
    }

    /// Whether it has the name of a file that nobody looks at in a page, attached or not: browsers save what they
    /// cannot show, and some applications leave `attachment` out.
    fn is_named_as_file(&self) -> bool {
        self.headers.get_all(CONTENT_DISPOSITION).iter().any(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            let names = text.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
            names.filter(|(name, _)| matches!(name.trim(), "filename" | "filename*")).any(|(_, file)| {
                EXTENSIONS.contains(&file.trim().trim_matches('"').rsplit('.').next().unwrap_or(""))
            })
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

/// Of names of files: tables, dumps, archives, databases, documents.
const EXTENSIONS: [&str; 36] = [
    "csv", "tsv", "xls", "xlsx", "xlsm", "xlsb", "ods", "sql", "dump", "bak", "ndjson", "jsonl", "hl7",
    "zip", "gz", "tgz", "7z", "rar", "tar", "bz2", "xz", "zst", "mdb", "accdb", "sqlite", "sqlite3", "db",
    "parquet", "dcm", "pdf", "rtf", "doc", "docx", "odt", "dbf", "sav",
];

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
