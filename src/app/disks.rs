//! Looks at the disks that take events, and says while there is time that somebody should. While events go elsewhere than into
//! the journal, or requests leave none, that is said each minute.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::features::audit::Standing;
use crate::features::audit::space::DiskNow;
use crate::gateway::rules::Shared;

/// Goes on until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut short = BTreeSet::new();
    let mut told: Option<Instant> = None;
    loop {
        tick.tick().await;
        let journal = shared.journal.clone();
        match tokio::task::spawn_blocking(move || journal.look_at_disks()).await {
            Ok(disks) => disks.iter().for_each(|disk| tell_of(disk, &mut short)),
            Err(error) => tracing::error!(%error, "looking at disks ended by a mistake of ours"),
        }
        let is_due = told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
        told = match shared.journal.standing() {
            Standing::Journal => None,
            standing if is_due => {
                alarm(&shared, &standing);
                Some(Instant::now())
            }
            Standing::Spool { .. } | Standing::Nowhere { .. } => told,
        };
    }
}

/// When it becomes short of room, and when it no longer is.
fn tell_of(now: &DiskNow, short: &mut BTreeSet<&'static str>) {
    let disk = now.disk.as_str();
    let (free_bytes, free_percent) = now.room.map_or((0, 0), |room| (room.free_bytes, room.free_percent()));
    let full_in_hours = now.full_in.map(|time| time.as_secs() / 3600);
    if now.is_short && short.insert(disk) {
        tracing::error!(
            disk,
            disk.free_bytes = free_bytes,
            disk.free_percent = free_percent,
            disk.full_in_hours = full_in_hours,
            "the room for events runs short: without any, nothing is let through"
        );
    }
    if !now.is_short && short.remove(disk) {
        tracing::info!(disk, disk.free_bytes = free_bytes, "there is room for events again");
    }
}

fn alarm(shared: &Shared, standing: &Standing) {
    let counters = shared.journal.counters();
    match standing {
        Standing::Journal => {}
        Standing::Spool { since, why } => {
            tracing::error!(%since, %why, journal.spooled = counters.spooled, "events are in the spool, not in the journal");
        }
        Standing::Nowhere { since, why } => {
            tracing::error!(%since, %why, gap.requests = counters.gap_requests, "no disk takes events");
        }
    }
}

const LOOKED_EVERY: Duration = Duration::from_secs(10);
const TOLD_EVERY: Duration = Duration::from_secs(60);
