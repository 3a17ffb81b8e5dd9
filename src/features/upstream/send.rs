//! Sends a request to the application, and gives its reply's head and body.

use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::bond::Errand;
use super::choose::ServerSet;
use super::error::UpstreamError;
use super::pool::{Lease, Pool};
use super::seat::Seat;
use super::sender::Sender;
use super::settings::{Protocol, UpstreamSettings};
use crate::domain::proof::{Journaled, Permit};
use crate::platform::http::body::{BoxError, Full};
use crate::platform::http::pace::Paced;
use crate::platform::http::silence::Attended;

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
    incoming: Attended<Incoming>,
    /// What has been looked at before it is passed on.
    ahead: Option<Bytes>,
    /// What went wrong while it was looked at: it comes after what came before.
    broken: Option<BoxError>,
    server: usize,
    lease: Option<Lease>,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(Ok(Frame::data(ahead))));
        }
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
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
        self.ahead.is_none() && self.broken.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead.as_ref().map_or(0, |ahead| ahead.len() as u64);
        let mut hint = self.incoming.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + ahead);
        }
        hint.set_lower(hint.lower() + ahead);
        hint
    }
}

impl ReplyBody {
    /// The beginning, up to `bytes_max` or a little more; it is still passed on.
    pub(super) async fn peek(&mut self, bytes_max: usize) -> Bytes {
        let mut begun = BytesMut::new();
        while begun.len() < bytes_max {
            match self.frame().await {
                Some(Ok(frame)) => begun.extend(frame.into_data().ok()),
                Some(Err(broken)) => {
                    self.broken = Some(broken);
                    break;
                }
                None => break,
            }
        }
        let begun = begun.freeze();
        self.ahead = Some(begun.clone()).filter(|begun| !begun.is_empty());
        begun
    }

    /// The position of the server that answers.
    pub const fn server(&self) -> usize {
        self.server
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

/// Sends `request`. What may go is proven: it was permitted, and its opening entry is in the journal.
pub async fn send(
    pool: &Rc<Pool>,
    request: Request<RequestBody>,
    errand: &Errand,
    _permit: &Permit,
    _journaled: &Journaled,
) -> Result<Response<ReplyBody>, UpstreamError> {
    dispatch(pool, request, errand).await
}

/// Sends a request that is ours alone, made for nobody; whatever comes from a caller goes by [`send`].
///
/// A request that changes nothing and has no body is sent a second time, on a new connection, if a
/// kept connection turns out to be dead; no other request is ever sent twice. A server that cannot be
/// reached has been sent nothing: then another is taken.
pub(super) async fn dispatch(
    pool: &Rc<Pool>,
    mut request: Request<RequestBody>,
    errand: &Errand,
) -> Result<Response<ReplyBody>, UpstreamError> {
    // Only HTTP/1.1 has an upgrade; it takes a connection of its own.
    let upgrades = request.headers().contains_key(http::header::UPGRADE);
    let protocol = if upgrades { Protocol::Http1 } else { pool.settings().protocol };
    let seat = Seat::take(pool, errand, ServerSet::default()).await?.ok_or(UpstreamError::Overloaded)?;
    let again = repeatable(&request);
    let kept = if protocol == pool.settings().protocol { pool.kept(seat, errand).await } else { Err(seat) };
    let seat = match kept {
        Err(seat) => seat,
        Ok(lease) => match exchange(lease, request, errand).await {
            Ok(reply) => return Ok(reply),
            Err(Failed { unsent: Some(unsent), seat, .. }) => {
                request = *unsent;
                seat
            }
            Err(Failed { error: UpstreamError::Aborted(_), seat, .. }) if again.is_some() => {
                request = again.unwrap_or_default();
                seat
            }
            Err(failed) => return Err(failed.error),
        },
    };
    let lease = Box::pin(pool.fresh(seat, errand, protocol)).await?;
    exchange(lease, request, errand).await.map_err(|failed| failed.error)
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

/// A request that failed, with the request itself if nothing of it was sent.
struct Failed {
    error: UpstreamError,
    unsent: Option<Box<Request<RequestBody>>>,
    seat: Seat,
}

async fn exchange(
    mut lease: Lease,
    mut request: Request<RequestBody>,
    errand: &Errand,
) -> Result<Response<ReplyBody>, Failed> {
    let pool = lease.seat.pool().clone();
    let server = lease.seat.server();
    let reply_timeout = pool.settings().reply_timeout;
    let wants_upgrade = request.headers().contains_key(http::header::UPGRADE);
    // A caller who is slow to send, or leaves, is not the server's fault.
    let is_whole = request.body().is_end_stream() || matches!(request.body(), RequestBody::Held(_));
    lease.bond = lease.bond.asked(errand, request.headers());
    if let Some(host) = pool.upstream().own_host(server) {
        request.headers_mut().insert(http::header::HOST, host);
    }
    let failed = |lease: Lease, error: UpstreamError, unsent| {
        if error.blames_server(lease.reused) && is_whole {
            pool.upstream().failed(server);
        }
        Failed { error, unsent, seat: lease.seat }
    };
    let reply =
        match answered(&mut lease.sender, request, errand.patience.head.unwrap_or(reply_timeout)).await {
            None => return Err(failed(lease, UpstreamError::ReplyTimeout, None)),
            Some(Err(mut error)) => {
                let unsent = error.take_message().filter(|_| lease.reused).map(Box::new);
                return Err(failed(lease, UpstreamError::of(error.into_error()), unsent));
            }
            Some(Ok(reply)) => reply,
        };
    // A reply that switches protocols unasked would put whatever follows past every check.
    if reply.status() == StatusCode::SWITCHING_PROTOCOLS && !wants_upgrade {
        return Err(failed(lease, UpstreamError::UnaskedUpgrade, None));
    }
    let (head, incoming) = reply.into_parts();
    let incoming = Attended::new(incoming, silence(errand, pool.settings(), &head.headers));
    if pool.settings().health.failure_status.has(head.status) {
        pool.upstream().failed(server);
    } else {
        pool.upstream().fine(server);
    }
    pool.upstream().learn(server, &head.headers);
    lease.bond = lease.bond.answered(errand, head.status, &head.headers);
    let mut body = ReplyBody { incoming, ahead: None, broken: None, server, lease: Some(lease) };
    // A connection that has switched is never given back; its seat is taken until the tunnel ends.
    if head.status != StatusCode::SWITCHING_PROTOCOLS && body.incoming.is_end_stream() {
        body.give_back();
    }
    Ok(Response::from_parts(head, body))
}

/// The head of the reply; none if it takes too long from when the last piece of the request was taken.
async fn answered(
    sender: &mut Sender,
    request: Request<RequestBody>,
    patience: Duration,
) -> Option<Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> {
    let taken = match request.body() {
        RequestBody::Held(_) => None,
        RequestBody::Streaming(_, bytes) => Some(bytes.clone()),
    };
    let mut sent = pin!(sender.try_send_request(request));
    let mut before = 0;
    loop {
        if let Ok(reply) = tokio::time::timeout(patience, sent.as_mut()).await {
            return Some(reply);
        }
        let by_now = taken.as_ref().map_or(0, |taken| taken.get());
        if by_now == before {
            return None;
        }
        before = by_now;
    }
}

/// How long the application may be silent in the middle of this reply.
fn silence(errand: &Errand, settings: &UpstreamSettings, headers: &HeaderMap) -> Duration {
    let kind = headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let converses = [b"text/event-stream".as_slice(), b"application/grpc"]
        .iter()
        .any(|known| kind.get(..known.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(known)));
    let usual = settings.reply_idle;
    errand.patience.silence.unwrap_or(if converses { usual.max(CONVERSATION_SILENCE) } else { usual })
}

/// How long server-sent events and gRPC calls, which are silent as long as nothing happens, may at least be so: as
/// a WebSocket.
pub const CONVERSATION_SILENCE: Duration = Duration::from_secs(15 * 60);
