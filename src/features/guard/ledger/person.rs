//! What one person has taken, as far as a window still holds it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::DAY;
use super::claim::Amounts;
use super::entry::{Entry, Kind};
use crate::domain::limit::{Exceeded, LimitName, Limits, Measure, PerWindow, Window};
use crate::domain::rolling::RollingSum;
use crate::foundation::clock::Timestamp;

#[derive(Debug)]
pub(super) struct Windows {
    /// When, in order.
    pub(super) exports: VecDeque<Timestamp>,
    /// Reserved, and neither released nor given back.
    pub(super) reserved: u64,
    /// When each patient was opened last.
    pub(super) opened: HashMap<u64, Timestamp>,
    /// When a list has named each patient last.
    pub(super) listed: PerWindow<HashMap<u64, Timestamp>>,
    /// Records that were looked at.
    pub(super) records: Sums,
    /// Records that were taken away.
    pub(super) exported: Sums,
    /// Bytes that were taken away.
    pub(super) bytes: Sums,
}

/// A sum over each window.
pub(super) type Sums = PerWindow<RollingSum>;

/// What one person can make us remember. Far beyond any limit; past it, counts are lower bounds.
pub(super) const REMEMBERED_MAX: usize = 10_000;

impl Default for Windows {
    fn default() -> Self {
        Self {
            exports: VecDeque::new(),
            reserved: 0,
            opened: HashMap::new(),
            listed: PerWindow::default(),
            records: sums(),
            exported: sums(),
            bytes: sums(),
        }
    }
}

impl Windows {
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let day = now.minus(DAY);
        while self.exports.front().is_some_and(|time| *time <= day) {
            self.exports.pop_front();
        }
        self.opened.retain(|_, time| *time > day);
        for (window, listed) in self.listed.each_mut() {
            let since = now.minus(window.lasts());
            listed.retain(|_, time| *time > since);
        }
        for (_, sum) in
            [&mut self.records, &mut self.exported, &mut self.bytes].into_iter().flat_map(Sums::each_mut)
        {
            sum.sum(now);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exports.is_empty()
            && self.reserved == 0
            && self.opened.is_empty()
            && self.listed.each().all(|(_, listed)| listed.is_empty())
            && [&self.records, &self.exported, &self.bytes]
                .into_iter()
                .flat_map(Sums::each)
                .all(|(_, sum)| sum.is_empty())
    }

    /// Makes a change. Whether it is the first time that something is remembered.
    pub(super) fn put(&mut self, entry: Entry) -> bool {
        match entry.kind {
            Kind::Exports => self.put_exports(entry),
            Kind::Opened => return remember(&mut self.opened, entry),
            Kind::Listed(window) => return remember(self.listed.get_mut(window), entry),
            Kind::Records(window) => add(self.records.get_mut(window), entry),
            Kind::Exported(window) => add(self.exported.get_mut(window), entry),
            Kind::Bytes(window) => add(self.bytes.get_mut(window), entry),
        }
        false
    }

    /// Whether a change that was made is remembered: past the bound, what is new is not.
    pub(super) fn has_room_for(&self, entry: Entry) -> bool {
        match entry.kind {
            Kind::Opened => entry.amount < 0 || self.opened.contains_key(&entry.key),
            Kind::Listed(window) => entry.amount < 0 || self.listed.get(window).contains_key(&entry.key),
            Kind::Exports | Kind::Records(_) | Kind::Exported(_) | Kind::Bytes(_) => true,
        }
    }

    fn put_exports(&mut self, entry: Entry) {
        let at = self.exports.partition_point(|earlier| *earlier <= entry.time);
        if entry.amount < 0 {
            if let Some(last) = at.checked_sub(1).filter(|last| self.exports.get(*last) == Some(&entry.time))
            {
                self.exports.remove(last);
            }
            return;
        }
        let more = usize::try_from(entry.amount).unwrap_or(REMEMBERED_MAX).min(REMEMBERED_MAX);
        for _ in 0..more {
            self.exports.insert(at, entry.time);
        }
        while self.exports.len() > REMEMBERED_MAX {
            self.exports.pop_front();
        }
    }

    /// Exports of a window, those that are reserved included.
    fn exports(&self, window: Window, now: Timestamp) -> u64 {
        let since = now.minus(window.lasts());
        let before = self.exports.partition_point(|time| *time <= since);
        (self.exports.len() - before) as u64 + self.reserved
    }

    /// The window that has no room for so many exports more.
    pub(super) fn would_take(&self, more: u64, limits: &Limits, now: Timestamp) -> Option<Exceeded> {
        limits.windows(Measure::Exports).filter(|_| more > 0).find_map(|(limit, window, allowed)| {
            let before = self.exports(window, now);
            (before + more > allowed).then(|| Exceeded { limit, allowed, actual: before.max(allowed) + 1 })
        })
    }

    /// How many distinct patients of the shift it would be with `patients`, each named once, and the limit that these pass.
    pub(super) fn would_open(
        &self,
        patients: &[u64],
        limits: &Limits,
        now: Timestamp,
    ) -> (u64, Option<Exceeded>) {
        let with = |window: Window| {
            let since = now.minus(window.lasts());
            let is_open = |patient: &&u64| self.opened.get(*patient).is_some_and(|time| *time > since);
            let new = patients.iter().filter(|patient| !is_open(patient)).count() as u64;
            let distinct = self.opened.values().filter(|time| **time > since).count() as u64 + new;
            (distinct, new)
        };
        let exceeded = limits.windows(Measure::Opened).find_map(|(limit, window, allowed)| {
            let (distinct, new) = with(window);
            // Going back to a record that is open already is always free.
            (distinct > allowed && new > 0).then_some(Exceeded { limit, allowed, actual: distinct })
        });
        (with(Window::Shift).0, exceeded)
    }

    /// Whether all of `patients` count already in each window that has a limit.
    pub(super) fn has_opened(&self, patients: &[u64], limits: &Limits, now: Timestamp) -> bool {
        let shortest = limits.windows(Measure::Opened).last().map_or(Window::Shift, |(_, window, _)| window);
        let since = now.minus(shortest.lasts());
        patients.iter().all(|patient| self.opened.get(patient).is_some_and(|time| *time > since))
    }

    /// The window that has no room for what more is looked at: `more`, which names the patients `named`.
    pub(super) fn would_list(
        &mut self,
        more: Amounts,
        named: &[u64],
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Exceeded> {
        let listed = limits.windows(Measure::Listed).find_map(|(limit, window, allowed)| {
            let listed = self.listed.get(window);
            let new: HashSet<_> = named.iter().filter(|patient| !listed.contains_key(patient)).collect();
            // Whom a list has named already may be named again.
            let patients = Some(listed.len() as u64 + new.len() as u64).filter(|_| !new.is_empty())?;
            past(limit, allowed, patients)
        });
        listed.or_else(|| past_sums(&mut self.records, Measure::Records, more.records, limits, now))
    }

    /// The window that has no room for what more is taken away.
    pub(super) fn would_export(
        &mut self,
        more: Amounts,
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Exceeded> {
        past_sums(&mut self.exported, Measure::Exported, more.records, limits, now)
            .or_else(|| past_sums(&mut self.bytes, Measure::Bytes, more.bytes, limits, now))
    }
}

fn sums() -> Sums {
    Sums::of(|window| RollingSum::new(window.lasts()))
}

/// The window of a measure whose sum has no room for so much more.
fn past_sums(
    sums: &mut Sums,
    measure: Measure,
    more: u64,
    limits: &Limits,
    now: Timestamp,
) -> Option<Exceeded> {
    limits.windows(measure).find_map(|(limit, window, allowed)| {
        past(limit, allowed, sums.get_mut(window).sum(now).saturating_add(more))
    })
}

/// Remembers when something was last; or forgets what was not to be, unless it has been again meanwhile.
fn remember(seen: &mut HashMap<u64, Timestamp>, entry: Entry) -> bool {
    if entry.amount < 0 {
        if seen.get(&entry.key) == Some(&entry.time) {
            seen.remove(&entry.key);
        }
        return false;
    }
    if let Some(last) = seen.get_mut(&entry.key) {
        *last = entry.time.max(*last);
        return false;
    }
    let has_room = seen.len() < REMEMBERED_MAX;
    if has_room {
        seen.insert(entry.key, entry.time);
    }
    has_room
}

fn add(sum: &mut RollingSum, entry: Entry) {
    let amount = entry.amount.unsigned_abs();
    if entry.amount < 0 { sum.take_back(amount, entry.time) } else { sum.add(amount, entry.time) }
}

fn past(limit: LimitName, allowed: u64, actual: u64) -> Option<Exceeded> {
    (actual > allowed).then_some(Exceeded { limit, allowed, actual })
}
