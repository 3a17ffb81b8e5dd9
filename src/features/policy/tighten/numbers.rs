//! How much was met: one and a half times its 99th percentile is a number that hardly anybody will notice.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::SufficientLimit;
use crate::domain::count::Count;
use crate::domain::event::{Closing, Opening};
use crate::domain::limit::{LimitName, Limits};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;

/// What was met under one role.
#[derive(Debug, Default)]
pub(super) struct Measured {
    response: Spread,
    export: Spread,
    exports: Spread,
    opened: Spread,
    /// What each person has taken today.
    people: HashMap<SubjectId, Today>,
}

#[derive(Debug, Default)]
struct Today {
    day: i64,
    exports: u64,
    opened: HashSet<PatientDigest>,
}

/// How often each number was met. Above 1000 three digits tell.
#[derive(Debug, Default)]
struct Spread(BTreeMap<u64, u64>);

impl Measured {
    pub(super) fn add(&mut self, opening: &Opening, closing: Option<&Closing>) {
        let found_file = closing.is_some_and(|closing| closing.found_file);
        let takes_away = opening.action.is_some_and(crate::domain::action::Action::takes_away) || found_file;
        if let Some(Count::Exactly(number) | Count::AtLeast(number)) = closing.map(|closing| closing.records)
        {
            if takes_away { &mut self.export } else { &mut self.response }.add(number);
        }
        let Some(subject) = &opening.subject else { return };
        let day = opening.time.as_seconds().div_euclid(86_400);
        if self.people.len() >= PEOPLE_MAX {
            self.end_days(|today| today.day < day);
        }
        let whose = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        let today = self.people.entry(whose).or_default();
        if today.day != day {
            let before = std::mem::replace(today, Today { day, ..Today::default() });
            before.tell(&mut self.exports, &mut self.opened);
        }
        let takes = opening.takes();
        today.exports += u64::from(takes.exports).max(u64::from(found_file));
        today.opened.extend(takes.opened);
    }

    fn end_days(&mut self, is_over: impl Fn(&Today) -> bool) {
        let (exports, opened) = (&mut self.exports, &mut self.opened);
        self.people.retain(|_, today| {
            let ends = is_over(today);
            if ends {
                std::mem::take(today).tell(exports, opened);
            }
            !ends
        });
    }

    /// What would have sufficed: never more than `limits`.
    pub(super) fn sufficient(mut self, limits: &Limits) -> Vec<SufficientLimit> {
        self.end_days(|_| true);
        let all = [
            (LimitName::RecordsPerResponse, limits.records_per_response, &self.response),
            (LimitName::RecordsPerExport, limits.records_per_export, &self.export),
            (LimitName::ExportsPerDay, limits.exports_per_day, &self.exports),
            (LimitName::PatientsOpenedPerShift, limits.patients_opened_per_shift, &self.opened),
        ];
        all.map(|(limit, now, spread)| {
            let samples = spread.samples();
            let percentile = spread.percentile();
            let enough = percentile.filter(|_| samples >= SAMPLES_MIN);
            let then = enough.map(|met| met.saturating_mul(3).div_ceil(2).max(1));
            let then = then.filter(|then| now.is_none_or(|now| *then < now));
            SufficientLimit { limit, now, then, percentile, samples }
        })
        .into()
    }
}

impl Today {
    /// A day without any is none that tells how many suffice.
    fn tell(self, exports: &mut Spread, opened: &mut Spread) {
        if self.exports > 0 {
            exports.add(self.exports);
        }
        if !self.opened.is_empty() {
            opened.add(self.opened.len() as u64);
        }
    }
}

impl Spread {
    fn add(&mut self, number: u64) {
        let digits = number.checked_ilog10().unwrap_or(0);
        let step = 10_u64.pow(digits.saturating_sub(2));
        *self.0.entry(number.div_ceil(step).saturating_mul(step)).or_default() += 1;
    }

    fn samples(&self) -> u64 {
        self.0.values().sum()
    }

    /// The smallest number that 99 of 100 do not pass (nearest rank).
    fn percentile(&self) -> Option<u64> {
        let samples = self.samples();
        let rank = samples - samples / 100;
        let mut below = 0;
        self.0
            .iter()
            .find(|(_, times)| {
                below += **times;
                below >= rank
            })
            .map(|(number, _)| *number)
    }
}

/// Fewer replies, or days of a person, say nothing of the hundredth.
const SAMPLES_MIN: u64 = 100;
const PEOPLE_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_nine_of_a_hundred_do_not_pass_the_percentile() {
        let mut spread = Spread::default();
        assert_eq!(spread.percentile(), None);
        (1..=99).for_each(|number| spread.add(number));
        assert_eq!(spread.percentile(), Some(99), "of 99 all");
        spread.add(100_000);
        assert_eq!(spread.percentile(), Some(99), "one of a hundred is beyond");
        spread.add(123_456);
        assert_eq!(spread.percentile(), Some(100_000));
        assert_eq!(spread.0.last_key_value(), Some((&124_000, &1)), "rounded up, never down");
        spread.add(u64::MAX);
        assert_eq!(spread.samples(), 102);
    }
}
