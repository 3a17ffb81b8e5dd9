//! A sum over a window that rolls: what was added counts for the window's length, and is then forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use crate::foundation::clock::Timestamp;

/// Amounts of the last hour, or day. They are kept by slots of a sixtieth of the window, so that a sum stays small
/// however many amounts there are; one is forgotten with its slot, up to a sixtieth late and never early.
#[derive(Clone, Debug)]
pub struct RollingSum {
    window: i64,
    /// The number of the slot, and what came in it; the oldest first.
    slots: VecDeque<(i64, u64)>,
    sum: u64,
}

/// How many slots a window has.
const SLOTS: i64 = 60;

impl RollingSum {
    /// Nothing yet, over a window of this length.
    pub fn new(window: Duration) -> Self {
        let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(SLOTS);
        Self { window, slots: VecDeque::new(), sum: 0 }
    }

    /// Adds what came at `time`; in any order.
    pub fn add(&mut self, amount: u64, time: Timestamp) {
        if amount == 0 {
            return;
        }
        let slot = self.slot(time);
        let at = self.slots.partition_point(|(earlier, _)| *earlier < slot);
        match self.slots.get_mut(at) {
            Some((same, there)) if *same == slot => *there = there.saturating_add(amount),
            Some(_) | None => self.slots.insert(at, (slot, amount)),
        }
        self.sum = self.sum.saturating_add(amount);
    }

    /// Takes back what was added at `time` and did not come to pass; less, if that is forgotten already.
    pub fn take_back(&mut self, amount: u64, time: Timestamp) {
        let slot = self.slot(time);
        if let Some((_, there)) = self.slots.iter_mut().find(|(same, _)| *same == slot) {
            let back = amount.min(*there);
            *there -= back;
            self.sum = self.sum.saturating_sub(back);
        }
    }

    /// What has come in the window that ends at `now`.
    pub fn sum(&mut self, now: Timestamp) -> u64 {
        let oldest = self.slot(Timestamp::from_millis(now.as_millis().saturating_sub(self.window)));
        while let Some((_, amount)) = self.slots.front().filter(|(slot, _)| *slot < oldest).copied() {
            self.slots.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
        self.sum
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.sum == 0
    }

    const fn slot(&self, time: Timestamp) -> i64 {
        time.as_millis().div_euclid(self.window / SLOTS)
    }
}

/// The number of the slot, of a window of this length, in which `time` is: what is added in one slot is forgotten
/// together.
pub fn slot_of(window: Duration, time: Timestamp) -> i64 {
    RollingSum::new(window).slot(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);
    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    #[test]
    fn what_was_added_counts_for_the_window_and_a_sixtieth_at_most() {
        let mut sum = RollingSum::new(HOUR);
        sum.add(7, NOW);
        assert_eq!(sum.sum(NOW.plus(HOUR)), 7);
        assert_eq!(sum.sum(NOW.plus(HOUR + HOUR / 60)), 0);
        assert!(sum.is_empty());
    }

    #[test]
    fn what_is_taken_back_is_what_was_added_then() {
        let mut sum = RollingSum::new(HOUR);
        sum.add(7, NOW);
        sum.add(5, NOW.plus(HOUR / 2));
        sum.take_back(9, NOW);
        assert_eq!(sum.sum(NOW.plus(HOUR / 2)), 5);
        sum.take_back(5, NOW.plus(HOUR * 3));
        assert_eq!(sum.sum(NOW.plus(HOUR / 2)), 5, "nothing was added then");
    }

    proptest! {
        #[test]
        fn no_amount_of_the_window_is_missing_and_few_slots_hold_them(
            amounts in proptest::collection::vec((0_u64..1_000, 0_i64..14_400), 0..200),
            end in 0_i64..14_400,
        ) {
            let mut sum = RollingSum::new(HOUR);
            let mut sorted = amounts;
            sorted.sort_by_key(|(_, second)| *second);
            let mut exact = 0;
            let mut at_most = 0;
            for (amount, second) in sorted {
                if second > end {
                    break;
                }
                let now = Timestamp::from_seconds(second);
                sum.add(amount, now);
                sum.sum(now);
                exact += if second > end - 3_600 { amount } else { 0 };
                at_most += if second > end - 3_661 { amount } else { 0 };
                prop_assert!(sum.slots.len() <= 62);
            }
            let found = sum.sum(Timestamp::from_seconds(end));
            prop_assert!(exact <= found && found <= at_most, "{exact} <= {found} <= {at_most}");
        }
    }
}
