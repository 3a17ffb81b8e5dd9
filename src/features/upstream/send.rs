//! Sends a request to the application, and gives its reply's head and body.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::error::UpstreamError;
use super::pool::{Lease, Pool};
use super::settings::Protocol;
use crate::domain::proof::{Journaled, Permit};
use crate::platform::http::body::{BoxError, Full};
use crate::platform::http::pace::Paced;

/// The body of a request on its way to the application.
#[derive(Debug)]
pub enum RequestBody {
    /// Read before, or empty.
    Held(Full),
    /// As it comes from the caller, with the number of its bytes.
    Streaming(Paced<Incoming>, Rc<std::cell::Cell<u64>>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Held(full) => Pin::new(full).poll_frame(context),
            Self::Streaming(incoming, bytes) => loop {
                match ready!(Pin::new(&mut *incoming).poll_frame(context)) {
                    Some(Ok(frame)) => {
                        // Trailers are not relayed: the application would see fields that were not judged.
                        let Ok(data) = frame.into_data() else { continue };
                        bytes.set(bytes.get() + data.len() as u64);
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => return Poll::Ready(None),
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Held(full) => full.is_end_stream(),
            Self::Streaming(incoming, _) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Held(full) => full.size_hint(),
            Self::Streaming(incoming, _) => incoming.size_hint(),
        }
    }
}

/// The body of a reply; gives its connection back when it has been read to the end.
#[derive(Debug)]
pub struct ReplyBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        match &frame {
            None => self.give_back(),
            Some(Ok(_)) if self.incoming.is_end_stream() => self.give_back(),
            Some(Ok(_)) => {}
            Some(Err(_)) => drop(self.lease.take()),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl ReplyBody {
    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

/// Sends `request`. What may go is proven: it was permitted, and its opening entry is in the journal.
///
/// A request that changes nothing and has no body is sent a second time, on a new connection, if a
/// kept connection turns out to be dead; no other request is ever sent twice.
pub async fn send(
    pool: &Rc<Pool>,
    mut request: Request<RequestBody>,
    _permit: &Permit,
    _journaled: &Journaled,
) -> Result<Response<ReplyBody>, UpstreamError> {
    let wants_upgrade = request.headers().contains_key(http::header::UPGRADE);
    // Only HTTP/1.1 has an upgrade; nothing else is opened in its place.
    if wants_upgrade && pool.settings().protocol != Protocol::Http1 {
        return Err(UpstreamError::NotSwitched);
    }
    let again = repeatable(&request);
    if let Some(lease) = pool.kept().await {
        match exchange(pool, lease, request, wants_upgrade).await {
            Ok(reply) => return Ok(reply),
            Err((_, Some(unsent))) => request = *unsent,
            Err((UpstreamError::Aborted(_), None)) if again.is_some() => {
                request = again.unwrap_or_default();
            }
            Err((error, None)) => return Err(error),
        }
    }
    let lease = Box::pin(pool.fresh()).await?;
    exchange(pool, lease, request, wants_upgrade).await.map_err(|(error, _)| error)
}

/// A second copy of a request that may be sent twice: safe (RFC 9110 section 9.2.1) and without a body.
fn repeatable(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(RequestBody::default());
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    Some(copy)
}

impl Default for RequestBody {
    fn default() -> Self {
        Self::Held(Full::default())
    }
}

type Failed = (UpstreamError, Option<Box<Request<RequestBody>>>);

async fn exchange(
    pool: &Rc<Pool>,
    mut lease: Lease,
    request: Request<RequestBody>,
    wants_upgrade: bool,
) -> Result<Response<ReplyBody>, Failed> {
    let sent = lease.sender.try_send_request(request);
    let reply = match tokio::time::timeout(pool.settings().reply_timeout, sent).await {
        Err(_) => return Err((UpstreamError::ReplyTimeout, None)),
        Ok(Err(mut error)) => {
            let unsent = error.take_message().filter(|_| lease.reused).map(Box::new);
            return Err((UpstreamError::of(error.into_error()), unsent));
        }
        Ok(Ok(reply)) => reply,
    };
    // A reply that switches protocols unasked would put whatever follows past every check.
    if reply.status() == StatusCode::SWITCHING_PROTOCOLS && !wants_upgrade {
        return Err((UpstreamError::UnaskedUpgrade, None));
    }
    let (head, incoming) = reply.into_parts();
    let mut body = ReplyBody { incoming, lease: Some(lease) };
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        body.lease = None;
    } else if body.incoming.is_end_stream() {
        body.give_back();
    }
    Ok(Response::from_parts(head, body))
}
