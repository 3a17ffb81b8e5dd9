//! Log records of OpenTelemetry, in the JSON of its protocol (OTLP 1): what semantic conventions have a name for has that, the
//! rest is below `leastway.`.

use serde_json::{Value as Json, json};

use super::about::{patients_asked_for, patients_only_listed};
use super::deed::Deed;
use super::ending::{self, Ending};
use super::facts::{Facts, Value};
use super::{Teller, VERSION, text};
use crate::domain::application::RoleName;
use crate::domain::event::Event;
use crate::domain::patient::PatientDigest;

/// One `LogRecord` in one line. Several go to a receiver in an [`envelope`].
pub(super) fn document(event: &Event, _teller: &Teller<'_>) -> Vec<u8> {
    let (deed, ending) = (Deed::of(event), Ending::of(event));
    let ended = event.closing.as_ref().map_or(event.opening.time, |closing| closing.time);
    let (number, word) = severity(ending::severity(event, deed, ending));
    let mut attributes = attributes(event, ending);
    attributes.extend(Facts::of(event).iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => string(text),
            Value::Number(number) => integer(*number),
            Value::Flag(flag) => json!({ "boolValue": flag }),
            Value::List(texts) => list(texts.iter().map(String::as_str)),
        };
        attribute(&format!("leastway.{name}"), &value)
    }));
    let record = json!({
        "timeUnixNano": nanoseconds(text::millis(event.opening.time)),
        "observedTimeUnixNano": nanoseconds(text::millis(ended)),
        "severityNumber": number,
        "severityText": word,
        "body": string(&format!("{} {}", deed.title(), ending.as_str())),
        "attributes": attributes,
        "eventName": format!("leastway.{}", ending::word(deed, ending)),
    });
    record.to_string().into_bytes()
}

/// What a receiver takes (`ExportLogsServiceRequest`), in one line: these records, as [`documents`](super::documents) has written
/// them, from this node.
pub fn envelope<'a>(records: impl IntoIterator<Item = &'a [u8]>, teller: &Teller<'_>) -> Vec<u8> {
    let resource = json!([
        attribute("service.name", &string("leastway")),
        attribute("service.version", &string(VERSION)),
        attribute("service.instance.id", &string(teller.node)),
    ]);
    let scope = json!({ "name": "leastway.audit", "version": VERSION });
    let mut written = format!(
        "{{\"resourceLogs\":[{{\"resource\":{{\"attributes\":{resource}}},\"scopeLogs\":[{{\"scope\":{scope},\"logRecords\":["
    )
    .into_bytes();
    for (place, record) in records.into_iter().enumerate() {
        if place > 0 {
            written.push(b',');
        }
        written.extend_from_slice(record);
    }
    written.extend_from_slice(b"]}]}]}");
    written
}

/// What semantic conventions name.
fn attributes(event: &Event, ending: Ending) -> Vec<Json> {
    let opening = &*event.opening;
    let closing = event.closing.as_ref();
    let mut told = vec![
        attribute("leastway.event.id", &string(&opening.event.to_string())),
        attribute("leastway.event.sequence", &integer(event.sequence)),
        attribute("leastway.outcome", &string(ending.as_str())),
    ];
    let mut say = |name: &str, value: Option<Json>| told.extend(value.map(|value| attribute(name, &value)));
    say("leastway.reason", ending::reason(event).map(|reason| string(reason.as_str())));
    let is_error = match ending {
        Ending::Aborted | Ending::Failed => true,
        Ending::Allowed
        | Ending::Modified
        | Ending::Challenged
        | Ending::Denied
        | Ending::Withheld
        | Ending::Unknown => false,
    };
    let error = ending::reason(event).filter(|_| is_error);
    say("error.type", error.map(|reason| string(reason.as_str())));
    say("client.address", opening.client_ip.map(|address| string(&address.to_string())));
    say("server.address", opening.host.as_deref().map(string));
    let method = opening.method.as_deref();
    say("http.request.method", method.map(|method| string(if is_usual(method) { method } else { "_OTHER" })));
    say("http.request.method_original", method.filter(|method| !is_usual(method)).map(string));
    // The pattern of the route, in which no patient is named.
    say("http.route", opening.route.as_ref().and(opening.path.as_deref()).map(string));
    say("url.path", opening.path.as_deref().filter(|_| opening.route.is_none()).map(string));
    let has_http = method.is_some();
    say("http.response.status_code", closing.and_then(|it| it.status).map(|status| integer(status.into())));
    say("http.request.body.size", closing.filter(|_| has_http).map(|it| integer(it.bytes_in)));
    say("http.response.body.size", closing.filter(|_| has_http).map(|it| integer(it.bytes_out)));
    if let Some(subject) = &opening.subject {
        say("user.id", Some(string(&subject.sub)));
        say("user.full_name", Some(string(&subject.name)));
        say("user.roles", Some(list(subject.roles.iter().map(RoleName::as_str))));
        say("session.id", Some(string(&subject.session.to_string())));
        say("leastway.user.issuer", Some(string(&subject.issuer)));
    }
    say("leastway.patient.digests", digests(&patients_asked_for(event)));
    say("leastway.patient.listed", digests(&patients_only_listed(event)));
    told
}

/// None where there are none.
fn digests(patients: &[PatientDigest]) -> Option<Json> {
    let digests: Vec<String> = patients.iter().map(|patient| patient.digest().to_string()).collect();
    (!digests.is_empty()).then(|| list(digests.iter().map(String::as_str)))
}

/// The methods of RFC 9110 and RFC 5789, which semantic conventions know.
fn is_usual(method: &str) -> bool {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"].contains(&method)
}

fn attribute(key: &str, value: &Json) -> Json {
    json!({ "key": key, "value": value })
}

fn string(text: &str) -> Json {
    json!({ "stringValue": text })
}

/// 64 bits are a text in OTLP's JSON, and signed.
fn integer(number: u64) -> Json {
    json!({ "intValue": i64::try_from(number).unwrap_or(i64::MAX).to_string() })
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> Json {
    json!({ "arrayValue": { "values": texts.map(string).collect::<Vec<_>>() } })
}

/// 64 bits, as a text; the last one from the year 2554 on.
fn nanoseconds(millis: u64) -> String {
    millis.saturating_mul(1_000_000).to_string()
}

const fn severity(severity: u8) -> (u8, &'static str) {
    match severity {
        0..=3 => (9, "INFO"),
        4..=6 => (13, "WARN"),
        _ => (17, "ERROR"),
    }
}
