//! Who has seen a patient's record: for the patient, readable without training.
//!
//! What somebody did in one go is one visit: events of one person with at most half an hour between them. Only what was meant
//! counts, unless all is asked for: then the lists and files in which the patient stood are a table of their own, since nobody
//! opened the record for that. What was refused or held back showed nothing, and is not here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::rows::bounded;
use super::table::{Cell, Column, Section, SectionName};
use super::{Collect, People};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, RoleName};
use crate::domain::event::{Event, EventKind};
use crate::domain::patient::PatientDigests;
use crate::domain::purpose::Purpose;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// Who was in one patient's record.
#[derive(Debug)]
pub(super) struct Visits {
    patient: PatientDigests,
    people: People,
    all: bool,
    looks: Looks,
    /// In what only listed the patient.
    listed: Looks,
}

/// Events by their numbers, bounded: beyond it the oldest go, and are counted.
#[derive(Debug, Default)]
struct Looks {
    kept: BTreeMap<u64, Look>,
    left_out: u64,
}

/// What one event tells.
#[derive(Debug)]
struct Look {
    time: Timestamp,
    person: SubjectId,
    name: Arc<str>,
    roles: Vec<RoleName>,
    department: Cell,
    application: Option<ApplicationName>,
    action: Option<Action>,
    categories: Arc<[Category]>,
    purpose: Purpose,
}

/// What somebody did in one go.
#[derive(Debug)]
struct Visit {
    first: Timestamp,
    last: Timestamp,
    name: Arc<str>,
    roles: Vec<RoleName>,
    department: Cell,
    applications: BTreeSet<ApplicationName>,
    actions: BTreeSet<Action>,
    categories: BTreeSet<Category>,
    purposes: BTreeSet<Purpose>,
}

impl Visits {
    pub(super) fn of(patient: PatientDigests, people: People, all: bool) -> Self {
        Self { patient, people, all, looks: Looks::default(), listed: Looks::default() }
    }
}

impl Collect for Visits {
    fn take(&mut self, event: &Event) {
        let is_told = event.opening.kind == EventKind::Request
            && event.may_have_gone()
            && (event.opens(&self.patient) || self.all && event.concerns(&self.patient));
        let Some(subject) = event.opening.subject.as_deref().filter(|_| is_told) else { return };
        let look = Look {
            time: event.opening.time,
            person: SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() },
            name: subject.name.clone(),
            roles: subject.roles.clone(),
            department: Cell::department(event),
            application: event.opening.application.clone(),
            action: event.opening.action,
            categories: event.opening.categories.clone(),
            purpose: subject.purpose,
        };
        let looks =
            if event.opening.concerns_any(&self.patient) { &mut self.looks } else { &mut self.listed };
        looks.put(event.sequence, look);
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { people, all, looks, listed, .. } = *self;
        let listed = all.then(|| listed.section(SectionName::Listed, people));
        [looks.section(SectionName::Visits, people)].into_iter().chain(listed).collect()
    }
}

impl Looks {
    fn put(&mut self, sequence: u64, look: Look) {
        self.kept.insert(sequence, look);
        if self.kept.len() > LOOKS_MAX {
            self.kept.pop_first();
            self.left_out += 1;
        }
    }

    /// The table of them, in visits.
    fn section(self, name: SectionName, people: People) -> Section {
        let mut visits: Vec<Visit> = Vec::new();
        let mut latest: HashMap<SubjectId, usize> = HashMap::new();
        for look in self.kept.into_values() {
            let at = latest.get(&look.person).copied();
            let open = at.and_then(|at| visits.get_mut(at)).filter(|visit| visit.goes_on(look.time));
            if let Some(visit) = open {
                visit.add(look);
            } else {
                latest.insert(look.person.clone(), visits.len());
                visits.push(Visit::begin(look));
            }
        }
        let rows = visits.into_iter().map(|visit| visit.row(people)).collect();
        let mut section = bounded(name, COLUMNS, rows);
        section.left_out += self.left_out;
        section
    }
}

impl Visit {
    fn begin(look: Look) -> Self {
        let mut visit = Self {
            first: look.time,
            last: look.time,
            name: look.name.clone(),
            roles: look.roles.clone(),
            department: look.department.clone(),
            applications: BTreeSet::new(),
            actions: BTreeSet::new(),
            categories: BTreeSet::new(),
            purposes: BTreeSet::new(),
        };
        visit.add(look);
        visit
    }

    /// Whether what comes at `time` still belongs to it.
    fn goes_on(&self, time: Timestamp) -> bool {
        time.since(self.last) <= PAUSE_MAX && self.first.since(time) <= PAUSE_MAX
    }

    fn add(&mut self, look: Look) {
        self.first = self.first.min(look.time);
        self.last = self.last.max(look.time);
        self.applications.extend(look.application);
        self.actions.extend(look.action);
        self.categories.extend(look.categories.iter().cloned());
        self.purposes.insert(look.purpose);
    }

    fn row(self, people: People) -> Vec<Cell> {
        let is_emergency = self.purposes.iter().any(|purpose| purpose.is_emergency());
        vec![
            Cell::Span(self.first, self.last),
            match people {
                People::ByName => Cell::Text(self.name.to_string()),
                People::ByRole => Cell::texts(&self.roles),
            },
            self.department,
            Cell::texts(&self.applications),
            Cell::data(&self.categories),
            Cell::Did(self.actions.into_iter().collect()),
            Cell::Purposes(self.purposes.into_iter().collect()),
            Cell::Yes(is_emergency),
        ]
    }
}

const COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Department,
    Column::Application,
    Column::Data,
    Column::Did,
    Column::Purpose,
    Column::Emergency,
];
/// Who comes back within this time has not left.
const PAUSE_MAX: Duration = Duration::from_secs(30 * 60);
/// The most events about one patient that are grouped.
const LOOKS_MAX: usize = 50_000;
