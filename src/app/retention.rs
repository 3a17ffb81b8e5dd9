//! Destroys the keys of months that are past their retention: what was sealed in them is read by nobody any more, and whom events
//! named is found by nobody. Each is an event before it is done and one after it; a legal hold keeps it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::features::audit::JournalError;
use crate::features::audit::seal::{Ended, KeyName, SealError};
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Why a key stays that is to be destroyed.
#[derive(Debug, thiserror::Error)]
enum RetentionError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("it could not be written down: {0}")]
    Unwritten(#[from] JournalError),
    #[error("a mistake of ours: {0}")]
    Ours(#[from] tokio::task::JoinError),
}

/// Goes on until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = round(&shared).await {
            tracing::error!(%error, "keys whose retention is over stay, and it is tried again");
        }
    }
}

/// All that is to be done now.
async fn round(shared: &Shared) -> Result<(), RetentionError> {
    let (seals, now) = (shared.seals.clone(), shared.clock.now());
    match tokio::task::spawn_blocking(move || seals.ended(now)).await?? {
        Ended::Keys(keys) => {
            for key in keys {
                destroy(shared, key).await?;
            }
        }
        Ended::Doubted => tracing::warn!(
            "by the clock the retention of keys is over, but it may have leapt: `leastway seal destroy` destroys them"
        ),
    }
    Ok(())
}

async fn destroy(shared: &Shared, key: KeyName) -> Result<(), RetentionError> {
    record(shared, Outcome::Completed, format!("{key} is to be destroyed: its retention is over")).await?;
    let (seals, now) = (shared.seals.clone(), shared.clock.now());
    let ended = tokio::task::spawn_blocking(move || seals.destroy(key, now)).await;
    if let Ok(Ok(())) = ended {
        tracing::info!("{key} was destroyed: its retention is over");
        return record(shared, Outcome::Completed, format!("{key} was destroyed")).await;
    }
    record(shared, Outcome::Failed, format!("{key} could not be destroyed")).await?;
    Ok(ended??)
}

async fn record(shared: &Shared, outcome: Outcome, note: String) -> Result<(), RetentionError> {
    let now = shared.clock.now();
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        verdict: Verdict::Permit,
        note: Some(note),
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    Ok(shared.journal.record_durably(&opening, Some(&Closing::of(event, now, outcome))).await?)
}

const LOOKED_EVERY: Duration = Duration::from_secs(60 * 60);
