//! Sends a request to the application, and gives its reply's head and body.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::io::{AsyncRead, AsyncWrite};

use super::bond::Errand;
use super::choose::ServerSet;
use super::coming::{Coming, How};
use super::connect::Connected;
use super::error::UpstreamError;
use super::link::Unanswered;
use super::pool::{Lease, Pool};
use super::seat::Seat;
use super::settings::{Protocol, UpstreamSettings};
use crate::domain::proof::{Journaled, Permit};
use crate::platform::http::body::{BoxError, Full};
use crate::platform::http::pace::{Pace, Paced};

/// The body of a request on its way to the application.
#[derive(Debug)]
pub enum RequestBody {
    /// Read before, or empty.
    Held(Full),
    /// As it comes from the caller, with the number of its bytes.
    Streaming(Paced<Incoming>, Rc<std::cell::Cell<u64>>),
}

impl RequestBody {
    /// Whether its sender is waited for only so long.
    pub(super) fn has_pace(&self) -> bool {
        match self {
            Self::Held(_) => false,
            Self::Streaming(incoming, _) => incoming.is_bounded(),
        }
    }
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

impl Default for RequestBody {
    fn default() -> Self {
        Self::Held(Full::default())
    }
}

/// The body of a reply; gives its connection back when it has been read to the end.
#[derive(Debug)]
pub struct ReplyBody {
    coming: Paced<Coming>,
    /// What has come with the head, or has been looked at before it is passed on.
    ahead: Option<Bytes>,
    /// What went wrong while it was looked at: it comes after what came before.
    broken: Option<BoxError>,
    server: usize,
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
        let frame = ready!(Pin::new(&mut self.coming).poll_frame(context));
        if let Some(Err(_)) = &frame {
            self.coming.body_mut().lease = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.broken.is_none() && self.coming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.ahead.as_ref().map_or(0, |ahead| ahead.len() as u64);
        let mut hint = self.coming.size_hint();
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

    /// The connection itself, once the application has switched protocols; with what keeps its server's seat.
    pub fn into_socket(
        mut self,
    ) -> Option<(impl AsyncRead + AsyncWrite + Unpin + use<>, impl Sized + use<>)> {
        let Lease { connection, seat } = self.coming.body_mut().lease.take()?;
        match connection.connected {
            Connected::Http1(link) => Some((link, seat)),
            Connected::Http2(_) => None,
        }
    }
}

/// Sends `request`. What may go is proven: it was permitted, and its opening entry is in the journal.
pub async fn send(
    pool: &Rc<Pool>,
    request: &mut Request<RequestBody>,
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
    request: &mut Request<RequestBody>,
    errand: &Errand,
) -> Result<Response<ReplyBody>, UpstreamError> {
    // Only HTTP/1.1 has an upgrade; it takes a connection of its own.
    let upgrades = request.headers().contains_key(UPGRADE);
    let protocol = if upgrades { Protocol::Http1 } else { pool.settings().protocol };
    let seat = match Seat::at_the_only(pool) {
        Some(seat) => seat,
        None => Box::pin(Seat::take(pool, errand, ServerSet::default()))
            .await?
            .ok_or(UpstreamError::Overloaded)?,
    };
    let kept = if protocol == pool.settings().protocol { pool.kept(seat, errand) } else { Err(seat) };
    let seat = match kept {
        Err(seat) => seat,
        Ok(lease) => {
            let may_be_repeated = may_be_repeated(request);
            match exchange(lease, request, errand).await {
                Ok(reply) => return Ok(reply),
                Err(Failed { is_unsent: true, seat, .. }) => seat,
                Err(Failed { error: UpstreamError::Aborted(_), seat, .. }) if may_be_repeated => seat,
                Err(failed) => return Err(failed.error),
            }
        }
    };
    Box::pin(async {
        let lease = pool.fresh(seat, errand, protocol).await?;
        exchange(lease, request, errand).await.map_err(|failed| failed.error)
    })
    .await
}

/// Whether a request may be sent twice: it is safe (RFC 9110 section 9.2.1) and has no body.
pub(super) fn may_be_repeated(request: &Request<RequestBody>) -> bool {
    request.method().is_safe() && request.body().is_end_stream()
}

/// A request that failed, and whether nothing of it was sent.
struct Failed {
    error: UpstreamError,
    is_unsent: bool,
    seat: Seat,
}

async fn exchange(
    mut lease: Lease,
    request: &mut Request<RequestBody>,
    errand: &Errand,
) -> Result<Response<ReplyBody>, Failed> {
    let pool = lease.seat.pool().clone();
    let server = lease.seat.server();
    let wants_upgrade = request.headers().contains_key(UPGRADE);
    // A caller who is slow to send, or leaves, is not the server's fault.
    let is_whole = request.body().is_end_stream() || matches!(request.body(), RequestBody::Held(_));
    lease.connection.bond = lease.connection.bond.asked(errand, request.headers());
    if let Some(host) = pool.upstream().own_host(server) {
        request.headers_mut().insert(http::header::HOST, host);
    }
    let failed = |lease: Lease, error: UpstreamError, is_unsent| {
        if error.blames_server(lease.connection.is_reused) && is_whole {
            pool.upstream().failed(server);
        }
        Failed { error, is_unsent, seat: lease.seat }
    };
    let patience = errand.patience.head.unwrap_or(pool.settings().reply_timeout);
    let (reply, how, rest) = match &mut lease.connection.connected {
        Connected::Http1(link) => match link.ask(request, patience).await {
            Ok((head, rest)) => (head.reply, How::Http1(head.content, head.keeps), rest),
            Err(Unanswered { fault, is_unsent }) => return Err(failed(lease, fault.into(), is_unsent)),
        },
        Connected::Http2(http2) => match Box::pin(http2.ask(request, patience)).await {
            Ok(reply) => {
                let (head, incoming) = reply.into_parts();
                (Response::from_parts(head, ()), How::Http2(incoming), None)
            }
            Err((error, is_unsent)) => return Err(failed(lease, error, is_unsent)),
        },
    };
    let status = reply.status();
    // A reply that switches protocols unasked would put whatever follows past every check.
    if status == StatusCode::SWITCHING_PROTOCOLS && !wants_upgrade {
        return Err(failed(lease, UpstreamError::UnaskedUpgrade, false));
    }
    if pool.settings().health.failure_status.has(status) {
        pool.upstream().failed(server);
    } else {
        pool.upstream().fine(server);
    }
    pool.upstream().learn(server, reply.headers());
    lease.connection.bond = lease.connection.bond.answered(errand, status, reply.headers());
    let silence = silence(errand, pool.settings(), reply.headers());
    let mut coming = Coming::new(how, rest, lease);
    let ahead = coming.take_whole();
    // A connection that has switched is never given back; its seat is taken until the tunnel ends.
    if status != StatusCode::SWITCHING_PROTOCOLS && coming.is_end_stream() {
        coming.end();
    }
    let coming = Paced::new(coming, Pace::Silence(silence));
    Ok(reply.map(|()| ReplyBody { coming, ahead, broken: None, server }))
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
