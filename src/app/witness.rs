//! Tells witnesses the journal's newest checkpoint, each as often as it says. Nothing waits for them.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::features::audit::journal::Journal;
use crate::features::audit::tree::SignedCheckpoint;
use crate::features::audit::witness::{Told, Witness};
use crate::foundation::clock::Timestamp;
use crate::gateway::rules::Shared;

/// Goes on until it is dropped.
pub async fn run(shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    for witness in shared.journal.witnesses() {
        tasks.spawn(told_again(shared.clone(), witness.clone()));
    }
    while tasks.join_next().await.is_some() {}
}

/// Tells each the last checkpoint, once the journal is closed: what is noted then covers all of it.
pub async fn tell_last(shared: &Shared) {
    let mut tasks = JoinSet::new();
    for witness in shared.journal.witnesses() {
        let (witness, journal, clock) = (witness.clone(), shared.journal.clone(), shared.clock.clone());
        tasks.spawn(async move {
            if let Some(signed) = journal.checkpoint().filter(|signed| witness.lacks(signed)) {
                tell(&journal, &witness, &signed, clock.now()).await;
            }
        });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WITHIN, all).await.is_err() {
        tracing::warn!("a witness was not told the last checkpoint in time");
    }
}

async fn told_again(shared: Arc<Shared>, witness: Arc<Witness>) {
    let mut tick = tokio::time::interval(witness.settings.every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Some(signed) = shared.journal.checkpoint().filter(|signed| witness.lacks(signed)) {
            tell(&shared.journal, &witness, &signed, shared.clock.now()).await;
        }
    }
}

async fn tell(journal: &Arc<Journal>, witness: &Witness, signed: &SignedCheckpoint, now: Timestamp) {
    let name = &witness.settings.name;
    match witness.tell(signed, now).await {
        Told::Noted => keep(journal.clone(), signed.checkpoint.size).await,
        Told::StillFailed => {}
        Told::Again => {
            tracing::info!(witness = %name, "the witness notes checkpoints again");
            keep(journal.clone(), signed.checkpoint.size).await;
        }
        Told::Failed(fault) => {
            tracing::error!(witness = %name, error = %fault, "the witness cannot be told: the journal goes on without");
        }
    }
}

/// What somebody has noted is kept, to be held against it.
async fn keep(journal: Arc<Journal>, size: u64) {
    match tokio::task::spawn_blocking(move || journal.keep_checkpoint(size)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a checkpoint that a witness has noted may be thinned out"),
        Err(error) => tracing::error!(%error, "a mistake of ours"),
    }
}

/// The gateway's end waits for so long.
const LAST_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);
