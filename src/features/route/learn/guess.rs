//! What a route does, by what was met: a guess, and why.

use super::Met;
use crate::domain::action::Action;

/// What it seems to do, and what speaks for an export.
pub(super) struct Guess {
    pub(super) action: Action,
    /// How its reply could be counted.
    pub(super) reply: Option<&'static str>,
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
        "POST" => Action::Create,
        _ if met.query_keys.iter().any(|key| is_search(key)) => Action::Search,
        _ if met.records > 1 || met.query_keys.iter().any(|key| is_size(key)) => Action::List,
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

fn reply(met: &Met, is_file: bool) -> Option<&'static str> {
    let (usual, _) = met.media_types.iter().max_by_key(|(_, number)| **number)?;
    match usual.as_str() {
        "application/json" => Some("json"),
        "application/fhir+json" => Some("fhir"),
        "application/x-ndjson" | "application/fhir+ndjson" => Some("ndjson"),
        "text/csv" => Some("csv"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some("xlsx"),
        "application/dicom" => Some("dicom"),
        _ => is_file.then_some("opaque"),
    }
}

/// A type whose replies are kept as files.
fn is_file(media_type: &str) -> bool {
    const FILES: [&str; 16] = [
        "text/csv",
        "text/tab-separated-values",
        "text/calendar",
        "text/vcard",
        "application/csv",
        "application/octet-stream",
        "application/pdf",
        "application/sql",
        "application/zip",
        "application/gzip",
        "application/x-gzip",
        "application/x-ndjson",
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
    const SIZES: [&str; 11] = [
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
        "idisplaylength",
    ];
    SIZES.contains(&key.to_ascii_lowercase().as_str())
}

fn is_search(key: &str) -> bool {
    ["q", "query", "search", "term", "filter", "name"].contains(&key.to_ascii_lowercase().as_str())
}

/// More records in one reply than a person looks at.
const RECORDS_MANY: u64 = 200;
