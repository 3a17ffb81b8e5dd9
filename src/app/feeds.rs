//! Keeps feeds up to date: looks at files every two seconds, asks addresses as often as each says, and writes down what came.
//!
//! Reading is left to threads that may block; nothing here stands on a request's way.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::domain::told::FeedName;
use crate::features::facts::feed::Looked;
use crate::features::facts::{Feed, Feeds};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Reads every file, and asks every address once, before anything is decided by them. What cannot be had is told, and not waited for
/// any longer.
/// Who calls says what came of it to [`note`].
pub async fn first(feeds: &Feeds, entropy: &Arc<dyn Entropy>, now: Timestamp) -> Vec<(FeedName, Looked)> {
    let mut tasks = JoinSet::new();
    for feed in feeds.all().filter(|feed| feed.revision() == 0).cloned() {
        let entropy = entropy.clone();
        tasks.spawn(async move { (feed.settings.name.clone(), looked_at(&feed, &*entropy, now).await) });
    }
    let all = async {
        let mut came = Vec::new();
        while let Some(done) = tasks.join_next().await {
            came.extend(done.ok());
        }
        came
    };
    tokio::time::timeout(FIRST_WITHIN, all).await.unwrap_or_else(|_| {
        tracing::warn!("a feed was not taken in time: what it tells is unknown until it is");
        Vec::new()
    })
}

async fn looked_at(feed: &Arc<Feed>, entropy: &dyn Entropy, now: Timestamp) -> Looked {
    if feed.asked_every().is_some() {
        return feed.ask(entropy, now).await;
    }
    let same = feed.clone();
    tokio::task::spawn_blocking(move || same.look(now)).await.unwrap_or(Looked::Same)
}

/// Goes on until it is dropped.
pub async fn run(shared: Arc<Shared>) {
    let mut asking: Vec<(Arc<Feed>, JoinSet<()>)> = Vec::new();
    loop {
        let rules = shared.rules.load_full();
        let now = shared.clock.now();
        let looked = tokio::task::spawn_blocking(move || (rules.feeds.look(now), rules)).await;
        let Ok((came, rules)) = looked else { return };
        for (name, looked) in came {
            note(&shared, &name, &looked).await;
        }
        // Dropped with what is asked: whose settings have not changed goes on.
        asking.retain(|(feed, _)| rules.feeds.all().any(|known| Arc::ptr_eq(known, feed)));
        for (feed, every) in rules.feeds.asked() {
            if !asking.iter().any(|(known, _)| Arc::ptr_eq(known, feed)) {
                let mut task = JoinSet::new();
                task.spawn(ask(shared.clone(), feed.clone(), every));
                asking.push((feed.clone(), task));
            }
        }
        drop(rules);
        sleep(LOOKED_EVERY).await;
    }
}

/// Asks an address again and again: later and later where it fails, and never less often than twice the time.
async fn ask(shared: Arc<Shared>, feed: Arc<Feed>, every: Duration) {
    let mut patience = FIRST_PATIENCE.min(every);
    loop {
        let failures = feed.now(shared.clock.now()).failures;
        // Whoever has just been asked at the start is not asked again at once.
        if feed.revision() > 0 || failures > 0 {
            let failed = feed.now(shared.clock.now()).fault.is_some();
            sleep(if failed { patience } else { every }).await;
            patience = if failed { (patience * 2).min(every * 2) } else { FIRST_PATIENCE.min(every) };
        }
        let looked = feed.ask(&*shared.entropy, shared.clock.now()).await;
        note(&shared, &feed.settings.name, &looked).await;
    }
}

fn tell(name: &FeedName, looked: &Looked) {
    match looked {
        Looked::Same => {}
        Looked::Taken(rows) => tracing::info!(feed = %name, rows, "the feed was taken"),
        Looked::Refused(fault) => {
            tracing::error!(feed = %name, error = %fault, "the feed was not taken: what it told before stays in force");
        }
    }
}

/// What may change decisions is written down.
pub async fn note(shared: &Shared, name: &FeedName, looked: &Looked) {
    tell(name, looked);
    let (verdict, outcome, note) = match looked {
        Looked::Same => return,
        Looked::Taken(rows) => {
            (Verdict::Permit, Outcome::Completed, format!("the feed {name} was taken: {rows} rows"))
        }
        Looked::Refused(fault) => {
            (Verdict::Deny, Outcome::Refused, format!("the feed {name} was not taken: {fault}"))
        }
    };
    let now = shared.clock.now();
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        rules_version: Some(shared.rules.load().version.clone()),
        note: Some(note),
        verdict,
        reasons: vec![Reason::OwnPath],
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    let closing = Closing::of(event, now, outcome);
    if let Err(error) = shared.journal.record(&opening, Some(&closing)).await {
        tracing::error!(error = %error, "that a feed was taken could not be journaled");
    }
}

const LOOKED_EVERY: Duration = Duration::from_secs(2);
const FIRST_WITHIN: Duration = Duration::from_secs(10);
const FIRST_PATIENCE: Duration = Duration::from_secs(2);
