//! A connection on which one request at a time is sent, by HTTP/1.1 or by HTTP/2 with prior knowledge
//! (RFC 9113 3.3): agreed on by ALPN under TLS, known in plain.
//!
//! A connection of HTTP/2 is used as one of HTTP/1.1 is, for one request after the other: nobody waits behind
//! somebody else's stream, and what an application ties to a connection is tied to one request.

use http::header::{HOST, HeaderValue, TE};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::UpstreamError;
use super::send::RequestBody;
use super::settings::Protocol;

/// Sends requests on one connection.
#[derive(Debug)]
pub(super) enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>, Scheme),
}

impl Sender {
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            Self::Http2(sender, _) => sender.is_closed(),
        }
    }

    /// Waits until a request can be sent.
    pub(super) async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Self::Http1(sender) => sender.ready().await,
            Self::Http2(sender, _) => sender.ready().await,
        }
    }

    /// Sends a request, and gives it back if nothing of it was sent.
    pub(super) async fn try_send_request(
        &mut self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        match self {
            Self::Http1(sender) => sender.try_send_request(request).await,
            Self::Http2(sender, scheme) => sender.try_send_request(as_http2(request, scheme)).await,
        }
    }
}

/// Says who is spoken to by `:scheme` and `:authority` in place of `Host`, and that trailers are welcome,
/// which gRPC asks for. A request that was made so before stays as it is.
fn as_http2(mut request: Request<RequestBody>, scheme: &Scheme) -> Request<RequestBody> {
    let host = request.headers_mut().remove(HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if let Some(authority) = authority {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        let path = parts.path_and_query.clone();
        (parts.scheme, parts.authority) = (Some(scheme.clone()), Some(authority));
        // With a path there is no way in which the parts do not fit.
        *request.uri_mut() =
            Uri::from_parts(parts).unwrap_or_else(|_| path.map_or_else(Uri::default, Uri::from));
    }
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    *request.version_mut() = Version::HTTP_2;
    request
}

/// Greets, and drives the connection on this worker until it ends.
pub(super) async fn handshake<S>(
    io: TokioIo<S>,
    protocol: Protocol,
    scheme: &str,
) -> Result<Sender, UpstreamError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match protocol {
        Protocol::Http1 => {
            let (sender, connection) = http1::Builder::new()
                // As old applications spell names; nobody else minds.
                .title_case_headers(true)
                .handshake(io)
                .await
                .map_err(UpstreamError::of)?;
            tokio::task::spawn_local(drive(connection.with_upgrades()));
            Ok(Sender::Http1(sender))
        }
        Protocol::Http2 => {
            let (sender, connection) = http2::Builder::new(LocalExecutor)
                .max_header_list_size(HEAD_BYTES_MAX)
                .handshake(io)
                .await
                .map_err(UpstreamError::of)?;
            tokio::task::spawn_local(drive(connection));
            let scheme = if scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP };
            Ok(Sender::Http2(sender, scheme))
        }
    }
}

async fn drive(connection: impl Future<Output = hyper::Result<()>>) {
    // What goes wrong reaches whoever waits for a reply; nobody waits here.
    if let Err(error) = connection.await {
        tracing::debug!(error = %error, "a connection to an application ended");
    }
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

const HEAD_BYTES_MAX: u32 = 64 * 1024;
