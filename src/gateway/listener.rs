//! Accepts connections: one listener per worker on the same address (`SO_REUSEPORT`), a bound on
//! connections over all workers, a deadline for the TLS handshake.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::connection;
use super::limits::TurnedAway;
use super::limits::crowd::Seat;
use super::normalize::client::is_trusted;
use super::room::{Place, Room};
use super::worker::Worker;

/// A listening socket of one worker's own.
pub fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    // Each worker has a queue of its own, and the kernel spreads connections over them.
    socket.set_reuse_port(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until `stop` says so. Connections live on, on this worker.
pub async fn accept(
    listener: TcpListener,
    worker: Rc<Worker>,
    room: Arc<Room>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => welcome(stream, peer, &worker, &room, &stop),
            Err(error) => {
                // Out of descriptors, mostly: wait until some are given back rather than spin.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Whoever waits already would be refused by the closing of the queue.
    let Ok(listener) = listener.into_std() else { return };
    for _ in 0..BACKLOG {
        let Ok((stream, peer)) = listener.accept() else { return };
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        match stream {
            Ok(stream) => welcome(stream, peer, &worker, &room, &stop),
            Err(error) => tracing::warn!(error = %error, "a connection could not be accepted"),
        }
    }
}

fn welcome(
    stream: TcpStream,
    peer: SocketAddr,
    worker: &Rc<Worker>,
    room: &Arc<Room>,
    stop: &watch::Receiver<bool>,
) {
    let Some(place) = room.enter() else {
        return worker.scribe.metrics.count(|counted| counted.connections_refused += 1);
    };
    worker.scribe.metrics.count(|counted| counted.connections += 1);
    tokio::task::spawn_local(meet(stream, peer, worker.clone(), place, stop.clone()));
}

async fn meet(
    stream: TcpStream,
    peer: SocketAddr,
    worker: Rc<Worker>,
    place: Place,
    stop: watch::Receiver<bool>,
) {
    let refused = |why: &dyn std::fmt::Display| {
        worker.scribe.metrics.count(|counted| counted.connections_refused += 1);
        tracing::debug!(error = %why, "a TLS handshake failed");
    };
    if let Err(error) = stream.set_nodelay(true) {
        return refused(&error);
    }
    let Ok(_seat) = seat(&worker, peer) else { return };
    let acceptor = TlsAcceptor::from(worker.shared.tls.load_full());
    let handshake = tokio::time::timeout(worker.shared.settings.handshake_timeout, acceptor.accept(stream));
    match handshake.await {
        Ok(Ok(stream)) => connection::serve(stream, peer, worker, stop).await,
        Ok(Err(error)) => refused(&error),
        Err(elapsed) => refused(&elapsed),
    }
    drop(place);
}

/// A seat among the connections of the caller's address. Whoever comes through a proxy of ours is measured by
/// request, since all of its callers share its address.
fn seat(worker: &Worker, peer: SocketAddr) -> Result<Option<Seat>, TurnedAway> {
    let rules = worker.shared.rules.load();
    if is_trusted(peer.ip().to_canonical(), &rules.trusted_proxies) {
        return Ok(None);
    }
    let seat = worker.shared.limits.connect(peer.ip(), &rules.limits, Instant::now());
    seat.map(Some).inspect_err(|why| {
        worker.scribe.metrics.count(|counted| counted.connections_limited += 1);
        tracing::debug!(?why, "a connection was turned away");
    })
}

const BACKLOG: i32 = 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts on a plain port, and sends everybody to the same place under TLS at `port`.
pub async fn redirect(listener: TcpListener, port: u16, worker: Rc<Worker>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let worker = worker.clone();
                let (Some(place), Ok(seat)) = (worker.shared.room.enter(), seat(&worker, peer)) else {
                    continue;
                };
                tokio::task::spawn_local(async move {
                    let most = worker.shared.settings.head_timeout * 2;
                    let served = connection::serve_redirect(stream, port, worker);
                    if tokio::time::timeout(most, served).await.is_err() {
                        tracing::debug!("a plain connection took too long");
                    }
                    drop((place, seat));
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
