//! Moments as exports write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::foundation::clock::Timestamp;

/// Which end of a day is meant where only a day is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its first moment.
    First,
    /// The first moment after it.
    Last,
}

/// The moment that a text means: with an offset (RFC 3339), or a date and time in `zone`, or a day there. A time that a change
/// of clocks leaves out or repeats is the later one at a beginning and the earlier one at an end, so that nothing holds longer than was
/// meant.
pub(super) fn moment(text: &str, zone: &TimeZone, end: End) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let civil = if let Some(day) = day(text) {
        let day = if end == End::Last { day.tomorrow().ok()? } else { day };
        day.to_datetime(jiff::civil::Time::midnight())
    } else {
        text.parse::<DateTime>().ok()?
    };
    let meant = zone.to_ambiguous_zoned(civil);
    let meant = if end == End::Last { meant.earlier() } else { meant.later() };
    Some(Timestamp::from_millis(meant.ok()?.timestamp().as_millisecond()))
}

/// A day, and nothing else: jiff would take the day of a date and time, too.
fn day(text: &str) -> Option<Date> {
    (text.len() == DAY_BYTES).then(|| text.parse().ok()).flatten()
}

const DAY_BYTES: usize = "2026-03-01".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset_or_is_meant_here() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str, end| moment(text, &zone, end).map(|moment| moment.to_string());
        let cases = [
            ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.000Z"),
            ("2026-03-01T08:00:00+02:00", "2026-03-01T06:00:00.000Z"),
            ("2026-03-01 08:00", "2026-03-01T07:00:00.000Z"),
            ("2026-03-01T08:00:30", "2026-03-01T07:00:30.000Z"),
            ("2026-07-01 08:00:00", "2026-07-01T06:00:00.000Z"),
        ];
        for (text, meant) in cases {
            assert_eq!(read(text, End::First).as_deref(), Some(meant), "{text}");
            assert_eq!(read(text, End::Last).as_deref(), Some(meant), "{text}");
        }
        assert_eq!(read("2026-03-01", End::First).as_deref(), Some("2026-02-28T23:00:00.000Z"));
        assert_eq!(read("2026-03-01", End::Last).as_deref(), Some("2026-03-01T23:00:00.000Z"));
        // Clocks go back at three: half past two comes twice.
        assert_eq!(read("2026-10-25 02:30", End::First).as_deref(), Some("2026-10-25T01:30:00.000Z"));
        assert_eq!(read("2026-10-25 02:30", End::Last).as_deref(), Some("2026-10-25T00:30:00.000Z"));
        for text in ["", "today", "08:00", "01.03.2026", "2026-13-01", "2026-03-01T25:00", "1772443800"] {
            assert_eq!(read(text, End::First), None, "{text}");
        }
    }
}
