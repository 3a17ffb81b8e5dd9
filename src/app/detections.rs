//! Follows the journal and says what somebody should look at.
//!
//! What is read is what is on the disk: nobody on a request's way waits for it, nothing is skipped however much comes, and after
//! a restart it goes on where it was. Windows are read again from the day before; what was found then, and is in the journal, is
//! not told twice.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::domain::detection::Detection;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::subject::SubjectId;
use crate::features::audit::events::Follow;
use crate::features::detect::settings::WITHIN_MAX;
use crate::features::detect::{Position, Progress, Seen, Step, Watcher};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{DetectionId, RequestId};
use crate::gateway::rules::{Rules, Shared};

/// Goes on until it is dropped.
pub async fn run(shared: Arc<Shared>, journal: PathBuf) {
    loop {
        if shared.rules.load().detections.is_empty() {
            sleep(LOOKED_EVERY).await;
            continue;
        }
        if let Err(error) = follow(&shared, &journal).await {
            tracing::error!(error = %format!("{error:#}"), "nothing is looked for in the stream of events for a minute");
            sleep(TRIED_AGAIN_AFTER).await;
        }
    }
}

/// Follows for as long as anything is looked for.
async fn follow(shared: &Arc<Shared>, journal: &Path) -> anyhow::Result<()> {
    let mut desk = Desk::open(shared, journal).await?;
    let mut tick = interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut progress, mut kept) = (Progress::default(), Instant::now());
    let mut waiting = Stretch::default();
    let was_there = shared.journal.home().sequence;
    loop {
        tick.tick().await;
        let rules = shared.rules.load_full();
        if rules.detections.is_empty() {
            return shared
                .detections
                .rest()
                .await
                .context("how far the journal was read cannot be forgotten");
        }
        while desk.read < shared.journal.home().sequence {
            shared.detections.note_behind(shared.journal.head().sequence.saturating_sub(desk.read));
            let read_before = desk.read;
            let (shared, rules) = (shared.clone(), rules.clone());
            let reading = tokio::task::spawn_blocking(move || {
                let stretch = desk.read(&shared, &rules)?;
                anyhow::Ok((desk, stretch))
            });
            let (back, stretch) = reading.await.context("a mistake of ours")??;
            desk = back;
            waiting.add(stretch);
            if desk.read == read_before {
                // What is there cannot be read yet: the next look may.
                break;
            }
        }
        shared.detections.note_behind(shared.journal.head().sequence.saturating_sub(desk.read));
        // What was found before a restart and told since is read before anything is told again.
        if desk.read >= was_there {
            progress.items.extend(tell(shared, std::mem::take(&mut waiting)).await?);
            if !progress.items.is_empty() || kept.elapsed() >= KEPT_EVERY {
                progress.people.extend(desk.watcher.take_changes());
                progress.position = Some(Position { sequence: desk.read, time: desk.newest });
                match shared.detections.keep(&progress, shared.clock.now()).await {
                    Ok(()) => (progress, kept) = (Progress::default(), Instant::now()),
                    // It is tried again with the next look.
                    Err(error) => tracing::error!(%error, "what was found could not be saved"),
                }
            }
        }
    }
}

/// Where events are read.
#[derive(Debug)]
struct Desk {
    follow: Follow,
    watcher: Watcher,
    /// Up to this entry everything was seen before.
    known: u64,
    /// The last entry that was read.
    read: u64,
    newest: Timestamp,
}

/// What a stretch of the journal has brought.
#[derive(Debug, Default)]
struct Stretch {
    steps: Vec<Step>,
    /// What is in the journal already.
    told: HashSet<DetectionId>,
    cleared: Vec<(SubjectId, Timestamp)>,
}

impl Desk {
    async fn open(shared: &Arc<Shared>, journal: &Path) -> anyhow::Result<Self> {
        let now = shared.clock.now();
        for (person, since) in shared.detections.raised(now.minus(WITHIN_MAX)) {
            shared.risk.detected(&person, since, now);
        }
        let (shared, journal) = (shared.clone(), journal.to_owned());
        let open = move || {
            let (position, people) =
                shared.detections.resume().context("what is known of people cannot be read")?;
            // Of a journal that somebody has put aside nothing is known.
            let position = position.filter(|position| position.sequence <= shared.journal.head().sequence);
            let since = position.map_or(now, |position| position.time.min(now)).minus(WITHIN_MAX);
            let rules = shared.rules.load();
            let zone = rules.policy.zone().clone();
            let watcher = Watcher::new(rules.detections.clone(), zone, people, shared.detections.found());
            let follow = Follow::since(&journal, since)?;
            let known = position.map_or(0, |position| position.sequence);
            Ok(Self { follow, watcher, known, read: 0, newest: since })
        };
        tokio::task::spawn_blocking(open).await.context("a mistake of ours")?
    }

    /// Reads on for a while.
    fn read(&mut self, shared: &Shared, rules: &Rules) -> anyhow::Result<Stretch> {
        let Self { follow, watcher, known, read, newest } = self;
        watcher.apply(rules.detections.clone(), rules.policy.zone().clone());
        let is_quiet = |person: &_, rule: &_, time| shared.detections.is_quiet(person, rule, time);
        let mut stretch = Stretch::default();
        let home = shared.journal.home().sequence;
        *read = follow.stretch_to(home, STRETCH, |sequence, event| {
            match Seen::of(&event.opening, event.closing.as_ref()) {
                Some(Seen::Work(work)) if sequence <= *known => watcher.recall(&work),
                Some(Seen::Work(work)) => {
                    *newest = work.time.max(*newest);
                    stretch.steps.extend(watcher.see(&work, &is_quiet));
                }
                Some(Seen::Found(id)) => {
                    stretch.told.insert(id);
                }
                Some(Seen::Cleared(person, at)) => stretch.cleared.push((person, at)),
                None => {}
            }
        })?;
        Ok(stretch)
    }
}

impl Stretch {
    fn add(&mut self, then: Self) {
        self.steps.extend(then.steps);
        self.told.extend(then.told);
        self.cleared.extend(then.cleared);
    }
}

/// Writes down what was found, asks what it asks, and puts it among the items for review. Gives the items that have changed.
async fn tell(
    shared: &Shared,
    stretch: Stretch,
) -> anyhow::Result<impl IntoIterator<Item = DetectionId> + use<>> {
    let now = shared.clock.now();
    for step in &stretch.steps {
        let Step::Found(detection) = step else { continue };
        if !stretch.told.contains(&detection.id) {
            write_down(shared, detection, now).await?;
        }
        if detection.raises && now.since(detection.until) < WITHIN_MAX {
            shared.risk.detected(&detection.person, detection.until, now);
        }
    }
    let mut changed = shared.detections.take(stretch.steps);
    changed.extend(shared.detections.clear(&stretch.cleared));
    Ok(changed)
}

async fn write_down(shared: &Shared, detection: &Detection, now: Timestamp) -> anyhow::Result<()> {
    let Detection { id, rule, severity, count, .. } = detection;
    tracing::warn!(detection.id = %id, detection.rule = %rule, detection.severity = %severity, detection.count = count, "found");
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        verdict: Verdict::Permit,
        note: Some(detection.why.clone()),
        detection: Some(Box::new(detection.clone())),
        ..Opening::begin(event, EventKind::Detection, now)
    };
    let closing = Closing::of(event, now, Outcome::Completed);
    shared.journal.record(&opening, Some(&closing)).await.context("what was found cannot be journaled")
}

/// How soon what is on the disk is looked at.
const LOOKED_EVERY: Duration = Duration::from_millis(500);
/// How often it is kept how far the journal was read, where nothing is found.
const KEPT_EVERY: Duration = Duration::from_secs(60);
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Events that are read at once.
const STRETCH: usize = 5000;
