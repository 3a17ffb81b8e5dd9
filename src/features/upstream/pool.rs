//! Connections that are kept open, per worker: no lock, nothing shared.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bond::{Bond, Errand};
use super::choose::{ServerSet, Turn};
use super::connect::{Connected, connect};
use super::error::UpstreamError;
use super::link::Link;
use super::seat::Seat;
use super::servers::Upstream;
use super::settings::{Connections, Protocol, UpstreamSettings};
use super::stream::Stream;

/// One worker's connections to one application.
pub struct Pool {
    pub(super) upstream: Arc<Upstream>,
    pub(super) turn: Turn,
    #[expect(clippy::vec_box, reason = "a connection stays in its box when it is taken")]
    idle: RefCell<Vec<Box<Connection>>>,
    /// How many of the kept connections are bound to somebody.
    bound: Cell<usize>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.idle.borrow().len()).finish_non_exhaustive()
    }
}

/// A connection, for as long as it stands.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) connected: Connected,
    server: usize,
    /// Whose requests it may carry from now on.
    pub(super) bond: Bond,
    /// Whether it carried a request before: then it may have been closed under us.
    pub(super) is_reused: bool,
    /// Since when it lies unused.
    since: Instant,
}

/// A connection in use. Given back when its reply has been read to the end;
/// dropped, it closes.
pub struct Lease {
    pub(super) connection: Box<Connection>,
    pub(super) seat: Seat,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl Pool {
    /// No connections yet.
    pub fn new(upstream: Arc<Upstream>) -> Rc<Self> {
        let turn = Turn::new(upstream.servers.len());
        Rc::new(Self { upstream, turn, idle: RefCell::default(), bound: Cell::new(0) })
    }

    /// The application's settings.
    pub fn settings(&self) -> &UpstreamSettings {
        &self.upstream.settings
    }

    /// The application's servers.
    pub fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// A connection to the seat's server that was kept, if there is one that is still open and may carry
    /// the errand's request; else the seat.
    pub(super) fn kept(&self, seat: Seat, errand: &Errand) -> Result<Lease, Seat> {
        while let Some(mut connection) = self.take(seat.server(), errand) {
            let is_fresh = connection.since.elapsed() < self.settings().keep_alive;
            if is_fresh && connection.connected.is_open() {
                return Ok(Lease { connection, seat });
            }
        }
        Err(seat)
    }

    fn take(&self, server: usize, errand: &Errand) -> Option<Box<Connection>> {
        let mut idle = self.idle.borrow_mut();
        let newest = |idle: &[Box<Connection>], wanted: &dyn Fn(&Bond) -> bool| {
            idle.iter().rposition(|idle| idle.server == server && wanted(&idle.bond))
        };
        // A handshake that is under way goes on where it was begun.
        let own = || {
            newest(&idle, &|bond| bond.is_handshake_of(errand))
                .or_else(|| newest(&idle, &|bond| bond.is_of(errand)))
        };
        let own = if self.bound.get() > 0 { own() } else { None };
        let takes_free = self.settings().connections == Connections::Shared;
        let position = own.or_else(|| newest(&idle, &|bond| bond.is_free() && takes_free));
        let taken = idle.swap_remove(position?);
        if !taken.bond.is_free() {
            self.bound.set(self.bound.get().saturating_sub(1));
        }
        Some(taken)
    }

    /// The server at the other end of a connection that only this errand's requests may use.
    pub(super) fn bound_to(&self, errand: &Errand) -> Option<usize> {
        if self.bound.get() == 0 {
            return None;
        }
        let idle = self.idle.borrow();
        let newest = |wanted: &dyn Fn(&Bond) -> bool| idle.iter().rev().find(|idle| wanted(&idle.bond));
        let own = newest(&|bond| bond.is_handshake_of(errand)).or_else(|| newest(&|bond| bond.is_of(errand)));
        own.map(|idle| idle.server)
    }

    /// A new connection to the seat's server; if that cannot be reached, to another. By another protocol than the
    /// application's it is for one request, and tells nothing of the server.
    pub(super) async fn fresh(
        self: &Rc<Self>,
        seat: Seat,
        errand: &Errand,
        protocol: Protocol,
    ) -> Result<Lease, UpstreamError> {
        let is_usual = protocol == self.settings().protocol;
        let (mut seat, mut tried) = (seat, ServerSet::default());
        loop {
            let server = seat.server();
            let failure = match self.open(server, protocol).await {
                Ok(connected) => {
                    let usual = || Bond::new(self.settings().connections, errand);
                    let bond = if is_usual { usual() } else { Bond::Nobody };
                    let (is_reused, since) = (false, Instant::now());
                    let connection = Box::new(Connection { connected, server, bond, is_reused, since });
                    return Ok(Lease { connection, seat });
                }
                Err(failure) => failure,
            };
            if is_usual {
                self.upstream.failed(server);
            }
            tried.add(server);
            drop(seat);
            seat = match Seat::take(self, errand, tried).await {
                Ok(Some(seat)) => seat,
                Ok(None) | Err(_) => return Err(failure),
            };
        }
    }

    async fn open(&self, server: usize, protocol: Protocol) -> Result<Connected, UpstreamError> {
        let settings = self.settings();
        let Some(address) = settings.servers.get(server) else {
            return Err(UpstreamError::ConnectTimeout);
        };
        let is_usual = protocol == settings.protocol;
        if !is_usual && !address.tls {
            return Err(UpstreamError::NoUpgrade);
        }
        let tls = self.upstream.tls_http1.as_ref().filter(|_| !is_usual).unwrap_or(&self.upstream.tls);
        let connected = connect(address, tls, protocol);
        tokio::time::timeout(settings.connect_timeout, connected)
            .await
            .unwrap_or(Err(UpstreamError::ConnectTimeout))
    }

    /// Closes what has lain unused for too long; called now and then.
    pub fn sweep(&self) {
        let keep = self.settings().keep_alive;
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|idle| idle.since.elapsed() < keep && idle.connected.is_open());
        self.bound.set(idle.iter().filter(|idle| !idle.bond.is_free()).count());
    }

    fn keep(&self, kept: Box<Connection>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= IDLE_MAX {
            return;
        }
        if !kept.bond.is_free() {
            self.bound.set(self.bound.get() + 1);
        }
        idle.push(kept);
    }
}

impl Lease {
    /// The connection, if it is one by HTTP/1.1.
    pub(super) fn link(&mut self) -> Option<&mut Link<Stream>> {
        match &mut self.connection.connected {
            Connected::Http1(link) => Some(link),
            Connected::Http2(_) => None,
        }
    }

    /// Keeps the connection for the next request, if it is known whose it is.
    pub(super) fn give_back(self) {
        let Self { mut connection, seat } = self;
        let pool = seat.pool();
        if connection.bond.is_nobodys() || pool.settings().keep_alive == Duration::ZERO {
            return;
        }
        (connection.is_reused, connection.since) = (true, Instant::now());
        pool.keep(connection);
    }
}

/// Connections kept per worker and application.
const IDLE_MAX: usize = 256;
