//! Asks transmitters for signals, and watches over those that are silent: a task for each, as long as its settings are in
//! force.
//!
//! A transmitter is asked by one question at a time. What was carried out is acknowledged with the next one; what could
//! not be completed, or not be written down, is not, and comes again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::domain::signal::SignalStep;
use crate::features::signals::token::Set;
use crate::features::signals::{Answered, Call, Due, Receiver, Refused, SetFault};
use crate::gateway::rules::Shared;
use crate::gateway::signals::{Taken, finished};

/// Goes on until it is dropped.
pub async fn run(shared: Arc<Shared>) {
    let mut changes = shared.signals.changes();
    let mut under_way: Vec<(Arc<Receiver>, JoinSet<()>)> = Vec::new();
    loop {
        changes.mark_unchanged();
        let receivers = shared.signals.receivers();
        // Dropped with what is asked; what has come is carried out by tasks of its own. Whose settings have not changed
        // goes on.
        under_way.retain(|(own, _)| receivers.iter().any(|receiver| Arc::ptr_eq(receiver, own)));
        for receiver in receivers {
            if !under_way.iter().any(|(own, _)| Arc::ptr_eq(own, &receiver)) {
                let tasks = attend(&shared, &receiver);
                under_way.push((receiver, tasks));
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn attend(shared: &Arc<Shared>, receiver: &Arc<Receiver>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(watch(shared.clone(), receiver.clone()));
    if let Some(every) = receiver.polled_every() {
        tasks.spawn(poll(shared.clone(), receiver.clone(), every));
    }
    tasks
}

async fn watch(shared: Arc<Shared>, receiver: Arc<Receiver>) {
    let provider = receiver.settings().provider.clone();
    loop {
        sleep(WATCHED_EVERY).await;
        let now = shared.clock.now();
        if let Err(fault) = receiver.ask_whether_there(&*shared.entropy, now).await {
            tracing::warn!(%provider, error = %fault, "the transmitter could not be asked for a verification");
        }
        if receiver.has_fallen_silent(now) {
            tracing::error!(%provider, "nothing was heard of the provider's signals for a quarter of an hour");
        }
    }
}

async fn poll(shared: Arc<Shared>, receiver: Arc<Receiver>, every: Duration) {
    let provider = receiver.settings().provider.clone();
    let (mut due, mut at_once, mut patience, mut rest) = (Due::default(), true, FIRST_PATIENCE, every);
    loop {
        let begun = Instant::now();
        match receiver.ask(&due, at_once, shared.clock.now()).await {
            Ok(answered) => {
                if patience > FIRST_PATIENCE {
                    tracing::info!(%provider, "the transmitter answers again");
                }
                patience = FIRST_PATIENCE;
                let is_empty = answered.sets.is_empty() && !answered.more_available;
                let done = carry_out(&shared, &receiver, answered).await;
                due = done.due;
                let was_plain = std::mem::replace(&mut at_once, !due.is_empty()) && receiver.waits();
                let has_repeated = !is_empty && !done.is_new && !due.is_empty();
                // What has come is acknowledged at once, by a question that is not kept; after that one is.
                if is_empty && !was_plain {
                    sleep_until(begun + every).await;
                } else if has_repeated {
                    // It may be one that takes no acknowledgement: it is not asked for the same again and again.
                    sleep_until(begun + rest).await;
                } else if !is_empty && due.is_empty() {
                    // Nothing of it could be completed.
                    sleep(every.min(FIRST_PATIENCE * 4)).await;
                }
                rest = if has_repeated { (rest * 2).min(every.max(PATIENCE_MAX)) } else { every };
            }
            Err(fault) => {
                tracing::warn!(%provider, error = %fault, "the transmitter could not be asked for signals");
                // One that holds questions for longer than we wait is asked for a plain answer.
                at_once = true;
                sleep(patience).await;
                patience = (patience * 2).min(PATIENCE_MAX);
            }
        }
    }
}

/// What was done about an answer.
#[derive(Default)]
struct Done {
    /// What the transmitter is to be told.
    due: Due,
    /// Whether anything was taken that was not before.
    is_new: bool,
}

/// Carries out what has come.
async fn carry_out(shared: &Arc<Shared>, receiver: &Arc<Receiver>, answered: Answered) -> Done {
    let verify = |(id, token): (String, String)| async move {
        let verified = receiver.verify(&token, shared.clock.now()).await;
        let verified =
            verified.and_then(|set| if set.id == id { Ok(set) } else { Err(SetFault::Identifier) });
        (id, verified)
    };
    let verified = join_all(answered.sets.into_iter().map(verify)).await;
    // Of two about one account that were signed in the same second, the one that bars holds.
    let (first, then): (Vec<_>, Vec<_>) = verified.into_iter().partition(|(_, verified)| admits(verified));
    let mut done = Done::default();
    for some in [first, then] {
        let carried_out = |(id, verified)| async move {
            (id, finished(shared.carry_out(receiver.clone(), verified)).await)
        };
        for (id, taken) in join_all(some.into_iter().map(carried_out)).await {
            done.note(id, taken);
        }
    }
    done
}

fn admits(verified: &Result<Set, SetFault>) -> bool {
    verified.as_ref().is_ok_and(|set| set.call == Call::Admit)
}

impl Done {
    /// What could not be completed, or not be written down, is not told: it comes again.
    fn note(&mut self, id: String, taken: Taken) {
        match taken {
            Ok(step) => {
                self.is_new |= step != SignalStep::TakenBefore;
                self.due.done.push(id);
            }
            Err(fault) => {
                if let Some(err) = fault.code() {
                    let description = fault.to_string();
                    self.due.refused.insert(id, Refused { err, description });
                }
            }
        }
    }
}

const WATCHED_EVERY: Duration = Duration::from_secs(15);
/// How long a transmitter is left alone that could not be asked: at first, and at most.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
const PATIENCE_MAX: Duration = Duration::from_secs(5 * 60);
