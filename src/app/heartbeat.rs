//! Proves silence: after a while without an entry, one is journaled that says so, with the state of the clock. A clock
//! that was set is journaled at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::foundation::id::RequestId;
use crate::foundation::timekeeping::{Reading, Synchronization};
use crate::gateway::rules::Shared;

/// Goes on until it is dropped. Written `every` so often where nothing else is.
pub async fn run(shared: Arc<Shared>, every: Duration) {
    let mut tick = tokio::time::interval(LOOKED_EVERY.min(every));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last, mut told) = (Reading::now(), Reading::now());
    let (mut head, mut since) = (shared.journal.head(), Instant::now());
    loop {
        tick.tick().await;
        let reading = Reading::now();
        if let Some(note) = set(reading.moved_since(last)) {
            tracing::warn!("{note}");
            record(&shared, note).await;
        }
        last = reading;
        if shared.journal.head() != head {
            (head, since) = (shared.journal.head(), Instant::now());
        } else if since.elapsed() >= every {
            record(&shared, heartbeat(reading.moved_since(told), Synchronization::now())).await;
            told = reading;
        }
    }
}

fn heartbeat(moved: i64, synchronization: Synchronization) -> String {
    format!("heartbeat: the clock is {synchronization}, and has moved by {moved} ms since the last")
}

/// What is told of a clock that was set; `None` where it only runs, or is brought in step slowly.
fn set(moved: i64) -> Option<String> {
    (moved.unsigned_abs() >= SET_MILLIS).then(|| {
        let way = if moved < 0 { "back" } else { "forward" };
        format!("the clock was set {way} by {} ms", moved.unsigned_abs())
    })
}

async fn record(shared: &Shared, note: String) {
    let now = shared.clock.now();
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        verdict: Verdict::Permit,
        note: Some(note),
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    let closing = Closing::of(event, now, Outcome::Completed);
    if let Err(error) = shared.journal.record(&opening, Some(&closing)).await {
        tracing::error!(error = %error, "a heartbeat could not be journaled");
    }
}

const LOOKED_EVERY: Duration = Duration::from_secs(5);
/// More than a clock is brought in step within [`LOOKED_EVERY`] without being set: chrony slews by a tenth at most.
const SET_MILLIS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_and_one_that_is_slewed_is_not() {
        assert_eq!(set(0), None);
        assert_eq!(set(-999), None);
        assert_eq!(set(-1000).unwrap(), "the clock was set back by 1000 ms");
        assert_eq!(set(i64::MIN).unwrap(), format!("the clock was set back by {} ms", 1_u64 << 63));
        assert_eq!(set(3_600_000).unwrap(), "the clock was set forward by 3600000 ms");
    }
}
