//! Whether the machine's clock can be trusted: how it moves against one that nobody can set, and whether it is kept
//! in step with others.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

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
    /// As systemd's time service tells it: it makes a file once the clock is right.
    pub fn now() -> Self {
        Self::told_in(Path::new("/run/systemd/timesync"))
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
}
