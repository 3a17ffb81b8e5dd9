//! One connection: TLS is done, the protocol is what ALPN agreed on, never what the first bytes look like.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use tower::ServiceBuilder;

use super::handle;
use super::normalize::fault::Fault;
use super::normalize::{ConnectionFacts, host};
use super::reply::ReplyBody;
use super::worker::Worker;
use crate::domain::reason::Reason;

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
    let service = service(worker.clone(), peer);
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
            .max_headers(HEADERS_MAX)
            .max_buf_size(head_bytes.max(BUFFER_BYTES_MIN))
            .preserve_header_case(false)
            .serve_connection(io, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        until_stopped!(connection, stop)
    };
    if let Err(error) = ended {
        if error.is_parse() {
            worker.unread.tell(address.ip(), unread(&error));
        }
        tracing::debug!(error = %error, "a connection ended early");
    }
}

/// Why a head did not become a request. HTTP/1.1 alone: a malformed head of HTTP/2 ends its stream without a word
/// to us.
fn unread(error: &hyper::Error) -> Reason {
    if error.is_parse_too_large() { Reason::HeaderTooLarge } else { Reason::RequestMalformed }
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

/// The only tower stack: a bound on requests at once, shedding what is beyond it. What is shed is
/// answered and recorded like any other refusal.
fn service(
    worker: Rc<Worker>,
    peer: Rc<Peer>,
) -> TowerToHyperService<
    impl tower::Service<
        Request<Incoming>,
        Response = Response<ReplyBody>,
        Error = std::convert::Infallible,
        Future = impl Future<Output = Result<Response<ReplyBody>, std::convert::Infallible>> + 'static,
    > + Clone,
> {
    let (shed_worker, shed_peer) = (worker.clone(), peer.clone());
    let handled = tower::service_fn(move |request: Request<Incoming>| {
        let (worker, peer) = (worker.clone(), peer.clone());
        async move { Ok::<_, std::convert::Infallible>(whole(worker, peer, request).await) }
    });
    let bounded = ServiceBuilder::new()
        .load_shed()
        .layer(tower::limit::GlobalConcurrencyLimitLayer::with_semaphore(shed_worker.room.clone()))
        .service(handled);
    TowerToHyperService::new(tower::service_fn(move |request: Request<Incoming>| {
        let (mut bounded, worker, peer) = (bounded.clone(), shed_worker.clone(), shed_peer.clone());
        async move {
            // Ready or not is asked at once: who must wait is shed.
            let answered =
                match std::future::poll_fn(|context| tower::Service::poll_ready(&mut bounded, context)).await
                {
                    Ok(()) => tower::Service::call(&mut bounded, request).await,
                    Err(error) => Err(error),
                };
            Ok(match answered {
                Ok(reply) => reply,
                Err(_) => handle::overloaded(worker, &peer).await,
            })
        }
    }))
}

/// One request, whole: a panic ends it, not the worker. Its draft, dropped by the panic, leaves the event.
async fn whole(worker: Rc<Worker>, peer: Rc<Peer>, request: Request<Incoming>) -> Response<ReplyBody> {
    let handled = std::panic::AssertUnwindSafe(handle::handle(worker, peer, request)).catch_unwind();
    handled.await.unwrap_or_else(|_| {
        tracing::error!("a request ended by a mistake of ours");
        Response::builder()
            .status(http::StatusCode::INTERNAL_SERVER_ERROR)
            .body(ReplyBody::default())
            .unwrap_or_default()
    })
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

const HEADERS_MAX: usize = 100;
const BUFFER_BYTES_MIN: usize = 8 * 1024;
const STREAMS_MAX: u32 = 100;
const RESETS_MAX: usize = 20;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers the one request on a plain connection with a redirect to the same place under TLS. A host that
/// is none of ours is told nothing, and so is whoever can be read in two ways.
pub async fn serve_redirect(stream: TcpStream, port: u16, worker: Rc<Worker>) {
    let timeout = worker.shared.settings.head_timeout;
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let reply = redirected(&worker, port, request);
        async move { Ok::<_, std::convert::Infallible>(reply) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_headers(HEADERS_MAX)
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
