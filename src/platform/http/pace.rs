//! A body that has to come at some rate. Only waiting for the sender counts: whoever reads slowly makes no
//! sender late.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::BoxError;

/// A body that has to come at some rate.
#[derive(Debug)]
pub struct Paced<B> {
    body: B,
    /// `None`: it may take its time.
    pace: Option<Pace>,
    bytes: u64,
    /// For how long its sender was waited for, in all.
    waited: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

/// How fast a body has to come.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So much in each second of waiting.
    pub bytes_per_second: u64,
    /// After so long without anything.
    pub grace: Duration,
}

/// The sender is too slow.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body comes too slowly")]
pub struct TooSlow;

impl<B> Paced<B> {
    /// `body` has to come at this pace.
    pub const fn new(body: B, pace: Option<Pace>) -> Self {
        Self { body, pace, bytes: 0, waited: Duration::ZERO, waiting: None }
    }

    /// For how long its sender may be waited for, in all, for what has come.
    fn allowance(&self, pace: Pace) -> Duration {
        let millis = self.bytes.saturating_mul(1000) / pace.bytes_per_second.max(1);
        pace.grace + Duration::from_millis(millis)
    }

    fn came(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        if let Some(waiting) = self.waiting.take() {
            self.waited += waiting.since.elapsed();
        }
    }

    /// Whether it has been waited for too long; else this asks again in time.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(pace) = self.pace else { return false };
        let left = self.allowance(pace).saturating_sub(self.waited);
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            Waiting { since, timer: Box::pin(sleep_until(since + left)) }
        });
        waiting.timer.as_mut().poll(context).is_ready()
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                this.came(data.map_or(0, Bytes::len));
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if this.is_late(context) => Poll::Ready(Some(Err(TooSlow.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    const PACE: Pace = Pace { bytes_per_second: 256, grace: Duration::from_secs(20) };

    /// So many pieces of so many bytes, one every so many seconds.
    fn dripping(
        pieces: usize,
        bytes: usize,
        seconds: u64,
    ) -> impl Body<Data = Bytes, Error = BoxError> + Unpin {
        let stream = futures_util::stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            (sent < pieces).then(|| (Ok(Frame::data(Bytes::from(vec![0; bytes]))), sent + 1))
        });
        StreamBody::new(Box::pin(stream))
    }

    async fn passes(body: impl Body<Data = Bytes, Error = BoxError> + Unpin, pace: Option<Pace>) -> bool {
        let mut body = Paced::new(body, pace);
        while let Some(frame) = body.frame().await {
            if let Err(error) = frame {
                assert!(error.is::<TooSlow>());
                return false;
            }
        }
        true
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_late_and_one_at_its_rate_is_not() {
        assert!(passes(dripping(60, 256, 1), Some(PACE)).await);
        assert!(!passes(dripping(60, 100, 1), Some(PACE)).await);
        assert!(!passes(dripping(1, 1, 21), Some(PACE)).await, "nothing for longer than the grace");
        assert!(passes(dripping(1, 1, 9), Some(PACE)).await);
        assert!(passes(dripping(3, 1, 3600), None).await);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_slowly_makes_no_sender_late() {
        let mut body = Paced::new(dripping(10, 1, 1), Some(PACE));
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        }
    }
}
