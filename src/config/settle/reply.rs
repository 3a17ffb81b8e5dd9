//! How the replies of a route are counted.

use super::route::pointer;
use crate::config::keys::{ENCODINGS, INNER_KINDS, REPLY_KINDS};
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::reply_shape::{
    ArchiveShape, ElementPath, Encoding, FileNames, InsideShape, PackedShape, Packing, PatientLocator,
    PdfRecord, RecordsPointer, ReplyKind, ReplyShape,
};
use crate::domain::row_selector::RowSelector;

pub(super) fn reply(reader: &Reader<'_>) -> Option<ReplyShape> {
    let word = reader.text("kind");
    let of = if reader.has("of") { Some(reader.text_with("of", inner)?) } else { None };
    // What the other keys say is said of what is inside.
    let told = of.clone().or_else(|| word.clone()).unwrap_or_default();
    let written = Written {
        records: reader.text_with("records", |text| records(text, &told)),
        rows: reader.text_with("rows", row_selector),
        delimiter: reader.text_with("delimiter", delimiter),
        header: reader.yes_no("header").unwrap_or(true),
    };
    let patient = reader.text_with("patient", patient);
    let said = reader.yes_no("same_numbers");
    let (entries, besides) = (reader.texts("entries"), reader.texts("besides"));
    let (inside, encoding) = (reader.text_with("inside", pointer), reader.text_with("encoding", encoding));
    let word = word?;
    refuse_of_other_kinds(reader, &word, &told);
    if word == "json" && !reader.has("inside") && (reader.has("of") || reader.has("encoding")) {
        reader.error("inside", "it is not said where the file is", "a pointer such as `\"/data\"`");
    }
    let of = match of {
        Some(word) => Some(Box::new(kind(reader, &word, written)?)),
        None if matches!(word.as_str(), "zip" | "multipart") => None,
        None if reader.has("inside") || packing(&word).is_some() => return missing_of(reader),
        None => Some(Box::new(kind(reader, &word, written)?)),
    };
    let kind = match (word.as_str(), packing(&word), of) {
        ("zip", _, of) => {
            ReplyKind::Zip(ArchiveShape { entries: names(&entries?), besides: names(&besides?), of })
        }
        ("multipart", _, of) => ReplyKind::Multipart { of },
        (_, Some(by), Some(of)) => ReplyKind::Packed(PackedShape { by, of }),
        ("json", None, Some(of)) if reader.has("inside") => {
            ReplyKind::Inside(InsideShape { at: RecordsPointer::read(&inside?), encoding: encoding?, of })
        }
        (_, _, of) => *of?,
    };
    refuse_patient_elsewhere(reader, innermost(&kind), patient.as_ref());
    let same_numbers = same_numbers(reader, said, innermost(&kind), patient.is_some());
    Some(ReplyShape { kind, patient, same_numbers })
}

/// Whether records call patients by the numbers of requests: those of FHIR do, where nobody says otherwise.
fn same_numbers(reader: &Reader<'_>, said: Option<bool>, kind: &ReplyKind, is_named: bool) -> bool {
    let names_its_own = matches!(kind, ReplyKind::FhirBundle | ReplyKind::Hl7v2 | ReplyKind::Dicom);
    if said == Some(true) && !names_its_own && !is_named {
        let problem = "it is not said where a record names its patient";
        reader.error("same_numbers", problem, "`patient`, or no `same_numbers`");
    }
    said.unwrap_or(matches!(kind, ReplyKind::FhirBundle))
}

/// What the keys of a few kinds say.
struct Written {
    records: Option<Records>,
    rows: Option<RowSelector>,
    delimiter: Option<u8>,
    header: bool,
}

/// The kind with this name, for all that is no archive.
fn kind(reader: &Reader<'_>, word: &str, written: Written) -> Option<ReplyKind> {
    let Written { records, rows, delimiter, header } = written;
    Some(match word {
        "csv" => ReplyKind::Csv { delimiter, header },
        "tsv" => ReplyKind::Csv { delimiter: Some(b'\t'), header },
        "json" => match records {
            Some(Records::Array(records)) => ReplyKind::Json { records },
            Some(Records::Elements(_) | Records::Pdf(_)) | None => {
                ReplyKind::Json { records: RecordsPointer::default() }
            }
        },
        "graphql" => ReplyKind::Graphql,
        "fhir" => ReplyKind::FhirBundle,
        "ndjson" => ReplyKind::Ndjson,
        "html" if !reader.has("rows") => return missing(reader, "rows", ROWS),
        "html" => ReplyKind::Html { rows: rows? },
        "xml" => match records {
            Some(Records::Elements(records)) => ReplyKind::Xml { records },
            Some(Records::Array(_) | Records::Pdf(_)) | None if reader.has("records") => return None,
            Some(Records::Array(_) | Records::Pdf(_)) | None => return missing(reader, "records", ELEMENTS),
        },
        "pdf" => match records {
            Some(Records::Pdf(record)) => ReplyKind::Pdf { record },
            Some(Records::Array(_) | Records::Elements(_)) | None if reader.has("records") => return None,
            Some(Records::Array(_) | Records::Elements(_)) | None => return missing(reader, "records", PDF),
        },
        "sql" => ReplyKind::Sql,
        "hl7v2" => ReplyKind::Hl7v2,
        "xlsx" => ReplyKind::Xlsx { header },
        "dicom" => ReplyKind::Dicom,
        "opaque" => ReplyKind::Opaque,
        other => {
            let kinds = REPLY_KINDS.join(", ");
            reader.error("kind", format!("`{other}` is not one of {kinds}"), format!("one of {kinds}"));
            return None;
        }
    })
}

/// A kind that a file inside of another can be.
fn inner(text: &str) -> Result<String, Mistake> {
    if INNER_KINDS.contains(&text) {
        return Ok(text.to_owned());
    }
    let kinds = INNER_KINDS.join(", ");
    Err(Mistake::new(format!("`{text}` is not one of {kinds}"), format!("one of {kinds}")))
}

/// How a file of this kind is packed as a whole, if it is.
fn packing(word: &str) -> Option<Packing> {
    match word {
        "gzip" => Some(Packing::Gzip),
        "zstd" => Some(Packing::Zstd),
        _ => None,
    }
}

fn encoding(text: &str) -> Result<Encoding, Mistake> {
    match text {
        "base64" => Ok(Encoding::Base64),
        "text" => Ok(Encoding::Text),
        other => {
            let words = ENCODINGS.join(", ");
            Err(Mistake::new(format!("`{other}` is not one of {words}"), format!("one of {words}")))
        }
    }
}

fn missing_of(reader: &Reader<'_>) -> Option<ReplyShape> {
    let kinds = INNER_KINDS.join(", ");
    reader.error("of", "it is not said what the file inside holds", format!("one of {kinds}"));
    None
}

fn names(patterns: &[String]) -> FileNames {
    FileNames::any_of(patterns.iter().map(String::as_str))
}

/// What holds the records. An archive whose files are the records has nothing inside of it.
fn innermost(kind: &ReplyKind) -> &ReplyKind {
    if let ReplyKind::Zip(ArchiveShape { of: Some(of), .. })
    | ReplyKind::Packed(PackedShape { of, .. })
    | ReplyKind::Inside(InsideShape { of, .. })
    | ReplyKind::Multipart { of: Some(of) } = kind
    {
        of
    } else {
        kind
    }
}

const ROWS: &str = "a CSS selector of names, `#id`, `.class` and `[attribute=value]` that says what the rows stand in, such as \
                    `\"#list tbody tr\"`";

const ELEMENTS: &str =
    "a path from the root such as `\"/report/row\"`; `*` stands for any name, and prefixes are left out";

const PDF: &str = "`\"pages\"`, or `\"document\"` for what is about one patient whatever its length";

fn missing(reader: &Reader<'_>, name: &str, right: &str) -> Option<ReplyKind> {
    reader.error(name, "it is not said which elements are records", right);
    None
}

fn row_selector(text: &str) -> Result<RowSelector, Mistake> {
    RowSelector::read(text).map_err(|error| Mistake::new(format!("`{text}` {error}"), ROWS))
}

/// Where records are, or what they are, for the kinds of which the application says so.
enum Records {
    Array(RecordsPointer),
    Elements(ElementPath),
    Pdf(PdfRecord),
}

fn records(text: &str, kind: &str) -> Result<Records, Mistake> {
    match (kind, text) {
        ("pdf", "pages") => Ok(Records::Pdf(PdfRecord::Page)),
        ("pdf", "document") => Ok(Records::Pdf(PdfRecord::Document)),
        ("pdf", _) => Err(Mistake::new(format!("`{text}` is not one of pages, document"), PDF)),
        ("xml", _) => {
            let wrong = || Mistake::new(format!("`{text}` is not a path to elements"), ELEMENTS);
            ElementPath::read(text).map(Records::Elements).ok_or_else(wrong)
        }
        _ => pointer(text).map(|text| Records::Array(RecordsPointer::read(&text))),
    }
}

/// The keys that mean something for a few kinds alone.
const OF_KINDS: [(&str, &[&str], &str); 9] = [
    ("records", &["json", "xml", "pdf"], "only for `json`, `xml` and `pdf`"),
    ("rows", &["html"], "only for `html`"),
    ("delimiter", &["csv"], "only for `csv`"),
    ("header", &["csv", "tsv", "xlsx"], "only for `csv`, `tsv` and `xlsx`"),
    ("entries", &["zip"], "only for `zip`"),
    ("besides", &["zip"], "only for `zip`"),
    ("inside", &["json"], "only for `json`"),
    ("encoding", &["json"], "only for `json` with `inside`"),
    (
        "of",
        &["zip", "gzip", "zstd", "multipart", "json"],
        "only for `zip`, `gzip`, `zstd` and `multipart`, and for `json` with `inside`",
    ),
];

/// `told` is what the records are of, inside of what `word` says or the same.
fn refuse_of_other_kinds(reader: &Reader<'_>, word: &str, told: &str) {
    for (name, kinds, right) in OF_KINDS {
        if reader.has(name) && !kinds.contains(&word) && !kinds.contains(&told) {
            reader.error(name, format!("`{name}` means nothing for `{told}`"), right);
        }
    }
}

fn refuse_patient_elsewhere(reader: &Reader<'_>, kind: &ReplyKind, patient: Option<&PatientLocator>) {
    use PatientLocator::{Attribute, Cell, Column, Element, Member};
    let Some(patient) = patient else { return };
    let right = match (kind, patient) {
        (ReplyKind::Csv { header: true, .. } | ReplyKind::Sql, Column(_))
        | (
            ReplyKind::Json { .. } | ReplyKind::Graphql | ReplyKind::FhirBundle | ReplyKind::Ndjson,
            Member(_),
        )
        | (ReplyKind::Html { .. }, Cell(_) | Attribute(_))
        | (ReplyKind::Xml { .. }, Element(_) | Attribute(_)) => return,
        (ReplyKind::Csv { header: false, .. }, Column(_)) => {
            "`header = true`: without names of columns none can be found"
        }
        (ReplyKind::Csv { .. } | ReplyKind::Sql, _) => "`\"column:NAME\"` for rows",
        (
            ReplyKind::Json { .. }
            | ReplyKind::Graphql
            | ReplyKind::LargestArray
            | ReplyKind::FhirBundle
            | ReplyKind::Ndjson,
            _,
        ) => "`\"member:NAME\"` for JSON",
        (ReplyKind::Html { .. }, _) => "`\"cell:NUMBER\"` or `\"attribute:NAME\"` for `html`",
        (ReplyKind::Xml { .. }, _) => "`\"element:NAME\"` or `\"attribute:NAME\"` for `xml`",
        (ReplyKind::Hl7v2, _) => "no `patient`: a message names its own",
        (ReplyKind::Dicom, _) => "no `patient`: an object of DICOM names its own",
        (ReplyKind::Zip(_) | ReplyKind::Packed(_) | ReplyKind::Inside(_), _) => {
            "`of`: what the files in it hold"
        }
        (ReplyKind::Pdf { .. }, _) => "no `patient`: what stands on pages is not read",
        (ReplyKind::Xlsx { .. }, _) => "no `patient`: what stands in cells is not read",
        (ReplyKind::Multipart { .. }, _) => "`of`: what the parts hold",
        (ReplyKind::Opaque, _) => "no `patient`: an opaque reply is not read",
    };
    reader.error("patient", "no record of this kind of reply could be found to name its patient so", right);
}

fn delimiter(text: &str) -> Result<u8, Mistake> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | b'\0') => Ok(*byte),
        _ => Err(Mistake::new(
            format!("{text:?} is not a delimiter"),
            "one ASCII character such as `\",\"`, `\";\"` or `\"\\t\"`",
        )),
    }
}

fn patient(text: &str) -> Result<PatientLocator, Mistake> {
    let wrong = || {
        let right = "`\"column:NAME\"`, `\"member:NAME\"`, `\"element:NAME\"`, `\"attribute:NAME\"` or `\"cell:NUMBER\"`";
        Mistake::new(format!("`{text}` does not say where a record names its patient"), right)
    };
    let (place, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or_else(wrong)?;
    match place {
        "column" => Ok(PatientLocator::Column(name.to_owned())),
        "member" => Ok(PatientLocator::Member(name.to_owned())),
        "element" => Ok(PatientLocator::Element(name.to_owned())),
        "attribute" => Ok(PatientLocator::Attribute(name.to_owned())),
        "cell" => match name.parse() {
            Ok(number @ 1..=u16::MAX) => Ok(PatientLocator::Cell(number)),
            Ok(0) | Err(_) => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}
