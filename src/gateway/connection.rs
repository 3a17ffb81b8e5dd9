//! One connection: TLS is done, the protocol is what ALPN agreed on, never what the first bytes look like.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::handle;
use super::normalize::ConnectionFacts;
use super::reply::ReplyBody;
use super::worker::Worker;

/// What the connection knows of its caller.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other end of the socket.
    pub address: SocketAddr,
    /// The name that the caller asked for in TLS.
    pub server_name: Option<Arc<str>>,
}

impl Peer {
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
    stream: TlsStream<TcpStream>,
    address: SocketAddr,
    worker: Rc<Worker>,
    stop: watch::Receiver<bool>,
) {
    let (_, tls) = stream.get_ref();
    let is_http2 = tls.alpn_protocol() == Some(b"h2");
    let peer = Rc::new(Peer { address, server_name: tls.server_name().map(Into::into) });
    let settings = &worker.shared.settings;
    let (head_timeout, head_bytes) = (settings.head_timeout, settings.head_bytes);
    let io = TokioIo::new(stream);
    let service = service_fn(move |request| whole(worker.clone(), peer.clone(), request));
    let ended = if is_http2 {
        let connection = http2::Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(RESETS_MAX)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        until_stopped!(connection, stop)
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            // As old programs spell names; nobody else minds.
            .title_case_headers(true)
            .max_buf_size(head_bytes.max(BUFFER_BYTES_MIN))
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        until_stopped!(connection, stop)
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Drives a connection to its end; when the gateway stops, lets it finish what is under way.
macro_rules! until_stopped {
    ($connection:ident, $stop:ident) => {{
        let mut stop = $stop;
        tokio::select! {
            ended = $connection.as_mut() => ended,
            _ = stop.wait_for(|stop| *stop) => {
                $connection.as_mut().graceful_shutdown();
                $connection.await
            }
        }
    }};
}
use until_stopped;

/// One request, whole. Who finds no room is answered and recorded like any other refusal. A panic ends the
/// request, not the worker: its draft, dropped by the panic, leaves the event.
async fn whole(
    worker: Rc<Worker>,
    peer: Rc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let Some(_place) = worker.room.enter() else { return Ok(handle::overloaded(&worker, &peer).await) };
    let handled = std::panic::AssertUnwindSafe(handle::handle(&worker, &peer, request)).catch_unwind();
    Ok(handled.await.unwrap_or_else(|_| {
        tracing::error!("a request ended by a mistake of ours");
        let mut reply = Response::new(ReplyBody::default());
        *reply.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        reply
    }))
}

/// Runs what HTTP/2 needs on this worker.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

const BUFFER_BYTES_MIN: usize = 8 * 1024;
const STREAMS_MAX: u32 = 100;
const RESETS_MAX: usize = 20;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers every request on a plain connection with a redirect to the same place under TLS. A host that
/// is none of ours is told nothing.
pub async fn serve_redirect(stream: TcpStream, port: u16, worker: Rc<Worker>) {
    let timeout = worker.shared.settings.head_timeout;
    let service = service_fn(move |request: Request<Incoming>| {
        let reply = redirected(&worker, port, &request);
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

fn redirected(worker: &Worker, port: u16, request: &Request<Incoming>) -> Response<ReplyBody> {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host
        .and_then(|host| super::normalize::host::Authority::parse(host).ok())
        .map(|authority| authority.host);
    let known = host.filter(|host| worker.shared.rules.load().routes.quirks(host).is_some());
    let mut reply = Response::new(ReplyBody::default());
    let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let location = known.map(|host| match port {
        443 => format!("https://{host}{target}"),
        port => format!("https://{host}:{port}{target}"),
    });
    match location.and_then(|location| http::HeaderValue::from_str(&location).ok()) {
        Some(location) => {
            // 308 keeps the method; what was sent in the clear is not sent on by us.
            *reply.status_mut() = http::StatusCode::PERMANENT_REDIRECT;
            reply.headers_mut().insert(http::header::LOCATION, location);
        }
        None => *reply.status_mut() = http::StatusCode::MISDIRECTED_REQUEST,
    }
    reply
}
