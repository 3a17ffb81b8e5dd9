//! What recorded replies would have been under other numbers: records of one reply, and what people take in an hour, a
//! shift and a day.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::people;
use crate::domain::count::Count;
use crate::domain::event::{Closing, Opening, Outcome};
use crate::domain::limit::{LimitName, Limits, Measure, OnExceed, PerWindow, Window};
use crate::domain::patient::PatientDigest;
use crate::domain::reason::Reason;
use crate::domain::rolling::RollingSum;
use crate::foundation::clock::Timestamp;

/// What each person has taken in the windows, as far as it was replayed.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<u64, Taken>);

#[derive(Debug)]
struct Taken {
    /// Records that were looked at.
    looked_at: PerWindow<RollingSum>,
    /// Records that were taken away.
    exported: PerWindow<RollingSum>,
    /// Bytes that were taken away.
    bytes: PerWindow<RollingSum>,
    /// When, in milliseconds.
    exports: VecDeque<i64>,
    /// When last opened, in milliseconds.
    opened: HashMap<PatientDigest, i64>,
    last: i64,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            looked_at: sums(),
            exported: sums(),
            bytes: sums(),
            exports: VecDeque::new(),
            opened: HashMap::new(),
            last: 0,
        }
    }
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
        let most = if took_away {
            (LimitName::RecordsPerExportAtMost, limits.records_per_export_at_most)
        } else {
            (LimitName::RecordsPerResponseAtMost, limits.records_per_response_at_most)
        };
        let came = closing.map_or(0, |closing| closing.records.at_least());
        let (name, allowed) = match most {
            (most, Some(number)) if may_deny && came > number => (most, Some(number)),
            (_, Some(_) | None) => (name, allowed),
        };
        match (closing.map(|closing| closing.records), allowed) {
            (Some(Count::Exactly(number) | Count::AtLeast(number)), Some(allowed)) if number > allowed => {
                over.push((name, allowed, number));
            }
            (Some(Count::AtLeast(_)), Some(_)) => found.uncounted = true,
            (Some(Count::Unknown(_)), _) if took_away => found.changes.extend(unknown_now(closing, unknown)),
            (Some(_) | None, _) => {}
        }
        let (name, allowed) = if took_away {
            (LimitName::PatientsPerExport, limits.patients_per_export)
        } else {
            (LimitName::PatientsPerResponse, limits.patients_per_response)
        };
        if let (Some(Count::Exactly(number) | Count::AtLeast(number)), Some(allowed)) =
            (closing.map(|closing| closing.patients), allowed)
            && number > allowed
        {
            over.push((name, allowed, number));
        }
        let came = closing.map_or(0, bytes_of);
        if let Some(allowed) = limits.bytes_per_export.filter(|allowed| took_away && came > *allowed) {
            over.push((LimitName::BytesPerExport, allowed, came));
        }
        // Whom a list has named, not every event tells.
        let names = closing.is_some_and(|closing| closing.patients.at_least() > 0);
        found.uncounted |= names && !took_away && limits.bound(Measure::Listed);
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
            self.0.retain(|_, taken| now.saturating_sub(taken.last) < millis(DAY));
        }
        let taken = self.0.entry(people::key(&subject.issuer, &subject.sub)).or_default();
        taken.forget(now);
        let takes = opening.takes();
        let exports =
            u64::from(takes.exports).max(u64::from(closing.is_some_and(|closing| closing.found_file)));
        let came = closing.map_or((0, 0), |closing| (closing.records.at_least(), closing.bytes_out));
        let is_taken_away = takes_away(opening, closing);
        let mut over = taken.over(is_taken_away, came, limits, opening.time);
        for (limit, window, allowed) in limits.windows(Measure::Exports).filter(|_| exports > 0) {
            let before = taken.exports.iter().filter(|then| is_within(**then, window, now)).count() as u64;
            over.extend((before + exports > allowed).then_some((limit, allowed, before + exports)));
        }
        for (limit, window, allowed) in limits.windows(Measure::Opened) {
            let is_open = |then: &i64| is_within(*then, window, now);
            let fresh =
                takes.opened.iter().filter(|patient| !taken.opened.get(patient).is_some_and(is_open)).count();
            let open = taken.opened.values().filter(|then| is_open(then)).count();
            let actual = (open + fresh) as u64;
            over.extend((fresh > 0 && actual > allowed).then_some((limit, allowed, actual)));
        }
        if over.is_empty() || then != OnExceed::Block {
            let succeeded = closing.is_none_or(|closing| closing.outcome == Outcome::Completed);
            taken.exports.extend((0..exports).filter(|_| succeeded).map(|_| now));
            taken.opened.extend(takes.opened.iter().map(|patient| (*patient, now)));
            taken.add(is_taken_away, came, opening.time);
        }
        over
    }
}

impl Taken {
    /// The sums that have no room for what came: records and bytes.
    fn over(
        &mut self,
        is_taken_away: bool,
        (records, bytes): (u64, u64),
        limits: &Limits,
        now: Timestamp,
    ) -> Vec<(LimitName, u64, u64)> {
        let sums = if is_taken_away {
            vec![(Measure::Exported, records, &mut self.exported), (Measure::Bytes, bytes, &mut self.bytes)]
        } else {
            vec![(Measure::Records, records, &mut self.looked_at)]
        };
        let mut over = Vec::new();
        for (measure, more, sums) in sums.into_iter().filter(|(_, more, _)| *more > 0) {
            for (limit, window, allowed) in limits.windows(measure) {
                let actual = sums.get_mut(window).sum(now) + more;
                over.extend((actual > allowed).then_some((limit, allowed, actual)));
            }
        }
        over
    }

    fn add(&mut self, is_taken_away: bool, (records, bytes): (u64, u64), time: Timestamp) {
        let add = |sums: &mut PerWindow<RollingSum>, amount| {
            sums.each_mut().for_each(|(_, sum)| sum.add(amount, time));
        };
        if is_taken_away {
            add(&mut self.exported, records);
            add(&mut self.bytes, bytes);
        } else {
            add(&mut self.looked_at, records);
        }
    }

    fn forget(&mut self, now: i64) {
        self.last = now;
        let is_old = |then: i64, window| now.saturating_sub(then) >= millis(window);
        while self.exports.front().is_some_and(|then| is_old(*then, DAY)) {
            self.exports.pop_front();
        }
        self.opened.retain(|_, then| !is_old(*then, DAY));
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
        .filter(|(limit, _, _)| !(is_same(*limit) || turned_away && limit.is_window()))
        .map(|(limit, allowed, actual)| Beyond {
            limit: Some(*limit),
            allowed: Some(*allowed),
            actual: *actual,
            is_over: true,
            then: if limit.is_final() { OnExceed::Block } else { then },
        })
        .collect();
    if let Some(was) = was.filter(|was| !over.iter().any(|(limit, _, _)| *limit == was.limit)) {
        let allowed = limits.number(was.limit);
        let then = closing.and_then(|closing| closing.on_exceed).unwrap_or(then);
        changes.push(Beyond { limit: Some(was.limit), allowed, actual: was.actual, is_over: false, then });
    }
    changes
}

/// Bytes that were handed on, or that came of what was not, as far as that is told.
fn bytes_of(closing: &Closing) -> u64 {
    let withheld = closing.exceeded.filter(|exceeded| exceeded.limit == LimitName::BytesPerExport);
    closing.bytes_out.max(withheld.map_or(0, |exceeded| exceeded.actual))
}

fn sums() -> PerWindow<RollingSum> {
    PerWindow::of(|window| RollingSum::new(window.lasts()))
}

fn is_within(then: i64, window: Window, now: i64) -> bool {
    now.saturating_sub(then) < millis(window.lasts())
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}

/// The longest window.
const DAY: Duration = Window::Day.lasts();
/// People whose windows are kept; beyond that, those who have rested for a day go.
const PEOPLE_MAX: usize = 100_000;
