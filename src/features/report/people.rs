//! What people did, for whoever is responsible for them: no patient is told of, only how many there were, and how that
//! compares with those who work in the same role.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::Collect;
use super::rows::bounded;
use super::table::{Cell, Column, Ending, Section, SectionName};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, RoleName, RouteName};
use crate::domain::count::Count;
use crate::domain::event::{Event, EventKind};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;

/// What everybody did, and somebody in particular.
#[derive(Debug)]
pub(super) struct Activity {
    person: Option<String>,
    people: BTreeMap<SubjectId, Tally>,
    by_route: BTreeMap<Deed, u64>,
    /// Patients that may still be told apart.
    room: usize,
    people_left_out: u64,
    deeds_left_out: u64,
}

/// What is one row of what somebody did.
type Deed = (Option<ApplicationName>, Option<RouteName>, Option<Action>, Ending);

#[derive(Debug, Default)]
struct Tally {
    name: Arc<str>,
    roles: Vec<RoleName>,
    requests: u64,
    refused: u64,
    opened: HashSet<PatientDigest>,
    /// There were more than could be told apart.
    is_more: bool,
    files: u64,
    records: u64,
}

impl Activity {
    pub(super) fn of(person: Option<String>) -> Self {
        Self {
            person: person.map(|person| person.to_lowercase()),
            people: BTreeMap::new(),
            by_route: BTreeMap::new(),
            room: PATIENTS_MAX,
            people_left_out: 0,
            deeds_left_out: 0,
        }
    }
}

impl Collect for Activity {
    fn take(&mut self, event: &Event) {
        if event.opening.kind != EventKind::Request {
            return;
        }
        let Some(subject) = event.opening.subject.as_deref() else { return };
        let id = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        if self.people.len() >= PEOPLE_MAX && !self.people.contains_key(&id) {
            self.people_left_out += 1;
            return;
        }
        if self.person.as_ref().is_some_and(|person| is_meant(person, &id, &subject.name)) {
            self.note_deed(event);
        }
        let tally = self.people.entry(id).or_default();
        tally.name = subject.name.clone();
        tally.roles.clone_from(&subject.roles);
        tally.add(event, &mut self.room);
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { person, people, by_route, people_left_out, deeds_left_out, .. } = *self;
        let peers = Peers::of(people.values());
        let meant = people
            .iter()
            .filter(|(id, tally)| person.as_ref().is_none_or(|person| is_meant(person, id, &tally.name)));
        let rows = meant.map(|(id, tally)| tally.row(id, &peers)).collect();
        let mut of_people = bounded(SectionName::People, PEOPLE_COLUMNS, rows);
        of_people.left_out += people_left_out;
        if person.is_none() {
            return vec![of_people];
        }
        let mut of_routes =
            bounded(SectionName::ByRoute, DEED_COLUMNS, by_route.into_iter().map(deed).collect());
        of_routes.left_out += deeds_left_out;
        vec![of_people, of_routes]
    }
}

impl Activity {
    fn note_deed(&mut self, event: &Event) {
        let opening = &event.opening;
        let ending = Ending::of(event.closing.as_ref());
        let deed = (opening.application.clone(), opening.route.clone(), opening.action, ending);
        if self.by_route.len() < DEEDS_MAX || self.by_route.contains_key(&deed) {
            *self.by_route.entry(deed).or_default() += 1;
        } else {
            self.deeds_left_out += 1;
        }
    }
}

impl Tally {
    fn add(&mut self, event: &Event, room: &mut usize) {
        self.requests += 1;
        if !event.may_have_gone() {
            self.refused += 1;
            return;
        }
        let takes = event.opening.takes();
        for patient in takes.opened {
            if *room > 0 {
                *room -= usize::from(self.opened.insert(patient));
            } else if !self.opened.contains(&patient) {
                self.is_more = true;
            }
        }
        let found_file = event.closing.as_ref().is_some_and(|closing| closing.found_file);
        let files = u64::from(takes.exports) + u64::from(found_file);
        self.files += files;
        if files > 0 {
            self.records += event.closing.as_ref().map_or(0, |closing| closing.records.at_least());
        }
    }

    fn patients(&self) -> u64 {
        self.opened.len() as u64
    }

    fn row(&self, id: &SubjectId, peers: &Peers<'_>) -> Vec<Cell> {
        let patients = self.patients();
        let share = |percent: Option<u64>| percent.map_or(Cell::Nothing, Cell::Percent);
        vec![
            Cell::Text(self.name.to_string()),
            Cell::Text(id.sub.to_string()),
            Cell::texts(&self.roles),
            Cell::Number(self.requests),
            Cell::Number(self.refused),
            Cell::Count(if self.is_more { Count::AtLeast(patients) } else { Count::Exactly(patients) }),
            Cell::Number(self.files),
            Cell::Number(self.records),
            share(percentile(&peers.patients, &self.roles, patients)),
            share(percentile(&peers.records, &self.roles, self.records)),
        ]
    }
}

fn is_meant(person: &str, id: &SubjectId, name: &str) -> bool {
    id.sub.to_lowercase() == person || name.to_lowercase().contains(person)
}

fn deed(((application, route, action, ending), times): (Deed, u64)) -> Vec<Cell> {
    vec![
        Cell::text(application.map(|name| name.to_string())),
        Cell::text(route.map(|name| name.to_string())),
        action.map_or(Cell::Nothing, Cell::Action),
        Cell::Ending(ending),
        Cell::Number(times),
    ]
}

/// What those of each role did, in rising order.
#[derive(Debug)]
struct Peers<'a> {
    patients: BTreeMap<&'a RoleName, Vec<u64>>,
    records: BTreeMap<&'a RoleName, Vec<u64>>,
}

impl<'a> Peers<'a> {
    fn of(people: impl Iterator<Item = &'a Tally>) -> Self {
        let mut peers = Self { patients: BTreeMap::new(), records: BTreeMap::new() };
        for tally in people {
            for role in &tally.roles {
                peers.patients.entry(role).or_default().push(tally.patients());
                peers.records.entry(role).or_default().push(tally.records);
            }
        }
        peers
            .patients
            .values_mut()
            .chain(peers.records.values_mut())
            .for_each(|of_role| of_role.sort_unstable());
        peers
    }
}

/// Which share of the others in a role did less, in percent: in the role in which that is the most. Nothing where nobody else has
/// one of the roles.
fn percentile(by_role: &BTreeMap<&RoleName, Vec<u64>>, roles: &[RoleName], own: u64) -> Option<u64> {
    let of_role = |role| {
        let all: &Vec<u64> = by_role.get(role)?;
        let others = (all.len() as u64).checked_sub(1).filter(|others| *others > 0)?;
        let fewer = all.partition_point(|theirs| *theirs < own) as u64;
        Some(fewer * 100 / others)
    };
    roles.iter().filter_map(of_role).max()
}

const PEOPLE_COLUMNS: &[Column] = &[
    Column::Person,
    Column::Identifier,
    Column::Roles,
    Column::Requests,
    Column::Refused,
    Column::Patients,
    Column::Files,
    Column::Records,
    Column::PatientsPercentile,
    Column::RecordsPercentile,
];
const DEED_COLUMNS: &[Column] =
    &[Column::Application, Column::Route, Column::Action, Column::Outcome, Column::Times];
/// The most people who are told apart.
const PEOPLE_MAX: usize = 50_000;
/// The most patients who are told apart, of all people together: 32 bytes each.
const PATIENTS_MAX: usize = 2_000_000;
const DEEDS_MAX: usize = 10_000;
