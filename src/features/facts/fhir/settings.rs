//! Searches of FHIR, settled: of which resources, and what tells what.

use crate::domain::closed_list;
use crate::domain::told::{FeedKind, Place};
use crate::features::facts::settings::Column;

closed_list! {
    /// What is searched.
    ResourceType {
        /// Who cares for a patient.
        CareTeam = "CareTeam",
        /// A visit or stay: who takes part in it, and where the patient is.
        Encounter = "Encounter",
        /// A patient, whose general practitioners are named.
        Patient = "Patient",
        /// Where a practitioner works.
        PractitionerRole = "PractitionerRole",
        /// When somebody can be booked.
        Schedule = "Schedule",
        /// A part of a schedule.
        Slot = "Slot",
    }
}

closed_list! {
    /// What of a resource tells a place.
    Element {
        /// Where an encounter takes place, or where somebody works.
        Location = "location",
        /// Who is responsible for an encounter.
        ServiceProvider = "serviceProvider",
        /// What kind of service it is.
        ServiceType = "serviceType",
        /// The same, more broadly.
        ServiceCategory = "serviceCategory",
        /// For whom somebody works.
        Organization = "organization",
        /// In which service.
        HealthcareService = "healthcareService",
        /// In which specialty.
        Specialty = "specialty",
        /// A location among those that are scheduled.
        Actor = "actor",
    }
}

/// A search of FHIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhirSettings {
    /// What is searched.
    pub resource: ResourceType,
    /// The address of the server, to which absolute references are compared: without the slash at its end. None where a file is
    /// read.
    pub base: Option<String>,
    /// The system of the identifier by which people are named; none: the logical id of their `Practitioner`.
    pub person_system: Option<String>,
    /// The system of the identifier by which patients are named; none: the logical id of their `Patient`.
    pub patient_system: Option<String>,
    /// What tells where somebody is.
    pub places: Vec<(Place, Element)>,
}

impl ResourceType {
    /// What feeds of a kind are told by it: the columns that are always told; none where it tells nothing of that kind.
    pub const fn always(self, kind: FeedKind) -> Option<&'static [Column]> {
        match (self, kind) {
            (Self::CareTeam | Self::Encounter, FeedKind::Relationship) => {
                Some(&[Column::Person, Column::Patient, Column::From, Column::Until])
            }
            (Self::Patient, FeedKind::Relationship) => Some(&[Column::Person, Column::Patient]),
            (Self::Schedule | Self::Slot, FeedKind::Shift) => {
                Some(&[Column::Person, Column::From, Column::Until])
            }
            (Self::PractitionerRole, FeedKind::Person) => Some(&[Column::Person]),
            (Self::Encounter, FeedKind::Patient) => Some(&[Column::Patient]),
            (
                Self::CareTeam
                | Self::Encounter
                | Self::Patient
                | Self::PractitionerRole
                | Self::Schedule
                | Self::Slot,
                FeedKind::Relationship
                | FeedKind::Shift
                | FeedKind::Person
                | FeedKind::Patient
                | FeedKind::Device,
            ) => None,
        }
    }

    /// Whether it says what a person and a patient have to do with each other (`participant.role`, `participant.type`).
    pub const fn tells_relationship(self) -> bool {
        match self {
            Self::CareTeam | Self::Encounter => true,
            Self::Patient | Self::PractitionerRole | Self::Schedule | Self::Slot => false,
        }
    }

    /// What of it may tell a place.
    pub const fn elements(self) -> &'static [Element] {
        match self {
            Self::CareTeam | Self::Patient => &[],
            Self::Encounter => &[Element::Location, Element::ServiceProvider, Element::ServiceType],
            Self::PractitionerRole => {
                &[Element::Location, Element::Organization, Element::HealthcareService, Element::Specialty]
            }
            Self::Schedule | Self::Slot => {
                &[Element::Actor, Element::ServiceType, Element::ServiceCategory, Element::Specialty]
            }
        }
    }
}
