//! A connection on which one request at a time is asked by HTTP/1.1 (RFC 9112).
//!
//! It has no task of its own: whoever asks moves it, and so does whoever reads the reply; one that lies unused
//! costs nothing, and says that it was closed when it is to be used again. What the application answers is
//! read strictly: where a reply could be read in two ways it is none, and where bytes are left over behind
//! one, nothing more is asked on that connection, so that nobody gets what was said to somebody else.

mod chunks;
mod head;
mod reply;
mod sending;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

pub(super) use self::reply::{Content, Head};
pub(super) use self::sending::Sending;
use super::send::RequestBody;
use super::stream::is_silent;
use super::tunnel::Socket;
use crate::platform::http::body::BoxError;

/// A connection by HTTP/1.1.
pub(super) struct Link<S> {
    stream: S,
    /// What has come and was not taken.
    input: BytesMut,
    /// Whether there is much space for more of it.
    has_much_space: bool,
    /// How much of it is known to hold no whole head.
    looked_at: usize,
    /// How much of interim replies has come for the present request.
    interim: usize,
    /// What is to go, and how much of it has gone.
    output: Vec<u8>,
    gone: usize,
    /// What is to go after that.
    piece: Bytes,
    is_flushed: bool,
    /// Whether anything of the present request has gone.
    has_begun: bool,
    alarm: Alarm,
}

/// Nothing of what is said on it.
impl<S> fmt::Debug for Link<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// What goes wrong on a connection by HTTP/1.1.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkFault {
    /// It broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// The application closed it where a reply, or more of one, was to come.
    #[error("the connection was closed in the middle")]
    Closed,
    /// What came is not HTTP/1.1.
    #[error("what came is not HTTP/1.1: {0}")]
    Malformed(&'static str),
    /// The body of the request broke off, or is not as long as it was said to be.
    #[error("the request's body broke off")]
    Body(#[source] BoxError),
    /// The reply did not begin in time.
    #[error("the reply did not begin in time")]
    Late,
}

/// A request that was asked in vain.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) fault: LinkFault,
    /// Whether nothing of it has been sent.
    pub(super) is_unsent: bool,
}

impl<S: Socket> Link<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            has_much_space: false,
            looked_at: 0,
            interim: 0,
            output: Vec::new(),
            gone: 0,
            piece: Bytes::new(),
            is_flushed: true,
            has_begun: false,
            alarm: Alarm::default(),
        }
    }

    /// Whether a request may be asked on it: it was not closed, and nothing came that nobody asked for.
    pub(super) fn is_open(&mut self) -> bool {
        self.input.is_empty() && is_silent(&mut self.stream)
    }

    /// Its reply has been read: whether another request may follow. Little memory is kept until then.
    pub(super) fn rest(&mut self) -> bool {
        if !self.input.is_empty() || !self.has_sent() {
            return false;
        }
        if std::mem::take(&mut self.has_much_space) {
            self.input = BytesMut::new();
        }
        true
    }

    /// Sends a request, and waits for the head of its reply: with so much patience from when the last piece of the
    /// request was taken. What is left of the request's body then is to be
    /// sent while the reply is read. A request of which nothing was sent stays whole.
    pub(super) async fn ask(
        &mut self,
        request: &mut Request<RequestBody>,
        patience: Duration,
    ) -> Result<(Head, Option<Sending>), Unanswered> {
        (self.has_begun, self.looked_at, self.interim) = (false, 0, 0);
        self.alarm.set(patience);
        let mut sending = self.begin(request);
        let mut broken = None;
        let answered = poll_fn(|context| {
            if broken.is_none() {
                match sending.poll(self, context) {
                    Poll::Ready(Err(fault @ LinkFault::Body(_))) => return Poll::Ready(Err(fault)),
                    // Nothing more can be sent, but the application may have said why.
                    Poll::Ready(Err(fault)) => broken = Some(fault),
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
            }
            match self.poll_head(request.method(), context) {
                Poll::Pending if !self.has_begun && broken.is_some() => {
                    Poll::Ready(Err(broken.take().unwrap_or(LinkFault::Closed)))
                }
                Poll::Pending => {
                    while self.alarm.poll(context).is_ready() {
                        if broken.is_some() || !sending.awaits_caller(self) {
                            return Poll::Ready(Err(LinkFault::Late));
                        }
                        self.alarm.anew();
                    }
                    Poll::Pending
                }
                answered @ Poll::Ready(_) => answered,
            }
        });
        match answered.await {
            Ok(mut head) => {
                head.keeps &= broken.is_none();
                let is_going_on = broken.is_none() && !sending.is_done(self);
                Ok((head, is_going_on.then_some(sending)))
            }
            Err(fault) => {
                let is_unsent = !self.has_begun;
                if is_unsent {
                    sending.restore(request);
                }
                Err(Unanswered { fault, is_unsent })
            }
        }
    }

    /// The head of the reply, once it is there. Interim replies (RFC 9110 15.2) are passed over.
    fn poll_head(&mut self, method: &Method, context: &mut Context<'_>) -> Poll<Result<Head, LinkFault>> {
        loop {
            while let Some(bytes) = reply::split_head(&mut self.input, &mut self.looked_at)? {
                if let Some(head) = reply::read(&bytes, method)? {
                    return Poll::Ready(Ok(head));
                }
                // Or an application that says nothing else is never late: there is always more to read.
                self.interim += bytes.len();
                if self.interim > reply::HEAD_BYTES_MAX {
                    return Poll::Ready(Err(LinkFault::Malformed("its interim replies have no end")));
                }
            }
            ready!(self.poll_fill(READ_BYTES_MIN, context))?;
        }
    }

    /// Reads on, with room for about so many bytes. The end of the connection is a fault.
    fn poll_fill(&mut self, wanted: usize, context: &mut Context<'_>) -> Poll<Result<(), LinkFault>> {
        match ready!(self.poll_more(wanted, context)) {
            Ok(0) => Poll::Ready(Err(LinkFault::Closed)),
            Ok(_) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(LinkFault::Broken(error))),
        }
    }

    /// Reads on; how much has come, 0 at the end of the connection.
    fn poll_more(&mut self, wanted: usize, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // With a byte to spare: what fills its space to the end may have more behind it, and would be asked for in vain.
        let wanted = wanted.saturating_add(1).clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        if self.input.capacity() - self.input.len() < wanted {
            self.has_much_space |= wanted > READ_BYTES;
            self.input.reserve(wanted.max(READ_BYTES));
        }
        pin!(self.stream.read_buf(&mut self.input)).poll(context)
    }

    fn has_sent(&self) -> bool {
        self.output.is_empty() && self.piece.is_empty() && self.is_flushed
    }

    /// Until all that is to go has gone.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<Result<(), LinkFault>> {
        Poll::Ready(ready!(self.poll_written(context)).map_err(LinkFault::Broken))
    }

    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.output.get(self.gone..) {
            let gone = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            self.gone += wrote(gone)?;
            (self.has_begun, self.is_flushed) = (true, false);
        }
        if self.gone > 0 {
            self.output.clear();
            self.output.shrink_to(KEPT_BYTES_MAX);
            self.gone = 0;
        }
        while !self.piece.is_empty() {
            let gone = ready!(Pin::new(&mut self.stream).poll_write(context, &self.piece))?;
            self.piece.advance(wrote(gone)?);
            self.is_flushed = false;
        }
        if !self.is_flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

fn wrote(bytes: usize) -> io::Result<usize> {
    if bytes == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(bytes) }
}

/// After a reply that switches protocols: what came behind its head is read first.
impl<S: Socket> AsyncRead for Link<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.input.is_empty() {
            return Pin::new(&mut this.stream).poll_read(context, space);
        }
        let now = this.input.split_to(this.input.len().min(space.remaining()));
        space.put_slice(&now);
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> AsyncWrite for Link<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// One timer for all requests of a connection: it is not set anew for each, but when it goes off too early.
#[derive(Debug, Default)]
struct Alarm {
    patience: Duration,
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn set(&mut self, patience: Duration) {
        self.patience = patience;
        self.anew();
    }

    fn anew(&mut self) {
        self.due = Some(Instant::now() + self.patience);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(context).is_ready() {
            if timer.deadline() == due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

/// How much space there is to read into at least, how much is made, and how much for what is known to be long.
const READ_BYTES_MIN: usize = 2 * 1024;
const READ_BYTES: usize = 8 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;
/// What is kept of the memory for what is to go.
const KEPT_BYTES_MAX: usize = 16 * 1024;
