//! What one person has taken, as far as a window still holds it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use super::claim::Amounts;
use super::{DAY, HOUR, SHIFT};
use crate::domain::limit::{Exceeded, LimitName, Limits};
use crate::domain::patient::PatientDigest;
use crate::domain::rolling::RollingSum;
use crate::foundation::clock::Timestamp;

#[derive(Debug)]
pub(super) struct Windows {
    /// When, in order.
    pub(super) exports: VecDeque<Timestamp>,
    /// Reserved, and neither released nor given back.
    pub(super) reserved: u64,
    /// When each patient was opened last.
    pub(super) opened: HashMap<PatientDigest, Timestamp>,
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

    pub(super) fn export(&mut self, time: Timestamp) {
        let at = self.exports.partition_point(|earlier| *earlier <= time);
        self.exports.insert(at, time);
        if self.exports.len() > REMEMBERED_MAX {
            self.exports.pop_front();
        }
    }

    /// How many distinct patients it would be with `patients`, each named once, and the limit that these pass.
    pub(super) fn would_open(
        &self,
        patients: &[PatientDigest],
        limits: &Limits,
        now: Timestamp,
    ) -> (u64, Option<Exceeded>) {
        let beyond = |window: Duration, allowed: Option<u64>, limit| {
            let since = now.minus(window);
            let is_open =
                |patient: &&PatientDigest| self.opened.get(*patient).is_some_and(|time| *time > since);
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

    pub(super) fn open(&mut self, patient: PatientDigest, time: Timestamp) {
        remember(&mut self.opened, patient, time);
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

    /// Remembers it; gives the patients whom no list had named before.
    pub(super) fn list(&mut self, more: Amounts, named: &[u64], time: Timestamp) -> Vec<u64> {
        self.records.add(more.records, time);
        let mut first = Vec::new();
        for patient in named {
            if remember(&mut self.listed, *patient, time) {
                first.push(*patient);
            }
        }
        first
    }

    /// Forgets what was listed at `time` and did not come to pass.
    pub(super) fn take_back_listed(&mut self, amounts: Amounts, first: &[u64], time: Timestamp) {
        self.records.take_back(amounts.records, time);
        for patient in first {
            if self.listed.get(patient) == Some(&time) {
                self.listed.remove(patient);
            }
        }
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

    /// Remembers it.
    pub(super) fn export_amounts(&mut self, more: Amounts, time: Timestamp) {
        self.exported.add(more.records, time);
        self.bytes.add(more.bytes, time);
    }

    /// Forgets what was taken away at `time` and did not come to pass.
    pub(super) fn take_back_exported(&mut self, amounts: Amounts, time: Timestamp) {
        self.exported.take_back(amounts.records, time);
        self.bytes.take_back(amounts.bytes, time);
    }
}

/// Whether it is the first time.
fn remember<K: Hash + Eq>(seen: &mut HashMap<K, Timestamp>, what: K, time: Timestamp) -> bool {
    if let Some(last) = seen.get_mut(&what) {
        *last = time.max(*last);
        return false;
    }
    let has_room = seen.len() < REMEMBERED_MAX;
    if has_room {
        seen.insert(what, time);
    }
    has_room
}

fn past(limit: LimitName, allowed: Option<u64>, actual: u64) -> Option<Exceeded> {
    allowed.filter(|allowed| actual > *allowed).map(|allowed| Exceeded { limit, allowed, actual })
}
