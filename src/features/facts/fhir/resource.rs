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
#[serde(default)]
pub(super) struct Search {
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
#[serde(default)]
pub(super) struct Reference {
    pub(super) reference: Option<String>,
    pub(super) identifier: Option<Identifier>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Identifier {
    pub(super) system: Option<String>,
    pub(super) value: Option<String>,
    #[serde(rename = "use")]
    pub(super) used: Option<String>,
}

/// A `CodeableConcept`; in R5 at some places one within a `CodeableReference`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Concept {
    coding: Vec<Coding>,
    concept: Option<Coded>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Coded {
    coding: Vec<Coding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Coding {
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

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CareTeam {
    pub(super) status: Option<String>,
    pub(super) subject: Option<Reference>,
    pub(super) period: Period,
    pub(super) participant: Vec<Member>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) role: Several<Concept>,
    #[serde(rename = "member")]
    pub(super) who: Option<Reference>,
    pub(super) period: Period,
    /// The same in R5.
    pub(super) coverage_period: Period,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Encounter {
    pub(super) status: Option<String>,
    pub(super) subject: Option<Reference>,
    pub(super) period: Period,
    /// The same in R5.
    pub(super) actual_period: Period,
    pub(super) participant: Vec<Participant>,
    pub(super) service_provider: Option<Reference>,
    pub(super) service_type: Several<Concept>,
    pub(super) location: Vec<Stay>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Participant {
    #[serde(rename = "type")]
    pub(super) kind: Vec<Concept>,
    pub(super) period: Period,
    pub(super) individual: Option<Reference>,
    /// The same in R5.
    pub(super) actor: Option<Reference>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Stay {
    pub(super) location: Option<Reference>,
    pub(super) status: Option<String>,
    pub(super) period: Period,
}

/// A patient or a practitioner.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Someone {
    pub(super) active: Option<bool>,
    pub(super) identifier: Vec<Identifier>,
    pub(super) general_practitioner: Vec<Reference>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PractitionerRole {
    pub(super) active: Option<bool>,
    pub(super) period: Period,
    pub(super) practitioner: Option<Reference>,
    pub(super) organization: Option<Reference>,
    pub(super) location: Vec<Reference>,
    pub(super) healthcare_service: Vec<Reference>,
    pub(super) specialty: Vec<Concept>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Schedule {
    pub(super) active: Option<bool>,
    pub(super) actor: Vec<Reference>,
    pub(super) planning_horizon: Period,
    pub(super) service_type: Vec<Concept>,
    pub(super) service_category: Vec<Concept>,
    pub(super) specialty: Vec<Concept>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Slot {
    pub(super) status: Option<String>,
    pub(super) schedule: Option<Reference>,
    pub(super) start: Option<String>,
    pub(super) end: Option<String>,
    pub(super) service_type: Vec<Concept>,
    pub(super) service_category: Several<Concept>,
    pub(super) specialty: Vec<Concept>,
}

/// That something went wrong, or that something is to be told.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    pub(super) issue: Vec<Issue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Issue {
    pub(super) severity: String,
}
