//! What a route does, by what was met: a guess, and why.

use super::Met;
use crate::domain::action::Action;

/// What it seems to do, and what speaks for an export.
pub(super) struct Guess {
    pub(super) action: Action,
    /// How its reply could be counted.
    pub(super) reply: Option<String>,
    /// What makes it a candidate for an export.
    pub(super) signs: Vec<String>,
}

pub(super) fn guess(method: &str, met: &Met) -> Guess {
    let signs = signs(met);
    let is_file = met.attachments > 0 || met.media_types.keys().any(|it| is_file(it));
    let action = match method {
        "DELETE" => Action::Delete,
        "PUT" | "PATCH" => Action::Update,
        _ if is_file => Action::Export,
        "POST" if met.records > RECORDS_FEW => Action::Search,
        "POST" => Action::Create,
        _ if met.query_keys.iter().any(|key| is_search(key)) => Action::Search,
        _ if met.records > RECORDS_FEW || met.query_keys.iter().any(|key| is_size(key)) => Action::List,
        _ => Action::View,
    };
    Guess { action, reply: reply(met, is_file), signs }
}

fn signs(met: &Met) -> Vec<String> {
    let mut signs = Vec::new();
    if met.attachments > 0 {
        signs.push("an attachment".to_owned());
    }
    signs.extend(met.media_types.keys().filter(|it| is_file(it)).map(|it| format!("type {it}")));
    if met.records > RECORDS_MANY {
        signs.push(format!("{} records in one reply", met.records));
    }
    signs.extend(met.query_keys.iter().filter(|key| is_size(key)).map(|key| format!("parameter `{key}`")));
    signs
}

/// As a route would write it.
fn reply(met: &Met, is_file: bool) -> Option<String> {
    let opaque = || is_file.then(|| "kind = \"opaque\"".to_owned());
    let Some((usual, _)) = met.media_types.iter().max_by_key(|(_, number)| **number) else { return opaque() };
    let kind = match usual.as_str() {
        "application/fhir+json" => "kind = \"fhir\"",
        _ if is_json(usual) && met.bundles > 0 => "kind = \"fhir\"",
        _ if is_json(usual) => return json(met).or_else(opaque),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/fhir+ndjson" => {
            "kind = \"ndjson\""
        }
        "text/csv" | "application/csv" | "text/comma-separated-values" => "kind = \"csv\"",
        "text/tab-separated-values" => "kind = \"tsv\"",
        "text/html" if met.records > RECORDS_FEW => "kind = \"html\", rows = \"table tbody tr\"",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "kind = \"xlsx\"",
        "application/dicom" => "kind = \"dicom\"",
        _ => return opaque(),
    };
    Some(kind.to_owned())
}

/// The elements of the largest array that was met; what has none has no records to count.
fn json(met: &Met) -> Option<String> {
    match met.records_at.as_deref() {
        None if met.records == 0 => None,
        None | Some("") => Some("kind = \"json\"".to_owned()),
        Some(at) => Some(format!("kind = \"json\", records = \"{at}\"")),
    }
}

fn is_json(media_type: &str) -> bool {
    matches!(media_type, "application/json" | "text/json")
        || media_type.starts_with("application/") && media_type.ends_with("+json")
}

/// A type whose replies are kept as files.
fn is_file(media_type: &str) -> bool {
    const FILES: [&str; 26] = [
        "text/csv",
        "text/tab-separated-values",
        "text/comma-separated-values",
        "text/calendar",
        "text/vcard",
        "text/rtf",
        "text/sql",
        "application/csv",
        "application/octet-stream",
        "application/force-download",
        "application/pdf",
        "application/rtf",
        "application/sql",
        "application/x-sql",
        "application/zip",
        "application/gzip",
        "application/x-gzip",
        "application/x-tar",
        "application/x-7z-compressed",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/fhir+ndjson",
        "application/dicom",
        "application/msword",
        "application/vnd.ms-excel",
    ];
    FILES.contains(&media_type)
        || ["application/vnd.openxmlformats-", "application/vnd.oasis."]
            .iter()
            .any(|it| media_type.starts_with(it))
}

/// A parameter that says how many are asked for.
fn is_size(key: &str) -> bool {
    const SIZES: [&str; 15] = [
        "limit",
        "count",
        "_count",
        "top",
        "$top",
        "max",
        "size",
        "length",
        "rows",
        "pagesize",
        "page_size",
        "per_page",
        "perpage",
        "idisplaylength",
        "s",
    ];
    SIZES.contains(&key.to_ascii_lowercase().as_str())
}

fn is_search(key: &str) -> bool {
    ["q", "query", "search", "term", "filter", "name"].contains(&key.to_ascii_lowercase().as_str())
}

/// More records in one reply than a person looks at.
const RECORDS_MANY: u64 = 200;
/// What is said of one patient repeats itself as often as this, in a page or a resource.
const RECORDS_FEW: u64 = 10;
