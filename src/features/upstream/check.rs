//! Checks: each server is asked now and then whether it is well, once for the whole process.
//!
//! A check is ours alone: a fixed GET on a connection of its own, without anybody's identity, whose reply
//! is not read beyond its status.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::Instant;

use super::connect::{reach, reach_at};
use super::error::UpstreamError;
use super::http2::as_http2;
use super::servers::Upstream;
use super::settings::{CheckSettings, Protocol, Server};
use super::stream::Stream;
use crate::platform::http::body::Full;

/// Checks the servers that `present` gives, for ever. Call it once, on a runtime of its own threads.
pub async fn run(present: impl Fn() -> Vec<Arc<Upstream>>) {
    let mut tick = tokio::time::interval(LOOKED_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        for upstream in present() {
            begin_due(&upstream);
        }
    }
}

/// The status of `GET /` at a server, as anybody who reaches it would ask: without our assertion, without
/// an account. For whoever wants to know whether it can be talked to past us. `at` asks the same of another
/// address, by the server's name and port.
pub async fn ask_past_us(
    upstream: &Upstream,
    server: &Server,
    at: Option<IpAddr>,
) -> Result<StatusCode, UpstreamError> {
    let mut request = Request::new(Full::default());
    let host = HeaderValue::from_str(&server.to_string()).ok();
    request.headers_mut().extend(host.map(|host| (HOST, host)));
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let timeout = upstream.settings.connect_timeout.saturating_mul(2);
    let protocol = upstream.settings.protocol;
    let asked = async {
        let stream = match at {
            Some(address) => reach_at(address, server, &upstream.tls).await?,
            None => reach(server, &upstream.tls).await?,
        };
        exchange(stream, request, protocol).await
    };
    tokio::time::timeout(timeout, asked).await.unwrap_or(Err(UpstreamError::ConnectTimeout))
}

/// Begins the checks whose time has come.
pub(super) fn begin_due(upstream: &Arc<Upstream>) {
    let Some(settings) = &upstream.settings.health.check else { return };
    for (server, state) in upstream.servers.iter().enumerate() {
        if state.standing.is_due(settings, Instant::now()) {
            tokio::spawn(check(upstream.clone(), server));
        }
    }
}

async fn check(upstream: Arc<Upstream>, server: usize) {
    let (Some(settings), Some(address), Some(state)) = (
        upstream.settings.health.check.as_ref(),
        upstream.settings.servers.get(server),
        upstream.servers.get(server),
    ) else {
        return;
    };
    let answer = tokio::time::timeout(settings.timeout, ask(&upstream, address, settings)).await;
    let passed = match answer {
        Ok(Ok(status)) => settings.status.has(status),
        Ok(Err(error)) => {
            tracing::debug!(server = %address, error = %error, "a check failed");
            false
        }
        Err(_) => false,
    };
    let now = Instant::now();
    let change = state.standing.checked(passed, settings, now);
    upstream.tell(server, change, now);
}

async fn ask(
    upstream: &Upstream,
    server: &Server,
    settings: &CheckSettings,
) -> Result<StatusCode, UpstreamError> {
    let (request, protocol) = (request(server, settings), upstream.settings.protocol);
    exchange(reach(server, &upstream.tls).await?, request, protocol).await
}

fn request(server: &Server, settings: &CheckSettings) -> Request<Full> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = http::Uri::from(settings.path.clone());
    let own = || HeaderValue::from_str(&server.to_string()).ok();
    let headers = request.headers_mut();
    if let Some(host) = settings.host.clone().or_else(own) {
        headers.insert(HOST, host);
    }
    headers.insert(USER_AGENT, HeaderValue::from_static("Leastway"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    request
}

async fn exchange(
    stream: Stream,
    request: Request<Full>,
    protocol: Protocol,
) -> Result<StatusCode, UpstreamError> {
    let io = TokioIo::new(stream);
    match protocol {
        Protocol::Http1 => {
            let (mut sender, connection) =
                http1::Builder::new().handshake(io).await.map_err(UpstreamError::of)?;
            answered(sender.send_request(request), connection).await
        }
        Protocol::Http2 => {
            let greeted = http2::Builder::new(TokioExecutor::new()).handshake(io).await;
            let (mut sender, connection) = greeted.map_err(UpstreamError::of)?;
            answered(sender.send_request(as_http2(request, &Scheme::HTTP)), connection).await
        }
    }
}

/// The connection moves only while it is polled; with the answer it is dropped, and so closed.
async fn answered<B>(
    asked: impl Future<Output = hyper::Result<Response<B>>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> Result<StatusCode, UpstreamError> {
    let (mut asked, mut connection) = (pin!(asked), pin!(connection));
    let answer = tokio::select! {
        answer = &mut asked => answer,
        ended = &mut connection => {
            ended.map_err(UpstreamError::of)?;
            asked.await
        }
    };
    answer.map(|reply| reply.status()).map_err(UpstreamError::of)
}

const LOOKED_EVERY: Duration = Duration::from_millis(250);
