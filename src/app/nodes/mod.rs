//! Hears what other nodes that share our store have changed, and does the same here: one after the other, in the order of
//! their commits.
//!
//! What cannot be done yet, since the store does not answer, is tried until it can: nothing is passed over. As long as that
//! lasts this node is behind, and decides nothing under any session.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::domain::revocation::Revocation;
use crate::features::break_glass::BREAK_PART;
use crate::features::directory::DIRECTORY_PART;
use crate::features::hold::HOLD_PART;
use crate::features::risk::RISK_PART;
use crate::features::session::{PROGRAM_PART, SEEN_PART, SESSION_PART, SessionError};
use crate::features::signals::SIGNAL_ACCOUNT_PART;
use crate::gateway::revocation::REVOCATION_PART;
use crate::gateway::rules::Shared;
use crate::platform::store::{Changes, StoreError, Told};

/// Why something that another node has told could not be done yet.
#[derive(Debug, thiserror::Error)]
enum Behind {
    #[error(transparent)]
    Sessions(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Goes on for as long as the gateway runs.
pub(super) async fn run(shared: Arc<Shared>, mut changes: Changes) {
    loop {
        let told = changes.next().await;
        while let Err(error) = heed(&shared, &told).await {
            if !shared.is_behind.swap(true, Ordering::AcqRel) {
                tracing::error!(part = told.part, %error, "what another node has changed cannot be read: no session counts until it can");
            }
            tokio::time::sleep(TRIED_AGAIN_AFTER).await;
        }
        if shared.is_behind.swap(false, Ordering::AcqRel) {
            tracing::info!("what other nodes have changed is known again");
        }
    }
}

async fn heed(shared: &Arc<Shared>, told: &Told) -> Result<(), Behind> {
    let now = shared.clock.now();
    match told.part.as_str() {
        EVERYTHING => {
            shared.cut_off(shared.sessions.reload(now).await?);
            shared.directory.reload().await?;
            shared.signals.reload(now).await?;
            shared.holds.reload().await?;
            shared.breaks.reload().await?;
            shared.risk.reload(now).await?;
            shared.ledger.reload();
        }
        part @ (SESSION_PART | SEEN_PART | PROGRAM_PART) => {
            shared.cut_off(shared.sessions.heed(part, &told.key, now).await?);
        }
        REVOCATION_PART => match serde_json::from_str::<Revocation>(&told.key) {
            Ok(revocation) => shared.relay(revocation),
            // Its rows are gone, and told of beside it.
            Err(error) => tracing::error!(%error, "a revocation that another node has told cannot be read"),
        },
        HOLD_PART => shared.holds.heed(&told.key).await?,
        BREAK_PART => shared.breaks.heed(&told.key).await?,
        DIRECTORY_PART => shared.directory.heed(&told.key).await?,
        SIGNAL_ACCOUNT_PART => shared.signals.heed(&told.key, now).await?,
        RISK_PART => shared.risk.heed(&told.key, now).await?,
        // A node of a newer version has more to tell.
        part => tracing::debug!(part, "nothing is known here of what another node has changed"),
    }
    Ok(())
}

/// Told where something was missed: all is to be read anew.
const EVERYTHING: &str = "*";
const TRIED_AGAIN_AFTER: Duration = Duration::from_millis(200);
