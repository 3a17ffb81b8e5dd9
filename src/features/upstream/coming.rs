//! A reply on its way from the application, and the connection on which it comes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::task::AbortHandle;

use super::link::{Content, Link, Sending};
use super::pool::Lease;
use crate::platform::http::body::BoxError;

/// What is still to come of a reply, and the connection on which it comes.
#[derive(Debug)]
pub(super) struct Coming {
    how: How,
    pub(super) lease: Option<Lease>,
}

/// How a reply comes.
#[derive(Debug)]
pub(super) enum How {
    /// By HTTP/1.1, and whether the connection goes on after it.
    Http1(Content, bool),
    /// By HTTP/1.1 while the body of the request is still being sent. The connection ends with it.
    Early(Content, Rc<RefCell<Lease>>, Rest),
    /// By HTTP/2.
    Http2(Incoming),
}

/// Whoever sends the rest of a request. A reply that is given up before its end takes it along.
#[derive(Debug)]
pub(super) struct Rest(Option<AbortHandle>);

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.poll_next(context));
        let has_ended = match &frame {
            Some(Ok(_)) => self.is_end_stream(),
            None => true,
            Some(Err(_)) => false,
        };
        if has_ended {
            self.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.how {
            How::Http1(content, _) | How::Early(content, ..) => content.is_over(),
            How::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.how {
            How::Http1(content, _) | How::Early(content, ..) => content.size_hint(),
            How::Http2(incoming) => incoming.size_hint(),
        }
    }
}

impl Coming {
    pub(super) fn new(how: How, rest: Option<Sending>, lease: Lease) -> Self {
        let (how, lease) = match (how, rest) {
            (How::Http1(content, _), Some(rest)) => {
                let shared = Rc::new(RefCell::new(lease));
                let task = tokio::task::spawn_local(send_rest(shared.clone(), rest));
                (How::Early(content, shared, Rest(Some(task.abort_handle()))), None)
            }
            (how, _) => (how, Some(lease)),
        };
        Self { how, lease }
    }

    /// All of it, where nothing has to be waited for.
    pub(super) fn take_whole(&mut self) -> Option<Bytes> {
        match (&mut self.how, self.lease.as_mut().and_then(Lease::link)) {
            (How::Http1(content, _), Some(link)) => content.take_whole(link),
            (How::Http1(..) | How::Early(..) | How::Http2(_), _) => None,
        }
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match &mut self.how {
            How::Http1(body, _) => match self.lease.as_mut().and_then(Lease::link) {
                Some(link) => body.poll_frame(link, context),
                None => Poll::Ready(None),
            },
            How::Early(body, shared, _) => match shared.borrow_mut().link() {
                Some(link) => body.poll_frame(link, context),
                None => Poll::Ready(None),
            },
            How::Http2(incoming) => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
        };
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    /// The reply has been read: its connection is given back, if another request may follow. What is still to be
    /// sent of its own goes on.
    pub(super) fn end(&mut self) {
        if let How::Early(_, _, rest) = &mut self.how {
            rest.0 = None;
        }
        let Some(mut lease) = self.lease.take() else { return };
        let goes_on = match &self.how {
            How::Http1(_, goes_on) => *goes_on && lease.link().is_some_and(Link::rest),
            How::Early(..) => false,
            How::Http2(_) => true,
        };
        if goes_on {
            lease.give_back();
        }
    }
}

/// Sends the rest of a request to an application that answers before it has got all. The reply is read beside it,
/// or neither might go on: a caller may send everything before it reads anything.
async fn send_rest(shared: Rc<RefCell<Lease>>, mut sending: Sending) {
    let sent = poll_fn(|context| match shared.borrow_mut().link() {
        Some(link) => sending.poll(link, context),
        None => Poll::Ready(Ok(())),
    });
    if let Err(fault) = sent.await {
        tracing::debug!(error = %fault, "an application that had answered did not take the whole request");
    }
}
