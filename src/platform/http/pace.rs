//! A body whose sender is waited for only so long. Only waiting for the sender counts: whoever reads slowly makes
//! no sender late.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::BoxError;

/// How long the sender of a body may be waited for.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// For ever.
    Any,
    /// For each piece so long.
    Silence(Duration),
    /// In all as long as what has come may take at a rate, and a while more.
    Rate {
        /// So much in each second of waiting, 1 or more.
        bytes_per_second: u64,
        /// After so long without anything.
        grace: Duration,
    },
}

/// A body that has to come at some pace. While pieces come it costs nothing; its timer is set once for many of
/// them.
#[derive(Debug)]
pub struct Paced<B> {
    body: B,
    pace: Pace,
    /// For how long the next piece may be waited for; `None`: for ever.
    left: Option<Duration>,
    /// Since when it is waited for.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The sender was waited for too long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body comes too slowly")]
pub struct TooSlow;

impl<B> Paced<B> {
    /// `body` has to come at this pace.
    pub const fn new(body: B, pace: Pace) -> Self {
        let left = match pace {
            Pace::Any => None,
            Pace::Silence(patience) | Pace::Rate { grace: patience, .. } => Some(patience),
        };
        Self { body, pace, left, since: None, alarm: None }
    }

    /// Whether the sender is waited for only so long.
    pub const fn is_bounded(&self) -> bool {
        self.left.is_some()
    }

    /// The body itself.
    pub const fn body_mut(&mut self) -> &mut B {
        &mut self.body
    }

    fn came(&mut self, bytes: usize) {
        let waited = self.since.take().map(|since| since.elapsed()).unwrap_or_default();
        if let (Pace::Rate { bytes_per_second, .. }, Some(left)) = (self.pace, &mut self.left) {
            let nanos = (bytes as u64).saturating_mul(1_000_000_000) / bytes_per_second.max(1);
            *left = left.saturating_sub(waited) + Duration::from_nanos(nanos);
        }
    }

    /// Whether it has been waited for too long; else this asks again in time.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(left) = self.left else { return false };
        let due = *self.since.get_or_insert_with(Instant::now) + left;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while alarm.as_mut().poll(context).is_ready() {
            // It may have been set for an earlier piece: it is never due after a later one.
            if alarm.deadline() >= due {
                return true;
            }
            alarm.as_mut().reset(due);
        }
        false
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

    const SILENCE: Pace = Pace::Silence(Duration::from_secs(60));
    const RATE: Pace = Pace::Rate { bytes_per_second: 256, grace: Duration::from_secs(20) };

    /// Pieces of so many bytes, one after each of these seconds.
    fn after(
        seconds: impl IntoIterator<Item = u64>,
        bytes: usize,
    ) -> impl Body<Data = Bytes, Error = BoxError> + Unpin {
        let stream = futures_util::stream::unfold(seconds.into_iter(), move |mut left| async move {
            tokio::time::sleep(Duration::from_secs(left.next()?)).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; bytes]))), left))
        });
        StreamBody::new(Box::pin(stream))
    }

    /// How many pieces came, and after how many seconds it was too late if it was.
    async fn read(
        body: impl Body<Data = Bytes, Error = BoxError> + Unpin,
        pace: Pace,
    ) -> (usize, Option<u64>) {
        let (since, mut body, mut pieces) = (Instant::now(), Paced::new(body, pace), 0);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => pieces += 1,
                Err(error) => {
                    assert!(error.is::<TooSlow>());
                    return (pieces, Some(since.elapsed().as_secs()));
                }
            }
        }
        (pieces, None)
    }

    #[tokio::test(start_paused = true)]
    async fn each_silence_may_last_so_long_and_no_longer() {
        assert_eq!(read(after([59, 20], 1), SILENCE).await, (2, None));
        assert_eq!(read(after([1, 1, 3600], 1), SILENCE).await, (2, Some(62)));
        let (pieces, late) = read(after([50, 3600], 1), SILENCE).await;
        assert_eq!((pieces, late), (1, Some(110)), "not when the first silence would have been");
        assert_eq!(read(after([3600], 1), SILENCE).await, (0, Some(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_late_and_one_at_its_rate_is_not() {
        assert_eq!(read(after([1; 60], 256), RATE).await, (60, None));
        // The grace is used up by 156 of 256 bytes that are missing each second.
        assert_eq!(read(after([1; 60], 100), RATE).await, (32, Some(32)));
        assert_eq!(read(after([21], 1), RATE).await, (0, Some(20)), "nothing for longer than the grace");
        assert_eq!(read(after([9], 1), RATE).await, (1, None));
        // What has come early is time for what comes late.
        assert_eq!(read(after([1, 29], 2560), RATE).await, (2, None));
        assert_eq!(read(after([1, 30], 2560), RATE).await, (1, Some(30)));
        assert_eq!(read(after([3600; 3], 1), Pace::Any).await, (3, None));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_slowly_makes_no_sender_late() {
        for pace in [SILENCE, RATE] {
            let mut body = Paced::new(after([1; 10], 1), pace);
            for _ in 0..9 {
                tokio::time::sleep(Duration::from_secs(120)).await;
                assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
            }
        }
    }
}
