//! What was done with privileges: administration of applications, configuration, exports; and of the gateway itself.

use super::Collect;
use super::rows::Rows;
use super::table::{Cell, Column, Ending, Section, SectionName};
use crate::domain::action::Action;
use crate::domain::event::{Event, EventKind};

/// The register.
#[derive(Debug, Default)]
pub(super) struct Register {
    of_applications: Rows,
    of_gateway: Rows,
}

impl Collect for Register {
    fn take(&mut self, event: &Event) {
        match event.opening.kind {
            EventKind::Administration | EventKind::Lifecycle => {
                self.of_gateway.put(event.sequence, of_gateway(event));
            }
            EventKind::Request if is_privileged(event) => {
                self.of_applications.put(event.sequence, of_application(event));
            }
            EventKind::Request
            | EventKind::Authentication
            | EventKind::OwnPath
            | EventKind::Provisioning
            | EventKind::Revocation
            | EventKind::Detection => {}
        }
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        vec![
            self.of_applications.section(SectionName::OfApplications, APPLICATION_COLUMNS),
            self.of_gateway.section(SectionName::OfGateway, GATEWAY_COLUMNS),
        ]
    }
}

/// Whether it is more than to work in a record.
fn is_privileged(event: &Event) -> bool {
    let is_found_file = event.closing.as_ref().is_some_and(|closing| closing.found_file);
    is_found_file
        || event.opening.action.is_some_and(|action| match action {
            Action::Export
            | Action::WholeRecord
            | Action::Disclose
            | Action::Admin
            | Action::Query
            | Action::ConfigExport
            | Action::StartJob
            | Action::FetchResult => true,
            Action::View
            | Action::Search
            | Action::List
            | Action::Create
            | Action::Update
            | Action::Delete
            | Action::Print
            | Action::PollJob => false,
        })
}

fn of_application(event: &Event) -> Vec<Cell> {
    let opening = &event.opening;
    let subject = opening.subject.as_deref();
    let number = opening.justification.as_ref().and_then(|given| given.number.clone());
    let reason =
        event.closing.as_ref().and_then(|closing| closing.reason).or(opening.reasons.first().copied());
    vec![
        Cell::Time(opening.time),
        Cell::text(subject.map(|subject| subject.name.to_string())),
        Cell::texts(subject.into_iter().flat_map(|subject| &subject.roles)),
        Cell::text(opening.application.as_ref().map(ToString::to_string)),
        Cell::text(opening.route.as_ref().map(ToString::to_string)),
        opening.action.map_or(Cell::Nothing, Cell::Action),
        Cell::records(event),
        subject.map_or(Cell::Nothing, |subject| Cell::Purposes(vec![subject.purpose])),
        Cell::text(number),
        Cell::Ending(Ending::of(event.closing.as_ref())),
        reason.map_or(Cell::Nothing, Cell::Reason),
        Cell::Text(opening.event.to_string()),
    ]
}

fn of_gateway(event: &Event) -> Vec<Cell> {
    let opening = &event.opening;
    vec![
        Cell::Time(opening.time),
        Cell::text(opening.note.clone()),
        Cell::Ending(Ending::of(event.closing.as_ref())),
        Cell::Text(opening.event.to_string()),
    ]
}

const APPLICATION_COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Roles,
    Column::Application,
    Column::Route,
    Column::Action,
    Column::Records,
    Column::Purpose,
    Column::Number,
    Column::Outcome,
    Column::Reason,
    Column::Event,
];
const GATEWAY_COLUMNS: &[Column] = &[Column::Time, Column::Note, Column::Outcome, Column::Event];
