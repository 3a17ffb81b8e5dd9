//! Objects of OCSF 1.8 that several classes hold: who acts, where from, what was asked and answered, what was found.

use serde_json::{Value, json};

use super::super::about::{Person, patients_asked_for, patients_only_listed};
use super::super::deed::Deed;
use super::super::text;
use super::{Object, put};
use crate::domain::application::Category;
use crate::domain::detection::{Detection, ReviewState};
use crate::domain::event::{Event, EventStanding, EventSubject, Opening};
use crate::domain::patient::PatientDigest;

/// Somebody or something is called this where the event does not say who or what it is.
const UNKNOWN: &str = "unknown";

/// Who acts, and under which session.
pub(super) fn actor(subject: &EventSubject) -> Value {
    let mut session = Object::new();
    put(&mut session, "uid", subject.session.to_string());
    put(&mut session, "issuer", &*subject.issuer);
    if let Some(is_mfa) = is_mfa(subject) {
        put(&mut session, "is_mfa", is_mfa);
    }
    if let Some(client) = &subject.client {
        put(&mut session, "credential_uid", client.token.to_string());
    }
    let mut actor = Object::new();
    put(&mut actor, "user", acting(subject));
    put(&mut actor, "session", session);
    let provider = subject.standing.as_ref().map(|standing| standing.provider.as_str());
    put(&mut actor, "idp", json!({ "uid": &*subject.issuer, "name": provider.unwrap_or(&subject.issuer) }));
    if let Some(client) = &subject.client {
        put(&mut actor, "app_name", client.name.as_str());
        put(&mut actor, "app_uid", &*client.client_id);
    }
    Value::Object(actor)
}

fn acting(subject: &EventSubject) -> Value {
    let (kind, word) = if subject.client.is_some() { (4, "Service") } else { (1, "User") };
    let groups: Vec<Value> = subject.roles.iter().map(|role| json!({ "name": role.as_str() })).collect();
    let mut user = Object::new();
    put(&mut user, "uid", &*subject.sub);
    put(&mut user, "full_name", &*subject.name);
    put(&mut user, "type_id", kind);
    put(&mut user, "type", word);
    if !groups.is_empty() {
        put(&mut user, "groups", groups);
    }
    let departments = subject.standing.as_ref().map_or(&[][..], EventStanding::departments);
    if !departments.is_empty() {
        let departments = departments.join(", ");
        put(&mut user, "org", json!({ "name": departments, "ou_name": departments }));
    }
    Value::Object(user)
}

/// Whether the provider says that there were several factors (RFC 8176); none where it says nothing of how.
pub(super) fn is_mfa(subject: &EventSubject) -> Option<bool> {
    (!subject.amr.is_empty()).then(|| subject.amr.iter().any(|method| method == "mfa"))
}

/// What somebody sits at, as far as it is known: the class of the device, and the certificate that it has shown.
pub(super) fn device(opening: &Opening) -> Option<Value> {
    let mut device = Object::new();
    if let Some(class) = &opening.device {
        put(&mut device, "name", class.as_str());
    }
    if let Some(certificate) = opening.certificate.as_deref() {
        put(&mut device, "uid", certificate);
    }
    if device.is_empty() {
        return None;
    }
    put(&mut device, "type_id", 0);
    put(&mut device, "type", "Unknown");
    Some(Value::Object(device))
}

/// Whom it is about: who is meant, else who acts, else somebody unknown.
pub(super) fn user(event: &Event) -> Value {
    let acting = event.opening.subject.as_ref().map(|subject| acting(subject));
    let meant = Person::meant(event).map(|meant| person(&meant));
    meant.or(acting).unwrap_or_else(|| json!({ "name": UNKNOWN, "type_id": 0, "type": "Unknown" }))
}

fn person(person: &Person<'_>) -> Value {
    let mut user = Object::new();
    put(&mut user, "uid", person.id);
    if let Some(name) = person.name {
        put(&mut user, "full_name", name);
    }
    Value::Object(user)
}

/// The rules that decided.
pub(super) fn policy(opening: &Opening) -> Option<Value> {
    let rules: Vec<&str> = opening.rules.iter().map(|rule| &**rule).collect();
    let version = opening.rules_version.as_deref()?;
    let uid = if rules.is_empty() { version.to_owned() } else { rules.join(",") };
    Some(json!({ "uid": uid, "name": "access rules", "version": version }))
}

/// What each of them decided.
pub(super) fn authorizations(opening: &Opening) -> Vec<Value> {
    let decision = opening.verdict.as_str();
    if opening.rules.is_empty() {
        return vec![json!({ "decision": decision })];
    }
    opening.rules.iter().map(|rule| json!({ "decision": decision, "policy": { "uid": &**rule } })).collect()
}

/// What was asked.
pub(super) fn request(event: &Event) -> Option<Value> {
    let opening = &*event.opening;
    let mut request = Object::new();
    put(&mut request, "uid", opening.event.to_string());
    put(&mut request, "http_method", opening.method.as_deref()?);
    if let Some(closing) = &event.closing {
        put(&mut request, "body_length", closing.bytes_in);
    }
    if let Some(path) = opening.path.as_deref() {
        let mut url = Object::new();
        put(&mut url, "path", path);
        if let Some(host) = opening.host.as_deref() {
            put(&mut url, "hostname", host);
        }
        if !opening.query_keys.is_empty() {
            // Without values: the journal has none.
            put(&mut url, "query_string", opening.query_keys.join("&"));
        }
        put(&mut request, "url", url);
    }
    Some(Value::Object(request))
}

/// What was answered.
pub(super) fn response(event: &Event) -> Option<Value> {
    let closing = event.closing.as_ref()?;
    let mut response = Object::new();
    put(&mut response, "code", closing.status?);
    put(&mut response, "body_length", closing.bytes_out);
    Some(Value::Object(response))
}

/// The application that was asked.
pub(super) fn destination(opening: &Opening) -> Option<Value> {
    let mut destination = Object::new();
    if let Some(application) = &opening.application {
        put(&mut destination, "svc_name", application.as_str());
    }
    if let Some(host) = opening.host.as_deref() {
        put(&mut destination, "hostname", host);
    }
    (!destination.is_empty()).then_some(Value::Object(destination))
}

/// What was asked for, and the patients whom it concerns: by keyed digests, as the journal knows them.
pub(super) fn resources(event: &Event) -> Vec<Value> {
    let opening = &*event.opening;
    let name = opening
        .route
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| opening.path.as_deref().map(str::to_owned));
    let mut asked = Object::new();
    put(&mut asked, "name", name.unwrap_or_else(|| UNKNOWN.to_owned()));
    put(&mut asked, "type", if opening.route.is_some() { "route" } else { "path" });
    if !opening.categories.is_empty() {
        let classified: Vec<Value> = opening.categories.iter().map(classified).collect();
        put(&mut asked, "data_classifications", classified);
    }
    let named = |patients: Vec<PatientDigest>, stands: &'static str| {
        let one =
            move |patient: PatientDigest| json!({ "type": stands, "uid": patient.digest().to_string() });
        patients.into_iter().map(one)
    };
    [Value::Object(asked)]
        .into_iter()
        .chain(named(patients_asked_for(event), "patient"))
        .chain(named(patients_only_listed(event), "listed patient"))
        .collect()
}

fn classified(category: &Category) -> Value {
    json!({ "category_id": 1, "category": "Personal", "uid": category.as_str() })
}

/// What is administered.
pub(super) fn entity(event: &Event, deed: Deed) -> Value {
    let opening = &*event.opening;
    let thing = |name: &str, kind: &str| json!({ "name": name, "type": kind, "type_id": 99 });
    if let Some(told) = &opening.provisioning {
        return match &told.resource {
            Some(resource) => json!({
                "uid": resource.id.to_string(), "name": resource.name, "type": "Group", "type_id": 3,
            }),
            None => thing(told.provider.as_str(), "directory"),
        };
    }
    if let Some(signal) = &opening.signal {
        return thing(signal.provider.as_str(), "provider");
    }
    if deed == Deed::JournalRead {
        return thing("journal", "audit journal");
    }
    if deed == Deed::KeyRotated {
        return thing("checkpoint key", "signing key");
    }
    match (&opening.rules_version, &opening.application) {
        (Some(version), _) if deed == Deed::Configuration => {
            let policy = json!({ "uid": &**version, "version": &**version, "name": "access rules" });
            json!({ "name": "access rules", "type": "Policy", "type_id": 5, "policy": policy })
        }
        (_, Some(application)) => thing(application.as_str(), "application"),
        (_, None) => thing("gateway", "gateway"),
    }
}

/// What was found, or what somebody says of it.
pub(super) fn finding(event: &Event) -> Value {
    let opening = &*event.opening;
    match (&opening.detection, &opening.review, &opening.gap) {
        (Some(found), _, _) => found_by(found, event),
        (None, Some(review), _) => json!({ "uid": review.detection.to_string() }),
        (None, None, Some(gap)) => json!({
            "uid": opening.event.to_string(),
            "title": Deed::Gap.title(),
            "desc": opening.note,
            "created_time": text::millis(opening.time),
            "first_seen_time": text::millis(gap.from),
            "last_seen_time": text::millis(gap.to),
        }),
        (None, None, None) => json!({ "uid": opening.event.to_string() }),
    }
}

fn found_by(found: &Detection, event: &Event) -> Value {
    let related: Vec<Value> =
        found.requests.iter().map(|request| json!({ "uid": request.to_string() })).collect();
    let rule = found.rule.as_str();
    json!({
        "uid": found.id.to_string(),
        "title": rule,
        "desc": found.why,
        "types": [found.kind.as_str()],
        "analytic": { "type_id": 1, "type": "Rule", "name": rule },
        "created_time": text::millis(event.opening.time),
        "first_seen_time": text::millis(found.since),
        "last_seen_time": text::millis(found.until),
        "related_events": related,
    })
}

/// How far the work on what was found has come: a number and its name.
pub(super) fn progress(event: &Event) -> (u32, &'static str) {
    match event.opening.review.as_ref().map(|review| review.state) {
        None | Some(ReviewState::Open) => (1, "New"),
        Some(ReviewState::Seen) => (2, "In Progress"),
        Some(ReviewState::Closed) => (4, "Resolved"),
    }
}
