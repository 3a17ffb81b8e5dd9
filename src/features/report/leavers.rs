//! Who has left, when everything of theirs was ended, and what was done under their names afterwards: nothing is the only
//! good number.
//!
//! Somebody has left when the directory or a signal says so and their sessions are ended for it. Who is let in again is back.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::Collect;
use super::rows::{Rows, bounded};
use super::table::{Cell, Column, Ending, Section, SectionName};
use crate::domain::event::{Event, EventKind};
use crate::domain::provisioning::ProvisioningStep;
use crate::domain::revocation::{Cause, Revocation, Target};
use crate::domain::signal::{SignalKind, SignalStep};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// Who has left.
#[derive(Debug, Default)]
pub(super) struct Leavers {
    left: BTreeMap<SubjectId, Leave>,
    /// Those who came back, and have left again since.
    before: Vec<(SubjectId, Leave)>,
    left_out: u64,
    /// The latest of what each person did, to be looked at when it turns out that they had left before.
    lately: HashMap<SubjectId, VecDeque<Access>>,
    afterwards: Rows,
}

/// How somebody has left.
#[derive(Debug)]
struct Leave {
    name: Option<Arc<str>>,
    cause: Cause,
    told: Timestamp,
    ended: Option<Timestamp>,
    sessions: u64,
    accesses: u64,
    back: Option<Timestamp>,
}

/// Something that a person did.
#[derive(Clone, Debug)]
struct Access {
    sequence: u64,
    time: Timestamp,
    name: Arc<str>,
    row: Vec<Cell>,
}

impl Collect for Leavers {
    fn take(&mut self, event: &Event) {
        if let Some(revocation) = &event.opening.revocation {
            self.leave(event, revocation);
        }
        self.come_back(event);
        let Some(subject) = event.opening.subject.as_deref() else { return };
        if event.opening.kind == EventKind::Request && event.may_have_gone() {
            let id = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
            self.access(id, subject.name.clone(), event);
        }
    }

    fn finish(self: Box<Self>) -> Vec<Section> {
        let Self { left, before, left_out, afterwards, .. } = *self;
        let mut all: Vec<_> = left.into_iter().chain(before).collect();
        all.sort_by_key(|(_, leave)| leave.told);
        let mut leavers = bounded(SectionName::Leavers, LEAVER_COLUMNS, all.into_iter().map(row).collect());
        leavers.left_out += left_out;
        vec![leavers, afterwards.section(SectionName::Afterwards, ACCESS_COLUMNS)]
    }
}

impl Leavers {
    fn leave(&mut self, event: &Event, revocation: &Revocation) {
        let (true, Some(person)) = (is_leaving(revocation.cause), whose(event, revocation)) else { return };
        let revoked = event.closing.as_ref().and_then(|closing| closing.revoked.as_deref());
        let ended = revoked.and_then(|revoked| revoked.cut.max(revoked.stored));
        let sessions = revoked.map_or(0, |revoked| revoked.sessions);
        // Told again, or by another node: the first word counts, and everything that was ended.
        if let Some(leave) = self.left.get_mut(&person).filter(|leave| leave.back.is_none()) {
            leave.ended = leave.ended.max(ended);
            leave.sessions += sessions;
            return;
        }
        if self.left.len() + self.before.len() >= LEAVERS_MAX {
            self.left_out += 1;
            return;
        }
        let told = revocation.asked.min(event.opening.time);
        let leave =
            Leave { name: None, cause: revocation.cause, told, ended, sessions, accesses: 0, back: None };
        let former = self.left.insert(person.clone(), leave);
        self.before.extend(former.map(|former| (person.clone(), former)));
        for access in self.lately.remove(&person).unwrap_or_default() {
            self.judge(&person, access);
        }
    }

    /// Whoever is let in again, by the directory or a signal, is back.
    fn come_back(&mut self, event: &Event) {
        let opening = &event.opening;
        let told = opening.provisioning.as_ref().filter(|told| told.step == ProvisioningStep::Enabled);
        let resource = told.and_then(|told| told.resource.as_ref());
        let signal = opening.signal.as_ref().filter(|signal| {
            signal.kind == Some(SignalKind::AccountEnabled) && signal.step == SignalStep::CarriedOut
        });
        if resource.is_none() && signal.is_none() {
            return;
        }
        for (person, leave) in &mut self.left {
            let is_enabled = resource.is_some_and(|resource| {
                resource.external_id.as_deref() == Some(&*person.sub) || *resource.name == *person.sub
            });
            let is_signalled = signal.is_some_and(|signal| signal.people.contains(person));
            if (is_enabled || is_signalled) && leave.back.is_none() {
                leave.back = Some(opening.time);
            }
        }
    }

    fn access(&mut self, person: SubjectId, name: Arc<str>, event: &Event) {
        let access =
            Access { sequence: event.sequence, time: event.opening.time, name, row: access_row(event) };
        if self.left.contains_key(&person) {
            return self.judge(&person, access);
        }
        if self.lately.len() >= PEOPLE_MAX && !self.lately.contains_key(&person) {
            return;
        }
        let lately = self.lately.entry(person).or_default();
        lately.push_back(access);
        if lately.len() > LATELY_MAX {
            lately.pop_front();
        }
    }

    fn judge(&mut self, person: &SubjectId, access: Access) {
        let Some(leave) = self.left.get_mut(person) else { return };
        leave.name.get_or_insert(access.name);
        if access.time > leave.told && leave.back.is_none_or(|back| access.time < back) {
            leave.accesses += 1;
            self.afterwards.put(access.sequence, access.row);
        }
    }
}

/// Whether it is because somebody is not one of the house any more.
const fn is_leaving(cause: Cause) -> bool {
    match cause {
        Cause::Scim | Cause::AccountDisabled | Cause::AccountPurged => true,
        Cause::SignOut
        | Cause::OwnList
        | Cause::OtherPerson
        | Cause::TooMany
        | Cause::Elsewhere
        | Cause::Administrator
        | Cause::BackChannelLogout
        | Cause::AccountRenamed
        | Cause::SessionRevokedSignal
        | Cause::CredentialChange
        | Cause::TokenClaimsChange
        | Cause::DeviceComplianceChange
        | Cause::CredentialCompromise
        | Cause::CredentialChangeRequired
        | Cause::SessionsRevokedSignal
        | Cause::TokenInactive => false,
    }
}

fn whose(event: &Event, revocation: &Revocation) -> Option<SubjectId> {
    let ended = || event.closing.as_ref()?.revoked.as_ref()?.person.clone();
    match &revocation.target {
        Target::Person(person) => Some(person.clone()),
        Target::Others(others) => Some(others.person.clone()),
        Target::Session(_) | Target::SignIn(_) | Target::ProviderSession(_) => ended(),
    }
}

fn row((person, leave): (SubjectId, Leave)) -> Vec<Cell> {
    vec![
        Cell::Time(leave.told),
        Cell::text(leave.name.map(|name| name.to_string())),
        Cell::Text(person.sub.to_string()),
        Cell::Text(leave.cause.to_string()),
        leave.ended.map_or(Cell::Nothing, Cell::Time),
        Cell::Number(leave.sessions),
        Cell::Number(leave.accesses),
    ]
}

fn access_row(event: &Event) -> Vec<Cell> {
    let opening = &event.opening;
    vec![
        Cell::Time(opening.time),
        Cell::text(opening.subject.as_ref().map(|subject| subject.name.to_string())),
        Cell::text(opening.application.as_ref().map(ToString::to_string)),
        Cell::text(opening.route.as_ref().map(ToString::to_string)),
        opening.action.map_or(Cell::Nothing, Cell::Action),
        Cell::Ending(Ending::of(event.closing.as_ref())),
        Cell::Text(opening.event.to_string()),
    ]
}

const LEAVER_COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Identifier,
    Column::Cause,
    Column::Until,
    Column::Sessions,
    Column::Accesses,
];
const ACCESS_COLUMNS: &[Column] = &[
    Column::Time,
    Column::Person,
    Column::Application,
    Column::Route,
    Column::Action,
    Column::Outcome,
    Column::Event,
];
const LEAVERS_MAX: usize = 10_000;
const PEOPLE_MAX: usize = 50_000;
/// What somebody can do while the word that they have left is still being carried out, which takes seconds.
const LATELY_MAX: usize = 32;
