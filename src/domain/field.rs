//! Fields of a reply that somebody may not see although they may see the rest.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{Category, NameError, name};
#[cfg(doc)]
use super::limit::OnExceed;
use super::reply_shape::RecordsPointer;
use super::row_selector::RowSelector;

name! {
    /// A field of a reply, as the operator calls it: events and callers are told this name, never a value.
    FieldName
}

/// A field that a route declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, unique within the route.
    pub name: FieldName,
    /// To which kinds of data it belongs beyond those of its route.
    pub categories: Vec<Category>,
    /// It tells whom a record is about, and goes from a reply beyond a limit that asks for it ([`OnExceed::Redact`]).
    pub identifies: bool,
    /// Where it stands; never empty.
    pub places: Vec<Place>,
}

/// Where in a reply a field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where a pointer leads in JSON, or in each line of it; never to the document itself.
    Pointer(RecordsPointer),
    /// The members of that name, wherever they stand in JSON.
    Member(Arc<str>),
    /// The columns of that name, in CSV with a header or in the table of a page whose first row names them. Case and white
    /// space around it do not matter.
    Column(Arc<str>),
    /// The column with that number in the rows of a page, from 1.
    Cell(u16),
    /// What these elements of a page hold.
    Selector(RowSelector),
    /// An element of FHIR.
    Element(FhirElement),
}

/// An element of FHIR by its path, such as `Patient.identifier` or `Observation.value[x]`. Arrays on the way do not
/// show in it, as in FHIR's own paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhirElement {
    resource: Arc<str>,
    steps: Arc<[FhirStep]>,
}

/// One step of a [`FhirElement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhirStep {
    name: Box<str>,
    /// `value[x]`: the type follows the name.
    is_choice: bool,
}

/// The longest path of a [`FhirElement`].
const STEPS_MAX: usize = 16;

impl FhirElement {
    /// Reads what a route declares. None if that is no path, or one to what makes a resource known: its type, or its
    /// `meta`, in which it is said that something is withheld.
    pub fn read(text: &str) -> Option<Self> {
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (resource, path) = text.split_once('.')?;
        let steps = path.split('.').map(|step| {
            let (name, is_choice) = step.strip_suffix("[x]").map_or((step, false), |name| (name, true));
            is_name(name).then(|| FhirStep { name: name.into(), is_choice })
        });
        let steps: Vec<FhirStep> = steps.collect::<Option<_>>()?;
        let first = steps.first()?;
        let is_sound = is_name(resource)
            && resource.starts_with(|letter: char| letter.is_ascii_uppercase())
            && steps.len() <= STEPS_MAX
            && !matches!(&*first.name, "resourceType" | "meta");
        is_sound.then(|| Self { resource: resource.into(), steps: steps.into() })
    }

    /// The type of the resource in which it stands.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// From the resource inward, at least one.
    pub fn steps(&self) -> &[FhirStep] {
        &self.steps
    }
}

impl FhirStep {
    /// Whether the member of that name is this element, or holds what belongs to it beside its value (`_name`).
    pub fn is(&self, member: &[u8]) -> bool {
        let member = member.strip_prefix(b"_").unwrap_or(member);
        match member.strip_prefix(self.name.as_bytes()) {
            Some([]) => true,
            Some([kind, ..]) => self.is_choice && kind.is_ascii_uppercase(),
            None => false,
        }
    }
}

/// What stands in place of a value that is withheld.
pub const MARK: &str = "[withheld]";

/// What was withheld from one reply, as its event keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRedacted {
    /// The fields, by name, in order.
    pub fields: Vec<FieldName>,
    /// How many values were taken out.
    pub values: u64,
    /// Whether the whole body was left out: a message of the application's own that does not have the declared shape.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub body_left_out: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_a_path_from_a_resource_inward() {
        for right in ["Patient.identifier", "Observation.value[x]", "Patient.contact.telecom"] {
            assert!(FhirElement::read(right).is_some(), "{right}");
        }
        for wrong in [
            "Patient",
            "Patient.",
            "patient.name",
            ".name",
            "Patient..name",
            "Patient.meta.tag",
            "Patient.resourceType",
            "Patient.name[0]",
        ] {
            assert!(FhirElement::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_choice_is_any_of_its_types_and_what_is_beside_a_value_goes_with_it() {
        let step = |path: &str| FhirElement::read(path).unwrap().steps()[0].clone();
        let (value, birth) = (step("Observation.value[x]"), step("Patient.birthDate"));
        assert!(value.is(b"valueQuantity") && value.is(b"_valueString") && !value.is(b"values"));
        assert!(birth.is(b"birthDate") && birth.is(b"_birthDate") && !birth.is(b"birthDateTime"));
    }
}
