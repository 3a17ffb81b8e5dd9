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
    sums: Sums,
    /// What each person has taken of late.
    people: HashMap<SubjectId, Lately>,
}

/// What people have taken in an hour, or a day, in which they took any.
#[derive(Debug, Default)]
struct Sums {
    looked_at: Spread,
    opened_in_hour: Spread,
    exports: Spread,
    exported: Spread,
    bytes: Spread,
    opened: Spread,
}

#[derive(Debug, Default)]
struct Lately {
    hour: Hour,
    today: Today,
}

#[derive(Debug, Default)]
struct Hour {
    /// Which, since 1970.
    number: i64,
    looked_at: u64,
    opened: HashSet<PatientDigest>,
}

#[derive(Debug, Default)]
struct Today {
    /// Which, since 1970.
    number: i64,
    exports: u64,
    exported: u64,
    bytes: u64,
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
            self.end_days(|today| today.number < day);
        }
        let whose = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        let lately = self.people.entry(whose).or_default();
        lately.begin(opening.time.as_seconds().div_euclid(3_600), day, &mut self.sums);
        let (hour, today) = (&mut lately.hour, &mut lately.today);
        let records = closing.map_or(0, |closing| closing.records.at_least());
        if takes_away {
            today.exported = today.exported.saturating_add(records);
            today.bytes = today.bytes.saturating_add(closing.map_or(0, |closing| closing.bytes_out));
        } else {
            hour.looked_at = hour.looked_at.saturating_add(records);
        }
        let takes = opening.takes();
        today.exports += u64::from(takes.exports).max(u64::from(found_file));
        hour.opened.extend(takes.opened.iter().copied());
        today.opened.extend(takes.opened);
    }

    fn end_days(&mut self, is_over: impl Fn(&Today) -> bool) {
        let sums = &mut self.sums;
        self.people.retain(|_, lately| {
            let ends = is_over(&lately.today);
            if ends {
                std::mem::take(lately).tell(sums);
            }
            !ends
        });
    }

    /// What would have sufficed: never more than `limits`.
    pub(super) fn sufficient(mut self, limits: &Limits) -> Vec<SufficientLimit> {
        self.end_days(|_| true);
        // Whom lists have named, the journal does not tell.
        let listed = Spread::default();
        let all = [
            (LimitName::RecordsPerResponse, &self.response),
            (LimitName::RecordsPerExport, &self.export),
            (LimitName::RecordsPerHour, &self.sums.looked_at),
            (LimitName::PatientsListedPerHour, &listed),
            (LimitName::PatientsOpenedPerHour, &self.sums.opened_in_hour),
            (LimitName::ExportsPerDay, &self.sums.exports),
            (LimitName::RecordsExportedPerDay, &self.sums.exported),
            (LimitName::BytesExportedPerDay, &self.sums.bytes),
            (LimitName::PatientsOpenedPerShift, &self.sums.opened),
            (LimitName::PatientsOpenedPerDay, &self.sums.opened),
        ];
        all.map(|(limit, spread)| {
            let now = limits.number(limit);
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

impl Lately {
    /// What comes next is of this hour and day.
    fn begin(&mut self, hour: i64, day: i64, sums: &mut Sums) {
        if self.hour.number != hour {
            std::mem::replace(&mut self.hour, Hour { number: hour, ..Hour::default() }).tell(sums);
        }
        if self.today.number != day {
            std::mem::replace(&mut self.today, Today { number: day, ..Today::default() }).tell(sums);
        }
    }

    fn tell(self, sums: &mut Sums) {
        self.hour.tell(sums);
        self.today.tell(sums);
    }
}

impl Hour {
    fn tell(self, sums: &mut Sums) {
        sums.looked_at.add_some(self.looked_at);
        sums.opened_in_hour.add_some(self.opened.len() as u64);
    }
}

impl Today {
    fn tell(self, sums: &mut Sums) {
        sums.exports.add_some(self.exports);
        sums.exported.add_some(self.exported);
        sums.bytes.add_some(self.bytes);
        sums.opened.add_some(self.opened.len() as u64);
    }
}

impl Spread {
    /// A time without any tells nothing of how many suffice.
    fn add_some(&mut self, number: u64) {
        if number > 0 {
            self.add(number);
        }
    }

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
