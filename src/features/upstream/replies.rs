//! Replies by HTTP/1.1 out of any stream of bytes, read as an application's are: for whoever tries the reader.
//!
//! Nothing of a caller's can be sent by it: what is asked has a method and nothing else.

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Frame;

use super::error::UpstreamError;
use super::link::{Content, Link};
use super::send::RequestBody;
use super::tunnel::Socket;

/// One reply after the other, on one connection.
pub struct Replies<S> {
    link: Link<S>,
    content: Content,
    keeps: bool,
}

impl<S> fmt::Debug for Replies<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("content", &self.content).finish_non_exhaustive()
    }
}

impl<S: Socket> Replies<S> {
    /// No reply yet.
    pub fn new(stream: S) -> Self {
        Self { link: Link::new(stream), content: Content::None, keeps: true }
    }

    /// Whether another request may be asked: the last reply has ended where it said, and nothing came behind it.
    pub fn goes_on(&mut self) -> bool {
        self.keeps && self.content.is_over() && self.link.rest() && self.link.is_open()
    }

    /// Asks by this method, and waits for the head of the reply.
    pub async fn ask(&mut self, method: Method) -> Result<Response<()>, UpstreamError> {
        let mut request = Request::new(RequestBody::default());
        *request.method_mut() = method;
        let (head, _all_sent) =
            self.link.ask(&mut request, PATIENCE).await.map_err(|unanswered| unanswered.fault)?;
        (self.content, self.keeps) = (head.content, head.keeps);
        Ok(head.reply)
    }

    /// What comes next of the body of the reply; `None`: it has ended.
    pub async fn frame(&mut self) -> Option<Result<Frame<Bytes>, UpstreamError>> {
        let frame = poll_fn(|context| self.content.poll_frame(&mut self.link, context)).await;
        frame.map(|frame| frame.map_err(Into::into))
    }

    /// What follows a reply that switches protocols.
    pub fn into_socket(self) -> impl Socket {
        self.link
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
