//! The body of a reply in which literals are looked for, or which passes as it is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::literal::Search;

/// The body of a reply in which literals are looked for, or which passes as it is.
#[derive(Debug)]
pub struct Rewritten<B> {
    body: B,
    search: Option<Search>,
    /// What comes after the last piece, put aside until that has gone.
    last: Option<Frame<Bytes>>,
}

impl<B> Rewritten<B> {
    /// `search` looks through it.
    pub const fn new(body: B, search: Option<Search>) -> Self {
        Self { body, search, last: None }
    }
}

impl<B> Body for Rewritten<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let Some(search) = &mut this.search else { return Pin::new(&mut this.body).poll_frame(context) };
        if let Some(last) = this.last.take() {
            return Poll::Ready(Some(Ok(last)));
        }
        loop {
            let settled = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if this.body.is_end_stream() => {
                        let (settled, rest) = (search.push(piece), search.finish());
                        if settled.is_empty() { rest } else { joined(settled, &rest) }
                    }
                    Ok(piece) => search.push(piece),
                    Err(frame) => {
                        let rest = search.finish();
                        if rest.is_empty() {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        this.last = Some(frame);
                        rest
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let rest = search.finish();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
                }
            };
            if !settled.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(settled))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_settled = self.search.as_ref().is_none_or(Search::is_settled);
        self.body.is_end_stream() && is_settled && self.last.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // What is put in place of something may be longer or shorter.
        if self.search.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

fn joined(first: Bytes, rest: &Bytes) -> Bytes {
    if rest.is_empty() {
        return first;
    }
    [&first[..], &rest[..]].concat().into()
}
