//! What recorded replies would have been under other numbers: records of one reply, exports of a day, patients of a shift.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::people;
use crate::domain::count::Count;
use crate::domain::event::{Closing, Opening, Outcome};
use crate::domain::limit::{LimitName, Limits, OnExceed};
use crate::domain::patient::PatientDigest;
use crate::domain::reason::Reason;

/// What each person has taken in the windows, as far as it was replayed.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<u64, Taken>);

#[derive(Debug, Default)]
struct Taken {
    /// When, in milliseconds.
    exports: VecDeque<i64>,
    /// When last opened, in milliseconds.
    opened: HashMap<PatientDigest, i64>,
    last: i64,
}

/// What one event comes to.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) changes: Vec<Beyond>,
    /// How many records it held is not known far enough.
    pub(super) uncounted: bool,
}

/// Something that would be beyond a limit and was not, or the other way round.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    /// None: it cannot be counted.
    pub(super) limit: Option<LimitName>,
    pub(super) allowed: Option<u64>,
    pub(super) actual: u64,
    /// It would be; else it was.
    pub(super) is_over: bool,
    pub(super) then: OnExceed,
}

impl Windows {
    /// What an event that is permitted comes to under `limits`.
    pub(super) fn measure(&mut self, opening: &Opening, closing: Option<&Closing>, limits: &Limits) -> Found {
        let may_deny =
            opening.subject.as_ref().is_some_and(|subject| subject.purpose.basis().volume_may_deny());
        let lawful = |then: OnExceed| if may_deny { then } else { OnExceed::Advise };
        let (then, unknown) = (lawful(limits.on_exceed), lawful(limits.on_unknown_count));
        let mut found = Found::default();
        let mut over = Vec::new();
        let took_away = takes_away(opening, closing);
        let (name, allowed) = if took_away {
            (LimitName::RecordsPerExport, limits.records_per_export)
        } else {
            (LimitName::RecordsPerResponse, limits.records_per_response)
        };
        match (closing.map(|closing| closing.records), allowed) {
            (Some(Count::Exactly(number) | Count::AtLeast(number)), Some(allowed)) if number > allowed => {
                over.push((name, allowed, number));
            }
            (Some(Count::AtLeast(_)), Some(_)) => found.uncounted = true,
            (Some(Count::Unknown(_)), _) if took_away => found.changes.extend(unknown_now(closing, unknown)),
            (Some(_) | None, _) => {}
        }
        over.extend(self.over_windows(opening, closing, limits, then));
        found.changes.extend(changed(opening, closing, limits, &over, then));
        found
    }

    /// What is beyond a window with this event; what is not blocked takes its place there.
    fn over_windows(
        &mut self,
        opening: &Opening,
        closing: Option<&Closing>,
        limits: &Limits,
        then: OnExceed,
    ) -> Vec<(LimitName, u64, u64)> {
        let Some(subject) = &opening.subject else { return Vec::new() };
        let now = opening.time.as_millis();
        if self.0.len() >= PEOPLE_MAX {
            self.0.retain(|_, taken| now.saturating_sub(taken.last) < millis(EXPORTS_WINDOW));
        }
        let taken = self.0.entry(people::key(&subject.issuer, &subject.sub)).or_default();
        taken.forget(now);
        let takes = opening.takes();
        let exports =
            u64::from(takes.exports).max(u64::from(closing.is_some_and(|closing| closing.found_file)));
        let fresh = takes.opened.iter().filter(|patient| !taken.opened.contains_key(patient)).count() as u64;
        let (exported, opened) = (taken.exports.len() as u64 + exports, taken.opened.len() as u64 + fresh);
        let mut over = Vec::new();
        if let Some(allowed) = limits.exports_per_day.filter(|allowed| exports > 0 && exported > *allowed) {
            over.push((LimitName::ExportsPerDay, allowed, exported));
        }
        if let Some(allowed) =
            limits.patients_opened_per_shift.filter(|allowed| fresh > 0 && opened > *allowed)
        {
            over.push((LimitName::PatientsOpenedPerShift, allowed, opened));
        }
        if over.is_empty() || then != OnExceed::Block {
            let succeeded = closing.is_none_or(|closing| closing.outcome == Outcome::Completed);
            taken.exports.extend((0..exports).filter(|_| succeeded).map(|_| now));
            taken.opened.extend(takes.opened.iter().map(|patient| (*patient, now)));
        }
        over
    }
}

impl Taken {
    fn forget(&mut self, now: i64) {
        self.last = now;
        let is_old = |then: i64, window| now.saturating_sub(then) >= millis(window);
        while self.exports.front().is_some_and(|then| is_old(*then, EXPORTS_WINDOW)) {
            self.exports.pop_front();
        }
        self.opened.retain(|_, then| !is_old(*then, OPENED_WINDOW));
    }
}

fn takes_away(opening: &Opening, closing: Option<&Closing>) -> bool {
    opening.action.is_some_and(crate::domain::action::Action::takes_away)
        || closing.is_some_and(|closing| closing.found_file)
}

/// What cannot be counted, where it passed and would not, or the other way round.
fn unknown_now(closing: Option<&Closing>, then: OnExceed) -> Option<Beyond> {
    let was = closing.is_some_and(|closing| closing.reason == Some(Reason::CountUnknown));
    let is = then != OnExceed::Advise;
    (was != is).then_some(Beyond { limit: None, allowed: None, actual: 0, is_over: is, then })
}

/// What is beyond now and was not, and what was and is not.
fn changed(
    opening: &Opening,
    closing: Option<&Closing>,
    limits: &Limits,
    over: &[(LimitName, u64, u64)],
    then: OnExceed,
) -> Vec<Beyond> {
    let was = closing.and_then(|closing| closing.exceeded);
    let is_same = |limit: LimitName| was.is_some_and(|was| was.limit == limit);
    let turned_away = opening.reasons.contains(&Reason::ExportOverWindowBudget);
    let mut changes: Vec<_> = over
        .iter()
        .filter(|(limit, _, _)| !(is_same(*limit) || turned_away && is_window(*limit)))
        .map(|(limit, allowed, actual)| Beyond {
            limit: Some(*limit),
            allowed: Some(*allowed),
            actual: *actual,
            is_over: true,
            then,
        })
        .collect();
    if let Some(was) = was.filter(|was| !over.iter().any(|(limit, _, _)| *limit == was.limit)) {
        let allowed = match was.limit {
            LimitName::RecordsPerResponse => limits.records_per_response,
            LimitName::RecordsPerExport => limits.records_per_export,
            LimitName::ExportsPerDay => limits.exports_per_day,
            LimitName::PatientsOpenedPerShift => limits.patients_opened_per_shift,
        };
        let then = closing.and_then(|closing| closing.on_exceed).unwrap_or(then);
        changes.push(Beyond { limit: Some(was.limit), allowed, actual: was.actual, is_over: false, then });
    }
    changes
}

const fn is_window(limit: LimitName) -> bool {
    match limit {
        LimitName::ExportsPerDay | LimitName::PatientsOpenedPerShift => true,
        LimitName::RecordsPerResponse | LimitName::RecordsPerExport => false,
    }
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}

const EXPORTS_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
const OPENED_WINDOW: Duration = Duration::from_secs(12 * 60 * 60);
/// People whose windows are kept; beyond that, those who have rested for a day go.
const PEOPLE_MAX: usize = 100_000;
