//! Tells witnesses the journal's newest checkpoint, each as often as it says. Nothing waits for them.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::features::audit::witness::{Told, Witness};
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
                note(&witness, &witness.tell(&signed, clock.now()).await);
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
            note(&witness, &witness.tell(&signed, shared.clock.now()).await);
        }
    }
}

fn note(witness: &Witness, told: &Told) {
    let name = &witness.settings.name;
    match told {
        Told::Noted | Told::StillFailed => {}
        Told::Again => tracing::info!(witness = %name, "the witness notes checkpoints again"),
        Told::Failed(fault) => {
            tracing::error!(witness = %name, error = %fault, "the witness cannot be told: the journal goes on without");
        }
    }
}

/// The gateway's end waits for so long.
const LAST_WITHIN: std::time::Duration = std::time::Duration::from_secs(3);
