//! What the gateway recognizes of what passes, and where it is blind: said as it is, or nobody mends it.
//!
//! The path of a request that no route knows is not told: it may name a patient. `leastway policy learn` works on these.

use std::collections::BTreeMap;

use super::Collect;
use super::rows::bounded;
use super::table::{Cell, Column, Section, SectionName};
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::count::Count;
use crate::domain::event::{Event, EventKind};
use crate::domain::gap::Gap;
use crate::domain::reason::Reason;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    applications: BTreeMap<Option<ApplicationName>, Tally>,
    routes: BTreeMap<(Option<ApplicationName>, RouteName), (Option<Action>, Tally)>,
    left_out: u64,
    gaps: Vec<Gap>,
    gaps_left_out: u64,
}

/// How much was seen of something.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    requests: u64,
    routes: u64,
    unmatched: u64,
    observed: u64,
    refused: u64,
    /// Replies of which it is not known how much they held.
    unknown: u64,
    /// Those that open a record, and name the patient or do not.
    named: u64,
    nameless: u64,
}

impl Collect for Coverage {
    fn take(&mut self, event: &Event) {
        if let Some(gap) = &event.opening.gap {
            if self.gaps.len() < GAPS_MAX {
                self.gaps.push(gap.without_shares());
            } else {
                self.gaps_left_out += 1;
            }
        }
        if event.opening.kind != EventKind::Request {
            return;
        }
        let opening = &event.opening;
        let application = &opening.application;
        let mut is_new = false;
        if let Some(route) = &opening.route {
            let key = (application.clone(), route.clone());
            let is_known = self.routes.contains_key(&key);
            if is_known || self.routes.len() < ROUTES_MAX {
                is_new = !is_known;
                let (action, tally) = self.routes.entry(key).or_default();
                *action = opening.action.or(*action);
                tally.add(event);
            } else {
                self.left_out += 1;
            }
        }
        let tally = self.applications.entry(application.clone()).or_default();
        tally.add(event);
        tally.routes += u64::from(is_new);
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { applications, routes, left_out, gaps, gaps_left_out } = *self;
        let of_applications = applications.into_iter().map(application_row).collect();
        let of_routes = routes.into_iter().map(route_row).collect();
        let mut routes = bounded(SectionName::Routes, ROUTE_COLUMNS, of_routes);
        routes.left_out += left_out;
        let mut gaps = bounded(SectionName::Gaps, GAP_COLUMNS, gaps.into_iter().map(gap_row).collect());
        gaps.left_out += gaps_left_out;
        vec![bounded(SectionName::Applications, APPLICATION_COLUMNS, of_applications), routes, gaps]
    }
}

impl Tally {
    fn add(&mut self, event: &Event) {
        let opening = &event.opening;
        self.requests += 1;
        self.observed += u64::from(opening.reasons.contains(&Reason::UnmatchedObserved));
        self.unmatched += u64::from(opening.route.is_none());
        self.refused += u64::from(!event.may_have_gone());
        let count = event.closing.as_ref().map(|closing| closing.records);
        self.unknown += u64::from(matches!(count, Some(Count::Unknown(_))));
        if opening.action.is_some_and(Action::opens_record) {
            let is_named = opening.patient.is_some() || !opening.takes().opened.is_empty();
            self.named += u64::from(is_named);
            self.nameless += u64::from(!is_named);
        }
    }
}

fn application_row((application, tally): (Option<ApplicationName>, Tally)) -> Vec<Cell> {
    vec![
        Cell::text(application.map(|name| name.to_string())),
        Cell::Number(tally.requests),
        Cell::Number(tally.routes),
        Cell::Number(tally.unmatched),
        Cell::Number(tally.observed),
        Cell::Number(tally.refused),
        Cell::Number(tally.unknown),
        Cell::Number(tally.nameless),
        Cell::share(tally.named, tally.named + tally.nameless),
    ]
}

type RouteTally = ((Option<ApplicationName>, RouteName), (Option<Action>, Tally));

fn route_row(((application, route), (action, tally)): RouteTally) -> Vec<Cell> {
    vec![
        Cell::text(application.map(|name| name.to_string())),
        Cell::Text(route.to_string()),
        action.map_or(Cell::Nothing, Cell::Action),
        Cell::Number(tally.requests),
        Cell::Number(tally.refused),
        Cell::Number(tally.unknown),
        Cell::Number(tally.nameless),
        Cell::share(tally.named, tally.named + tally.nameless),
    ]
}

fn gap_row(gap: Gap) -> Vec<Cell> {
    vec![Cell::Time(gap.from), Cell::Time(gap.to), Cell::Number(gap.requests), Cell::Text(gap.why)]
}

const GAP_COLUMNS: &[Column] = &[Column::Time, Column::Last, Column::Requests, Column::Cause];
const GAPS_MAX: usize = 1_000;
const APPLICATION_COLUMNS: &[Column] = &[
    Column::Application,
    Column::Requests,
    Column::Routes,
    Column::Unmatched,
    Column::Observed,
    Column::Refused,
    Column::Unknown,
    Column::NoPatient,
    Column::PatientShare,
];
const ROUTE_COLUMNS: &[Column] = &[
    Column::Application,
    Column::Route,
    Column::Action,
    Column::Requests,
    Column::Refused,
    Column::Unknown,
    Column::NoPatient,
    Column::PatientShare,
];
const ROUTES_MAX: usize = 10_000;
