//! An audit message as DICOM PS3.15 A.5 and FHIR's `AuditEvent` both have it: what was done, who took part, what it was about.
//!
//! FHIR is written along IHE BALP; ATNA is derived from the same message. An event that names several patients is one message for
//! each. A message names the profile of BALP that it follows only where it has everything that the profile asks for.

mod agents;
pub(super) mod code;
mod entities;
mod kind;

use std::net::IpAddr;

use self::code::Code;
use self::kind::Kind;
use super::about::{Person, patients};
use super::deed::{Access, Deed};
use super::ending::{self, Ending};
use super::{Teller, text};
use crate::domain::event::Event;
use crate::domain::patient::PatientDigest;
use crate::domain::purpose::Purpose;
use crate::foundation::clock::Timestamp;

/// An audit message.
#[derive(Debug)]
pub(super) struct Message {
    /// Its name: the same for the same event and patient, so that a second copy is known to be one. 1 to 64 letters, digits, `-`.
    pub id: String,
    /// The profile of BALP that it follows.
    pub profile: Option<&'static str>,
    /// What kind of event.
    pub event: Code,
    /// What it is more closely.
    pub closer: Vec<Code>,
    /// What was done.
    pub act: Act,
    /// When it began.
    pub begun: Timestamp,
    /// When it was written down: its end, or its beginning where nobody knows of an end.
    pub recorded: Timestamp,
    /// How well it went.
    pub outcome: Indicator,
    /// How it went, in words.
    pub description: String,
    /// What for.
    pub purpose: Option<Purpose>,
    /// Who took part; never empty.
    pub agents: Vec<Agent>,
    /// The node that tells.
    pub node: String,
    /// What it was about.
    pub entities: Vec<Entity>,
}

/// What was done (`EventActionCode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    Read,
    Update,
    Delete,
    Execute,
}

impl Act {
    /// Its letter.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Delete => "D",
            Self::Execute => "E",
        }
    }
}

/// How well it went (`EventOutcomeIndicator`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Indicator {
    Success,
    Minor,
    Serious,
    Major,
}

impl Indicator {
    /// Its number.
    pub(super) const fn number(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::Minor => "4",
            Self::Serious => "8",
            Self::Major => "12",
        }
    }
}

/// Who takes part.
#[derive(Debug)]
pub(super) struct Agent {
    /// As what.
    pub role: Code,
    /// Who, by an identifier.
    pub who: Identifier,
    /// Another name that they go by.
    pub alternative: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Whether it was done because they asked for it.
    pub is_requestor: bool,
    /// The roles in force.
    pub roles: Vec<String>,
    /// By which rules, or by which token.
    pub policies: Vec<String>,
    /// What for.
    pub purpose: Option<Purpose>,
    /// Where from.
    pub network: Option<Network>,
}

/// An identifier, and who gives it out.
#[derive(Clone, Debug)]
pub(super) struct Identifier {
    /// A URI.
    pub system: Option<String>,
    /// Never empty.
    pub value: String,
}

/// A point of access to the network.
#[derive(Clone, Debug)]
pub(super) enum Network {
    /// By its name.
    Host(String),
    /// By its address.
    Address(IpAddr),
}

impl Network {
    /// Its text, and its code in DICOM and FHIR.
    pub(super) fn parts(&self) -> (String, &'static str) {
        match self {
            Self::Host(name) => (name.clone(), "1"),
            Self::Address(address) => (address.to_string(), "2"),
        }
    }
}

/// What it is about.
#[derive(Debug)]
pub(super) struct Entity {
    /// What kind of thing.
    pub kind: Code,
    /// As what (`object-role`), 1 to 26.
    pub role: Option<ObjectRole>,
    /// Which, by an identifier.
    pub what: Option<Identifier>,
    /// Its name, or the query.
    pub named: Named,
    /// How sensitive it is.
    pub labels: Vec<Code>,
    /// What else there is to say.
    pub details: Vec<(&'static str, String)>,
}

/// How an entity is named: FHIR and DICOM allow one of both.
#[derive(Debug)]
pub(super) enum Named {
    /// By a name.
    Name(String),
    /// By what was asked.
    Query(String),
    /// Not at all.
    Nothing,
}

/// As what an entity takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectRole {
    Patient,
    DomainResource,
    User,
    SecurityResource,
    Job,
    Query,
}

impl ObjectRole {
    /// Its number and its name.
    pub(super) const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Patient => ("1", "Patient"),
            Self::DomainResource => ("4", "Domain Resource"),
            Self::User => ("6", "User"),
            Self::SecurityResource => ("13", "Security Resource"),
            Self::Job => ("20", "Job"),
            Self::Query => ("24", "Query"),
        }
    }
}

/// The messages of `event`: one for each patient, one where it names none.
pub(super) fn of(event: &Event, teller: &Teller<'_>) -> Vec<Message> {
    let patients = patients(event);
    if patients.is_empty() {
        return vec![message(event, teller, None)];
    }
    patients.iter().map(|patient| message(event, teller, Some(patient))).collect()
}

fn message(event: &Event, teller: &Teller<'_>, patient: Option<&PatientDigest>) -> Message {
    let (deed, ending) = (Deed::of(event), Ending::of(event));
    let opening = &*event.opening;
    let kind = Kind::of(deed, ending, event);
    let id = match patient {
        Some(patient) => format!("{}-{}", opening.event, patient.digest().short()),
        None => opening.event.to_string(),
    };
    let own = Code::own(code::OWN_EVENT, ending::word(deed, ending).into());
    let stated = opening.purpose.as_ref().map(|purpose| purpose.now);
    let node = text::line(teller.node).unwrap_or_else(|| "leastway".to_owned());
    let taking_part = agents::Scene { event, deed, ending, node: &node };
    Message {
        id,
        profile: profile(event, deed, ending, patient.is_some()),
        event: kind.event,
        closer: kind.closer.into_iter().chain(kind.also).chain([own]).collect(),
        act: kind.act,
        begun: opening.time,
        recorded: event.closing.as_ref().map_or(opening.time, |closing| closing.time),
        outcome: kind::indicator(ending, event),
        description: description(event, ending),
        purpose: stated.or_else(|| opening.subject.as_ref().map(|subject| subject.purpose)),
        agents: taking_part.agents(),
        entities: entities::of(event, deed, patient),
        node,
    }
}

fn description(event: &Event, ending: Ending) -> String {
    ending::reason(event)
        .map_or_else(|| ending.as_str().to_owned(), |reason| format!("{}: {reason}", ending.as_str()))
}

/// The profile that a message follows: of what succeeded, where it is known who asked, from where, and of which application.
fn profile(event: &Event, deed: Deed, ending: Ending, has_patient: bool) -> Option<&'static str> {
    let opening = &event.opening;
    let has_all = opening.client_ip.is_some() && opening.host.is_some() && opening.application.is_some();
    let succeeded = matches!(ending, Ending::Allowed | Ending::Modified);
    let Deed::Access(access) = deed else { return None };
    if !has_all || !succeeded {
        return None;
    }
    match (access, has_patient) {
        (Access::Read, false) => Some("Read"),
        (Access::Read, true) => Some("PatientRead"),
        (Access::Search, false) => Some("Query"),
        (Access::Search, true) => Some("PatientQuery"),
        (Access::Create, false) => Some("Create"),
        (Access::Create, true) => Some("PatientCreate"),
        (Access::Update, false) => Some("Update"),
        (Access::Update, true) => Some("PatientUpdate"),
        (Access::Delete, false) => Some("Delete"),
        (Access::Delete, true) => Some("PatientDelete"),
        (Access::Export | Access::Disclose | Access::Execute, _) => None,
    }
}

fn identified(person: &Person<'_>) -> Identifier {
    Identifier {
        system: person.issuer.and_then(text::uri),
        value: text::line(person.id).unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// An identifier of ours.
fn own(system: &str, value: &str) -> Identifier {
    Identifier {
        system: Some(format!("urn:leastway:{system}")),
        value: text::line(value).unwrap_or_else(|| "unknown".to_owned()),
    }
}
