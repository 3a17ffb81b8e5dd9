//! Log records by OTLP over HTTP in JSON: the envelope, and a success that is partial (OTLP 1.x, "OTLP/HTTP Response").

use serde::Deserialize;

use super::answer::{Answer, Refusal};
use super::document::Document;
use super::format::{Teller, otel};

/// `ExportLogsServiceRequest`: who tells of it, and these records.
pub(super) fn envelope(documents: &[Document], node: &str) -> Vec<u8> {
    otel::envelope(documents.iter().map(|document| &document.bytes[..]), &Teller { node })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    partial_success: Option<PartialSuccess>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PartialSuccess {
    /// A 64-bit number, which JSON has as a text.
    #[serde(default)]
    rejected_log_records: serde_json::Value,
    #[serde(default)]
    error_message: String,
}

/// What a reply with a status of success says. Without rejected records, a message is only a warning.
pub(super) fn answered(body: &[u8]) -> Answer {
    let partial = serde_json::from_slice::<Reply>(body).ok().and_then(|reply| reply.partial_success);
    let Some(PartialSuccess { rejected_log_records: rejected, error_message }) = partial else {
        return Answer::Taken;
    };
    let rejected = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0);
    if rejected == 0 {
        return Answer::Taken;
    }
    let why = format!("it rejected {rejected} records of a batch");
    Answer::AllBut(rejected, Refusal::because(why, error_message.as_bytes()))
}
