//! Moments and durations in words.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::messages::{Counted, Numbers, Text};
use crate::foundation::clock::Timestamp;

/// The words for durations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Durations {
    second: Counted,
    minute: Counted,
    hour: Counted,
    day: Counted,
    ahead: Text,
    ago: Text,
    over: Text,
}

impl Durations {
    /// `duration` in its two largest units, the second left out if it is zero: `11 hours 40 minutes`.
    pub fn write(&self, duration: Duration, numbers: &Numbers) -> String {
        let seconds = duration.as_secs();
        let (large, small) = match seconds {
            0..60 => return self.second.of(seconds, numbers),
            60..3_600 => return self.minute.of(seconds / 60, numbers),
            3_600..86_400 => ((&self.hour, seconds / 3_600), (&self.minute, seconds % 3_600 / 60)),
            86_400.. => ((&self.day, seconds / 86_400), (&self.hour, seconds % 86_400 / 3_600)),
        };
        let first = large.0.of(large.1, numbers);
        match small.1 {
            0 => first,
            number => format!("{first} {}", small.0.of(number, numbers)),
        }
    }

    /// `moment` seen from `now`: `in 11 minutes`, `2 hours ago`.
    pub fn seen_from(&self, now: Timestamp, moment: Timestamp, numbers: &Numbers) -> String {
        let (text, duration) = match moment.cmp(&now) {
            std::cmp::Ordering::Greater => (&self.ahead, moment.since(now)),
            std::cmp::Ordering::Less => (&self.ago, now.since(moment)),
            std::cmp::Ordering::Equal => return self.over.to_string(),
        };
        text.with(&[("duration", &self.write(duration, numbers))])
    }
}

/// `moment` on the clocks of `zone`: `18:40`, with the date if that is not the date of `now`.
pub fn on_the_clock(now: Timestamp, moment: Timestamp, zone: &TimeZone) -> String {
    let local = |timestamp: Timestamp| {
        jiff::Timestamp::from_millisecond(timestamp.as_millis()).ok().map(|at| at.to_zoned(zone.clone()))
    };
    match (local(now), local(moment)) {
        (Some(now), Some(moment)) if now.date() == moment.date() => moment.strftime("%H:%M").to_string(),
        (_, Some(moment)) => moment.strftime("%Y-%m-%d %H:%M").to_string(),
        (_, None) => moment.to_string(),
    }
}
