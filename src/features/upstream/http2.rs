//! A connection by HTTP/2 (RFC 9113), agreed on by ALPN under TLS, with prior knowledge in plain (3.3).
//!
//! It is used as one of HTTP/1.1 is, for one request after the other: nobody waits behind somebody else's
//! stream, and what an application ties to a connection is tied to one request.

use std::pin::pin;
use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderValue, TE};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;

use super::error::UpstreamError;
use super::send::RequestBody;
use super::stream::Stream;
use crate::platform::http::local::LocalExecutor;

/// A connection by HTTP/2.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: http2::SendRequest<RequestBody>,
    scheme: Scheme,
}

impl Http2 {
    /// Greets, and drives the connection on this worker until it ends.
    pub(super) async fn greet(stream: Stream) -> Result<Self, UpstreamError> {
        let scheme = if matches!(stream, Stream::Tls(_)) { Scheme::HTTPS } else { Scheme::HTTP };
        let (sender, connection) = http2::Builder::new(LocalExecutor)
            .max_header_list_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(UpstreamError::of)?;
        tokio::task::spawn_local(async move {
            // What goes wrong reaches whoever waits for a reply; nobody waits here.
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection to an application ended");
            }
        });
        Ok(Self { sender, scheme })
    }

    /// Whether a request may be asked on it.
    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request, and waits for the head of its reply, with so much patience from when the last piece of the
    /// request was taken. The request stays whole if nothing of it was sent,
    /// and says so; or if it can be repeated.
    pub(super) async fn ask(
        &mut self,
        request: &mut Request<RequestBody>,
        patience: Duration,
    ) -> Result<Response<Incoming>, (UpstreamError, bool)> {
        let sent = match repeated(request) {
            Some(copy) => copy,
            None => std::mem::take(request),
        };
        let taken = match sent.body() {
            RequestBody::Held(_) => None,
            RequestBody::Streaming(_, bytes) => Some(bytes.clone()),
        };
        let mut sent = pin!(self.sender.try_send_request(as_http2(sent, &self.scheme)));
        let mut before = 0;
        let answered = loop {
            if let Ok(answered) = tokio::time::timeout(patience, sent.as_mut()).await {
                break answered;
            }
            let by_now = taken.as_ref().map_or(0, |taken| taken.get());
            if by_now == before {
                return Err((UpstreamError::ReplyTimeout, false));
            }
            before = by_now;
        };
        match answered {
            Ok(reply) => Ok(reply),
            Err(mut error) => {
                let unsent = error.take_message();
                let is_unsent = unsent.is_some();
                if let Some(unsent) = unsent {
                    *request = unsent;
                }
                Err((UpstreamError::of(error.into_error()), is_unsent))
            }
        }
    }
}

/// A second copy of a request without a body.
fn repeated(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !super::send::may_be_repeated(request) {
        return None;
    }
    let mut copy = Request::new(RequestBody::default());
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    Some(copy)
}

/// Says who is spoken to by `:scheme` and `:authority` in place of `Host`, and that trailers are welcome,
/// which gRPC asks for. A request that was made so before stays as it is.
pub(super) fn as_http2<B>(mut request: Request<B>, scheme: &Scheme) -> Request<B> {
    request.headers_mut().remove(CONNECTION);
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

const HEAD_BYTES_MAX: u32 = 64 * 1024;
