//! Events of the Open Cybersecurity Schema Framework, version 1.8: each in the class that fits it, with the profiles `host`,
//! `security_control`, `datetime`, for what is asked of applications `network_proxy` and, where there are categories, `data_classification`. What the framework has no place for is
//! `unmapped`, by our names.

mod class;
mod objects;

use serde_json::{Value, json};

use self::class::{Class, activity};
use super::deed::Deed;
use super::ending::{self, Ending, Fault};
use super::facts::Facts;
use super::{PRODUCT, Teller, VERSION, text};
use crate::domain::event::{Event, EventSubject};

type Object = serde_json::Map<String, Value>;

/// One event as an object in one line.
pub(super) fn document(event: &Event, teller: &Teller<'_>) -> Vec<u8> {
    let (deed, ending) = (Deed::of(event), Ending::of(event));
    let class = Class::of(event, deed);
    let mut written = Object::new();
    classify(&mut written, class, deed);
    happened(&mut written, event, (deed, ending), class);
    put(&mut written, "metadata", metadata(event, class, (deed, ending), teller));
    decided(&mut written, event, (deed, ending));
    took_part(&mut written, event, class);
    particular(&mut written, event, (class, deed), teller);
    // Facts are texts, numbers and lists of texts: they can be written.
    put(&mut written, "unmapped", serde_json::to_value(Facts::of(event)).unwrap_or_default());
    Value::Object(written).to_string().into_bytes()
}

fn put(object: &mut Object, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}

fn classify(written: &mut Object, class: Class, deed: Deed) {
    let ((class_uid, class_name), (category, category_name)) = (class.named(), class.category());
    let (activity, activity_name) = activity(class, deed);
    put(written, "category_uid", category);
    put(written, "category_name", category_name);
    put(written, "class_uid", class_uid);
    put(written, "class_name", class_name);
    put(written, "activity_id", activity);
    put(written, "activity_name", activity_name);
    put(written, "type_uid", class_uid * 100 + activity);
    put(written, "type_name", format!("{class_name}: {activity_name}"));
}

fn happened(written: &mut Object, event: &Event, (deed, ending): (Deed, Ending), class: Class) {
    let closing = event.closing.as_ref();
    let time = closing.map_or(event.opening.time, |closing| closing.time);
    put(written, "time", text::millis(time));
    put(written, "time_dt", text::instant(time));
    let (severity, word) = match ending::severity(event, deed, ending) {
        0..=1 => (1, "Informational"),
        2..=3 => (2, "Low"),
        4..=6 => (3, "Medium"),
        7..=8 => (4, "High"),
        _ => (5, "Critical"),
    };
    put(written, "severity_id", severity);
    put(written, "severity", word);
    put(written, "message", format!("{} {}", deed.title(), ending.as_str()));
    let (status, word) =
        if class == Class::DetectionFinding { objects::progress(event) } else { status(ending) };
    put(written, "status_id", status);
    put(written, "status", word);
    if let Some(reason) = ending::reason(event) {
        put(written, "status_detail", reason.as_str());
    }
    if let Some(status) = closing.and_then(|closing| closing.status) {
        put(written, "status_code", status.to_string());
    }
}

const fn status(ending: Ending) -> (u32, &'static str) {
    match ending {
        Ending::Allowed | Ending::Modified => (1, "Success"),
        Ending::Challenged | Ending::Denied | Ending::Withheld | Ending::Aborted | Ending::Failed => {
            (2, "Failure")
        }
        Ending::Unknown => (0, "Unknown"),
    }
}

fn metadata(event: &Event, class: Class, (deed, ending): (Deed, Ending), teller: &Teller<'_>) -> Value {
    let mut profiles = vec!["datetime", "host", "security_control"];
    if class == Class::WebResourcesActivity {
        profiles.insert(2, "network_proxy");
    }
    if has_resources(class) && !event.opening.categories.is_empty() {
        profiles.insert(0, "data_classification");
    }
    json!({
        "version": "1.8.0",
        "uid": event.opening.event.to_string(),
        "sequence": event.sequence,
        "event_code": ending::word(deed, ending),
        "log_name": "audit journal",
        "profiles": profiles,
        "product": product(),
        "reporter": reporter(teller),
    })
}

/// The gateway itself.
fn reporter(teller: &Teller<'_>) -> Value {
    json!({ "uid": teller.node, "name": teller.node })
}

fn product() -> Value {
    json!({ "name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION })
}

const fn has_resources(class: Class) -> bool {
    matches!(class, Class::WebResourcesActivity | Class::ApiActivity)
}

/// What the gateway did about it.
fn decided(written: &mut Object, event: &Event, (deed, ending): (Deed, Ending)) {
    let is_unauthorized = ending::reason(event).map(ending::fault) == Some(Fault::Unauthorized);
    let ((action, action_word), (disposition, disposition_word)) = match ending {
        Ending::Allowed => ((1, "Allowed"), (1, "Allowed")),
        Ending::Modified => ((4, "Modified"), (1, "Allowed")),
        // Not `Challenge`, which means a silent test of a browser.
        Ending::Challenged => ((2, "Denied"), (99, "challenged")),
        Ending::Denied if is_unauthorized => ((2, "Denied"), (26, "Unauthorized")),
        Ending::Denied | Ending::Withheld => ((2, "Denied"), (2, "Blocked")),
        Ending::Aborted | Ending::Failed => ((99, ending.as_str()), (27, "Error")),
        Ending::Unknown => ((0, "Unknown"), (0, "Unknown")),
    };
    put(written, "action_id", action);
    put(written, "action", action_word);
    put(written, "disposition_id", disposition);
    put(written, "disposition", disposition_word);
    put(written, "is_alert", deed.is_alert());
    if let Some(policy) = objects::policy(&event.opening) {
        put(written, "policy", policy);
    }
    put(written, "authorizations", objects::authorizations(&event.opening));
}

fn took_part(written: &mut Object, event: &Event, class: Class) {
    let opening = &*event.opening;
    if let Some(device) = objects::device(opening) {
        put(written, "device", device);
    }
    if let Some(subject) = &opening.subject {
        put(written, "actor", objects::actor(subject));
    }
    if class.has_http() {
        if let Some(address) = opening.client_ip {
            put(written, "src_endpoint", json!({ "ip": address.to_string() }));
        }
        if let Some(request) = objects::request(event) {
            put(written, "http_request", request);
        }
        if let Some(response) = objects::response(event) {
            put(written, "http_response", response);
        }
    }
    if let Some(destination) = objects::destination(opening).filter(|_| class.has_destination()) {
        put(written, "dst_endpoint", destination);
    }
}

/// What only this class has.
fn particular(written: &mut Object, event: &Event, (class, deed): (Class, Deed), teller: &Teller<'_>) {
    let opening = &*event.opening;
    match class {
        Class::Base => {}
        Class::DetectionFinding => {
            put(written, "finding_info", objects::finding(event));
            if opening.detection.is_some() {
                put(written, "evidences", json!([{ "user": objects::user(event) }]));
            }
            if let Some(note) = opening.review.as_ref().and_then(|review| review.note.as_ref()) {
                put(written, "comment", note.as_str());
            }
        }
        Class::AccountChange => put(written, "user", objects::user(event)),
        Class::Authentication => {
            put(written, "user", objects::user(event));
            put(written, "service", json!({ "name": PRODUCT }));
            put(written, "is_remote", true);
            if let Some(subject) = &opening.subject {
                authenticated(written, subject);
            }
        }
        Class::AuthorizeSession => {
            put(written, "user", objects::user(event));
            let purpose = opening.purpose.as_ref().map(|purpose| purpose.now.hl7_code());
            put(written, "privileges", purpose.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
        Class::EntityManagement => put(written, "entity", objects::entity(event, deed)),
        Class::WebResourcesActivity => {
            put(written, "web_resources", objects::resources(event));
            put(written, "proxy_endpoint", reporter(teller));
        }
        Class::ApplicationLifecycle => put(written, "app", product()),
        Class::ApiActivity => {
            let method = opening.method.as_deref().unwrap_or("unknown");
            let operation = opening.action.map_or(method, |action| action.as_str());
            let service = opening.application.as_ref().map_or(PRODUCT, |application| application.as_str());
            put(written, "api", json!({ "operation": operation, "service": { "name": service } }));
            put(written, "resources", objects::resources(event));
        }
    }
}

fn authenticated(written: &mut Object, subject: &EventSubject) {
    put(written, "session", json!({ "uid": subject.session.to_string() }));
    put(written, "auth_protocol_id", 4);
    put(written, "auth_protocol", "OpenID");
    if let Some(is_mfa) = objects::is_mfa(subject) {
        put(written, "is_mfa", is_mfa);
    }
}
