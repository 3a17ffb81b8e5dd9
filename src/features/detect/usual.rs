//! What is usual for one person under one rule: the median of the largest numbers of their days.

use serde::{Deserialize, Serialize};

use crate::foundation::clock::Timestamp;

/// The largest number of each day on which there was any: of the last 30, and today's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Usual(Vec<(i64, u64)>);

impl Usual {
    /// Takes note of what stands in the window now.
    pub(super) fn note(&mut self, time: Timestamp, count: u64) {
        let today = day(time);
        match self.0.binary_search_by_key(&today, |(day, _)| *day) {
            Ok(place) => {
                if let Some((_, peak)) = self.0.get_mut(place) {
                    *peak = count.max(*peak);
                }
            }
            Err(place) => self.0.insert(place, (today, count)),
        }
        let newest = self.0.last().map_or(today, |(day, _)| *day);
        self.0.retain(|(day, _)| newest - day <= DAYS);
    }

    /// The median of the days before `time`; none where there are too few to say.
    pub(super) fn before(&self, time: Timestamp) -> Option<u64> {
        let today = day(time);
        let days = self.0.iter().filter(|(day, _)| *day < today && today - *day <= DAYS);
        let mut peaks: Vec<u64> = days.map(|(_, peak)| *peak).collect();
        if peaks.len() < DAYS_MIN {
            return None;
        }
        peaks.sort_unstable();
        peaks.get(peaks.len() / 2).copied()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Days begin at midnight UTC: what is usual is not a matter of an hour more or less.
fn day(time: Timestamp) -> i64 {
    time.as_seconds().div_euclid(24 * 60 * 60)
}

const DAYS: i64 = 30;
/// With fewer days nothing can be called usual.
pub(super) const DAYS_MIN: usize = 5;
