//! The body of a request on its way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use http_body::Body as _;

use super::super::send::RequestBody;
use super::head::{self, Framing};
use super::{Link, LinkFault, Socket};

/// What is still to be sent of a request.
#[derive(Debug)]
pub(in super::super) struct Sending {
    body: RequestBody,
    rest: Rest,
}

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    Nothing,
    /// So many bytes.
    Bytes(u64),
    /// Chunks.
    Chunks,
}

impl<S: Socket> Link<S> {
    /// Writes the head of a request, and as much of its body as is in memory.
    pub(super) fn begin(&mut self, request: &mut Request<RequestBody>) -> Sending {
        let framing = head::write(&mut self.output, request);
        if let RequestBody::Held(full) = request.body() {
            match full.bytes() {
                short if short.len() <= JOINED_BYTES_MAX => self.output.extend_from_slice(&short),
                long => self.piece = long,
            }
            return Sending { body: RequestBody::default(), rest: Rest::Nothing };
        }
        let rest = match framing {
            Framing::None => Rest::Nothing,
            Framing::Length(bytes) => Rest::Bytes(bytes),
            Framing::Chunked => Rest::Chunks,
        };
        Sending { body: std::mem::take(request.body_mut()), rest }
    }
}

impl Sending {
    /// Until all has been sent.
    pub(in super::super) fn poll<S: Socket>(
        &mut self,
        link: &mut Link<S>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), LinkFault>> {
        loop {
            ready!(link.poll_drain(context))?;
            if self.rest == Rest::Nothing {
                return Poll::Ready(Ok(()));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    link.alarm.anew();
                    self.push(data, link)?;
                }
                Some(Err(error)) => return Poll::Ready(Err(LinkFault::Body(error))),
                None => self.end(link)?,
            }
        }
    }

    /// Whether all has been sent.
    pub(super) fn is_done<S: Socket>(&self, link: &Link<S>) -> bool {
        self.rest == Rest::Nothing && link.has_sent()
    }

    /// Whether all that has come was sent, and it is the caller who is waited for: for as long as the pace of their body
    /// has patience. Without one it is the application's time that ends it.
    pub(super) fn awaits_caller<S: Socket>(&self, link: &Link<S>) -> bool {
        self.rest != Rest::Nothing && link.has_sent() && self.body.has_pace()
    }

    /// Gives the body back to a request of which nothing has been sent.
    pub(super) fn restore(self, request: &mut Request<RequestBody>) {
        if self.rest != Rest::Nothing {
            *request.body_mut() = self.body;
        }
    }

    fn push<S: Socket>(&mut self, data: Bytes, link: &mut Link<S>) -> Result<(), LinkFault> {
        match &mut self.rest {
            Rest::Nothing => {}
            Rest::Bytes(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or_else(other_length)?;
                if *left == 0 {
                    self.rest = Rest::Nothing;
                }
                link.piece = data;
            }
            // An empty chunk would be the end.
            Rest::Chunks if data.is_empty() => {}
            Rest::Chunks => {
                link.output.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                link.output.extend_from_slice(&data);
                link.output.extend_from_slice(b"\r\n");
            }
        }
        Ok(())
    }

    fn end<S: Socket>(&mut self, link: &mut Link<S>) -> Result<(), LinkFault> {
        match self.rest {
            Rest::Nothing => {}
            Rest::Bytes(_) => return Err(other_length()),
            Rest::Chunks => link.output.extend_from_slice(b"0\r\n\r\n"),
        }
        self.rest = Rest::Nothing;
        Ok(())
    }
}

fn other_length() -> LinkFault {
    LinkFault::Body(
        io::Error::new(io::ErrorKind::InvalidData, "it is not as long as it was said to be").into(),
    )
}

/// Bodies in memory up to this size go with the head, in one write.
const JOINED_BYTES_MAX: usize = 16 * 1024;
