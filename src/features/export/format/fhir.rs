//! `AuditEvent` of FHIR R4 (hl7.org/fhir/R4/auditevent.html), along IHE BALP.
//!
//! A receiver that is asked to put it by its `id`, or to create it unless one with this identifier is there, keeps one of several
//! copies. Patients are identified by keyed digests in a system of ours: who keeps the journal's key can tell whose they are, and
//! a receiver can tell that two are the same.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value, json};

use super::message::code::{ACT_REASON, Code};
use super::message::{Agent, Entity, Identifier, Message, Named, ObjectRole};
use super::text;

/// One message as a resource in one line.
pub(super) fn document(message: &Message) -> Vec<u8> {
    resource(message).to_string().into_bytes()
}

fn resource(message: &Message) -> Value {
    let mut resource = Map::new();
    resource.insert("resourceType".to_owned(), "AuditEvent".into());
    resource.insert("id".to_owned(), message.id.as_str().into());
    if let Some(profile) = message.profile {
        let address = format!("{BALP}.{profile}");
        resource.insert("meta".to_owned(), json!({ "profile": [address] }));
    }
    resource.insert("type".to_owned(), coding(&message.event));
    resource.insert("subtype".to_owned(), message.closer.iter().map(coding).collect());
    resource.insert("action".to_owned(), message.act.letter().into());
    let (begun, recorded) = (text::instant(message.begun), text::instant(message.recorded));
    if begun <= recorded {
        resource.insert("period".to_owned(), json!({ "start": begun, "end": recorded }));
    }
    resource.insert("recorded".to_owned(), recorded.into());
    resource.insert("outcome".to_owned(), message.outcome.number().into());
    resource.insert("outcomeDesc".to_owned(), message.description.as_str().into());
    if let Some(purpose) = message.purpose {
        resource.insert("purposeOfEvent".to_owned(), json!([purpose_of_use(purpose.hl7_code())]));
    }
    resource.insert("agent".to_owned(), message.agents.iter().map(agent).collect());
    let observer = json!({ "identifier": { "system": "urn:leastway:node", "value": message.node } });
    let security_server = json!({ "system": SOURCE_TYPE, "code": "6", "display": "Security Server" });
    resource.insert("source".to_owned(), json!({ "observer": observer, "type": [security_server] }));
    resource.insert("entity".to_owned(), message.entities.iter().map(entity).collect());
    Value::Object(resource)
}

fn agent(agent: &Agent) -> Value {
    let mut written = Map::new();
    written.insert("type".to_owned(), json!({ "coding": [coding(&agent.role)] }));
    if !agent.roles.is_empty() {
        let role = |role: &String| json!({ "coding": [{ "system": "urn:leastway:role", "code": role }] });
        written.insert("role".to_owned(), agent.roles.iter().map(role).collect());
    }
    written.insert("who".to_owned(), json!({ "identifier": identifier(&agent.who) }));
    insert(&mut written, "altId", agent.alternative.as_deref());
    insert(&mut written, "name", agent.name.as_deref());
    written.insert("requestor".to_owned(), agent.is_requestor.into());
    if !agent.policies.is_empty() {
        written.insert("policy".to_owned(), agent.policies.iter().map(String::as_str).collect());
    }
    if let Some(network) = &agent.network {
        let (address, kind) = network.parts();
        written.insert("network".to_owned(), json!({ "address": address, "type": kind }));
    }
    if let Some(purpose) = agent.purpose {
        written.insert("purposeOfUse".to_owned(), json!([purpose_of_use(purpose.hl7_code())]));
    }
    Value::Object(written)
}

fn entity(entity: &Entity) -> Value {
    let mut written = Map::new();
    if let Some(what) = &entity.what {
        let mut reference = Map::new();
        if entity.role == Some(ObjectRole::Patient) {
            reference.insert("type".to_owned(), "Patient".into());
        }
        reference.insert("identifier".to_owned(), identifier(what));
        written.insert("what".to_owned(), Value::Object(reference));
    }
    written.insert("type".to_owned(), coding(&entity.kind));
    if let Some(role) = entity.role {
        let (code, display) = role.parts();
        written.insert("role".to_owned(), json!({ "system": OBJECT_ROLE, "code": code, "display": display }));
    }
    if !entity.labels.is_empty() {
        written.insert("securityLabel".to_owned(), entity.labels.iter().map(coding).collect());
    }
    match &entity.named {
        Named::Name(name) => insert(&mut written, "name", Some(name)),
        Named::Query(query) => insert(&mut written, "query", Some(&BASE64_STANDARD.encode(query))),
        Named::Nothing => {}
    }
    if !entity.details.is_empty() {
        let detail = |(name, text): &(&str, String)| json!({ "type": name, "valueString": text });
        written.insert("detail".to_owned(), entity.details.iter().map(detail).collect());
    }
    Value::Object(written)
}

fn coding(code: &Code) -> Value {
    let mut coding = Map::new();
    coding.insert("system".to_owned(), code.system.into());
    coding.insert("code".to_owned(), code.value.as_ref().into());
    if !code.display.is_empty() {
        coding.insert("display".to_owned(), code.display.as_ref().into());
    }
    Value::Object(coding)
}

fn purpose_of_use(code: &str) -> Value {
    json!({ "coding": [{ "system": ACT_REASON, "code": code }] })
}

fn identifier(identifier: &Identifier) -> Value {
    let mut written = Map::new();
    insert(&mut written, "system", identifier.system.as_deref());
    insert(&mut written, "value", Some(&identifier.value));
    Value::Object(written)
}

fn insert(object: &mut Map<String, Value>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        object.insert(name.to_owned(), text.into());
    }
}

const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
