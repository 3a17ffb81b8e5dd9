//! Accepts connections: one listener per worker on the same address (`SO_REUSEPORT`), a bound on
//! connections over all workers, a deadline for the TLS handshake.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connection;
use super::limits::TurnedAway;
use super::limits::address::Source;
use super::limits::crowd::Seat;
use super::limits::footing::Footing;
use super::normalize::client::is_trusted;
use super::proxy_header::{self, Told};
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
    mut stream: TcpStream,
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
    let front = worker.shared.tls.load_full();
    let settings = &worker.shared.settings;
    let handshake = async {
        let caller = caller(&mut stream, peer, &settings.proxy_protocol).await?;
        let Ok(seat) = seat(&worker, peer, caller) else { return Ok(None) };
        Ok::<_, std::io::Error>(Some((front.meet(stream).await?, caller, seat)))
    };
    match tokio::time::timeout(settings.handshake_timeout, handshake).await {
        Ok(Ok(Some((met, caller, seat)))) => {
            connection::serve(met, (caller, Footing::new(place, seat)), worker, stop).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error)) => refused(&error),
        Err(elapsed) => refused(&elapsed),
    }
}

/// A seat among the connections of the caller's address. Whoever comes through a proxy of ours that does not say
/// for whom is measured by request, since all of its callers share its address.
fn seat(worker: &Worker, peer: SocketAddr, caller: SocketAddr) -> Result<Option<Seat<Source>>, TurnedAway> {
    let rules = worker.shared.rules.load();
    let shared = [&rules.trusted_proxies, &worker.shared.settings.proxy_protocol];
    if peer == caller && shared.iter().any(|networks| is_trusted(peer.ip().to_canonical(), networks)) {
        return Ok(None);
    }
    let seat = worker.shared.limits.connect(caller.ip(), &rules.limits, Instant::now());
    seat.map(Some).inspect_err(|why| {
        worker.scribe.metrics.count(|counted| counted.connections_limited += 1);
        tracing::debug!(?why, "a connection was turned away");
    })
}

/// Who is at the other end: the peer, or whom a load balancer in one of `networks` tells.
async fn caller(stream: &mut TcpStream, peer: SocketAddr, networks: &[IpNet]) -> std::io::Result<SocketAddr> {
    let address = peer.ip().to_canonical();
    if !networks.iter().any(|network| network.contains(&address)) {
        return Ok(peer);
    }
    match proxy_header::read(stream).await.map_err(std::io::Error::other)? {
        Told::Caller(caller) => Ok(caller),
        Told::Itself => Ok(peer),
    }
}

const BACKLOG: i32 = 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts on a plain port, and sends everybody to the same place under TLS at `port`. Its connections take
/// places like all others.
pub async fn redirect(
    listener: TcpListener,
    port: u16,
    worker: Rc<Worker>,
    room: Arc<Room>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = room.enter() else {
                    worker.scribe.metrics.count(|counted| counted.connections_refused += 1);
                    continue;
                };
                let Ok(seat) = seat(&worker, peer, peer) else { continue };
                let most = worker.shared.settings.head_timeout * 2;
                let served = connection::serve_redirect(stream, port, worker.clone());
                let mut stop = stop.clone();
                tokio::task::spawn_local(async move {
                    tokio::select! {
                        () = served => {}
                        _ = stop.wait_for(|stop| *stop) => {}
                        () = tokio::time::sleep(most) => {}
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
