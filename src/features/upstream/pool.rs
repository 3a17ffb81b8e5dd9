//! Connections that are kept open, per worker: no lock, nothing shared.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use super::connect::connect;
use super::error::UpstreamError;
use super::sender::Sender;
use super::settings::{Server, UpstreamSettings};
use crate::platform::tls::client::{TlsClientError, client};

/// An application's servers, as the rules know them. Shared by all workers.
#[derive(Debug)]
pub struct Upstream {
    /// As settled.
    pub settings: UpstreamSettings,
    tls: Arc<ClientConfig>,
}

impl Upstream {
    /// Reads the authorities and makes the TLS client.
    pub fn new(settings: UpstreamSettings) -> Result<Self, TlsClientError> {
        let tls = client(settings.authorities.as_deref(), &[settings.protocol.alpn()])?;
        Ok(Self { settings, tls })
    }
}

/// One worker's connections to one application.
pub struct Pool {
    upstream: Arc<Upstream>,
    idle: RefCell<Vec<Idle>>,
    turn: std::cell::Cell<usize>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.idle.borrow().len()).finish_non_exhaustive()
    }
}

struct Idle {
    sender: Sender,
    server: usize,
    since: Instant,
}

/// A connection in use. Given back when its reply has been read to the end;
/// dropped, it closes.
pub struct Lease {
    pub(super) sender: Sender,
    /// Whether it carried a request before: then it may have been closed under us.
    pub(super) reused: bool,
    server: usize,
    pool: Rc<Pool>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("reused", &self.reused).finish_non_exhaustive()
    }
}

impl Pool {
    /// No connections yet.
    pub fn new(upstream: Arc<Upstream>) -> Rc<Self> {
        Rc::new(Self { upstream, idle: RefCell::default(), turn: std::cell::Cell::new(0) })
    }

    /// The application's settings.
    pub fn settings(&self) -> &UpstreamSettings {
        &self.upstream.settings
    }

    /// A connection that was kept, if there is one that is still open.
    pub(super) async fn kept(self: &Rc<Self>) -> Option<Lease> {
        loop {
            let Idle { mut sender, server, since } = self.idle.borrow_mut().pop()?;
            let fresh = since.elapsed() < self.settings().keep_alive;
            if fresh && !sender.is_closed() && sender.ready().await.is_ok() {
                return Some(Lease { sender, reused: true, server, pool: self.clone() });
            }
        }
    }

    /// A new connection, to the next server in turn; if that cannot be reached, to the one after it.
    pub(super) async fn fresh(self: &Rc<Self>) -> Result<Lease, UpstreamError> {
        let servers = &self.settings().servers;
        let mut failure = None;
        for _ in servers {
            let server = self.turn.get();
            self.turn.set((server + 1) % servers.len().max(1));
            let Some(address) = servers.get(server) else { continue };
            match self.open(address).await {
                Ok(sender) => return Ok(Lease { sender, reused: false, server, pool: self.clone() }),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or(UpstreamError::ConnectTimeout))
    }

    async fn open(&self, server: &Server) -> Result<Sender, UpstreamError> {
        tokio::time::timeout(
            self.settings().connect_timeout,
            connect(server, &self.upstream.tls, self.settings().protocol),
        )
        .await
        .unwrap_or(Err(UpstreamError::ConnectTimeout))
    }

    /// Closes what has lain unused for too long; called now and then.
    pub fn sweep(&self) {
        let keep = self.settings().keep_alive;
        self.idle.borrow_mut().retain(|idle| idle.since.elapsed() < keep && !idle.sender.is_closed());
    }
}

impl Lease {
    /// Keeps the connection for the next request, if the application lets us.
    pub(super) fn give_back(self) {
        let Self { sender, server, pool, reused: _ } = self;
        if sender.is_closed() || pool.settings().keep_alive == Duration::ZERO {
            return;
        }
        let mut idle = pool.idle.borrow_mut();
        if idle.len() < IDLE_MAX {
            idle.push(Idle { sender, server, since: Instant::now() });
        }
    }
}

/// Connections kept per worker and application.
const IDLE_MAX: usize = 256;
