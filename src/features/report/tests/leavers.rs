//! Who has left, and what was done under their names afterwards.

use super::*;
use crate::domain::provisioning::{ProvisionedResource, Provisioning, ProvisioningStep, ResourceKind};
use crate::domain::revocation::{Cause, Revocation, Revoked, Target};
use crate::domain::subject::SubjectId;
use crate::foundation::id::ResourceId;

/// Event `number`: everything of Nadia's is ended.
fn left(number: u64, minute: u64, cause: Cause) -> Event {
    let person = SubjectId { issuer: "https://id.clinic.example".into(), sub: "sub-of-nadia".into() };
    let mut event = but(opened(number, minute), |opening| {
        let (target, time) = (Target::Person(person), opening.time);
        let id = opening.event;
        *opening = Opening::begin(id, EventKind::Revocation, time);
        opening.revocation = Some(Box::new(Revocation {
            target,
            cause,
            why: None,
            request: None,
            asked: time,
            received: time,
            relayed: None,
        }));
    });
    let revoked = Revoked { sessions: 2, stored: Some(at(minute + 1)), ..Revoked::default() };
    event.closing = event.closing.map(|closing| Closing { revoked: Some(Box::new(revoked)), ..closing });
    event
}

fn enabled(number: u64, minute: u64) -> Event {
    but(opened(number, minute), |opening| {
        let (id, time) = (opening.event, opening.time);
        *opening = Opening::begin(id, EventKind::Provisioning, time);
        let step = ProvisioningStep::Enabled;
        let mut told = Provisioning::of("clinic".parse().unwrap(), step);
        told.resource = Some(ProvisionedResource {
            kind: ResourceKind::User,
            id: ResourceId::new(time, &SeededEntropy::new(number)),
            external_id: Some("sub-of-nadia".to_owned()),
            name: "nadia".to_owned(),
        });
        opening.provisioning = Some(Box::new(told));
    })
}

fn told(events: &[Event]) -> (Vec<Vec<Cell>>, usize) {
    let report = made(asked(ReportName::Leavers), events);
    let columns = [Column::Time, Column::Sessions, Column::Accesses];
    let rows = cells(section(&report, SectionName::Leavers), &columns);
    (rows, section(&report, SectionName::Afterwards).rows.len())
}

#[test]
fn zero_is_told_where_nothing_came_afterwards() {
    let events = [opened(1, 0), left(2, 5, Cause::Scim), refused(opened(3, 6))];
    let row = vec![Cell::Time(at(5)), Cell::Number(2), Cell::Number(0)];
    assert_eq!(told(&events), (vec![row], 0));
}

#[test]
fn what_passed_afterwards_is_told_also_where_it_ended_before_the_word_was_carried_out() {
    // In the order in which they ended: the request began after the word had come, and was done before all was ended.
    let events = [opened(2, 6), left(1, 5, Cause::AccountDisabled), opened(3, 7), opened(4, 4)];
    let row = vec![Cell::Time(at(5)), Cell::Number(2), Cell::Number(2)];
    assert_eq!(told(&events), (vec![row], 2));
}

#[test]
fn who_only_signs_out_or_goes_by_another_name_has_not_left() {
    for cause in [Cause::SignOut, Cause::AccountRenamed, Cause::Administrator] {
        assert_eq!(told(&[left(1, 0, cause), opened(2, 1)]), (Vec::new(), 0), "{cause}");
    }
}

#[test]
fn who_is_let_in_again_is_back_and_may_leave_again() {
    let events =
        [left(1, 0, Cause::Scim), enabled(2, 5), opened(3, 6), left(4, 10, Cause::Scim), opened(5, 11)];
    let row = |minute, accesses| vec![Cell::Time(at(minute)), Cell::Number(2), Cell::Number(accesses)];
    assert_eq!(told(&events), (vec![row(0, 0), row(10, 1)], 1));
}
