//! Everything that was done about one patient: for whoever investigates. What was meant comes first; lists and files in which the
//! patient stood among others come behind, whoever meant them.

use super::Collect;
use super::rows::Rows;
use super::table::{Cell, Column, Ending, Section, SectionName};
use crate::domain::event::Event;
use crate::domain::patient::PatientDigests;

/// Everything about one patient.
#[derive(Debug)]
pub(super) struct Activity {
    patient: PatientDigests,
    deliberate: Rows,
    incidental: Rows,
}

impl Activity {
    pub(super) fn of(patient: PatientDigests) -> Self {
        Self { patient, deliberate: Rows::default(), incidental: Rows::default() }
    }
}

impl Collect for Activity {
    fn take(&mut self, event: &Event) {
        if !event.concerns(&self.patient) {
            return;
        }
        let rows = if event.opens(&self.patient) { &mut self.deliberate } else { &mut self.incidental };
        rows.put(event.sequence, row(event));
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        vec![
            self.deliberate.section(SectionName::Deliberate, COLUMNS),
            self.incidental.section(SectionName::Incidental, COLUMNS),
        ]
    }
}

fn row(event: &Event) -> Vec<Cell> {
    let opening = &event.opening;
    let subject = opening.subject.as_deref();
    let reason =
        event.closing.as_ref().and_then(|closing| closing.reason).or(opening.reasons.first().copied());
    vec![
        Cell::Time(opening.time),
        Cell::text(subject.map(|subject| subject.name.to_string())),
        Cell::text(subject.map(|subject| subject.sub.to_string())),
        Cell::texts(subject.into_iter().flat_map(|subject| &subject.roles)),
        Cell::department(event),
        Cell::text(opening.device.as_ref().map(ToString::to_string)),
        Cell::text(opening.application.as_ref().map(ToString::to_string)),
        Cell::text(opening.route.as_ref().map(ToString::to_string).or_else(|| opening.note.clone())),
        opening.action.map_or(Cell::Nothing, Cell::Action),
        Cell::records(event),
        subject.map_or(Cell::Nothing, |subject| Cell::Purposes(vec![subject.purpose])),
        Cell::texts(opening.relationships.iter().map(|told| &told.relationship)),
        Cell::Yes(subject.is_some_and(|subject| subject.purpose.is_emergency())),
        Cell::Ending(Ending::of(event.closing.as_ref())),
        reason.map_or(Cell::Nothing, Cell::Reason),
        Cell::Text(opening.event.to_string()),
    ]
}

const COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Identifier,
    Column::Roles,
    Column::Department,
    Column::Device,
    Column::Application,
    Column::Route,
    Column::Action,
    Column::Records,
    Column::Purpose,
    Column::Relationship,
    Column::Emergency,
    Column::Outcome,
    Column::Reason,
    Column::Event,
];
