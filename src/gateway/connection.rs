//! One connection: TLS is done, the protocol is what ALPN agreed on, never what the first bytes look like.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::header::CONNECTION;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::certificate::Shown;
use super::handle;
use super::limits::footing::Footing;
use super::normalize::fault::Fault;
use super::normalize::{ConnectionFacts, client, host};
use super::pulse::{Bounds, Pulse};
use super::reply::{REASON, ReplyBody};
use super::sieve::{Gate, Sieve};
use super::watched::Watched;
use super::worker::Worker;
use crate::domain::reason::Reason;
use crate::platform::http::local::LocalExecutor;
use crate::platform::tls::front::Met;

/// What the connection knows of its caller.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other end of the socket.
    pub address: SocketAddr,
    /// The name that the caller asked for in TLS.
    pub server_name: Option<Arc<str>>,
    /// The certificate that they have shown.
    pub shown: Option<Rc<Shown>>,
    /// What goes on on the connection.
    pub pulse: Arc<Pulse>,
}

impl Peer {
    /// Whether it is a proxy that is believed.
    pub fn is_trusted(&self, trusted_proxies: &[IpNet]) -> bool {
        client::is_trusted(self.address.ip().to_canonical(), trusted_proxies)
    }

    /// The certificate of the caller. One of a proxy in between says nothing of them.
    pub fn shown(&self, trusted_proxies: &[IpNet]) -> Option<&Rc<Shown>> {
        self.shown.as_ref().filter(|_| !self.is_trusted(trusted_proxies))
    }

    /// What the normalizer wants to know of the connection.
    pub fn facts<'a>(&'a self, trusted_proxies: &'a [IpNet], head_bytes_max: usize) -> ConnectionFacts<'a> {
        ConnectionFacts {
            peer: self.address,
            sni: self.server_name.as_deref(),
            trusted_proxies,
            head_bytes_max,
        }
    }
}

/// Serves requests until the caller leaves, or `stop` says so and what is under way is done.
pub async fn serve(
    (stream, chain): Met<TcpStream>,
    (address, footing): (SocketAddr, Footing),
    worker: Rc<Worker>,
    stop: watch::Receiver<bool>,
) {
    let (_, tls) = stream.get_ref();
    let is_http2 = tls.alpn_protocol() == Some(b"h2");
    let pulse = Pulse::new(footing);
    let server_name = tls.server_name().map(Into::into);
    let shown = chain.map(|chain| Rc::new(Shown::new(chain)));
    let peer = Rc::new(Peer { address, server_name, shown, pulse: pulse.clone() });
    let settings = &worker.shared.settings;
    let head_bytes = settings.head_bytes;
    let limits = worker.shared.rules.load().limits.clone();
    let head = (!is_http2).then_some(settings.head_timeout);
    let bounds = Bounds { head, idle: limits.idle, unread: limits.unread };
    let scribe = worker.scribe.clone();
    let ended = if is_http2 {
        let io = TokioIo::new(Watched::http2(stream, pulse.clone(), limits.control_frames));
        // Each request is a task of its own: in a place of its own from the start, it is not copied into that.
        let service = service_fn(move |request| Box::pin(whole(worker.clone(), peer.clone(), request)));
        let connection = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            // Heads are as large as in HTTP/1.1. One that is larger is read up to twice that, so that it is a request that is
            // refused and recorded; beyond that the library refuses it, and ends a connection that goes on with CONTINUATION.
            .max_header_list_size(u32::try_from(head_bytes.saturating_mul(2)).unwrap_or(u32::MAX))
            // Rapid reset (CVE-2023-44487), and resets that a caller makes us send (CVE-2025-8671).
            .max_pending_accept_reset_streams(limits.resets)
            .max_local_error_reset_streams(LOCAL_RESETS_MAX)
            // What a caller may send before it is taken, and what waits for a caller that takes nothing.
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_send_buf_size(SEND_BYTES_MAX)
            .max_frame_size(FRAME_BYTES_MAX)
            .header_table_size(HEADER_TABLE_BYTES)
            // For WebSockets (RFC 8441).
            .enable_connect_protocol()
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        until_stopped!(connection, stop, pulse, bounds)
    } else {
        // The library says that a head is too large, before the sieve gives up on it.
        let (stream, gate) =
            Sieve::new(Watched::http1(stream, pulse.clone()), head_bytes.max(BUFFER_BYTES_MIN) * 2);
        let io = TokioIo::new(stream);
        let service = {
            let (gate, worker, peer) = (gate.clone(), worker.clone(), peer.clone());
            service_fn(move |request| sifted(gate.clone(), worker.clone(), peer.clone(), request))
        };
        // Without a timer of the library's: the pulse sees what is slow, and one timer does for all requests.
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            // As old programs spell names; nobody else minds.
            .title_case_headers(true)
            .max_buf_size(head_bytes.max(BUFFER_BYTES_MIN))
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = until_stopped!(connection, stop, pulse, bounds);
        if let Err(error) = &ended
            && error.is_parse()
        {
            // The library has answered it; here it is recorded.
            let reason = match gate.next() {
                Some(fault) => fault.reason,
                None if error.is_parse_too_large() => Reason::HeaderTooLarge,
                None => Reason::RequestMalformed,
            };
            worker.unread.tell(address.ip(), reason);
        }
        ended
    };
    if pulse.is_cut() {
        scribe.metrics.count(|counted| counted.connections_cut += 1);
    }
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Drives a connection to its end. When the gateway stops, or nothing was asked for long, it finishes what
/// is under way and begins nothing more. When its caller is too slow, it ends at once.
macro_rules! until_stopped {
    ($connection:ident, $stop:ident, $pulse:ident, $bounds:ident) => {{
        let mut stop = $stop;
        let ended = tokio::select! {
            biased;
            ended = $connection.as_mut() => Some(ended),
            () = stopped(&mut stop, &$pulse) => None,
            () = $pulse.overdue(&$bounds) => None,
        };
        match ended {
            Some(ended) => ended,
            None if $pulse.is_cut() => Ok(()),
            None => {
                $connection.as_mut().graceful_shutdown();
                $pulse.rest();
                let last = Bounds { idle: LAST_WORDS, ..$bounds };
                tokio::select! {
                    ended = $connection.as_mut() => ended,
                    () = $pulse.overdue(&last) => Ok(()),
                }
            }
        }
    }};
}
use until_stopped;

/// Returns when the gateway stops, and whoever has just come has asked.
async fn stopped(stop: &mut watch::Receiver<bool>, pulse: &Pulse) {
    // A sender that is gone has stopped, too.
    drop(stop.wait_for(|stop| *stop).await);
    pulse.greeted().await;
}

/// One request, whole. Who finds no room is answered and recorded like any other refusal. A panic ends the
/// request, not the worker: its draft, dropped by the panic, leaves the event.
async fn whole(
    worker: Rc<Worker>,
    peer: Rc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let under_way = peer.pulse.begin();
    let mut reply = match worker.room.enter() {
        None => handle::overloaded(&worker, &peer).await,
        Some(_place) => {
            let handled =
                std::panic::AssertUnwindSafe(handle::handle(&worker, &peer, request)).catch_unwind();
            handled.await.unwrap_or_else(|_| {
                tracing::error!("a request ended by a mistake of ours");
                let mut reply = Response::new(ReplyBody::default());
                *reply.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                reply
            })
        }
    };
    worker.insist(reply.headers_mut());
    Ok(reply.map(|body| body.during(under_way)))
}

/// Serves what the sieve found clean, and refuses what it found odd.
async fn sifted(
    gate: Arc<Gate>,
    worker: Rc<Worker>,
    peer: Rc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let mut reply = match gate.next() {
        None => whole(worker, peer, request).await?,
        Some(fault) => {
            let mut reply = Box::pin(handle::misframed(&worker, &peer, &request, fault)).await;
            worker.insist(reply.headers_mut());
            reply
        }
    };
    if is_distrusted(reply.headers()) {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    gate.answered(reply.status() == http::StatusCode::SWITCHING_PROTOCOLS);
    Ok(reply)
}

/// Whether a reply of ours says that a request was so odd that nothing behind it on its connection is believed.
fn is_distrusted(headers: &HeaderMap) -> bool {
    let odd = [Reason::RequestMalformed, Reason::MethodRejected, Reason::HeaderTooLarge];
    headers.get(REASON).is_some_and(|said| odd.iter().any(|reason| said == reason.as_str()))
}

const BUFFER_BYTES_MIN: usize = 8 * 1024;
/// Streams of one connection that we reset because its caller broke the rules.
const LOCAL_RESETS_MAX: usize = 100;
const WINDOW_BYTES: u32 = 1024 * 1024;
const SEND_BYTES_MAX: usize = 64 * 1024;
/// The least that there is (RFC 9113 section 6.5.2).
const FRAME_BYTES_MAX: u32 = 16 * 1024;
const HEADER_TABLE_BYTES: u32 = 4096;
/// How long a connection that is to end may stand when nothing more is under way on it.
const LAST_WORDS: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers the one request on a plain connection with a redirect to the same place under TLS. A host that
/// is none of ours is told nothing, and so is whoever can be read in two ways.
pub async fn serve_redirect(stream: TcpStream, port: u16, worker: Rc<Worker>) {
    let timeout = worker.shared.settings.head_timeout;
    let service = service_fn(move |request: Request<Incoming>| {
        let reply = redirected(&worker, port, request);
        async move { Ok::<_, Infallible>(reply) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(error = %error, "a plain connection ended early");
    }
}

fn redirected(worker: &Worker, port: u16, request: Request<Incoming>) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::default());
    let (parts, _) = request.into_parts();
    match location(worker, port, &parts) {
        Ok(location) => {
            // 308 keeps the method; what was sent in the clear is not sent on by us.
            *reply.status_mut() = http::StatusCode::PERMANENT_REDIRECT;
            reply.headers_mut().insert(http::header::LOCATION, location);
        }
        Err(fault) => *reply.status_mut() = fault.status,
    }
    reply
}

/// The same place under TLS: on a host of ours that the request names in one way only, so that nobody is ever led
/// elsewhere.
fn location(worker: &Worker, port: u16, parts: &Parts) -> Result<HeaderValue, Fault> {
    let host = host::authority(parts, None)?.host;
    if worker.shared.rules.load().routes.quirks(&host).is_none() {
        return Err(Fault::misdirected("host: none of ours"));
    }
    let target = parts.uri.path_and_query().map(PathAndQuery::as_str);
    let target =
        target.filter(|target| target.starts_with('/')).ok_or(Fault::malformed("target: no path"))?;
    let location = match port {
        443 => format!("https://{host}{target}"),
        port => format!("https://{host}:{port}{target}"),
    };
    HeaderValue::from_str(&location).map_err(|_| Fault::malformed("target: malformed"))
}
