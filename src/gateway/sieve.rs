//! Stands between the socket and the HTTP/1.1 library, and lets only such bytes through as have one
//! reading ([`Wire`]).
//!
//! A head that is odd still reaches the library, so that it is answered and recorded; nothing that comes
//! after it does. A head that asks for another protocol holds what follows back until the reply says
//! which it is.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::normalize::fault::Fault;
use super::normalize::wire::{Found, Head, Wire};

/// A connection whose bytes are looked at as they are read.
#[derive(Debug)]
pub struct Sieve<S> {
    stream: S,
    wire: Wire,
    gate: Arc<Gate>,
    /// What came after a head that asks for another protocol.
    rest: Vec<u8>,
}

/// What was found on a connection, for whoever serves its requests.
#[derive(Debug, Default)]
pub struct Gate(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    /// Clean heads that have not been served yet.
    clean: usize,
    /// What is wrong with the head after those.
    fault: Option<Fault>,
    stand: Stand,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stand {
    /// Requests follow.
    #[default]
    Open,
    /// Nothing goes through until a reply is known.
    Shut,
    /// Nothing ever goes through again: the last head was odd, and is still to be answered.
    Over,
    /// What came last cannot be answered.
    Broken,
    /// Another protocol is spoken, and nothing is looked at.
    Switched,
}

impl Gate {
    /// What is wrong with the head of the request that is served next.
    pub fn next(&self) -> Option<Fault> {
        let mut told = self.told();
        match told.clean.checked_sub(1) {
            Some(rest) => {
                told.clean = rest;
                None
            }
            None => told.fault.take(),
        }
    }

    /// The request that was served last has its reply.
    pub fn answered(&self, switches: bool) {
        let mut told = self.told();
        // Only the request that was delivered last can be the one that asked.
        if told.stand == Stand::Shut && told.clean == 0 {
            told.stand = if switches { Stand::Switched } else { Stand::Open };
        }
        if let Some(waker) = told.waker.take() {
            waker.wake();
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // What is told is whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Sieve<S> {
    /// Looks at what `stream` gives. A head is at most `head_bytes_max` bytes long.
    pub fn new(stream: S, head_bytes_max: usize) -> (Self, Arc<Gate>) {
        let gate = Arc::new(Gate::default());
        (Self { stream, wire: Wire::new(head_bytes_max), gate: gate.clone(), rest: Vec::new() }, gate)
    }

    /// How many bytes of `piece` may go on; those after a head that asks for another protocol are kept.
    fn look(&mut self, piece: &[u8]) -> usize {
        let mut at = 0;
        loop {
            match self.wire.read(piece.get(at..).unwrap_or_default()) {
                Found::Nothing => return piece.len(),
                Found::Head(bytes, Head::Clean) => {
                    at += bytes;
                    self.gate.told().clean += 1;
                }
                Found::Head(bytes, Head::Upgrade) => {
                    at += bytes;
                    drop(self.rest.splice(..0, piece.get(at..).unwrap_or_default().iter().copied()));
                    let mut told = self.gate.told();
                    told.clean += 1;
                    told.stand = Stand::Shut;
                    return at;
                }
                Found::Head(bytes, Head::Odd(fault)) => {
                    let mut told = self.gate.told();
                    told.fault = Some(fault);
                    told.stand = Stand::Over;
                    return at + bytes;
                }
                Found::Broken(_, fault) => {
                    self.gate.told().stand = Stand::Broken;
                    tracing::debug!(fault = fault.internal, "a connection is broken off");
                    // Whole heads before it are still served.
                    return at;
                }
            }
        }
    }
}

impl<S> Sieve<S> {
    fn take_rest(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = buffer.remaining().min(self.rest.len());
        buffer.put_slice(&self.rest.drain(..length).collect::<Vec<_>>());
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sieve<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let stand = {
            let mut told = this.gate.told();
            if matches!(told.stand, Stand::Shut | Stand::Over) {
                told.waker = Some(context.waker().clone());
            }
            told.stand
        };
        match stand {
            // The end of the stream would end a request that is still being answered.
            Stand::Shut | Stand::Over => return Poll::Pending,
            Stand::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            Stand::Switched if this.rest.is_empty() => {
                return Pin::new(&mut this.stream).poll_read(context, buffer);
            }
            Stand::Switched => {
                this.take_rest(buffer);
                return Poll::Ready(Ok(()));
            }
            Stand::Open => {}
        }
        let before = buffer.filled().len();
        if this.rest.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        } else {
            this.take_rest(buffer);
        }
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        let cleared = if fresh.is_empty() { 0 } else { this.look(fresh) };
        if cleared == 0 && this.gate.told().stand == Stand::Broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        buffer.set_filled(before + cleared);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sieve<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }
}
