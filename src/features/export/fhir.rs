//! Resources to a FHIR server: a batch that creates each, and what its reply says of each (FHIR R4, `http.html#transaction`;
//! IHE ITI-20, FHIR feed).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{Answer, Fate, Later, Refusal};
use super::document::Document;

/// The media type of both.
pub(super) const MEDIA_TYPE: &str = "application/fhir+json";

#[derive(Serialize)]
struct Batch<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'static str,
    r#type: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    resource: &'a RawValue,
    request: Request,
}

#[derive(Serialize)]
struct Request {
    method: &'static str,
    url: &'static str,
}

/// A bundle that creates each as an `AuditEvent`; none where one is no JSON.
pub(super) fn batch(documents: &[Document]) -> Option<Vec<u8>> {
    let resources: Vec<Box<RawValue>> = documents
        .iter()
        .map(|document| serde_json::from_slice(&document.bytes).ok())
        .collect::<Option<_>>()?;
    let entry = resources
        .iter()
        .map(|resource| Entry { resource, request: Request { method: "POST", url: "AuditEvent" } })
        .collect();
    serde_json::to_vec(&Batch { resource_type: "Bundle", r#type: "batch", entry }).ok()
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    entry: Vec<ReplyEntry>,
}

#[derive(Deserialize)]
struct ReplyEntry {
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    status: String,
    #[serde(default)]
    outcome: serde_json::Value,
}

/// What the reply says of each of so many entries.
pub(super) fn answered(body: &[u8], entries: usize) -> Answer {
    let reply: Option<Reply> = serde_json::from_slice(body).ok();
    let fates: Option<Vec<Fate>> = reply.map(|reply| reply.entry.iter().map(fate).collect());
    match fates {
        Some(fates) if fates.len() == entries => Answer::Each(fates),
        Some(_) | None => Answer::Later(Later::because("its reply does not tell of each entry of the batch")),
    }
}

/// The status is an HTTP status, maybe with its phrase: `201 Created`.
fn fate(entry: &ReplyEntry) -> Fate {
    let Some(Response { status, outcome }) = &entry.response else {
        return Fate::Later(Later::because("an entry of its reply has no status"));
    };
    let code = status.split_ascii_whitespace().next().and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(200..=299) => Fate::Taken,
        Some(code @ (400 | 412 | 413 | 422)) => {
            let said = if outcome.is_null() { String::new() } else { outcome.to_string() };
            Fate::Refused(Refusal::because(format!("it answered {code} to an entry"), said.as_bytes()))
        }
        Some(code) => Fate::Later(Later::because(format!("it answered {code} to an entry"))),
        None => Fate::Later(Later::because("an entry of its reply has no status")),
    }
}
