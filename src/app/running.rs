//! The gateway while it runs: started from a configuration file, reloaded, drained.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::archive;
use super::breaks;
use super::control_plane;
use super::detections;
use super::disks;
use super::exports::{self, Exporting};
use super::feeds;
use super::heartbeat;
use super::held;
use super::indexes;
use super::nodes;
use super::providers;
use super::reload::{ReloadStatus, Reloaded, Reloader};
use super::retention;
use super::signals;
use super::sockets::{Handed, Sockets};
use super::store;
use super::summary;
use super::wiring;
use super::witness;
use super::workers::{self, Stop, Workers};
use crate::config::settings::Settings;
use crate::config::{Loaded, Problems, load};
use crate::domain::event::Outcome;
use crate::features::audit::journal::Journal;
use crate::features::audit::rulebooks;
use crate::features::audit::seal::Seals;
use crate::features::audit::takings::takings_since;
use crate::features::audit::{JournalError, ReadError, Standing};
use crate::features::authn::RelyingParty;
use crate::features::break_glass::Breaks;
use crate::features::detect::Detections;
use crate::features::directory::Directory;
use crate::features::directory::settings::DirectoryBounds;
use crate::features::export::Exports;
use crate::features::given;
use crate::features::given::table::Given;
use crate::features::guard::ledger::{Amounts, Came, Ledger};
use crate::features::guard::spill::Spills;
use crate::features::hold::Holds;
use crate::features::hold::settings::HoldBounds;
use crate::features::risk::Book;
use crate::features::session::{SessionLimits, Sessions};
use crate::features::signals::Signals;
use crate::features::upstream::check;
use crate::features::upstream::node_keys::NodeKeys;
use crate::features::upstream::servers::Upstream;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::entropy::Entropy;
use crate::gateway::limits::Limits;
use crate::gateway::program::Turns;
use crate::gateway::revocation::Revocations;
use crate::gateway::room::Room;
use crate::gateway::rules::Shared;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error("the configuration cannot be used")]
    Configuration(Problems),
    /// Something that it needs.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// How this process comes after another.
#[derive(Debug, Default)]
pub struct Succession {
    /// The sockets that were handed over.
    pub handed: Handed,
    /// For how long the process before may still hold the journal. Zero: nobody may.
    pub patience: Duration,
    /// One node's part of a store that tests share between two.
    #[cfg(test)]
    pub store: Option<crate::platform::store::Store>,
}

impl Succession {
    /// After a process that may still hold the journal for so long.
    pub const fn after(handed: Handed, patience: Duration) -> Self {
        Self {
            handed,
            patience,
            #[cfg(test)]
            store: None,
        }
    }
}

/// The gateway while it runs.
#[derive(Debug)]
pub struct Running {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// Where callers are served.
    pub addresses: Vec<std::net::SocketAddr>,
    drain: watch::Sender<bool>,
    now: watch::Sender<bool>,
    workers: Mutex<Option<Workers>>,
    background: Vec<tokio::task::JoinHandle<()>>,
    exporting: Exporting,
    /// Takes new files.
    pub reloader: Arc<Reloader>,
}

impl Running {
    /// Starts on a configuration file, inside a tokio runtime that drives everything but requests.
    pub async fn start(
        file: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        Self::succeed(Succession::default(), file, clock, entropy).await
    }

    /// The same, after another process.
    pub async fn succeed(
        succession: Succession,
        file: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let loaded = load(file).map_err(StartError::Configuration)?;
        Self::start_loaded(succession, file.to_owned(), loaded, clock, entropy).await
    }

    async fn start_loaded(
        succession: Succession,
        file: PathBuf,
        loaded: Loaded,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        for warning in &loaded.warnings {
            tracing::warn!(problem = %warning, "configuration");
        }
        let rules = wiring::rules(&loaded).map_err(StartError::Configuration)?;
        let tls = wiring::tls(&loaded).context("the certificates cannot be used")?;
        let settings = &loaded.settings;
        let now = clock.now();

        let came = feeds::first(&rules.feeds, &entropy, now).await;
        let Succession {
            handed,
            patience,
            #[cfg(test)]
                store: given,
        } = succession;
        let (journal, sockets) = open((handed, patience), settings, &clock, &entropy).await?;
        match (rulebooks::keep(&settings.journal.directory, &settings.rulebook), journal.standing()) {
            (Ok(()), _) => {}
            (Err(error), Standing::Spool { .. }) => {
                tracing::error!(%error, "the rules cannot be kept beside the journal: the next reload tries again");
            }
            (Err(error), Standing::Journal | Standing::Nowhere { .. }) => {
                Err(error).context("the rules cannot be kept beside the journal")?;
            }
        }
        let seals = Seals::open(&settings.seals, now, entropy.clone())
            .context("what is confidential about events cannot be sealed")?;
        #[cfg(test)]
        let store = given.map_or_else(|| store::open(&settings.store), Ok)?;
        #[cfg(not(test))]
        let store = store::open(&settings.store)?;
        // Heard from before anything is read, so that nothing is missed in between.
        let changes = store.changes();
        let ledger = Ledger::load(store.clone(), journal.patient_key(), entropy.clone(), now).await;
        let ledger = Arc::new(ledger.context("what was taken in windows cannot be read")?);
        if !ledger.is_shared() {
            let spooled = settings.journal.outage.spool.as_ref().filter(|_| {
                // At home, all of it is in the journal.
                journal.standing() != Standing::Journal
            });
            for folder in std::iter::once(&settings.journal.directory).chain(spooled) {
                restore(&ledger, folder, now).map_err(anyhow::Error::from)?;
            }
        }
        let holds = Holds::load(store.clone(), HoldBounds::default(), entropy.clone())
            .context("what is kept of forms cannot be read")?;
        let breaks =
            Breaks::load(store.clone()).context("what is known of emergency access cannot be read")?;
        let directory = Directory::load(
            store.clone(),
            settings.directories.clone(),
            DirectoryBounds::default(),
            entropy.clone(),
        )
        .context("the directory cannot be read")?;
        let signals = Signals::load(store.clone(), now).context("what was signalled cannot be read")?;
        signals
            .apply(settings.signals.clone(), now)
            .context("the authorities of a provider's signals cannot be used")?;
        let risk = Book::load(store.clone(), now).context("what is known of people cannot be read")?;
        let found = Detections::load(store.clone()).context("what was found cannot be read")?;
        let exports = Exports::new(store.clone(), store::node_of(&settings.store));
        let sessions =
            Sessions::load(store.clone(), &settings.session, SessionLimits::default(), entropy.clone(), now)
                .context("the sessions cannot be read")?;
        let words = sessions.agree().await.context("there is no key for what browsers are given")?;
        let authn = RelyingParty::new(settings.providers.clone(), entropy.clone())
            .context("a provider's authorities cannot be used")?
            .sharing(store.clone());
        let assertion_key = store::assertion_key(&settings.store.directory)?;
        let node_keys = NodeKeys::new(&assertion_key, store.clone());
        node_keys.maintain(now).await.context("the key of this node cannot be told to the others")?;

        let room = given::table::Room::default();
        let given = Given::sharing(store.clone(), &*entropy, room).await;
        let given = given.context("the nodes have no key in common for what they hand out")?;

        let shared = Arc::new(Shared {
            rules: ArcSwap::from_pointee(rules),
            tls: ArcSwap::from(tls),
            settings: settings.gateway.clone(),
            store,
            is_behind: AtomicBool::new(false),
            are_rules_old: AtomicBool::new(false),
            words,
            sessions: Arc::new(sessions),
            directory: Arc::new(directory),
            signals: Arc::new(signals),
            risk: Arc::new(risk),
            detections: Arc::new(found),
            holds: Arc::new(holds),
            breaks: Arc::new(breaks),
            authn: Arc::new(authn),
            turns: Turns::default(),
            revocations: Revocations::default(),
            given: Arc::new(given),
            contexts: Arc::default(),
            ledger,
            spills: Spills::new(entropy.clone()),
            journal,
            seals: Arc::new(seals),
            exports: Arc::new(exports),
            assertion_key,
            node_keys,
            limits: Arc::new(Limits::new(std::time::Instant::now())),
            room: Room::new(settings.gateway.connections),
            clock,
            entropy,
        });
        for (name, looked) in came {
            feeds::note(&shared, &name, &looked).await;
        }
        let ((drain, drain_seen), (now_sender, now_seen)) = (watch::channel(false), watch::channel(false));
        let stop = Stop { drain: drain_seen.clone(), now: now_seen };
        let workers = workers::start(&shared, sockets, &stop)?;
        let reloader = Arc::new(Reloader::new(file, shared.clone(), settings, ReloadStatus::started(now)));
        let metrics = workers.metrics.clone();
        let control = control_plane::start(&loaded, &shared, &reloader, metrics, drain_seen.clone()).await?;
        let exporting = exports::start(
            shared.clone(),
            settings.journal.directory.clone(),
            store::node_name(&settings.store),
        );
        let background = vec![
            control,
            tokio::spawn(nodes::run(shared.clone(), changes)),
            tokio::spawn(maintain(shared.clone())),
            tokio::spawn(held::run(shared.clone())),
            tokio::spawn(breaks::run(shared.clone())),
            tokio::spawn(summary::run(shared.clone())),
            tokio::spawn(detections::run(shared.clone(), settings.journal.directory.clone())),
            tokio::spawn(indexes::run(settings.journal.directory.clone(), shared.entropy.clone())),
            tokio::spawn(signals::run(shared.clone())),
            tokio::spawn(feeds::run(shared.clone())),
            tokio::spawn(disks::run(shared.clone())),
            tokio::spawn(heartbeat::run(shared.clone(), settings.journal.heartbeat)),
            tokio::spawn(witness::run(shared.clone())),
            tokio::spawn(archive::run(shared.clone())),
            tokio::spawn(retention::run(shared.clone())),
            tokio::spawn(warm_up(shared.clone())),
            tokio::spawn(providers::run(shared.clone())),
            tokio::spawn(check::run(upstreams(shared.clone()))),
            tokio::spawn(reloader.clone().watch(drain_seen)),
        ];
        let addresses = workers.addresses.clone();
        Ok(Self {
            shared,
            addresses,
            drain,
            now: now_sender,
            workers: Mutex::new(Some(workers)),
            background,
            exporting,
            reloader,
        })
    }

    /// Reads the files again; swaps everything, or nothing.
    pub async fn reload(&self) -> Reloaded {
        self.reloader.reload().await
    }

    /// Accepts nothing more, lets what is under way end, closes the journal.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.drain.send_replace(true);
        let deadline = self.shared.settings.drain;
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(workers) = workers {
            let mut joined = tokio::task::spawn_blocking(move || workers.join());
            if tokio::time::timeout(deadline, &mut joined).await.is_err() {
                tracing::warn!("requests were still under way when the time to drain was over");
                self.now.send_replace(true);
                joined.await.context("a worker did not end")?;
            }
        }
        for task in &self.background {
            task.abort();
        }
        summary::tell(&self.shared).await;
        self.exporting.stop().await;
        let now = self.shared.clock.now();
        self.shared.sessions.maintain(now).await.context("the sessions could not be saved")?;
        self.shared.risk.maintain(now).await.context("what is known of people could not be saved")?;
        self.shared.ledger.maintain(now, true).await.context("what was taken could not be saved")?;
        let journal = self.shared.journal.clone();
        tokio::task::spawn_blocking(move || journal.close()).await.context("the journal was not closed")?;
        witness::tell_last(&self.shared).await;
        Ok(())
    }
}

/// The journal, which one process has at a time, and the sockets. Whoever takes over has sockets first, so that
/// callers wait in their queues while the process before comes to its end.
async fn open(
    (handed, patience): (Handed, Duration),
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<(Arc<Journal>, Sockets)> {
    let directory = &settings.journal.directory;
    let journal = || Journal::open(&settings.journal, clock.clone(), entropy.clone());
    let unusable = || format!("the journal in `{}` cannot be used", directory.display());
    if patience.is_zero() {
        let journal = journal().with_context(unusable)?;
        return Ok((journal, handed.open(&settings.gateway)?));
    }
    let sockets = handed.open(&settings.gateway)?;
    let deadline = tokio::time::Instant::now() + patience;
    tracing::info!("the ports are open: waiting for the process before to give the journal back");
    loop {
        match journal() {
            Err(JournalError::InUse { .. }) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(LOOKED_AGAIN_AFTER).await;
            }
            opened => return Ok((opened.with_context(unusable)?, sockets)),
        }
    }
}

/// What has been taken in the windows, as the journal tells.
fn restore(ledger: &Ledger, directory: &Path, now: Timestamp) -> Result<(), ReadError> {
    takings_since(directory, now.minus(LONGEST_WINDOW), |taking| {
        // What was begun counts, unless it is known to have been withheld.
        let came = match taking.ending {
            None => Some(Came::default()),
            Some(ending) => {
                let is_released = matches!(ending.outcome, Outcome::Completed | Outcome::Aborted)
                    && ending.status.is_none_or(|status| (200..300).contains(&status));
                let amounts = Amounts { records: ending.records.at_least(), bytes: ending.bytes_out };
                is_released.then_some(Came { amounts, found_file: ending.found_file })
            }
        };
        ledger.recall(&taking.person, &taking.taken, came, taking.time);
    })
}

/// Sweeps expired sessions and saves when people were last seen.
async fn maintain(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(MAINTAINED_EVERY);
    loop {
        tick.tick().await;
        let now = shared.clock.now();
        if let Err(error) = shared.sessions.maintain(now).await {
            tracing::error!(error = %error, "the sessions could not be saved");
        }
        if let Err(error) = shared.directory.maintain().await {
            tracing::error!(error = %error, "the directory could not be saved");
        }
        if let Err(error) = shared.node_keys.maintain(now).await {
            tracing::error!(error = %error, "the key of this node could not be told to the others");
        }
        if shared.seals.is_due(now) {
            let seals = shared.seals.clone();
            match tokio::task::spawn_blocking(move || seals.turn(now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the next month's key is not there yet"),
                Err(error) => tracing::error!(%error, "a mistake of ours"),
            }
        }
        if let Err(error) = shared.risk.maintain(now).await {
            tracing::error!(error = %error, "what is known of people could not be saved");
        }
        if let Err(error) = shared.given.maintain(now).await {
            tracing::error!(error = %error, "what was handed out could not be deleted");
        }
        if let Err(error) = shared.ledger.maintain(now, false).await {
            tracing::error!(error = %error, "what was taken in windows could not be saved");
        }
        let is_there = |session| shared.sessions.is_there(session, now);
        shared.rules.load().upstreams.iter().for_each(|upstream| upstream.forget(is_there));
    }
}

/// The applications' servers under the rules in force.
fn upstreams(shared: Arc<Shared>) -> impl Fn() -> Vec<Arc<Upstream>> {
    move || shared.rules.load().upstreams.clone()
}

/// Asks the providers for their metadata, so that the first person does not wait for it.
async fn warm_up(shared: Arc<Shared>) {
    for (provider, answer) in shared.authn.warm_up(shared.clock.now()).await {
        match answer {
            Ok(()) => tracing::info!(provider = %provider, "the provider can be used"),
            Err(error) => {
                tracing::warn!(provider = %provider, error = %error, "the provider cannot be used yet");
            }
        }
    }
}

const MAINTAINED_EVERY: Duration = Duration::from_secs(2);
const LOOKED_AGAIN_AFTER: Duration = Duration::from_millis(20);
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
