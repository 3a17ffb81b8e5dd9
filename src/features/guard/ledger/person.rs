//! What one person has taken, as far as a window still holds it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::claim::Amounts;
use super::entry::{Entry, Kind};
use super::{DAY, HOUR, SHIFT};
use crate::domain::limit::{Exceeded, LimitName, Limits};
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
    pub(super) listed: HashMap<u64, Timestamp>,
    /// Records that were looked at.
    pub(super) records: RollingSum,
    /// Records that were taken away.
    pub(super) exported: RollingSum,
    /// Bytes that were taken away.
    pub(super) bytes: RollingSum,
}

/// What one person can make us remember. Far beyond any limit; past it, counts are lower bounds.
pub(super) const REMEMBERED_MAX: usize = 10_000;

impl Default for Windows {
    fn default() -> Self {
        Self {
            exports: VecDeque::new(),
            reserved: 0,
            opened: HashMap::new(),
            listed: HashMap::new(),
            records: RollingSum::new(HOUR),
            exported: RollingSum::new(DAY),
            bytes: RollingSum::new(DAY),
        }
    }
}

impl Windows {
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let (hour, day, shift) = (now.minus(HOUR), now.minus(DAY), now.minus(SHIFT));
        while self.exports.front().is_some_and(|time| *time <= day) {
            self.exports.pop_front();
        }
        self.opened.retain(|_, time| *time > shift);
        self.listed.retain(|_, time| *time > hour);
        for sum in [&mut self.records, &mut self.exported, &mut self.bytes] {
            sum.sum(now);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exports.is_empty()
            && self.reserved == 0
            && self.opened.is_empty()
            && self.listed.is_empty()
            && [&self.records, &self.exported, &self.bytes].into_iter().all(RollingSum::is_empty)
    }

    /// Makes a change. Whether it is the first time that something is remembered.
    pub(super) fn put(&mut self, entry: Entry) -> bool {
        match entry.kind {
            Kind::Exports => self.put_exports(entry),
            Kind::Opened => return remember(&mut self.opened, entry),
            Kind::Listed => return remember(&mut self.listed, entry),
            Kind::Records => add(&mut self.records, entry),
            Kind::Exported => add(&mut self.exported, entry),
            Kind::Bytes => add(&mut self.bytes, entry),
        }
        false
    }

    /// Whether a change that was made is remembered: past the bound, what is new is not.
    pub(super) fn has_room_for(&self, entry: Entry) -> bool {
        match entry.kind {
            Kind::Opened => entry.amount < 0 || self.opened.contains_key(&entry.key),
            Kind::Listed => entry.amount < 0 || self.listed.contains_key(&entry.key),
            Kind::Exports | Kind::Records | Kind::Exported | Kind::Bytes => true,
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

    /// Exports of the day, those that are reserved included.
    pub(super) fn exports(&self) -> u64 {
        self.exports.len() as u64 + self.reserved
    }

    /// How many distinct patients it would be with `patients`, each named once, and the limit that these pass.
    pub(super) fn would_open(
        &self,
        patients: &[u64],
        limits: &Limits,
        now: Timestamp,
    ) -> (u64, Option<Exceeded>) {
        let beyond = |window: Duration, allowed: Option<u64>, limit| {
            let since = now.minus(window);
            let is_open = |patient: &&u64| self.opened.get(*patient).is_some_and(|time| *time > since);
            let new = patients.iter().filter(|patient| !is_open(patient)).count() as u64;
            let distinct = self.opened.values().filter(|time| **time > since).count() as u64 + new;
            // Going back to a record that is open already is always free.
            let exceeded = allowed.filter(|allowed| distinct > *allowed && new > 0);
            (distinct, exceeded.map(|allowed| Exceeded { limit, allowed, actual: distinct }))
        };
        let (_, in_hour) = beyond(HOUR, limits.patients_opened_per_hour, LimitName::PatientsOpenedPerHour);
        let (distinct, in_shift) =
            beyond(SHIFT, limits.patients_opened_per_shift, LimitName::PatientsOpenedPerShift);
        (distinct, in_shift.or(in_hour))
    }

    /// Whether all of `patients` count already in each window that has a limit.
    pub(super) fn has_opened(&self, patients: &[u64], limits: &Limits, now: Timestamp) -> bool {
        let window = if limits.patients_opened_per_hour.is_some() { HOUR } else { SHIFT };
        let since = now.minus(window);
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
        let records = self.records.sum(now).saturating_add(more.records);
        let new: HashSet<_> = named.iter().filter(|patient| !self.listed.contains_key(patient)).collect();
        let patients = self.listed.len() as u64 + new.len() as u64;
        // Whom a list has named already may be named again.
        let listed = limits.patients_listed_per_hour.filter(|_| !new.is_empty());
        past(LimitName::PatientsListedPerHour, listed, patients)
            .or_else(|| past(LimitName::RecordsPerHour, limits.records_per_hour, records))
    }

    /// The window that has no room for what more is taken away.
    pub(super) fn would_export(
        &mut self,
        more: Amounts,
        limits: &Limits,
        now: Timestamp,
    ) -> Option<Exceeded> {
        let records = self.exported.sum(now).saturating_add(more.records);
        let bytes = self.bytes.sum(now).saturating_add(more.bytes);
        past(LimitName::RecordsExportedPerDay, limits.records_exported_per_day, records)
            .or_else(|| past(LimitName::BytesExportedPerDay, limits.bytes_exported_per_day, bytes))
    }
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

fn past(limit: LimitName, allowed: Option<u64>, actual: u64) -> Option<Exceeded> {
    allowed.filter(|allowed| actual > *allowed).map(|allowed| Exceeded { limit, allowed, actual })
}
