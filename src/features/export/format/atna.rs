//! The audit message of DICOM PS3.15 A.5.1, as IHE ATNA (ITI-20) sends it: XML in one line, without a declaration.
//!
//! `ParticipantObjectIDTypeCode`, the roles and the kinds of things are those of the message; what FHIR has a place for and DICOM
//! has none (purposes, roles, rules) are details of the decision.

use std::io;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event as Xml};

use super::message::code::{Code, DCM};
use super::message::{Agent, Entity, Message, Named, Network, ObjectRole};
use super::text;

/// One message in one line.
pub(super) fn document(message: &Message) -> Vec<u8> {
    let mut tree = Tree { writer: Writer::new(Vec::new()), fault: None };
    tree.within("AuditMessage", &[], |tree| {
        tree.event(message);
        for agent in &message.agents {
            tree.participant(agent);
        }
        let source = [("AuditSourceID", message.node.as_str())];
        tree.within("AuditSourceIdentification", &source, |tree| {
            // A security server (A.5.1.2.1).
            tree.empty("AuditSourceTypeCode", &[("csd-code", "6")]);
        });
        for entity in &message.entities {
            tree.object(entity, message);
        }
    });
    // Nothing that is written into memory is refused: half a message never leaves.
    if tree.fault.is_some() { Vec::new() } else { tree.writer.into_inner() }
}

/// A document that grows.
struct Tree {
    writer: Writer<Vec<u8>>,
    fault: Option<io::Error>,
}

impl Tree {
    fn write(&mut self, event: Xml<'_>) {
        if let Err(error) = self.writer.write_event(event) {
            self.fault.get_or_insert(error);
        }
    }

    fn within(&mut self, name: &str, attributes: &[(&str, &str)], fill: impl FnOnce(&mut Self)) {
        self.write(Xml::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        fill(self);
        self.write(Xml::End(BytesEnd::new(name)));
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.write(Xml::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.within(name, &[], |tree| tree.write(Xml::Text(BytesText::new(text))));
    }

    fn code(&mut self, name: &str, code: &Code) {
        let system = if code.system == DCM { "DCM" } else { code.system };
        let meaning = if code.display.is_empty() { &code.value } else { &code.display };
        self.empty(name, &[("csd-code", &code.value), ("codeSystemName", system), ("originalText", meaning)]);
    }

    fn event(&mut self, message: &Message) {
        let time = text::instant(message.recorded);
        let attributes = [
            ("EventActionCode", message.act.letter()),
            ("EventDateTime", &time),
            ("EventOutcomeIndicator", message.outcome.number()),
        ];
        self.within("EventIdentification", &attributes, |tree| {
            tree.code("EventID", &message.event);
            for code in &message.closer {
                tree.code("EventTypeCode", code);
            }
            tree.text("EventOutcomeDescription", &message.description);
        });
    }

    fn participant(&mut self, agent: &Agent) {
        let network = agent.network.as_ref().map(Network::parts);
        let mut attributes = vec![("UserID", agent.who.value.as_str())];
        attributes.extend(agent.alternative.as_deref().map(|name| ("AlternativeUserID", name)));
        attributes.extend(agent.name.as_deref().map(|name| ("UserName", name)));
        attributes.push(("UserIsRequestor", if agent.is_requestor { "true" } else { "false" }));
        if let Some((address, kind)) = &network {
            attributes
                .extend([("NetworkAccessPointID", address.as_str()), ("NetworkAccessPointTypeCode", *kind)]);
        }
        self.within("ActiveParticipant", &attributes, |tree| tree.code("RoleIDCode", &agent.role));
    }

    fn object(&mut self, entity: &Entity, message: &Message) {
        let id = entity.what.as_ref().map_or(message.id.as_str(), |what| what.value.as_str());
        let sensitivity: Vec<&str> = entity.labels.iter().map(|label| &*label.value).collect();
        let sensitivity = sensitivity.join(" ");
        let mut attributes = vec![("ParticipantObjectID", id)];
        attributes.push(("ParticipantObjectTypeCode", type_code(entity)));
        attributes.extend(entity.role.map(|role| ("ParticipantObjectTypeCodeRole", role.parts().0)));
        if !sensitivity.is_empty() {
            attributes.push(("ParticipantObjectSensitivity", &sensitivity));
        }
        self.within("ParticipantObjectIdentification", &attributes, |tree| {
            tree.identified(entity);
            match &entity.named {
                Named::Name(name) => tree.text("ParticipantObjectName", name),
                Named::Query(query) => tree.text("ParticipantObjectQuery", &BASE64_STANDARD.encode(query)),
                // One of both has to be there.
                Named::Nothing => tree.text("ParticipantObjectName", id),
            }
            for (name, value) in &entity.details {
                tree.detail(name, value);
            }
            if entity.role == Some(ObjectRole::SecurityResource) {
                tree.grounds(message);
            }
        });
    }

    /// By what kind of identifier an object is told.
    fn identified(&mut self, entity: &Entity) {
        let (code, meaning) = match entity.role {
            Some(ObjectRole::Patient) => ("2", "Patient Number"),
            Some(ObjectRole::Query) => ("10", "Search Criteria"),
            Some(ObjectRole::DomainResource | ObjectRole::Job) => ("12", "URI"),
            Some(ObjectRole::User) => ("11", "User Identifier"),
            Some(ObjectRole::SecurityResource) => ("9", "Report Number"),
            None => return self.code("ParticipantObjectIDTypeCode", &entity.kind),
        };
        let attributes = [("csd-code", code), ("codeSystemName", "RFC-3881"), ("originalText", meaning)];
        self.empty("ParticipantObjectIDTypeCode", &attributes);
    }

    fn detail(&mut self, name: &str, value: &str) {
        let value = BASE64_STANDARD.encode(value);
        self.empty("ParticipantObjectDetail", &[("type", name), ("value", &value)]);
    }

    /// What FHIR says of those who take part, and DICOM has no place for.
    fn grounds(&mut self, message: &Message) {
        if let Some(purpose) = message.purpose {
            self.detail("PurposeOfUse", purpose.hl7_code());
        }
        for agent in &message.agents {
            agent.roles.iter().for_each(|role| self.detail("role", role));
            agent.policies.iter().for_each(|policy| self.detail("policy", policy));
        }
    }
}

/// `ParticipantObjectTypeCode`: 1 a person, 2 a system object, 4 something else.
const fn type_code(entity: &Entity) -> &'static str {
    match entity.role {
        Some(ObjectRole::Patient | ObjectRole::User) => "1",
        Some(
            ObjectRole::DomainResource | ObjectRole::Job | ObjectRole::Query | ObjectRole::SecurityResource,
        ) => "2",
        None => "4",
    }
}
