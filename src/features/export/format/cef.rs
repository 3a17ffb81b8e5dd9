//! Common Event Format (CEF), version 0, as its vendor has published it: a header of seven fields, and keys with values.
//!
//! The format has few places: what has none is named by the pattern that it prescribes for a vendor's own keys, such as
//! `LeastwayLimitName`. Values are cut to the lengths of its dictionary.

use std::net::IpAddr;

use super::about::{Person, patients};
use super::deed::Deed;
use super::ending::{self, Ending};
use super::facts::{Facts, Value};
use super::{PRODUCT, Teller, VERSION, text};
use crate::domain::application::RoleName;
use crate::domain::event::Event;

/// One line.
pub(super) fn document(event: &Event, teller: &Teller<'_>) -> Vec<u8> {
    let (deed, ending) = (Deed::of(event), Ending::of(event));
    let header = [
        PRODUCT,
        PRODUCT,
        VERSION,
        ending::word(deed, ending),
        &format!("{} {}", deed.title(), ending.as_str()),
        &ending::severity(event, deed, ending).to_string(),
    ];
    let mut line = Line("CEF:0|".to_owned());
    for field in header {
        line.field(field);
    }
    let facts = Facts::of(event);
    line.told_by(event, teller);
    line.ended(event, ending);
    line.asked(event);
    line.took_part(event);
    line.custom(event, &facts);
    line.own(&facts);
    line.0.truncate(line.0.trim_end().len());
    line.0.into_bytes()
}

/// A line that grows.
struct Line(String);

impl Line {
    /// A field of the header.
    fn field(&mut self, text: &str) {
        for c in text::line(text).unwrap_or_default().chars() {
            if matches!(c, '\\' | '|') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push('|');
    }

    /// A key and its value, where there is one.
    fn key(&mut self, key: &str, value: &str) {
        let Some(value) = text::line(value) else { return };
        self.0.push_str(key);
        self.0.push('=');
        for c in value.chars().take(CHARACTERS_MAX) {
            if matches!(c, '\\' | '=') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push(' ');
    }

    fn key_of(&mut self, key: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.key(key, &value.to_string());
        }
    }

    /// A custom key with its label.
    fn labelled(&mut self, key: &str, label: &str, value: Option<impl ToString>) {
        if let Some(value) = value.and_then(|value| text::line(&value.to_string())) {
            self.key(&format!("{key}Label"), label);
            self.key(key, &value);
        }
    }

    fn told_by(&mut self, event: &Event, teller: &Teller<'_>) {
        let closing = event.closing.as_ref();
        self.key("externalId", &event.opening.event.to_string());
        self.key_of("rt", Some(text::millis(closing.map_or(event.opening.time, |closing| closing.time))));
        self.key_of("start", Some(text::millis(event.opening.time)));
        self.key_of("end", closing.map(|closing| text::millis(closing.time)));
        self.key("deviceExternalId", teller.node);
    }

    fn ended(&mut self, event: &Event, ending: Ending) {
        let outcome = match ending {
            Ending::Allowed | Ending::Modified => "success",
            Ending::Challenged | Ending::Denied | Ending::Withheld | Ending::Aborted | Ending::Failed => {
                "failure"
            }
            Ending::Unknown => "unknown",
        };
        self.key("act", ending.as_str());
        self.key("outcome", outcome);
        self.key_of("reason", ending::reason(event));
    }

    fn asked(&mut self, event: &Event) {
        let opening = &*event.opening;
        self.key_of("requestMethod", opening.method.as_deref());
        self.key_of("request", opening.path.as_deref());
        self.key_of("dhost", opening.host.as_deref());
        self.key_of("in", event.closing.as_ref().map(|closing| closing.bytes_in));
        self.key_of("out", event.closing.as_ref().map(|closing| closing.bytes_out));
        match opening.client_ip {
            // `src` holds an address of version 4 and no other.
            Some(IpAddr::V4(address)) => self.key("src", &address.to_string()),
            Some(IpAddr::V6(address)) => self.labelled("c6a2", "Source IPv6 Address", Some(address)),
            None => {}
        }
    }

    fn took_part(&mut self, event: &Event) {
        if let Some(subject) = &event.opening.subject {
            self.key("suid", &subject.sub);
            self.key("suser", &subject.name);
            let roles: Vec<&str> = subject.roles.iter().map(RoleName::as_str).collect();
            self.key("spriv", &roles.join(","));
            self.key("LeastwayIssuer", &subject.issuer);
        }
        if let Some(meant) = Person::meant(event) {
            self.key("duid", meant.id);
        }
    }

    fn custom(&mut self, event: &Event, facts: &Facts) {
        let opening = &*event.opening;
        let number = |name: &str| facts.get(name).map(Value::text);
        self.labelled("cn1", "records", number("records"));
        self.labelled("cn2", "patients", number("patients"));
        let waited = event.closing.as_ref().and_then(|closing| closing.upstream_us);
        self.labelled("cn3", "upstream milliseconds", waited.map(|us| us / 1000));
        self.labelled("cs1", "purpose of use", number("purpose.code"));
        let rules: Vec<&str> = opening.rules.iter().map(|rule| &**rule).collect();
        let version =
            opening.rules_version.as_deref().map(|version| format!("{}@{version}", rules.join(",")));
        self.labelled("cs2", "rule@version", version);
        let patients = patients(event);
        let named = patients.first().map(|first| format!("{} (1 of {})", first.digest(), patients.len()));
        self.labelled("cs3", "patient digest", named);
        self.labelled("cs4", "number", number("justification.number"));
        self.labelled("cs5", "categories", number("categories"));
        let limit = event.closing.as_ref().and_then(|closing| closing.exceeded);
        let limit = limit.map(|it| format!("{} {} of {}", it.limit, it.actual, it.allowed));
        self.labelled("flexString1", "limit", limit);
        let proven = opening.subject.as_ref().map(|subject| {
            let class = subject.acr.as_deref().unwrap_or("-");
            format!("{class} {}", subject.amr.join(","))
        });
        self.labelled("flexString2", "acr amr", proven);
        self.key_of("LeastwayStatus", event.closing.as_ref().and_then(|closing| closing.status));
        self.key_of("LeastwaySequence", Some(event.sequence));
    }

    /// Whatever has no place yet.
    fn own(&mut self, facts: &Facts) {
        for (name, value) in facts.iter().filter(|(name, _)| !PLACED.contains(name)) {
            let key = match name {
                "action" => "cat".to_owned(),
                "application" => "destinationServiceName".to_owned(),
                "upstream.account" => "duser".to_owned(),
                "justification.text" | "note" if self.is_free("msg") => "msg".to_owned(),
                other => own_key(other),
            };
            self.key(&key, &value.text());
        }
    }

    fn is_free(&self, key: &str) -> bool {
        !self.0.contains(&format!(" {key}="))
    }
}

/// `Leastway` and the words of a name, each with a capital: letters and digits only.
fn own_key(name: &str) -> String {
    name.split(['.', '_']).fold(PRODUCT.to_owned(), |mut key, word| {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            key.push(first.to_ascii_uppercase());
            key.push_str(letters.as_str());
        }
        key
    })
}

/// What has its place among the keys of the format.
const PLACED: [&str; 12] = [
    "bytes.in",
    "bytes.out",
    "categories",
    "justification.number",
    "limit.actual",
    "limit.allowed",
    "limit.name",
    "patients",
    "policy.rules",
    "purpose.code",
    "records",
    "upstream_us",
];

/// The shortest limit of the dictionary for what may be long: names, requests, messages.
const CHARACTERS_MAX: usize = 1023;
