//! New files → settings → rules → swapped whole, or refused whole. A request that has begun keeps the
//! rules that it began with; no connection is dropped.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::sync::watch;

use super::{feeds, wiring};
use crate::config::settings::Settings;
use crate::config::{Loaded, Problems, Severity, load, needs_restart};
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::note::NEW_RULES;
use crate::domain::reason::Reason;
use crate::domain::rulebook::Rulebook;
use crate::features::audit::rulebooks;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;
use crate::platform::supervisor::{self, State};

/// How a reload went.
#[derive(Debug)]
pub enum Reloaded {
    /// The new rules are in force.
    Swapped(Swapped),
    /// Nothing was changed, for this is wrong.
    Refused(Problems),
    /// Nothing was changed, for this cannot be used.
    Unusable(anyhow::Error),
}

/// Rules that have come into force.
#[derive(Clone, Debug)]
pub struct Swapped {
    /// Their version.
    pub version: Arc<str>,
    /// The keys in the files that come into force by a restart alone.
    pub needs_restart: Arc<[String]>,
}

/// When rules were last taken, and whether the last attempt succeeded.
#[derive(Clone, Debug)]
pub struct ReloadStatus {
    /// Whether the last attempt succeeded.
    pub succeeded: bool,
    /// When it was.
    pub at: Timestamp,
    /// The keys in the files that were taken last which come into force by a restart alone.
    pub needs_restart: Arc<[String]>,
}

impl ReloadStatus {
    /// The start is the first.
    pub fn started(at: Timestamp) -> Self {
        Self { succeeded: true, at, needs_restart: Arc::default() }
    }
}

/// Takes new files.
#[derive(Debug)]
pub struct Reloader {
    file: PathBuf,
    /// Where the journal is; another place needs a restart.
    journal: PathBuf,
    /// What stood in the files at the start.
    started: Arc<Rulebook>,
    shared: Arc<Shared>,
    files: Mutex<Vec<PathBuf>>,
    status: Mutex<ReloadStatus>,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Reloader {
    /// For the configuration in `file`, which says `settings`.
    pub fn new(file: PathBuf, shared: Arc<Shared>, settings: &Settings, status: ReloadStatus) -> Self {
        Self {
            file,
            journal: settings.journal.directory.clone(),
            started: settings.rulebook.clone(),
            shared,
            files: Mutex::new(settings.files.clone()),
            status: Mutex::new(status),
            one_at_a_time: tokio::sync::Mutex::new(()),
        }
    }

    /// How the last attempt went.
    pub fn status(&self) -> ReloadStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again; swaps everything, or nothing.
    pub async fn reload(&self) -> Reloaded {
        let _turn = self.one_at_a_time.lock().await;
        supervisor::tell(State::Reloading);
        let reloaded = match self.take().await {
            Ok(swapped) => Reloaded::Swapped(swapped),
            Err(refused) => refused,
        };
        let now = self.shared.clock.now();
        self.note(&reloaded, now);
        supervisor::tell(State::Ready);
        self.tell(&reloaded);
        self.record(&reloaded, now).await;
        reloaded
    }

    fn note(&self, reloaded: &Reloaded, now: Timestamp) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        (status.succeeded, status.at) = (false, now);
        if let Reloaded::Swapped(swapped) = reloaded {
            (status.succeeded, status.needs_restart) = (true, swapped.needs_restart.clone());
        }
        self.shared.are_rules_old.store(!status.succeeded, Ordering::Relaxed);
    }

    async fn take(&self) -> Result<Swapped, Reloaded> {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let loaded = load(&file).map_err(Reloaded::Refused)?;
            let rules = wiring::rules(&loaded).map_err(Reloaded::Refused)?;
            let tls = wiring::tls(&loaded).map_err(Reloaded::Unusable)?;
            Ok((loaded, rules, tls))
        });
        let (loaded, mut rules, tls) = read.await.map_err(|error| Reloaded::Unusable(error.into()))??;
        self.keep(&loaded).await?;
        let settings = loaded.settings;
        rules.feeds.inherit(&self.shared.rules.load().feeds);
        let came = feeds::first(&rules.feeds, &self.shared.entropy, self.shared.clock.now()).await;
        let signals = self.shared.signals.prepare(settings.signals, self.shared.clock.now());
        let signals = signals.map_err(|error| Reloaded::Unusable(error.into()))?;
        self.shared.authn.apply(settings.providers).map_err(|error| Reloaded::Unusable(error.into()))?;
        // From here on nothing fails: all of it comes in force, or none.
        self.shared.signals.put(signals);
        self.shared.directory.apply(settings.directories);
        self.shared.sessions.apply(&settings.session);
        self.shared.seals.hold(&settings.seals.legal_hold);
        let needs_restart = needs_restart(&self.started, &settings.rulebook).into();
        let version = rules.version.clone();
        rules.inherit(&self.shared.rules.load());
        self.shared.tls.store(tls);
        self.shared.rules.store(Arc::new(rules));
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = settings.files;
        for (name, looked) in came {
            feeds::note(&self.shared, &name, &looked).await;
        }
        Ok(Swapped { version, needs_restart })
    }

    /// What is to be in force can be read later: without that it is not put in force.
    async fn keep(&self, loaded: &Loaded) -> Result<(), Reloaded> {
        let (journal, rulebook) = (self.journal.clone(), loaded.settings.rulebook.clone());
        let kept = tokio::task::spawn_blocking(move || rulebooks::keep(&journal, &rulebook)).await;
        let kept = kept.map_err(anyhow::Error::from).and_then(|kept| kept.map_err(Into::into));
        kept.context("the rules cannot be kept beside the journal").map_err(Reloaded::Unusable)
    }

    fn tell(&self, reloaded: &Reloaded) {
        match reloaded {
            Reloaded::Swapped(Swapped { version, needs_restart }) => {
                tracing::info!(rules.version = %version, "new rules are in force");
                if !needs_restart.is_empty() {
                    tracing::warn!(
                        keys = needs_restart.join(", "),
                        "what these say comes into force by a restart alone"
                    );
                }
            }
            Reloaded::Refused(problems) => {
                let version = &self.shared.rules.load().version;
                for problem in &problems.0 {
                    match problem.severity {
                        Severity::Error => {
                            tracing::error!(problem = %problem, "the new configuration is refused");
                        }
                        Severity::Warning => {
                            tracing::warn!(problem = %problem, "the new configuration is warned of");
                        }
                    }
                }
                tracing::error!(rules.version = %version, "the rules in force stay in force");
            }
            Reloaded::Unusable(error) => {
                tracing::error!(error = %format!("{error:#}"), "the new configuration cannot be used");
            }
        }
    }

    async fn record(&self, reloaded: &Reloaded, now: Timestamp) {
        let event = RequestId::new(now, &*self.shared.entropy);
        let version = self.shared.rules.load().version.clone();
        let (verdict, outcome, note) = match reloaded {
            Reloaded::Swapped(Swapped { needs_restart, .. }) => {
                let keys = needs_restart.join(", ");
                let rest = if keys.is_empty() { keys } else { format!("; by a restart alone: {keys}") };
                (Verdict::Permit, Outcome::Completed, format!("{NEW_RULES} are in force{rest}"))
            }
            Reloaded::Refused(problems) => {
                let errors = problems.0.iter().filter(|problem| problem.severity == Severity::Error);
                let number = errors.count();
                (Verdict::Deny, Outcome::Refused, format!("{NEW_RULES} were refused: {number} problems"))
            }
            Reloaded::Unusable(_) => {
                (Verdict::Deny, Outcome::Failed, format!("{NEW_RULES} could not be used"))
            }
        };
        let opening = Opening {
            rules_version: Some(version),
            note: Some(note),
            verdict,
            reasons: vec![Reason::OwnPath],
            ..Opening::begin(event, EventKind::Lifecycle, now)
        };
        let closing = Closing::of(event, now, outcome);
        if let Err(error) = self.shared.journal.record(&opening, Some(&closing)).await {
            tracing::error!(error = %error, "a reload could not be journaled");
        }
    }

    /// Looks at the files now and then, and takes them when they have changed and stand still; also
    /// on SIGHUP.
    pub async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut hangup = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::error!(error = %error, "changes are not watched for"),
        };
        let mut known = self.fingerprint();
        loop {
            tokio::select! {
                () = tokio::time::sleep(WATCHED_EVERY) => {
                    let seen = self.fingerprint();
                    // A file that is still being written changes again by the next look.
                    tokio::time::sleep(STANDS_STILL).await;
                    if seen == known || seen != self.fingerprint() {
                        continue;
                    }
                }
                _ = hangup.recv() => {}
                () = stopped(&mut stop) => return,
            }
            // Taken before: what is written while the files are read shows at the next look.
            known = self.fingerprint();
            self.reload().await;
        }
    }

    /// When each file was last written, and how long it is; for folders that patterns look into, too.
    fn fingerprint(&self) -> Digest {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut seen_all = Vec::new();
        let folders = files.iter().filter_map(|file| file.parent().map(ToOwned::to_owned));
        let mut all: Vec<PathBuf> = folders.chain(files.iter().cloned()).collect();
        all.sort();
        all.dedup();
        for path in all {
            let seen = std::fs::metadata(&path)
                .map(|it| (it.modified().unwrap_or(SystemTime::UNIX_EPOCH), it.len()));
            seen_all.push(format!("{}:{seen:?}\n", path.display()));
        }
        Digest::of(seen_all.concat().as_bytes())
    }
}

/// Returns when there is to be an end.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    drop(stop.wait_for(|stop| *stop).await);
}

const WATCHED_EVERY: Duration = Duration::from_secs(2);
const STANDS_STILL: Duration = Duration::from_millis(200);
