//! The break-glass register: who has opened whose chart in an emergency, why, for how long, and what came of the review.
//!
//! What joins a review because its person was asked a few days before is in the row of that. Whoever wrote in their own words why
//! did so under seal: that is not told here, and `leastway seal reveal` opens it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::table::{Cell, Column, Section, SectionName, SheetState};
use super::{Collect, ROWS_MAX};
use crate::domain::application::{ApplicationName, Category, RoleName};
use crate::domain::break_glass::{
    BreakFinding, BreakReason, BreakRelation, BreakReview, BreakStep, EventBreak, ReviewedBreak,
};
use crate::domain::event::Event;
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// The register.
#[derive(Debug, Default)]
pub(super) struct Register {
    rows: BTreeMap<RequestId, Row>,
    /// Breaks that are told of in the row of another.
    joined: BTreeMap<RequestId, RequestId>,
    left_out: u64,
    prompted: u64,
    cancelled: u64,
}

/// What is known of one review.
#[derive(Debug, Default)]
struct Row {
    began: Option<Timestamp>,
    person: Option<SubjectId>,
    name: Option<String>,
    roles: Vec<RoleName>,
    application: Option<ApplicationName>,
    patient: Option<PatientDigest>,
    reason: Option<BreakReason>,
    relation: Option<BreakRelation>,
    /// How often it was opened: once, and again by memory.
    times: u64,
    /// When each that goes on began.
    open: BTreeMap<RequestId, Timestamp>,
    lasted: Duration,
    opened: BTreeSet<Category>,
    text_owed: bool,
    sheet: Option<SheetState>,
    recipient: Option<String>,
    discloser: Option<String>,
    reviewer: Option<String>,
    finding: Option<BreakFinding>,
    closed: Option<Timestamp>,
}

impl Collect for Register {
    fn take(&mut self, event: &Event) {
        let Some(told) = event.opening.break_glass.as_deref() else { return };
        match told.step {
            BreakStep::Prompted => self.prompted += 1,
            BreakStep::Cancelled => self.cancelled += 1,
            BreakStep::Started
            | BreakStep::Remembered
            | BreakStep::Used
            | BreakStep::Ended
            | BreakStep::Attested
            | BreakStep::Reviewed => told.id.into_iter().for_each(|id| self.tell(event, told, id)),
        }
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { rows, left_out, prompted, cancelled, .. } = *self;
        let breaks: u64 = rows.values().map(|row| row.times).sum();
        let explained = rows.values().filter(|row| row.finding == Some(BreakFinding::AutoExplained)).count();
        let figures = vec![vec![
            Cell::Number(prompted),
            Cell::Number(cancelled),
            Cell::Number(breaks),
            Cell::share(explained as u64, rows.len() as u64),
        ]];
        vec![
            Section {
                name: SectionName::Breaks,
                columns: COLUMNS,
                rows: rows.into_values().map(cells).collect(),
                left_out,
            },
            Section { name: SectionName::BreakFigures, columns: FIGURE_COLUMNS, rows: figures, left_out: 0 },
        ]
    }
}

impl Register {
    fn tell(&mut self, event: &Event, told: &EventBreak, id: RequestId) {
        if let Some(root) = told.joins {
            self.joined.insert(id, root);
        }
        let root = self.joined.get(&id).copied().unwrap_or(id);
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&root) {
            self.left_out += u64::from(told.step.begins());
            return;
        }
        let row = self.rows.entry(root).or_default();
        row.note(event);
        let (opening, time) = (&event.opening, event.opening.time);
        match told.step {
            BreakStep::Started | BreakStep::Remembered => row.begin(id, told, time),
            BreakStep::Used => {
                row.opened.extend(opening.categories.iter().cloned());
                if opening.laws.iter().any(|law| law.has_notice()) {
                    row.sheet.get_or_insert(SheetState::Owed);
                }
            }
            BreakStep::Ended => row.end(id, time),
            BreakStep::Attested => {
                row.text_owed = false;
                if let Some(discloser) = &told.discloser {
                    row.sheet = Some(SheetState::Filed);
                    row.discloser = Some(discloser.clone());
                    row.recipient = opening.justification.as_ref().and_then(|given| given.recipient.clone());
                }
            }
            BreakStep::Reviewed => row.review(told.review.as_ref(), time),
            BreakStep::Prompted | BreakStep::Cancelled => {}
        }
    }
}

impl Row {
    /// Whose and where it is, as far as an event says it.
    fn note(&mut self, event: &Event) {
        let opening = &event.opening;
        self.application = self.application.take().or_else(|| opening.application.clone());
        self.patient = self.patient.or(opening.patient);
        if let Some(subject) = opening.subject.as_deref().filter(|_| self.person.is_none()) {
            self.person = Some(SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() });
            self.name = Some(subject.name.to_string());
            self.roles.clone_from(&subject.roles);
        }
    }

    fn begin(&mut self, id: RequestId, told: &EventBreak, time: Timestamp) {
        self.times += 1;
        self.open.insert(id, time);
        if told.joins.is_none() {
            self.began = Some(time);
            self.reason = told.reason;
            self.relation = told.relation;
            self.text_owed = told.text_owed;
        }
    }

    fn end(&mut self, id: RequestId, time: Timestamp) {
        if let Some(began) = self.open.remove(&id) {
            self.lasted += time.since(began);
        }
    }

    fn review(&mut self, review: Option<&ReviewedBreak>, time: Timestamp) {
        let Some(review) = review else { return };
        self.reviewer.clone_from(&review.reviewer);
        self.finding = review.finding;
        self.closed = (review.state == BreakReview::Closed).then_some(time);
    }
}

fn cells(row: Row) -> Vec<Cell> {
    let minutes = row.open.is_empty().then(|| row.lasted.as_secs().div_ceil(60));
    let days = row.began.zip(row.closed).map(|(began, closed)| closed.since(began).as_secs() / 86_400);
    vec![
        row.began.map_or(Cell::Nothing, Cell::Time),
        Cell::text(row.name),
        Cell::text(row.person.map(|person| person.sub.to_string())),
        Cell::texts(row.roles),
        Cell::text(row.application.map(|application| application.to_string())),
        Cell::text(row.patient.map(|patient| patient.digest().short())),
        row.reason.map_or(Cell::Nothing, Cell::Given),
        row.relation.map_or(Cell::Nothing, Cell::Relation),
        Cell::Number(row.times),
        minutes.map_or(Cell::Nothing, Cell::Number),
        Cell::data(&row.opened),
        Cell::Yes(row.text_owed),
        row.sheet.map_or(Cell::Nothing, Cell::Sheet),
        Cell::text(row.recipient),
        Cell::text(row.discloser),
        Cell::text(row.reviewer),
        row.finding.map_or(Cell::Nothing, Cell::Finding),
        days.map_or(Cell::Nothing, Cell::Number),
    ]
}

const COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Identifier,
    Column::Roles,
    Column::Application,
    Column::Whom,
    Column::Given,
    Column::Relationship,
    Column::Times,
    Column::Minutes,
    Column::Data,
    Column::TextOwed,
    Column::Sheet,
    Column::Recipient,
    Column::Discloser,
    Column::Reviewer,
    Column::Finding,
    Column::DaysToClose,
];
const FIGURE_COLUMNS: &[Column] =
    &[Column::Prompted, Column::Cancelled, Column::Breaks, Column::AutoExplained];
