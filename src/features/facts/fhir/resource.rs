//! What is read of a Bundle and of its resources, in R4 and in R5. What else they hold is not looked at.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::period::Period;

/// A page.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle<'p> {
    pub(super) resource_type: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) total: Option<u64>,
    #[serde(default)]
    pub(super) link: Vec<Link>,
    #[serde(borrow, default)]
    pub(super) entry: Vec<Entry<'p>>,
}

#[derive(Deserialize)]
pub(super) struct Link {
    pub(super) relation: String,
    pub(super) url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'p> {
    #[serde(default)]
    pub(super) full_url: Option<String>,
    #[serde(default)]
    pub(super) search: Search,
    #[serde(borrow)]
    pub(super) resource: &'p RawValue,
}

#[derive(Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    pub(super) mode: Option<String>,
}

/// What every resource says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kind {
    pub(super) resource_type: String,
    #[serde(default)]
    pub(super) id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) reference: Option<String>,
    #[serde(default)]
    pub(super) identifier: Option<Identifier>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Identifier {
    #[serde(default)]
    pub(super) system: Option<String>,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(rename = "use", default)]
    pub(super) used: Option<String>,
}

/// A `CodeableConcept`; in R5 at some places one within a `CodeableReference`.
#[derive(Debug, Deserialize)]
pub(super) struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
    #[serde(default)]
    concept: Option<Coded>,
}

#[derive(Debug, Deserialize)]
struct Coded {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Debug, Deserialize)]
struct Coding {
    #[serde(default)]
    code: Option<String>,
}

/// What may be there several times in one version of FHIR, and once in another.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Several<T> {
    Some(Vec<T>),
    One(T),
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

impl<T> Several<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::Some(all) => all,
            Self::One(one) => std::slice::from_ref(one),
        }
    }
}

/// The codes of concepts, whatever their systems.
pub(super) fn codes(concepts: &[Concept]) -> impl Iterator<Item = &str> {
    concepts.iter().flat_map(|concept| {
        let within = concept.concept.iter().flat_map(|it| &it.coding);
        concept.coding.iter().chain(within).filter_map(|coding| coding.code.as_deref())
    })
}

#[derive(Deserialize)]
pub(super) struct CareTeam {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<Reference>,
    #[serde(default)]
    pub(super) period: Period,
    #[serde(default)]
    pub(super) participant: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    #[serde(default)]
    pub(super) role: Several<Concept>,
    #[serde(rename = "member", default)]
    pub(super) who: Option<Reference>,
    #[serde(default)]
    pub(super) period: Period,
    /// The same in R5.
    #[serde(default)]
    pub(super) coverage_period: Period,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Encounter {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<Reference>,
    #[serde(default)]
    pub(super) period: Period,
    /// The same in R5.
    #[serde(default)]
    pub(super) actual_period: Period,
    #[serde(default)]
    pub(super) participant: Vec<Participant>,
    #[serde(default)]
    pub(super) service_provider: Option<Reference>,
    #[serde(default)]
    pub(super) service_type: Several<Concept>,
    #[serde(default)]
    pub(super) location: Vec<Stay>,
}

#[derive(Deserialize)]
pub(super) struct Participant {
    #[serde(rename = "type", default)]
    pub(super) kind: Vec<Concept>,
    #[serde(default)]
    pub(super) period: Period,
    #[serde(default)]
    pub(super) individual: Option<Reference>,
    /// The same in R5.
    #[serde(default)]
    pub(super) actor: Option<Reference>,
}

#[derive(Deserialize)]
pub(super) struct Stay {
    #[serde(default)]
    pub(super) location: Option<Reference>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) period: Period,
}

/// A patient or a practitioner.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Someone {
    #[serde(default)]
    pub(super) active: Option<bool>,
    #[serde(default)]
    pub(super) identifier: Vec<Identifier>,
    #[serde(default)]
    pub(super) general_practitioner: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PractitionerRole {
    #[serde(default)]
    pub(super) active: Option<bool>,
    #[serde(default)]
    pub(super) period: Period,
    #[serde(default)]
    pub(super) practitioner: Option<Reference>,
    #[serde(default)]
    pub(super) organization: Option<Reference>,
    #[serde(default)]
    pub(super) location: Vec<Reference>,
    #[serde(default)]
    pub(super) healthcare_service: Vec<Reference>,
    #[serde(default)]
    pub(super) specialty: Vec<Concept>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schedule {
    #[serde(default)]
    pub(super) active: Option<bool>,
    #[serde(default)]
    pub(super) actor: Vec<Reference>,
    #[serde(default)]
    pub(super) planning_horizon: Period,
    #[serde(default)]
    pub(super) service_type: Vec<Concept>,
    #[serde(default)]
    pub(super) service_category: Vec<Concept>,
    #[serde(default)]
    pub(super) specialty: Vec<Concept>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slot {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) schedule: Option<Reference>,
    #[serde(default)]
    pub(super) start: Option<String>,
    #[serde(default)]
    pub(super) end: Option<String>,
    #[serde(default)]
    pub(super) service_type: Vec<Concept>,
    #[serde(default)]
    pub(super) service_category: Several<Concept>,
    #[serde(default)]
    pub(super) specialty: Vec<Concept>,
}

/// That something went wrong, or that something is to be told.
#[derive(Deserialize)]
pub(super) struct Outcome {
    #[serde(default)]
    pub(super) issue: Vec<Issue>,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    #[serde(default)]
    pub(super) severity: String,
}
