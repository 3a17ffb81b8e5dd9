//! The body of a reply in which literals are looked for or a tag is put, or which passes as it is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::insert::Insertion;
use super::literal::Search;

/// What is changed in a body.
#[derive(Debug)]
pub struct Edit {
    search: Option<Search>,
    insertion: Option<Insertion>,
}

impl Edit {
    /// Nothing, where there is neither.
    pub fn new(search: Option<Search>, insertion: Option<Insertion>) -> Option<Self> {
        (search.is_some() || insertion.is_some()).then_some(Self { search, insertion })
    }

    fn push(&mut self, piece: Bytes) -> Bytes {
        let piece = match &mut self.search {
            Some(search) => search.push(piece),
            None => piece,
        };
        match &mut self.insertion {
            Some(insertion) => insertion.push(piece),
            None => piece,
        }
    }

    fn finish(&mut self) -> Bytes {
        let rest = self.search.as_mut().map(Search::finish).unwrap_or_default();
        match &mut self.insertion {
            Some(insertion) => {
                let settled = insertion.push(rest);
                joined(settled, &insertion.finish())
            }
            None => rest,
        }
    }

    fn is_settled(&self) -> bool {
        self.search.as_ref().is_none_or(Search::is_settled)
            && self.insertion.as_ref().is_none_or(Insertion::is_settled)
    }
}

/// The body of a reply that is changed, or which passes as it is.
#[derive(Debug)]
pub struct Rewritten<B> {
    body: B,
    /// Seldom there, so that it has a place of its own: a body changes hands often.
    edit: Option<Box<Edit>>,
    /// What comes after the last piece, put aside until that has gone.
    last: Option<Frame<Bytes>>,
}

impl<B> Rewritten<B> {
    /// `edit` changes it.
    pub fn new(body: B, edit: Option<Edit>) -> Self {
        Self { body, edit: edit.map(Box::new), last: None }
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
        let Some(edit) = &mut this.edit else { return Pin::new(&mut this.body).poll_frame(context) };
        if let Some(last) = this.last.take() {
            return Poll::Ready(Some(Ok(last)));
        }
        loop {
            let settled = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) if this.body.is_end_stream() => {
                        let (settled, rest) = (edit.push(piece), edit.finish());
                        if settled.is_empty() { rest } else { joined(settled, &rest) }
                    }
                    Ok(piece) => edit.push(piece),
                    Err(frame) => {
                        let rest = edit.finish();
                        if rest.is_empty() {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        this.last = Some(frame);
                        rest
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let rest = edit.finish();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
                }
            };
            if !settled.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(settled))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_settled = self.edit.as_deref().is_none_or(Edit::is_settled);
        self.body.is_end_stream() && is_settled && self.last.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // What is put in place of something may be longer or shorter.
        if self.edit.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

fn joined(first: Bytes, rest: &Bytes) -> Bytes {
    if rest.is_empty() {
        return first;
    }
    [&first[..], &rest[..]].concat().into()
}
