//! Follows the journal for each export, and hands on what is in it.
//!
//! What is read is what is on the disk: nobody on a request's way waits for a receiver, and nothing is skipped however far it is
//! behind. Each export has a task, and its place in the store, kept after its receiver took something: after a restart or a
//! crash it goes on there, and what was under way then comes twice, never not at all.

mod desk;
mod trip;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::features::audit::read::head_at;
use crate::features::export::courier::{Courier, Delivery};
use crate::features::export::settings::{Beginning, ExportSettings};
use crate::features::export::{Place, Position};
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;
use trip::Trip;

/// All exports while they run.
#[derive(Debug)]
pub(super) struct Exporting {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What every export needs.
#[derive(Clone, Debug)]
struct House {
    shared: Arc<Shared>,
    journal: PathBuf,
    /// What receivers know this node by.
    node: Arc<str>,
}

/// Starts the exports of the rules in force, and those of other rules when they come.
pub(super) fn start(shared: Arc<Shared>, journal: PathBuf, node: String) -> Exporting {
    let (stop, stopped) = watch::channel(false);
    let house = House { shared, journal, node: node.into() };
    Exporting { stop, task: tokio::spawn(run(house, stopped)) }
}

impl Exporting {
    /// Ends all, with what is on its way if that is soon.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(STOPPED_WITHIN, &mut self.task).await.is_err() {
            tracing::warn!("an export had not ended: what was on its way comes again");
            self.task.abort();
        }
    }
}

async fn run(house: House, mut stop: watch::Receiver<bool>) {
    loop {
        let settings = house.shared.rules.load().exports.clone();
        house.shared.exports.retain(|name| settings.iter().any(|it| it.name == *name));
        let (end, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for settings in settings.iter() {
            tasks.spawn(follow(house.clone(), settings.clone(), ended.clone()));
        }
        let is_over = loop {
            tokio::select! {
                () = stopped(&mut stop) => break true,
                () = sleep(LOOKED_EVERY) => {
                    if !Arc::ptr_eq(&settings, &house.shared.rules.load().exports) {
                        break false;
                    }
                }
            }
        };
        // One export never runs twice at once: its receiver would get events out of order.
        end.send_replace(true);
        while tasks.join_next().await.is_some() {}
        if is_over {
            return;
        }
    }
}

/// One export, until there is to be an end.
async fn follow(house: House, settings: ExportSettings, mut stop: watch::Receiver<bool>) {
    let standing = house.shared.exports.begin(&settings);
    let made = Courier::new(settings.clone(), &house.node, standing.clone(), house.shared.clock.clone());
    let mut courier = match made {
        Ok(courier) => courier,
        Err(error) => {
            tracing::error!(export = %settings.name, %error, "events cannot be handed on");
            return standing.is_hindered(error.to_string());
        }
    };
    while !*stop.borrow() {
        let gone = async {
            let mut trip = Trip::begin(&house, &settings, &standing).await?;
            trip.go(&mut courier, &mut stop).await
        };
        match gone.await {
            Ok(Delivery::Done | Delivery::Stopped) => return,
            Ok(Delivery::Lost) => {}
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(export = %settings.name, error, "nothing is handed on for a while");
                standing.is_hindered(error);
                tokio::select! {
                    () = sleep(TRIED_AGAIN_AFTER) => {}
                    () = stopped(&mut stop) => {}
                }
            }
        }
    }
}

/// Returns when there is to be an end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    drop(stop.wait_for(|stop| *stop).await);
}

impl House {
    /// What this journal calls itself; nothing where it has no key any more.
    fn journal_name(&self) -> String {
        let key = self.shared.journal.signing_key();
        key.map(|key| key.verifier().name().to_string()).unwrap_or_default()
    }

    /// Where an export begins that never followed this journal.
    fn beginning(&self, from: Beginning) -> Position {
        let head = self.shared.journal.head().sequence;
        match from {
            Beginning::Start => Position { ended: 0, resumes: 1, anchor: None },
            Beginning::Now => Position { ended: head, resumes: head.saturating_add(1), anchor: None },
        }
    }

    /// Whether a place is one in this journal: by an entry that both must have, or by name where that entry is in an archive.
    async fn has(&self, place: &Place) -> anyhow::Result<bool> {
        let head = self.shared.journal.head().sequence;
        let Position { ended, resumes: _, anchor } = place.position;
        // A place that is older than the keeping of anchors says no more.
        let Some(anchor) = anchor else { return Ok(ended <= head) };
        if ended > head || anchor.sequence > head {
            return Ok(false);
        }
        let journal = self.journal.clone();
        let found = tokio::task::spawn_blocking(move || head_at(&journal, anchor.sequence)).await;
        Ok(match found.context("a mistake of ours")?? {
            Some(found) => found.hash == anchor.hash,
            None => place.journal.as_ref().is_none_or(|name| *name == self.journal_name()),
        })
    }

    /// Writes down that a receiver will not have all that the journal had.
    async fn record(&self, note: String) -> anyhow::Result<()> {
        let now = self.shared.clock.now();
        let event = RequestId::new(now, &*self.shared.entropy);
        let opening = Opening {
            rules_version: Some(self.shared.rules.load().version.clone()),
            note: Some(note),
            verdict: Verdict::Deny,
            reasons: vec![Reason::OwnPath],
            ..Opening::begin(event, EventKind::Lifecycle, now)
        };
        let closing = Closing::of(event, now, Outcome::Failed);
        self.shared
            .journal
            .record(&opening, Some(&closing))
            .await
            .context("that events were missed cannot be journaled")
    }
}

/// How soon it is seen that there are other rules.
const LOOKED_EVERY: Duration = Duration::from_millis(500);
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
