//! Time comes in through the door: whoever needs it is handed a [`Clock`].
//!
//! Only [`SystemClock`] reads the system's clock; tests move a [`TestClock`].

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in UTC, in milliseconds since 1970. Prints as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970-01-01T00:00:00Z, as OpenID Connect's `auth_time` has it.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and `duration` more; the end of time if that is past it.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// `duration` before this moment.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// What it prints as; `None` before 1970 and from 9999-12-30 on, where `Display` does it another way.
    pub fn rfc3339(self) -> Option<[u8; 24]> {
        let millis = u64::try_from(self.0).ok()?;
        let days = u32::try_from(millis / DAY_MILLIS).ok().filter(|days| *days < USUAL_DAYS)?;
        let (year, month, day) = date(days);
        let time = u32::try_from(millis % DAY_MILLIS).unwrap_or(0);
        let (minutes, seconds, millis) = (time / 60_000, time / 1000 % 60, time % 1000);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let [m1, m0] = two_digits(month);
        let [d1, d0] = two_digits(day);
        let ([y3, y2], [y1, y0]) = (two_digits(year / 100), two_digits(year % 100));
        let ([h1, h0], [n1, n0], [s1, s0]) = (two_digits(hours), two_digits(minutes), two_digits(seconds));
        let ([_, f2], [f1, f0]) = (two_digits(millis / 100), two_digits(millis % 100));
        Some([
            y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0, b'T', h1, h0, b':', n1, n0, b':', s1, s0, b'.', f2,
            f1, f0, b'Z',
        ])
    }
}

/// Year, month and day so many days after 1970-01-01, in the Gregorian calendar: counted from a March, so that
/// the day that is sometimes missing comes last (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn date(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

fn two_digits(number: u32) -> [u8; 2] {
    [number / 10 % 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.rfc3339() {
            return f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?);
        }
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// A text that is not an RFC 3339 moment.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a moment such as `2026-03-01T08:00:00Z`")]
pub struct TimestampError {
    text: String,
}

impl std::str::FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|_| TimestampError { text: text.to_owned() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::parsed::parsed(deserializer)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment. Taken once per request and passed on.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

const DAY_MILLIS: u64 = 86_400_000;
/// The days before 9999-12-30.
const USUAL_DAYS: u32 = 2_932_895;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed_by_jiff(millis: i64) -> String {
        jiff::Timestamp::from_millisecond(millis)
            .map_or_else(|_| format!("{millis}ms"), |moment| format!("{moment:.3}"))
    }

    #[test]
    fn the_days_where_a_calendar_turns_print_as_they_should() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "1999-12-31T23:59:59.999Z",
            "2000-02-29T12:00:00.001Z",
            "2026-03-01T08:00:00.000Z",
            "2100-02-28T23:59:59.999Z",
            "2100-03-01T00:00:00.000Z",
            "9999-12-29T23:59:59.999Z",
            "9999-12-30T00:00:00.000Z",
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn every_moment_prints_as_jiff_prints_it(
            millis in prop_oneof![any::<i64>(), -400_000_000_000_000..300_000_000_000_000_i64],
        ) {
            prop_assert_eq!(Timestamp(millis).to_string(), printed_by_jiff(millis));
        }
    }
}
