//! Where the listening sockets come from: handed over by whoever started us (systemd's `LISTEN_FDS`), or
//! bound here.
//!
//! A socket that was handed over outlives this process: while one process ends and the next begins,
//! callers wait in its queue and are not refused.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Context as _, bail};
use listenfd::ListenFd;

use crate::gateway::listener::bind;
use crate::gateway::settings::GatewaySettings;

/// Sockets that were handed over and have not been taken.
#[derive(Debug, Default)]
pub struct Handed(Vec<(SocketAddr, TcpListener)>);

/// The sockets to listen on.
#[derive(Debug)]
pub struct Sockets {
    /// Those of each worker, by TLS.
    pub(super) workers: Vec<Vec<TcpListener>>,
    /// The one that only redirects.
    pub(super) plain: Option<TcpListener>,
    /// Where callers are served, in the order of `listen`.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Handed {
    /// Those that the environment tells of.
    pub fn from_environment() -> anyhow::Result<Self> {
        let mut handed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for position in 0..handed.len() {
            let taken = handed.take_tcp_listener(position);
            let Some(socket) = taken.context("what was handed over is not a listening TCP socket")? else {
                continue;
            };
            socket.set_nonblocking(true).context("a socket that was handed over cannot be used")?;
            let address = socket.local_addr().context("a socket that was handed over has no address")?;
            sockets.push((address, socket));
        }
        Ok(Self(sockets))
    }

    /// The sockets of the settings: what was handed over for an address, and for others one that is bound.
    /// What was handed over and is in no setting would leave callers without an answer, and is an error.
    pub fn open(mut self, settings: &GatewaySettings) -> anyhow::Result<Sockets> {
        let mut workers: Vec<Vec<TcpListener>> = (0..settings.workers).map(|_| Vec::new()).collect();
        let mut addresses = Vec::new();
        for wanted in &settings.listen {
            let handed = self.take(*wanted);
            // A port that is chosen by the system is chosen once for all.
            let mut address = *wanted;
            for sockets in &mut workers {
                let socket = match &handed {
                    // One queue for all: whichever worker comes first takes the caller.
                    Some(handed) => handed.try_clone().context("a socket cannot be shared")?,
                    None => bound(address)?,
                };
                address = socket.local_addr().context("a listener has no address")?;
                sockets.push(socket);
            }
            tracing::debug!(%address, handed_over = handed.is_some(), "listening");
            addresses.push(address);
        }
        let plain = match settings.redirect {
            Some(address) => Some(self.take(address).map_or_else(|| bound(address), Ok)?),
            None => None,
        };
        if let Some((address, _)) = self.0.first() {
            bail!("a socket on {address} was handed over, and neither `listen` nor `redirect` names it");
        }
        Ok(Sockets { workers, plain, addresses })
    }

    fn take(&mut self, address: SocketAddr) -> Option<TcpListener> {
        let position = self.0.iter().position(|(handed, _)| *handed == address)?;
        Some(self.0.remove(position).1)
    }
}

fn bound(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address).with_context(|| format!("cannot listen on {address}"))
}
