//! How one server stands: in or out, how busy, since when. Shared by all workers and kept over reloads.
//!
//! On a request's way only numbers are read and counted; the lock is for the moment in which a server
//! goes out or comes back. Requests tell by themselves (passive); checks tell beside them (active): a
//! server is in while neither says that it is out.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::settings::{CheckSettings, HealthSettings};

/// How one server stands.
#[derive(Debug)]
pub struct Standing {
    /// Times are milliseconds since then.
    born: Instant,
    in_flight: AtomicU32,
    failures: AtomicU32,
    /// Until when it is out; in the past: it is in.
    out_until: AtomicU64,
    /// Since when it is back; 0: it was never out.
    back_since: AtomicU64,
    down: AtomicBool,
    outs: Mutex<Outs>,
    requests: AtomicU64,
    failed: AtomicU64,
    put_out: AtomicU64,
}

/// The moments in which it went out.
#[derive(Debug, Default)]
struct Outs {
    /// In a row, without having been well for as long as it was out.
    in_a_row: u32,
    length: Duration,
    checks_in_a_row: u32,
    next_check: u64,
}

/// What has become of a server by what was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It is out for that long.
    Out(Duration),
    /// A check has found it down.
    Down,
    /// A check has found it up again.
    Up,
}

/// What operators see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingNow {
    /// Whether it is given requests.
    pub is_in: bool,
    /// Requests in flight.
    pub in_flight: u32,
    /// Requests that it was given.
    pub requests: u64,
    /// Requests that failed by its fault.
    pub failed: u64,
    /// Times that it was put out.
    pub put_out: u64,
}

impl Standing {
    /// A server of which nothing is known is in.
    pub fn new(now: Instant) -> Self {
        Self {
            born: now,
            in_flight: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            back_since: AtomicU64::new(0),
            down: AtomicBool::new(false),
            outs: Mutex::default(),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            put_out: AtomicU64::new(0),
        }
    }

    /// Whether it is given requests.
    pub fn is_in(&self, now: Instant) -> bool {
        !self.down.load(Ordering::Relaxed) && self.out_until.load(Ordering::Relaxed) <= self.at(now)
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A request has come.
    pub fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has gone.
    pub fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Its share of the requests in thousandths: all, or less while it warms up.
    pub fn share(&self, slow_start: Duration, now: Instant) -> u32 {
        let since = self.back_since.load(Ordering::Relaxed);
        let whole = u64::try_from(slow_start.as_millis()).unwrap_or(u64::MAX);
        if since == 0 || whole == 0 {
            return WHOLE;
        }
        let warm = self.at(now).saturating_sub(since).min(whole);
        let share = u32::try_from(u64::from(WHOLE) * warm / whole).unwrap_or(WHOLE);
        share.max(SHARE_MIN)
    }

    /// It has answered as it should.
    pub fn fine(&self) {
        // Written only where it says something new: all workers read it.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// It has failed, by its own fault. After so many in a row it is out, for twice as long each time.
    pub fn fail(&self, settings: &HealthSettings, now: Instant) -> Change {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < settings.failures {
            return Change::None;
        }
        let mut outs = self.outs.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, until) = (self.at(now), self.out_until.load(Ordering::Relaxed));
        // Requests that were under way when it went out tell nothing new.
        if until > at {
            return Change::None;
        }
        let was_well = Duration::from_millis(at.saturating_sub(until)) >= outs.length;
        outs.in_a_row = if was_well { 0 } else { outs.in_a_row.saturating_add(1) };
        outs.length = settings.out.saturating_mul(1_u32.checked_shl(outs.in_a_row.min(20)).unwrap_or(1));
        outs.length = outs.length.min(settings.out_max);
        let until = at.saturating_add(millis(outs.length));
        self.out_until.store(until, Ordering::Relaxed);
        self.back_since.store(until, Ordering::Relaxed);
        // When it is back, the first failure is enough.
        self.failures.store(settings.failures.saturating_sub(1), Ordering::Relaxed);
        self.put_out.fetch_add(1, Ordering::Relaxed);
        Change::Out(outs.length)
    }

    /// Whether it is time for a check; then the next is not before another interval.
    pub fn is_due(&self, settings: &CheckSettings, now: Instant) -> bool {
        let mut outs = self.outs.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.at(now);
        if outs.next_check > at {
            return false;
        }
        outs.next_check = at.saturating_add(millis(settings.interval));
        true
    }

    /// A check has passed or failed.
    pub fn checked(&self, passed: bool, settings: &CheckSettings, now: Instant) -> Change {
        let mut outs = self.outs.lock().unwrap_or_else(PoisonError::into_inner);
        let is_down = self.down.load(Ordering::Relaxed);
        if passed != is_down {
            outs.checks_in_a_row = 0;
            return Change::None;
        }
        outs.checks_in_a_row = outs.checks_in_a_row.saturating_add(1);
        let enough = if is_down { settings.up_after } else { settings.down_after };
        if outs.checks_in_a_row < enough {
            return Change::None;
        }
        outs.checks_in_a_row = 0;
        self.down.store(!is_down, Ordering::Relaxed);
        if is_down {
            self.back_since.store(self.at(now).max(1), Ordering::Relaxed);
            return Change::Up;
        }
        self.put_out.fetch_add(1, Ordering::Relaxed);
        Change::Down
    }

    /// Nobody checks it any more: only its requests tell.
    pub fn unchecked(&self) {
        self.down.store(false, Ordering::Relaxed);
    }

    /// What operators see.
    pub fn report(&self, now: Instant) -> StandingNow {
        StandingNow {
            is_in: self.is_in(now),
            in_flight: self.in_flight(),
            requests: self.requests.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            put_out: self.put_out.load(Ordering::Relaxed),
        }
    }

    fn at(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.born))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// All of a server's share, in thousandths.
pub const WHOLE: u32 = 1000;
/// A server that has just come back gets one request in twenty of its share, or it would never be known.
const SHARE_MIN: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::upstream::settings::StatusSet;

    fn settings() -> HealthSettings {
        HealthSettings {
            failures: 3,
            failure_status: StatusSet::new(vec!["5xx".parse().unwrap()]),
            out: Duration::from_secs(10),
            out_max: Duration::from_secs(60),
            check: None,
        }
    }

    fn check() -> CheckSettings {
        CheckSettings {
            path: http::uri::PathAndQuery::from_static("/"),
            host: None,
            status: StatusSet::new(vec!["2xx".parse().unwrap()]),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            down_after: 2,
            up_after: 3,
        }
    }

    #[test]
    fn only_failures_in_a_row_put_a_server_out_and_each_time_for_longer() {
        let (settings, start) = (settings(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let server = Standing::new(start);
        assert_eq!(server.fail(&settings, at(0)), Change::None);
        assert_eq!(server.fail(&settings, at(0)), Change::None);
        server.fine();
        assert_eq!(server.fail(&settings, at(0)), Change::None);
        assert_eq!(server.fail(&settings, at(0)), Change::None);
        assert_eq!(server.fail(&settings, at(0)), Change::Out(Duration::from_secs(10)));
        assert!(!server.is_in(at(9)) && server.is_in(at(10)));
        assert_eq!(server.fail(&settings, at(1)), Change::None, "it is out already");
        // Back and at once bad again: one failure is enough, and it is out for twice as long.
        for (when, length) in [(11, 20), (32, 40), (73, 60), (134, 60)] {
            assert_eq!(server.fail(&settings, at(when)), Change::Out(Duration::from_secs(length)), "{when}");
        }
        // Having been well for as long as it was out, it begins anew.
        server.fine();
        for _ in 0..2 {
            assert_eq!(server.fail(&settings, at(134 + 60 + 60)), Change::None);
        }
        assert_eq!(server.fail(&settings, at(134 + 60 + 60)), Change::Out(Duration::from_secs(10)));
    }

    #[test]
    fn checks_put_a_server_out_and_let_it_in_again() {
        let (settings, start) = (check(), Instant::now());
        let server = Standing::new(start);
        assert!(server.is_due(&settings, start) && !server.is_due(&settings, start));
        assert!(server.is_due(&settings, start + settings.interval));
        let told: Vec<Change> = [false, true, false, false, true, true, false, true, true, true]
            .into_iter()
            .map(|passed| server.checked(passed, &settings, start))
            .collect();
        let mut expected = [Change::None; 10];
        (expected[3], expected[9]) = (Change::Down, Change::Up);
        assert_eq!(told, expected);
    }

    #[test]
    fn a_server_that_comes_back_warms_up() {
        let (settings, start) = (settings(), Instant::now());
        let server = Standing::new(start);
        let minute = Duration::from_secs(60);
        assert_eq!(server.share(minute, start), WHOLE, "it was never out");
        for _ in 0..3 {
            let _change = server.fail(&settings, start);
        }
        let back = start + Duration::from_secs(10);
        assert_eq!(server.share(minute, back), SHARE_MIN);
        assert_eq!(server.share(minute, back + minute / 2), WHOLE / 2);
        assert_eq!(server.share(minute, back + minute), WHOLE);
        assert_eq!(server.share(Duration::ZERO, back), WHOLE, "nobody asked for it");
    }
}
