//! A caller's connection whose bytes are noticed as they come: for its [`Pulse`], and in HTTP/2 for what
//! [`Frames`] looks for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::limits::bucket::Bucket;
use super::limits::settings::Rate;
use super::pulse::Pulse;

/// A connection whose bytes are noticed.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    http2: Option<Http2>,
}

/// What is looked at in HTTP/2.
#[derive(Debug)]
struct Http2 {
    frames: Frames,
    /// How many frames that carry nothing there may be.
    control: Option<Control>,
}

#[derive(Debug)]
struct Control {
    bucket: Bucket,
    rate: Rate,
    /// Bytes that were sent and have not been answered by such a frame.
    sent: usize,
}

impl<S> Watched<S> {
    /// A connection that speaks HTTP/1.1.
    pub const fn http1(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, http2: None }
    }

    /// A connection that speaks HTTP/2, with so many frames that carry nothing.
    pub fn http2(stream: S, pulse: Arc<Pulse>, rate: Option<Rate>) -> Self {
        let control = rate.map(|rate| Control { bucket: Bucket::full(Instant::now()), rate, sent: 0 });
        Self { stream, pulse, http2: Some(Http2 { frames: Frames::default(), control }) }
    }

    fn came(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.pulse.came();
        let Some(http2) = &mut self.http2 else { return Ok(()) };
        let found = http2.frames.read(bytes);
        if found.malformed {
            // An error of the stream may be treated as one of its connection (RFC 9113 section 5.4.2).
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a pseudo-header in trailers"));
        }
        if http2.control.as_mut().is_none_or(|control| control.allows(found.empty)) {
            return Ok(());
        }
        self.pulse.cut();
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "too many frames that carry nothing"))
    }

    fn went(&mut self, bytes: usize) {
        if let Some(control) = self.http2.as_mut().and_then(|http2| http2.control.as_mut()) {
            control.sent = control.sent.saturating_add(bytes).min(SENT_MAX);
        }
    }
}

impl Control {
    /// Whether so many more are within bounds. Whoever is sent much has much to acknowledge.
    fn allows(&mut self, found: u32) -> bool {
        if found == 0 {
            return true;
        }
        let now = Instant::now();
        (0..found).all(|_| {
            if let Some(rest) = self.sent.checked_sub(SENT_FOR_ONE) {
                self.sent = rest;
                return true;
            }
            self.bucket.take(self.rate, now).is_ok()
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        Poll::Ready(this.came(buffer.filled().get(before..).unwrap_or_default()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, bytes))?;
        this.went(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(context, slices))?;
        this.went(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

const SENT_FOR_ONE: usize = 64;
const SENT_MAX: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gateway::limits::footing::Footing;

    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn only_so_many_pings_pass_and_more_where_more_is_sent() {
        let rate = Rate::new(5, Duration::from_secs(3600)).unwrap();
        let mut watched = Watched::http2((), Pulse::new(Footing::default()), Some(rate));
        assert!(watched.came(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_ok());
        watched.went(3 * SENT_FOR_ONE);
        assert_eq!((0..20).take_while(|_| watched.came(&PING).is_ok()).count(), 8);
        assert!(watched.pulse.is_cut());
        let mut free = Watched::http2((), Pulse::new(Footing::default()), None);
        assert!((0..1000).all(|_| free.came(&PING).is_ok()));
    }
}
