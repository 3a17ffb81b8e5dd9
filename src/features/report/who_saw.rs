//! Who has seen a patient's record: for the patient, readable without training.
//!
//! What somebody did in one go is one visit: events of one person with at most half an hour between them. Only what was meant
//! counts, unless all is asked for; what was refused or held back showed nothing, and is not here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::rows::bounded;
use super::table::{Cell, Column, Section, SectionName};
use super::{Collect, People};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, RoleName};
use crate::domain::event::{Event, EventKind};
use crate::domain::patient::PatientDigest;
use crate::domain::purpose::Purpose;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// Who was in one patient's record.
#[derive(Debug)]
pub(super) struct Visits {
    patient: PatientDigest,
    people: People,
    all: bool,
    looks: BTreeMap<u64, Look>,
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
    pub(super) const fn of(patient: PatientDigest, people: People, all: bool) -> Self {
        Self { patient, people, all, looks: BTreeMap::new(), left_out: 0 }
    }
}

impl Collect for Visits {
    fn take(&mut self, event: &Event) {
        let is_told = event.opening.kind == EventKind::Request
            && event.concerns(&self.patient)
            && event.may_have_gone()
            && (self.all || event.is_deliberate());
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
        self.looks.insert(event.sequence, look);
        if self.looks.len() > LOOKS_MAX {
            self.looks.pop_first();
            self.left_out += 1;
        }
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { people, looks, left_out, .. } = *self;
        let mut visits: Vec<Visit> = Vec::new();
        let mut latest: HashMap<SubjectId, usize> = HashMap::new();
        for look in looks.into_values() {
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
        let mut section = bounded(SectionName::Visits, COLUMNS, rows);
        section.left_out += left_out;
        vec![section]
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
