//! What one resource says, before it is known who is meant by its references.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::period::{NO_PERIOD, Period, bound};
use super::resource::{
    CareTeam, Concept, Encounter, PractitionerRole, Reference, Schedule, Slot, Someone, codes,
};
use super::settings::Element;
use crate::domain::told::Place;
use crate::features::facts::draft::Places;
use crate::features::facts::moment::End;
use crate::features::facts::table::Span;
use crate::foundation::clock::Timestamp;

/// What a resource says.
#[derive(Debug)]
pub(super) enum Said {
    /// Somebody cares for a patient, as what, and while.
    Tie { person: Reference, patient: Reference, roles: Vec<String>, span: Span },
    /// These are at work, where, and while.
    Shift { people: Vec<Reference>, places: Places, span: Span },
    /// Whoever is booked by this schedule is at work, where, and while.
    Slot { schedule: Reference, places: Places, span: Span },
    /// Somebody works there.
    Worker { person: Reference, places: Places },
    /// A patient is there.
    Whereabouts { patient: Reference, places: Places },
    /// It should have said something, and did not.
    Nothing,
}

/// What cannot be understood of a resource.
type Wrong = &'static str;

/// Where and when it is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) zone: &'r TimeZone,
    pub(super) now: Timestamp,
    /// What tells where somebody is.
    pub(super) places: &'r [(Place, Element)],
}

impl Reading<'_> {
    /// The members of a team that is active.
    pub(super) fn care_team(self, team: CareTeam) -> Result<Vec<Said>, Wrong> {
        match team.status.as_deref() {
            Some("active") => {}
            None => return Ok(vec![Said::Nothing]),
            Some(_) => return Ok(Vec::new()),
        }
        let (Some(patient), Some(whole)) = (team.subject, team.period.span(self.zone)?) else {
            return Ok(vec![Said::Nothing]);
        };
        let mut said = Vec::new();
        for member in team.participant {
            let own = member.period.span(self.zone)?.zip(member.coverage_period.span(self.zone)?);
            let span = own.and_then(|(one, other)| one.and(other)?.and(whole));
            let (Some(person), Some(span)) = (member.who, span) else { continue };
            let roles = codes(member.role.as_slice()).map(str::to_owned).collect();
            said.push(Said::Tie { person, patient: patient.clone(), roles, span });
        }
        Ok(said)
    }

    /// Those who take part in a visit or stay that has begun.
    pub(super) fn encounter_ties(self, encounter: Encounter) -> Result<Vec<Said>, Wrong> {
        let is_over = match stage(encounter.status.as_deref()) {
            Stage::UnderWay => false,
            Stage::Over => true,
            Stage::DoesNotCount => return Ok(Vec::new()),
        };
        let (Some(patient), Some(whole)) =
            (encounter.subject, spans(self.zone, &encounter.period, &encounter.actual_period)?)
        else {
            return Ok(vec![Said::Nothing]);
        };
        // Since when it is over is not told.
        if is_over && whole.until == Span::ALWAYS.until {
            return Ok(vec![Said::Nothing]);
        }
        let mut said = Vec::new();
        for participant in encounter.participant {
            let span = participant.period.span(self.zone)?.and_then(|own| own.and(whole));
            let person = participant.individual.or(participant.actor);
            let (Some(person), Some(span)) = (person, span) else { continue };
            let roles = codes(&participant.kind).map(str::to_owned).collect();
            said.push(Said::Tie { person, patient: patient.clone(), roles, span });
        }
        Ok(said)
    }

    /// Where the patient of a visit or stay is that goes on.
    pub(super) fn encounter_whereabouts(self, encounter: Encounter) -> Result<Vec<Said>, Wrong> {
        let whole = spans(self.zone, &encounter.period, &encounter.actual_period)?;
        let goes_on = stage(encounter.status.as_deref()) == Stage::UnderWay
            && whole.is_some_and(|span| span.holds(self.now));
        if !goes_on {
            return Ok(Vec::new());
        }
        let Some(patient) = encounter.subject else { return Ok(vec![Said::Nothing]) };
        let mut stays = Vec::new();
        for stay in encounter.location {
            let is_there = !matches!(stay.status.as_deref(), Some("planned" | "reserved" | "completed"));
            let span = stay.period.span(self.zone)?;
            if is_there && span.is_some_and(|span| span.holds(self.now)) {
                stays.extend(stay.location);
            }
        }
        let places = self.places(|element| match element {
            Element::Location => ids(&stays),
            Element::ServiceProvider => ids(encounter.service_provider.as_slice()),
            Element::ServiceType => coded(encounter.service_type.as_slice()),
            Element::ServiceCategory
            | Element::Organization
            | Element::HealthcareService
            | Element::Specialty
            | Element::Actor => Vec::new(),
        });
        Ok(vec![Said::Whereabouts { patient, places }])
    }

    /// Where a practitioner works now.
    pub(super) fn role(self, role: PractitionerRole) -> Result<Vec<Said>, Wrong> {
        let holds = role.period.span(self.zone)?.is_some_and(|span| span.holds(self.now));
        if role.active == Some(false) || !holds {
            return Ok(Vec::new());
        }
        let places = self.places(|element| match element {
            Element::Location => ids(&role.location),
            Element::Organization => ids(role.organization.as_slice()),
            Element::HealthcareService => ids(&role.healthcare_service),
            Element::Specialty => coded(&role.specialty),
            Element::ServiceProvider | Element::ServiceType | Element::ServiceCategory | Element::Actor => {
                Vec::new()
            }
        });
        let worker = role.practitioner.map(|person| Said::Worker { person, places });
        Ok(vec![worker.unwrap_or(Said::Nothing)])
    }

    /// Who can be booked from when until when: a schedule that never ends is nobody's shift.
    pub(super) fn schedule(self, schedule: Schedule) -> Result<Vec<Said>, Wrong> {
        if schedule.active == Some(false) {
            return Ok(Vec::new());
        }
        let horizon = &schedule.planning_horizon;
        let (Some(span), true) = (horizon.span(self.zone)?, horizon.start.is_some() && horizon.end.is_some())
        else {
            return Ok(vec![Said::Nothing]);
        };
        let places = self.scheduled(&schedule);
        Ok(vec![Said::Shift { people: schedule.actor, places, span }])
    }

    /// Where a schedule is.
    pub(super) fn scheduled(self, schedule: &Schedule) -> Places {
        self.places(|element| match element {
            Element::Actor => {
                let is_place = |it: &&Reference| {
                    it.reference.as_deref().is_some_and(|it| it.split('/').any(|part| part == "Location"))
                };
                schedule.actor.iter().filter(is_place).filter_map(id).collect()
            }
            Element::ServiceType => coded(&schedule.service_type),
            Element::ServiceCategory => coded(&schedule.service_category),
            Element::Specialty => coded(&schedule.specialty),
            Element::Location
            | Element::ServiceProvider
            | Element::Organization
            | Element::HealthcareService => Vec::new(),
        })
    }

    /// A part of a schedule in which somebody is there: booked or free.
    pub(super) fn slot(self, slot: Slot) -> Result<Vec<Said>, Wrong> {
        if !matches!(slot.status.as_deref(), Some("busy" | "free" | "busy-tentative")) {
            return Ok(Vec::new());
        }
        let moment = |text: Option<&str>, end| bound(text.ok_or(NO_PERIOD)?, self.zone, end).ok_or(NO_PERIOD);
        let from = moment(slot.start.as_deref(), End::First)?;
        let until = moment(slot.end.as_deref(), End::Last)?;
        let Some(span) = (Span { from, until }).and(Span::ALWAYS) else { return Ok(Vec::new()) };
        let places = self.places(|element| match element {
            Element::ServiceType => coded(&slot.service_type),
            Element::ServiceCategory => coded(slot.service_category.as_slice()),
            Element::Specialty => coded(&slot.specialty),
            Element::Location
            | Element::ServiceProvider
            | Element::Organization
            | Element::HealthcareService
            | Element::Actor => Vec::new(),
        });
        let said = slot.schedule.map(|schedule| Said::Slot { schedule, places, span });
        Ok(vec![said.unwrap_or(Said::Nothing)])
    }

    fn places(self, of: impl Fn(Element) -> Vec<String>) -> Places {
        let mut places: Places = BTreeMap::new();
        for (place, element) in self.places {
            let mut told = of(*element);
            told.retain(|it| !it.is_empty());
            if !told.is_empty() {
                places.entry(*place).or_default().extend(told);
            }
        }
        places
    }
}

/// The general practitioners of a patient.
pub(super) fn general_practitioners(patient: &Reference, it: Someone) -> Vec<Said> {
    if it.active == Some(false) {
        return Vec::new();
    }
    let tie = |person| Said::Tie { person, patient: patient.clone(), roles: Vec::new(), span: Span::ALWAYS };
    it.general_practitioner.into_iter().map(tie).collect()
}

/// How far an encounter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    UnderWay,
    Over,
    /// Planned, cancelled, a mistake, or not known.
    DoesNotCount,
}

fn stage(status: Option<&str>) -> Stage {
    match status {
        Some("arrived" | "triaged" | "in-progress" | "onleave" | "on-hold" | "discharged") => Stage::UnderWay,
        Some("finished" | "completed") => Stage::Over,
        Some(_) | None => Stage::DoesNotCount,
    }
}

/// While both last: one of the two is absent, as the version of FHIR has it.
fn spans(zone: &TimeZone, one: &Period, other: &Period) -> Result<Option<Span>, Wrong> {
    let both = one.span(zone)?.zip(other.span(zone)?);
    Ok(both.and_then(|(one, other)| one.and(other)))
}

/// The id that a reference ends with, or the value of its identifier.
fn id(reference: &Reference) -> Option<String> {
    let by_id = reference.reference.as_deref().and_then(|it| {
        let it = it.split_once("/_history/").map_or(it, |(it, _)| it);
        it.rsplit_once('/').map(|(_, id)| id)
    });
    let by_identifier = || reference.identifier.as_ref()?.value.as_deref();
    by_id.or_else(by_identifier).map(str::to_owned)
}

fn ids(references: &[Reference]) -> Vec<String> {
    references.iter().filter_map(id).collect()
}

fn coded(concepts: &[Concept]) -> Vec<String> {
    codes(concepts).map(str::to_owned).collect()
}
