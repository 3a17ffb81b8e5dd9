//! Gathers what all pages of a search say, and makes one table of it.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::directory::{Directory, Who};
use super::resource::{
    Bundle, CareTeam, Encounter, Entry, Kind, Outcome, PractitionerRole, Reference, Schedule, Slot, Someone,
};
use super::said::{Reading, Said, general_practitioners};
use super::settings::{FhirSettings, ResourceType};
use crate::domain::told::{FeedKind, Marks};
use crate::features::facts::draft::{Draft, Places, named, position, zone};
use crate::features::facts::fault::{FeedFault, Place};
use crate::features::facts::rows::NO_UTF8;
use crate::features::facts::settings::{Column, FeedSettings};
use crate::features::facts::table::{Span, Table};
use crate::foundation::clock::Timestamp;

/// What has been said so far.
pub(in crate::features::facts) struct Gathering {
    fhir: FhirSettings,
    kind: FeedKind,
    zone: TimeZone,
    rows_max: u64,
    /// Entries that came.
    entries: u64,
    /// Those among them that were found, rather than included.
    found: u64,
    /// How many there are, as the last page that says it has it.
    total: Option<u64>,
    said: Vec<(Place, Said)>,
    directory: Directory,
    /// Who is booked by a schedule, and where that is, by the reference to it.
    schedules: HashMap<Box<str>, (Vec<Reference>, Places)>,
}

impl Gathering {
    pub(in crate::features::facts) fn new(fhir: FhirSettings, settings: &FeedSettings) -> Self {
        let FhirSettings { base, person_system, patient_system, .. } = &fhir;
        Self {
            directory: Directory::new(base.clone(), person_system.clone(), patient_system.clone()),
            kind: settings.kind,
            zone: zone(settings),
            rows_max: settings.rows_max,
            entries: 0,
            found: 0,
            total: None,
            said: Vec::new(),
            schedules: HashMap::new(),
            fhir,
        }
    }

    /// Takes a page; where the next one is, as it is written there, if there is one.
    pub(in crate::features::facts) fn take(
        &mut self,
        page: &[u8],
        now: Timestamp,
    ) -> Result<Option<String>, FeedFault> {
        let place = Place::Entry(self.entries + 1);
        let page = page.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(page);
        let text = std::str::from_utf8(page).map_err(|_| FeedFault::Malformed { place, what: NO_UTF8 })?;
        let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|error| malformed(place, &error))?;
        if bundle.resource_type != "Bundle" || !["searchset", "collection"].contains(&&*bundle.kind) {
            return Err(FeedFault::Malformed { place, what: "is in no Bundle of what a search has found" });
        }
        for entry in bundle.entry {
            self.entries += 1;
            self.entry(&entry, now)?;
        }
        self.total = bundle.total.or(self.total);
        let mut next = bundle.link.into_iter().filter(|link| link.relation == "next");
        Ok(next.next().map(|link| link.url))
    }

    fn entry(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), FeedFault> {
        let place = Place::Entry(self.entries);
        let Kind { resource_type, id } = resource(entry.resource, place)?;
        if resource_type == "OperationOutcome" {
            let outcome: Outcome = resource(entry.resource, place)?;
            let is_grave = |severity: &str| matches!(severity, "fatal" | "error");
            if outcome.issue.iter().any(|issue| is_grave(&issue.severity)) {
                return Err(FeedFault::Malformed { place, what: "says that the search went wrong" });
            }
            return Ok(());
        }
        let keys = keys(&resource_type, id.as_deref(), entry.full_url.as_deref());
        let is_searched = resource_type == self.fhir.resource.as_str();
        let is_found = match entry.search.mode.as_deref() {
            Some("match") => true,
            Some(_) => false,
            None => is_searched,
        };
        self.found += u64::from(is_found);
        self.note(&resource_type, entry.resource, &keys, place, now)?;
        if is_found && is_searched {
            let said = self.said(entry.resource, &keys, place, now)?;
            self.said.extend(said.into_iter().map(|said| (place, said)));
        }
        let kept = self.said.len() + self.directory.len() + self.schedules.len();
        if u64::try_from(kept).unwrap_or(u64::MAX) > self.rows_max {
            return Err(FeedFault::TooMany { limit: self.rows_max });
        }
        Ok(())
    }

    /// Keeps whom others may name.
    fn note(
        &mut self,
        resource_type: &str,
        raw: &RawValue,
        keys: &[String],
        place: Place,
        now: Timestamp,
    ) -> Result<(), FeedFault> {
        match resource_type {
            "Practitioner" | "Patient" => {
                let someone: Someone = resource(raw, place)?;
                self.directory.note(keys, resource_type == "Patient", &someone.identifier);
            }
            "PractitionerRole" => {
                let role: PractitionerRole = resource(raw, place)?;
                if let Some(practitioner) = &role.practitioner {
                    self.directory.note_role(keys, practitioner);
                }
            }
            "Schedule" if self.fhir.resource == ResourceType::Slot => {
                let schedule: Schedule = resource(raw, place)?;
                // Whoever cannot be booked any more has no slots that count.
                if schedule.active != Some(false) {
                    let places = self.reading(now).scheduled(&schedule);
                    for key in keys {
                        let booked = (schedule.actor.clone(), places.clone());
                        self.schedules.insert(key.as_str().into(), booked);
                    }
                }
            }
            // Nothing that is asked for names it.
            _ => {}
        }
        Ok(())
    }

    fn said(
        &self,
        raw: &RawValue,
        keys: &[String],
        place: Place,
        now: Timestamp,
    ) -> Result<Vec<Said>, FeedFault> {
        let reading = self.reading(now);
        let said = match (self.fhir.resource, self.kind) {
            (ResourceType::CareTeam, _) => reading.care_team(resource::<CareTeam>(raw, place)?),
            (ResourceType::Encounter, FeedKind::Patient) => {
                reading.encounter_whereabouts(resource::<Encounter>(raw, place)?)
            }
            (
                ResourceType::Encounter,
                FeedKind::Relationship | FeedKind::Shift | FeedKind::Person | FeedKind::Device,
            ) => reading.encounter_ties(resource::<Encounter>(raw, place)?),
            (ResourceType::Patient, _) => {
                let patient = Reference { reference: keys.first().cloned(), identifier: None };
                Ok(general_practitioners(&patient, resource::<Someone>(raw, place)?))
            }
            (ResourceType::PractitionerRole, _) => reading.role(resource::<PractitionerRole>(raw, place)?),
            (ResourceType::Schedule, _) => reading.schedule(resource::<Schedule>(raw, place)?),
            (ResourceType::Slot, _) => reading.slot(resource::<Slot>(raw, place)?),
        };
        said.map_err(|what| FeedFault::Malformed { place, what })
    }

    fn reading(&self, now: Timestamp) -> Reading<'_> {
        Reading { zone: &self.zone, now, places: &self.fhir.places }
    }

    /// The table of all that came, if that is all there is.
    pub(in crate::features::facts) fn finish(self, settings: &FeedSettings) -> Result<Table, FeedFault> {
        if let Some(total) = self.total.filter(|total| *total > self.found) {
            return Err(FeedFault::Short { came: self.found, total });
        }
        let rows = u64::try_from(self.said.len()).unwrap_or(u64::MAX);
        if rows == 0 {
            return Err(FeedFault::Empty);
        }
        let mut draft = Draft::new(settings);
        let mut taken = 0_u64;
        for (place, said) in &self.said {
            match self.tell(&mut draft, settings, *place, said)? {
                Told::Taken => taken += 1,
                Told::LeftOut => draft.left_out += 1,
                Told::NoStaff => {}
            }
        }
        if taken == 0 {
            return Err(FeedFault::Nameless { came: rows });
        }
        Ok(draft.finish(rows))
    }

    fn tell(
        &self,
        draft: &mut Draft<'_>,
        settings: &FeedSettings,
        place: Place,
        said: &Said,
    ) -> Result<Told, FeedFault> {
        match said {
            Said::Tie { person, patient, roles, span } => {
                let (person, patient) = (self.directory.person(person), self.directory.patient(patient));
                let (person, patient) = match (person, patient) {
                    (Who::Named(person), Some(patient)) => (person, patient),
                    (Who::NoStaff, _) => return Ok(Told::NoStaff),
                    (Who::Named(_) | Who::Unclear, _) => return Ok(Told::LeftOut),
                };
                let person = named(person, place, Column::Person)?;
                let patient = named(patient, place, Column::Patient)?;
                let mut known = relationships(settings, roles);
                known.dedup();
                for relationship in &known {
                    draft.tie(person, patient, *relationship, *span);
                }
                Ok(if known.is_empty() { Told::LeftOut } else { Told::Taken })
            }
            Said::Shift { people, places, span } => self.shifts(draft, place, people, places, *span),
            Said::Slot { schedule, places, span } => {
                let booked = self.directory.key(schedule).and_then(|key| self.schedules.get(key));
                let Some((people, scheduled)) = booked else { return Ok(Told::LeftOut) };
                let mut places = places.clone();
                for (place, told) in scheduled {
                    places.entry(*place).or_default().extend(told.iter().cloned());
                }
                self.shifts(draft, place, people, &places, *span)
            }
            Said::Worker { person, places } => match self.directory.person(person) {
                Who::Named(person) => {
                    draft.worker(named(person, place, Column::Person)?, places.clone(), Vec::new());
                    Ok(Told::Taken)
                }
                Who::NoStaff => Ok(Told::NoStaff),
                Who::Unclear => Ok(Told::LeftOut),
            },
            Said::Whereabouts { patient, places } => match self.directory.patient(patient) {
                Some(patient) => {
                    let patient = named(patient, place, Column::Patient)?;
                    draft.patient(patient, places.clone(), Marks::NONE);
                    Ok(Told::Taken)
                }
                None => Ok(Told::LeftOut),
            },
            Said::Nothing => Ok(Told::LeftOut),
        }
    }

    /// All of a schedule who are people; rooms and devices are booked, too.
    fn shifts(
        &self,
        draft: &mut Draft<'_>,
        place: Place,
        people: &[Reference],
        places: &Places,
        span: Span,
    ) -> Result<Told, FeedFault> {
        let is_person = |it: &&Reference| match self.directory.key(it) {
            Some(key) => {
                ["Practitioner/", "PractitionerRole/", "urn:"].iter().any(|kind| key.starts_with(kind))
            }
            None => true,
        };
        let mut told = Told::NoStaff;
        for person in people.iter().filter(is_person) {
            match self.directory.person(person) {
                Who::Named(person) => {
                    draft.shift(named(person, place, Column::Person)?, places.clone(), span);
                    told = Told::Taken;
                }
                Who::Unclear if told != Told::Taken => told = Told::LeftOut,
                Who::Unclear | Who::NoStaff => {}
            }
        }
        Ok(told)
    }
}

/// What became of what a resource says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Taken,
    /// It says what nobody has declared, or of whom nobody knows.
    LeftOut,
    /// It says something of people who do not work here.
    NoStaff,
}

/// The feed's own words for what a participant is; the only one there is where no code is looked at.
fn relationships(settings: &FeedSettings, roles: &[String]) -> Vec<u8> {
    if !settings.has(Column::Relationship) {
        return vec![0];
    }
    let mut known: Vec<u8> = roles.iter().filter_map(|role| position(settings, role)).collect();
    known.sort_unstable();
    known
}

/// Under which references a resource is known: its own, and the one that its Bundle gives it.
fn keys(resource_type: &str, id: Option<&str>, full_url: Option<&str>) -> Vec<String> {
    let own = id.map(|id| format!("{resource_type}/{id}"));
    let urn = full_url.filter(|url| url.starts_with("urn:")).map(str::to_owned);
    own.into_iter().chain(urn).collect()
}

fn resource<'r, R: Deserialize<'r>>(raw: &'r RawValue, place: Place) -> Result<R, FeedFault> {
    serde_json::from_str(raw.get()).map_err(|error| malformed(place, &error))
}

/// Without a word of what stands there.
fn malformed(place: Place, error: &serde_json::Error) -> FeedFault {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "ends in the middle",
        serde_json::error::Category::Data => "is not as FHIR has it",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "is no JSON",
    };
    FeedFault::Malformed { place, what }
}
