//! A body of which the beginning was read ahead: it is played from there once more.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// A body, after what was read of it ahead.
#[derive(Debug)]
pub struct Replay<B> {
    pieces: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    /// None once it has ended.
    rest: Option<B>,
}

impl<B> Replay<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// A body of which nothing was read.
    pub const fn of(body: B) -> Self {
        Self { pieces: VecDeque::new(), trailers: None, rest: Some(body) }
    }

    /// Reads to the end: all of it, if that is not longer than `bytes_max`. Of what is longer, what was read comes
    /// first when it is played.
    pub async fn read_ahead(&mut self, bytes_max: usize) -> Result<Option<Bytes>, B::Error> {
        let mut length = self.pieces.iter().map(Bytes::len).sum::<usize>();
        while let Some(rest) = self.rest.as_mut().filter(|_| length <= bytes_max) {
            match rest.frame().await {
                None => self.rest = None,
                Some(frame) => match frame?.into_data() {
                    Ok(piece) => {
                        length += piece.len();
                        self.pieces.push_back(piece);
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
        }
        Ok((self.rest.is_none() && length <= bytes_max).then(|| self.joined()))
    }

    /// Plays this in place of what was read to the end.
    pub fn put(&mut self, whole: Bytes) {
        self.pieces = VecDeque::from([whole]);
    }

    /// What was read, in one piece.
    fn joined(&mut self) -> Bytes {
        if self.pieces.len() > 1 {
            let mut whole = BytesMut::with_capacity(self.pieces.iter().map(Bytes::len).sum());
            self.pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            self.put(whole.freeze());
        }
        self.pieces.front().cloned().unwrap_or_default()
    }
}

impl<B> Body for Replay<B>
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
        if let Some(piece) = this.pieces.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match &mut this.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
            && self.trailers.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let Some(rest) = &self.rest else { return SizeHint::with_exact(read) };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(read.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(read.saturating_add(upper));
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use http::HeaderValue;
    use http::header::ETAG;
    use http_body_util::StreamBody;

    use super::*;

    fn body(pieces: &[&'static str]) -> impl Body<Data = Bytes, Error = io::Error> + Unpin {
        let trailers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("\"1\""))]);
        let data = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        let frames: Vec<io::Result<Frame<Bytes>>> = data.chain([Ok(Frame::trailers(trailers))]).collect();
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[expect(clippy::disallowed_methods, reason = "a body of the test's own has an end")]
    #[tokio::test]
    async fn what_was_read_ahead_comes_again_with_its_trailers() {
        for (max, whole) in [(6, Some("abcdef")), (5, None), (0, None)] {
            let mut replay = Replay::of(body(&["ab", "cd", "ef"]));
            let read = replay.read_ahead(max).await.unwrap();
            assert_eq!(read.as_deref(), whole.map(str::as_bytes), "{max}");
            let played = replay.collect().await.unwrap();
            assert!(played.trailers().is_some_and(|trailers| trailers.contains_key("etag")), "{max}");
            assert_eq!(played.to_bytes(), "abcdef", "{max}");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a body of the test's own has an end")]
    #[tokio::test]
    async fn what_is_put_in_place_is_played_instead() {
        let mut replay = Replay::of(body(&["ab", "cd"]));
        assert!(replay.read_ahead(100).await.unwrap().is_some());
        replay.put(Bytes::from_static(b"xyz"));
        assert_eq!(replay.size_hint().exact(), Some(3));
        assert_eq!(replay.collect().await.unwrap().to_bytes(), "xyz");
    }

    #[tokio::test]
    async fn nothing_is_a_body_too() {
        let mut replay = Replay::of(crate::platform::http::body::Full::default());
        assert_eq!(replay.read_ahead(0).await.unwrap(), Some(Bytes::new()));
        assert!(replay.is_end_stream());
    }
}
