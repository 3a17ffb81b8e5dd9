//! Whether the machine's clock can be trusted: how it moves against one that nobody can set, and whether it is kept
//! in step with others.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use libc::{STA_NANO, STA_UNSYNC, timex};
use rtime_clock::adjtime::{Timex, adjtimex};
use serde::Serialize;

use super::clock::{Clock as _, SystemClock, Timestamp};

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The clock of the day, which can be set.
    pub wall: Timestamp,
    /// The time since the machine started, sleep included, which cannot.
    pub running: Duration,
}

impl Reading {
    /// Reads both.
    pub fn now() -> Self {
        let running = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let running = Duration::try_from(running).unwrap_or_default();
        Self { wall: SystemClock.now(), running }
    }

    /// By how many milliseconds the clock of the day has moved further than time has passed since `earlier`; negative
    /// where it was set back.
    pub fn moved_since(self, earlier: Self) -> i64 {
        let passed = self.running.saturating_sub(earlier.running).as_millis();
        let shown = self.wall.as_millis().saturating_sub(earlier.wall.as_millis());
        shown.saturating_sub(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// Whether the clock is kept in step with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronization {
    /// It is, by the word of the service that does it.
    Synchronized,
    /// It has not been since the machine started.
    Unsynchronized,
    /// Nothing here tells.
    Unknown,
}

impl Synchronization {
    /// As systemd's time service tells it, which makes a file once the clock is right; under another service, as the kernel
    /// was told.
    pub fn now() -> Self {
        match Self::told_in(Path::new("/run/systemd/timesync")) {
            Self::Unknown => kernel().map_or(Self::Unknown, |told| Self::told_by(&told)),
            told @ (Self::Synchronized | Self::Unsynchronized) => told,
        }
    }

    /// Some services never tell the kernel that the clock is right, so that silence is no word of theirs.
    const fn told_by(kernel: &timex) -> Self {
        if kernel.status & STA_UNSYNC == 0 { Self::Synchronized } else { Self::Unknown }
    }

    fn told_in(folder: &Path) -> Self {
        if folder.join("synchronized").exists() {
            Self::Synchronized
        } else if folder.is_dir() {
            Self::Unsynchronized
        } else {
            Self::Unknown
        }
    }
}

impl Synchronization {
    const ALL: [Self; 3] = [Self::Synchronized, Self::Unsynchronized, Self::Unknown];

    const fn word(self) -> &'static str {
        match self {
            Self::Synchronized => "synchronized",
            Self::Unsynchronized => "unsynchronized",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Synchronization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// By how much the clock may be wrong, as the service that keeps it has told the kernel (`ntp_adjtime`, RFC 1589;
/// `adjtimex(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockError {
    /// What the clock is still to be moved by, brought in slowly: positive where it is behind, and -500,000 to 500,000. A
    /// service that steers by the clock's frequency (chrony) leaves it at 0.
    pub offset_micros: i64,
    /// By how much it is probably wrong.
    pub estimated_micros: u64,
    /// By how much it is wrong at the most, which grows by 500 ppm of the time until the service speaks again; 16,000,000 where it
    /// never has.
    pub maximum_micros: u64,
}

impl ClockError {
    /// As the kernel tells it; `None` where it does not, or what keeps the process in does not let it be asked.
    pub fn now() -> Option<Self> {
        kernel().map(|told| Self::told_by(&told))
    }

    fn told_by(kernel: &timex) -> Self {
        let per_microsecond = if kernel.status & STA_NANO == 0 { 1 } else { 1_000 };
        Self {
            offset_micros: kernel.offset / per_microsecond,
            estimated_micros: u64::try_from(kernel.esterror).unwrap_or_default(),
            maximum_micros: u64::try_from(kernel.maxerror).unwrap_or_default(),
        }
    }
}

impl fmt::Display for ClockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset_micros: offset, estimated_micros: estimated, maximum_micros: maximum } = self;
        write!(f, "offset={offset}us estimated={estimated}us maximum={maximum}us")
    }
}

/// A text that does not say by how much a clock may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not said by how much the clock may be wrong")]
pub struct ClockErrorError;

impl FromStr for ClockError {
    type Err = ClockErrorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut members = text.split(' ');
        let mut number = |name: &str| {
            let member = members.next()?.strip_prefix(name)?;
            member.strip_prefix('=')?.strip_suffix("us")
        };
        let read = (|| {
            let (offset, estimated, maximum) = (number("offset")?, number("estimated")?, number("maximum")?);
            Some(Self {
                offset_micros: offset.parse().ok()?,
                estimated_micros: estimated.parse().ok()?,
                maximum_micros: maximum.parse().ok()?,
            })
        })();
        // There is one spelling of each.
        read.filter(|read| read.to_string() == text).ok_or(ClockErrorError)
    }
}

/// What the kernel was told of the clock. Asking sets nothing.
fn kernel() -> Option<timex> {
    let mut told = Timex::new();
    adjtimex(&mut told).ok().map(|_| told.0)
}

/// A word that says nothing of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not said whether the clock is synchronized")]
pub struct SynchronizationError;

impl FromStr for Synchronization {
    type Err = SynchronizationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|it| it.word() == text).ok_or(SynchronizationError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_has_moved_and_one_that_runs_has_not() {
        let at = |wall, running| Reading {
            wall: Timestamp::from_seconds(wall),
            running: Duration::from_secs(running),
        };
        assert_eq!(at(1010, 60).moved_since(at(1000, 50)), 0);
        assert_eq!(at(4610, 60).moved_since(at(1000, 50)), 3_600_000);
        assert_eq!(at(995, 60).moved_since(at(1000, 50)), -15_000);
        let (first, second) = (Reading::now(), Reading::now());
        assert!(second.running >= first.running && first.running > Duration::ZERO);
    }

    #[test]
    fn what_keeps_the_clock_tells_whether_it_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let timesync = folder.path().join("timesync");
        assert_eq!(Synchronization::told_in(&timesync), Synchronization::Unknown);
        std::fs::create_dir(&timesync).unwrap();
        assert_eq!(Synchronization::told_in(&timesync), Synchronization::Unsynchronized);
        std::fs::write(timesync.join("synchronized"), "").unwrap();
        assert_eq!(Synchronization::told_in(&timesync), Synchronization::Synchronized);
    }

    #[test]
    fn the_kernel_tells_how_far_the_clock_is_off_in_one_unit() {
        let told = |status, offset| {
            let mut told = Timex::new().0;
            (told.status, told.offset, told.esterror, told.maxerror) = (status, offset, 34, 16_000_000);
            told
        };
        let error =
            |offset| ClockError { offset_micros: offset, estimated_micros: 34, maximum_micros: 16_000_000 };
        assert_eq!(ClockError::told_by(&told(STA_NANO, -12_345_678)), error(-12_345));
        assert_eq!(ClockError::told_by(&told(0, 12_345)), error(12_345));
        assert_eq!(Synchronization::told_by(&told(STA_NANO, 0)), Synchronization::Synchronized);
        assert_eq!(Synchronization::told_by(&told(STA_NANO | STA_UNSYNC, 0)), Synchronization::Unknown);
    }

    #[test]
    fn how_far_a_clock_is_off_has_one_spelling() {
        let error = ClockError { offset_micros: -12, estimated_micros: 34, maximum_micros: 56_000 };
        let text = "offset=-12us estimated=34us maximum=56000us";
        assert_eq!((error.to_string().as_str(), text.parse()), (text, Ok(error)));
        for wrong in [
            "",
            "offset=-12us estimated=34us",
            "offset=-12us estimated=34us maximum=56000us ",
            "offset=-12us estimated=34us maximum=56000us more=1us",
            "offset=+12us estimated=34us maximum=56000us",
            "offset=12ms estimated=34us maximum=56000us",
            "offset=-12us estimated=-34us maximum=56000us",
            "offset=-12us estimated=034us maximum=56000us",
            "estimated=34us offset=-12us maximum=56000us",
        ] {
            assert_eq!(wrong.parse::<ClockError>(), Err(ClockErrorError), "{wrong}");
        }
    }
}
