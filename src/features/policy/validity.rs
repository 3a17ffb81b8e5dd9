//! Until when an answer holds: the next moment at which time alone could change it.

use std::time::Duration;

use super::reads::{Fact, Reads};
use super::settings::JUSTIFICATION_LASTS;
use super::world::age;
use crate::domain::subject::Identity;
use crate::foundation::clock::Timestamp;

/// The last moment at which an answer given at `now` is certainly still the answer, `longest` from now
/// at the most.
pub(super) fn holds_until(
    reads: &Reads,
    identity: &Identity,
    now: Timestamp,
    longest: Duration,
) -> Timestamp {
    let mut until = now.plus(longest);
    let mut not_after = |moment: Timestamp| {
        if moment >= now && moment < until {
            until = moment;
        }
    };
    if reads.has(&Fact::Minute) || reads.has(&Fact::Weekday) {
        not_after(end_of_minute(now));
    }
    // A reason may make up for what a feed tells too late.
    if (reads.has(&Fact::Justified) || reads.facts.iter().any(Fact::can_be_unknown))
        && let Some(given) = &identity.justification
    {
        not_after(given.given.plus(JUSTIFICATION_LASTS));
    }
    for (class, proven) in &identity.assurance.proven {
        // An age of `n` seconds, rounded up, is shown until exactly `n` seconds after the proof.
        let last_shown = |seconds: i64| proven.plus(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
        let compared = reads.thresholds.iter().filter(|(name, _)| name.as_ref() == class.as_str());
        for (_, seconds) in compared {
            not_after(last_shown(seconds.saturating_sub(1)));
            not_after(last_shown(*seconds));
        }
        if reads.every_second {
            not_after(last_shown(age(*proven, now)));
        }
    }
    until
}

/// Time zones differ from UTC by whole minutes, so that a minute ends everywhere at once.
fn end_of_minute(now: Timestamp) -> Timestamp {
    let into = u64::try_from(now.as_millis().rem_euclid(60_000)).unwrap_or(0);
    now.plus(Duration::from_millis(59_999u64.saturating_sub(into)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_ends_with_its_last_millisecond() {
        for (now, end) in [(0, 59_999), (59_999, 59_999), (60_000, 119_999), (-1, -1), (-60_000, -1)] {
            assert_eq!(end_of_minute(Timestamp::from_millis(now)).as_millis(), end, "{now}");
        }
    }
}
