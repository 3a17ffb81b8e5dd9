//! An application's servers as the rules know them. Shared by all workers; how the servers stand is kept
//! over reloads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use http::HeaderValue;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::form_login::SignedIn;
use super::jar::Jars;
use super::settings::{Protocol, Server, Sticky, UpstreamSettings};
use super::standing::{Change, Standing, StandingNow};
use super::sticky::{Learned, tags};
use super::tls::Tls;
use crate::domain::application::CredentialName;
use crate::foundation::id::SessionId;
use crate::platform::tls::client::TlsClientError;

/// An application's servers.
#[derive(Debug)]
pub struct Upstream {
    /// As settled.
    pub settings: UpstreamSettings,
    pub(super) tls: Tls,
    /// How servers that are spoken to by HTTP/2 are greeted for a WebSocket.
    pub(super) tls_http1: Option<Tls>,
    pub(super) servers: Vec<ServerState>,
    pub(super) together: Arc<Together>,
    /// What has come of the sign-ins of the accounts that have a form.
    pub(super) signed_in: BTreeMap<CredentialName, Arc<SignedIn>>,
    /// Its cookies of each person, where they are kept here.
    pub(super) kept: Arc<Jars>,
}

/// One server.
#[derive(Debug)]
pub(super) struct ServerState {
    /// By what a cookie names it: stays the same when servers come and go.
    pub(super) tag: String,
    pub(super) standing: Arc<Standing>,
    /// Room for requests, where there is a limit.
    pub(super) room: Option<Arc<Semaphore>>,
}

/// What the servers of one application have in common.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// Requests that wait for room.
    pub(super) waiting: AtomicUsize,
    /// Requests for which there was none.
    pub(super) overloaded: AtomicU64,
    /// Whether it was said that all servers are out.
    all_out: AtomicBool,
    /// Which server set which cookie of the application.
    pub(super) learned: Learned,
}

/// What operators see of one application's servers.
#[derive(Debug)]
pub struct UpstreamNow {
    /// Each server with how it stands.
    pub servers: Vec<(Server, StandingNow)>,
    /// Requests that wait for room.
    pub waiting: usize,
    /// Requests for which there was none.
    pub overloaded: u64,
}

impl Upstream {
    /// Makes the TLS client.
    pub fn new(settings: UpstreamSettings) -> Result<Self, TlsClientError> {
        let tls = |protocol: Protocol| {
            let config = settings.trust.client(&[protocol.alpn()])?;
            Ok::<_, TlsClientError>(Tls { config, server_name: settings.server_name.clone() })
        };
        let tls_http1 = match settings.protocol {
            Protocol::Http1 => None,
            Protocol::Http2 => Some(tls(Protocol::Http1)?),
        };
        let tls = tls(settings.protocol)?;
        let now = Instant::now();
        let room = || settings.balance.requests_max.map(|most| Arc::new(Semaphore::new(most)));
        let servers = tags(&settings)
            .into_iter()
            .map(|tag| ServerState { tag, standing: Arc::new(Standing::new(now)), room: room() })
            .collect();
        let signed_in =
            settings.credentials.forms().map(|(name, _)| (name.clone(), Arc::default())).collect();
        Ok(Self {
            settings,
            tls,
            tls_http1,
            servers,
            together: Arc::default(),
            signed_in,
            kept: Arc::default(),
        })
    }

    /// Takes over how its servers stand from what was in force before.
    pub fn inherit(&mut self, before: &Self) {
        let is_same_room = self.settings.balance.requests_max == before.settings.balance.requests_max;
        for (server, state) in self.settings.servers.iter().zip(&mut self.servers) {
            let known = before.settings.servers.iter().position(|known| known == server);
            let Some(known) = known.and_then(|position| before.servers.get(position)) else { continue };
            state.standing = known.standing.clone();
            if self.settings.health.check.is_none() {
                state.standing.unchecked();
            }
            if is_same_room {
                state.room.clone_from(&known.room);
            }
        }
        self.together = before.together.clone();
        self.kept = before.kept.clone();
        // Nobody goes on under an account that was changed, or waits for one that was put right.
        for (name, form) in self.settings.credentials.forms() {
            let known = before.settings.credentials.forms().find(|(known, _)| *known == name);
            if known.is_some_and(|(_, known)| form.is_same_account(known))
                && let Some(signed_in) = before.signed_in.get(name)
            {
                self.signed_in.insert(name.clone(), signed_in.clone());
            }
        }
    }

    /// Throws away what is kept for sessions that are gone.
    pub fn forget(&self, is_there: impl Fn(SessionId) -> bool) {
        self.signed_in.values().for_each(|account| account.jars.forget(&is_there));
        self.kept.forget(&is_there);
    }

    /// The host that a server is told, where it wants to see its own name and there are others.
    pub(super) fn own_host(&self, server: usize) -> Option<HeaderValue> {
        if self.settings.preserve_host || self.servers.len() == 1 {
            return None;
        }
        HeaderValue::from_str(&self.settings.servers.get(server)?.to_string()).ok()
    }

    /// A server has answered.
    pub(super) fn fine(&self, server: usize) {
        if let Some(state) = self.servers.get(server) {
            state.standing.fine();
        }
        if self.together.all_out.load(Ordering::Relaxed) {
            self.together.all_out.store(false, Ordering::Relaxed);
        }
    }

    /// A server has failed by its own fault.
    pub(super) fn failed(&self, server: usize) {
        let Some(state) = self.servers.get(server) else { return };
        let now = Instant::now();
        let change = state.standing.fail(&self.settings.health, now);
        self.tell(server, change, now);
    }

    /// Says what has become of a server; and, once, that none is in.
    pub(super) fn tell(&self, server: usize, change: Change, now: Instant) {
        let Some(address) = self.settings.servers.get(server) else { return };
        let application = &self.settings.application;
        match change {
            Change::None => return,
            Change::Out(length) => {
                let seconds = length.as_secs();
                tracing::warn!(%application, server = %address, out_seconds = seconds, "a server failed too often in a row and is out");
            }
            Change::Down => {
                tracing::warn!(%application, server = %address, "a server fails its checks and is out");
            }
            Change::Up => {
                tracing::info!(%application, server = %address, "a server passes its checks and is in again");
            }
        }
        let none_is_in = self.servers.iter().all(|server| !server.standing.is_in(now));
        if none_is_in && !self.together.all_out.swap(true, Ordering::Relaxed) {
            tracing::error!(%application, "all servers are out, so all are tried");
        }
    }

    /// What operators see.
    pub fn report(&self) -> UpstreamNow {
        let now = Instant::now();
        let servers = self.settings.servers.iter().zip(&self.servers);
        UpstreamNow {
            servers: servers.map(|(server, state)| (server.clone(), state.standing.report(now))).collect(),
            waiting: self.together.waiting.load(Ordering::Relaxed),
            overloaded: self.together.overloaded.load(Ordering::Relaxed),
        }
    }

    /// The name of the application's cookie that binds a caller to a server.
    pub(super) fn binding_cookie(&self) -> Option<&str> {
        match &self.settings.balance.sticky {
            Sticky::ApplicationCookie(name) => Some(name),
            Sticky::No | Sticky::OwnCookie => None,
        }
    }
}
