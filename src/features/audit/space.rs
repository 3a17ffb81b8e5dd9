//! How much room there is for entries, and for how long it lasts: told before a disk is full.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::settings::JournalSettings;
use crate::domain::closed_list;
use crate::platform::disk::{Room, room};

closed_list! {
    /// A disk that takes entries.
    DiskName {
        /// The one of the journal's folder.
        Journal = "journal",
        /// The one of the spool.
        Spool = "spool",
    }
}

/// How a disk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskNow {
    /// Which.
    pub disk: DiskName,
    /// Its room; `None` where that cannot be asked.
    pub room: Option<Room>,
    /// When it is full, by what was written lately; `None` where nothing tells.
    pub full_in: Option<Duration>,
    /// Whether somebody should make room.
    pub is_short: bool,
}

/// Watches the disks.
#[derive(Debug)]
pub(super) struct Space {
    folders: Vec<(DiskName, PathBuf)>,
    warn_free_percent: u64,
    warn_full_within: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How much was written by when: a sample a minute, of the last hour.
    written: VecDeque<(Instant, u64)>,
    disks: Vec<DiskNow>,
}

impl Space {
    pub(super) fn of(settings: &JournalSettings) -> Self {
        let spool = settings.outage.spool.iter().map(|spool| (DiskName::Spool, spool.clone()));
        Self {
            folders: std::iter::once((DiskName::Journal, settings.directory.clone())).chain(spool).collect(),
            warn_free_percent: settings.outage.warn_free_percent,
            warn_full_within: settings.outage.warn_full_within,
            seen: Mutex::default(),
        }
    }

    /// Asks the disks. `written`: the bytes of entries so far. Blocks for as long as they take.
    pub(super) fn look(&self, written: u64, now: Instant) -> Vec<DiskNow> {
        // Not under the lock: a disk that hangs must not keep others waiting for what was seen before.
        let rooms: Vec<_> = self.folders.iter().map(|(disk, folder)| (*disk, room(folder).ok())).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = seen.rate(written, now);
        seen.disks = rooms.into_iter().map(|(disk, room)| self.judge(disk, room, rate)).collect();
        seen.disks.clone()
    }

    /// How they stood when they were last asked.
    pub(super) fn seen(&self) -> Vec<DiskNow> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).disks.clone()
    }

    fn judge(&self, disk: DiskName, room: Option<Room>, rate: Option<u64>) -> DiskNow {
        let full_in = room.zip(rate).and_then(|(room, rate)| room.free_bytes.checked_div(rate));
        let full_in = full_in.map(Duration::from_secs);
        let is_short = room.is_none_or(|room| room.free_percent() < self.warn_free_percent)
            || full_in.is_some_and(|time| time < self.warn_full_within);
        DiskNow { disk, room, full_in, is_short }
    }
}

impl Seen {
    /// Bytes a second, over the last hour or for as long as is known; `None` before a minute has passed.
    fn rate(&mut self, written: u64, now: Instant) -> Option<u64> {
        let last = self.written.back().map(|(at, _)| now.saturating_duration_since(*at));
        if last.is_none_or(|since| since >= SAMPLED_EVERY) {
            self.written.push_back((now, written));
        }
        while self.written.len() > SAMPLES_MAX {
            self.written.pop_front();
        }
        let (since, before) = self.written.front()?;
        let seconds = now.saturating_duration_since(*since).as_secs();
        if seconds < SAMPLED_EVERY.as_secs() {
            return None;
        }
        written.saturating_sub(*before).checked_div(seconds)
    }
}

const SAMPLED_EVERY: Duration = Duration::from_secs(60);
const SAMPLES_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::audit::settings::Sync;

    fn space(percent: u64, within: Duration) -> Space {
        let mut settings = JournalSettings::usual("data/journal".into(), 1 << 20, Sync::BeforeRelease);
        settings.outage.warn_free_percent = percent;
        settings.outage.warn_full_within = within;
        Space::of(&settings)
    }

    #[test]
    fn a_disk_is_short_by_its_free_part_or_by_the_time_that_is_left() {
        const HOUR: u64 = 3600;
        struct Case {
            name: &'static str,
            free_bytes: u64,
            rate: Option<u64>,
            is_short: bool,
        }
        let cases = [
            Case { name: "enough, nothing known of the rate", free_bytes: 200, rate: None, is_short: false },
            Case { name: "too small a part", free_bytes: 199, rate: None, is_short: true },
            Case { name: "enough, nothing written", free_bytes: 200, rate: Some(0), is_short: false },
            Case { name: "full just not too soon", free_bytes: 24 * HOUR, rate: Some(1), is_short: false },
            Case { name: "full too soon", free_bytes: 24 * HOUR - 1, rate: Some(1), is_short: true },
        ];
        let space = space(20, Duration::from_secs(24 * HOUR));
        for Case { name, free_bytes, rate, is_short } in cases {
            let total_bytes = if free_bytes > 1000 { free_bytes } else { 1000 };
            let now = space.judge(DiskName::Journal, Some(Room { total_bytes, free_bytes }), rate);
            assert_eq!(now.is_short, is_short, "{name}");
        }
        assert!(space.judge(DiskName::Spool, None, None).is_short, "a disk that cannot be asked");
    }

    #[test]
    fn the_rate_is_known_after_a_minute_and_forgets_what_is_older_than_an_hour() {
        let mut seen = Seen::default();
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(seen.rate(1000, at(0)), None);
        assert_eq!(seen.rate(1500, at(59)), None);
        assert_eq!(seen.rate(7000, at(60)), Some(100));
        for minute in 2..=120 {
            seen.rate(7000, at(60 * minute));
        }
        assert_eq!(seen.rate(7000, at(60 * 121)), Some(0));
        assert!(seen.written.len() <= SAMPLES_MAX);
    }
}
