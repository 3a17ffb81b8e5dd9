//! Hands the control plane what it shows.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::reload::{Reloaded, Reloader};
use crate::config::Loaded;
use crate::control::router;
use crate::control::state::{
    ControlState, Directories, Present, ProviderState, Revoking, Signals, SignalsNow,
};
use crate::domain::measure::Counted;
use crate::domain::revocation::Revocation;
use crate::features::authn::Standing;
use crate::features::detect::settings::DetectionSettings;
use crate::features::signals::Receiver;
use crate::gateway::metrics::WorkerMetrics;
use crate::gateway::provisioning::finished;
use crate::gateway::rules::Shared;
use crate::gateway::signals::{finished as signalled, pushed};

/// Binds the control listener and serves it until its task is ended; what is under way while the gateway drains is still told.
pub async fn start(
    loaded: &Loaded,
    shared: &Arc<Shared>,
    reloader: &Arc<Reloader>,
    metrics: Vec<Arc<WorkerMetrics>>,
    draining: watch::Receiver<bool>,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let settings = &loaded.settings.control;
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("the control listener cannot listen on {}", settings.listen))?;
    let state = ControlState {
        journal: shared.journal.clone(),
        journal_directory: loaded.settings.journal.directory.clone(),
        seals: shared.seals.clone(),
        sessions: shared.sessions.clone(),
        present: present(shared.clone(), reloader.clone()),
        counted: counted(shared.clone(), metrics),
        reload: reload(reloader.clone()),
        revoke: revoke(shared.clone()),
        detections: shared.detections.clone(),
        breaks: shared.breaks.clone(),
        looked_for: looked_for(shared.clone()),
        directory: directory(shared.clone()),
        signals: signals(shared.clone()),
        draining,
        started: shared.clock.now(),
        token: settings.token.clone(),
        operators: Arc::default(),
        clock: shared.clock.clone(),
        entropy: shared.entropy.clone(),
    };
    Ok(tokio::spawn(router::serve(listener, state)))
}

fn counted(shared: Arc<Shared>, metrics: Vec<Arc<WorkerMetrics>>) -> Arc<dyn Fn() -> Counted + Send + Sync> {
    Arc::new(move || {
        // Sessions end on no worker's account.
        let mut sum = Counted {
            revocation: shared.revocations.taken(),
            relayed_revocation: shared.revocations.relayed(),
            ..Counted::default()
        };
        for worker in &metrics {
            sum.add(&worker.read());
        }
        sum
    })
}

fn present(shared: Arc<Shared>, reloader: Arc<Reloader>) -> Arc<dyn Fn() -> Present + Send + Sync> {
    Arc::new(move || {
        let rules = shared.rules.load();
        let reload = reloader.status();
        Present {
            rules_version: rules.version.clone(),
            reload_succeeded: reload.succeeded,
            reloaded: reload.at,
            needs_restart: reload.needs_restart,
            is_in_touch: shared.is_in_touch(),
            connections: shared.room.taken(),
            spilled: shared.spills.bytes(),
            providers: shared.authn.standing().into_iter().map(provider_state).collect(),
            directories: shared.directory.census(),
            directories_heard: shared.directory.heard(shared.clock.now()),
            signals: signals_now(&shared),
            feeds: rules.feeds.now(shared.clock.now()),
            exports: shared.exports.now(shared.journal.head().sequence, shared.clock.now()),
            store: shared.store.standing(),
            upstreams: rules
                .upstreams
                .iter()
                .map(|upstream| (upstream.settings.application.clone(), upstream.report()))
                .collect(),
        }
    })
}

fn provider_state(standing: Standing) -> ProviderState {
    let Standing { provider, issuer, is_usable: usable, clock_offset, silent_since } = standing;
    ProviderState { provider, issuer, usable, clock_offset, silent_since }
}

fn reload(reloader: Arc<Reloader>) -> Arc<dyn Fn() -> crate::control::state::Reloading + Send + Sync> {
    Arc::new(move || {
        let reloader = reloader.clone();
        Box::pin(async move {
            match reloader.reload().await {
                Reloaded::Swapped(swapped) => Ok((swapped.version, swapped.needs_restart)),
                Reloaded::Refused(problems) => Err(problems.0.iter().map(ToString::to_string).collect()),
                Reloaded::Unusable(error) => Err(vec![format!("{error:#}")]),
            }
        })
    })
}

fn looked_for(shared: Arc<Shared>) -> Arc<dyn Fn() -> Arc<[DetectionSettings]> + Send + Sync> {
    Arc::new(move || shared.rules.load().detections.clone())
}

fn directory(shared: Arc<Shared>) -> Directories {
    Arc::new(move |headers| {
        // Whoever is here is on this machine.
        let realm = shared.provider_of(headers, None)?;
        let shared = shared.clone();
        Some(Box::new(move |asked| Box::pin(finished(shared.provision(realm, asked, None)))))
    })
}

fn signals(shared: Arc<Shared>) -> Signals {
    Arc::new(move |headers| {
        let receiver = shared.transmitter_of(headers)?;
        let (shared, headers) = (shared.clone(), headers.clone());
        Some(Box::new(move |body: Option<Bytes>| {
            let text = body.and_then(|body| pushed(&headers, &body));
            let done = shared.signal(receiver, text, None);
            Box::pin(async move { signalled(done).await.map(drop) })
        }))
    })
}

fn signals_now(shared: &Shared) -> Vec<SignalsNow> {
    let now = shared.clock.now();
    let of = |receiver: Arc<Receiver>| SignalsNow {
        provider: receiver.settings().provider.clone(),
        stream: receiver.stream(now),
        barred: receiver.barred(),
    };
    shared.signals.receivers().into_iter().map(of).collect()
}

fn revoke(shared: Arc<Shared>) -> Arc<dyn Fn(Revocation) -> Revoking + Send + Sync> {
    Arc::new(move |revocation| {
        let shared = shared.clone();
        Box::pin(async move { shared.revoke(revocation, None).await.map_err(|error| error.to_string()) })
    })
}
