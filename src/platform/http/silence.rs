//! A body whose sender may not be silent for too long. Only waiting for the sender counts, as in
//! [`super::pace`]; what has come starts the time anew.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::BoxError;

/// A body whose sender may not be silent for too long. While pieces come it costs nothing; its timer is set
/// once for many of them.
#[derive(Debug)]
pub struct Attended<B> {
    body: B,
    patience: Duration,
    /// Since when the next piece is waited for.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// The sender was silent for too long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body has stalled")]
pub struct Stalled;

impl<B> Attended<B> {
    /// `body`, whose sender may be silent for as long as `patience`.
    pub const fn new(body: B, patience: Duration) -> Self {
        Self { body, patience, since: None, alarm: None }
    }

    /// The body itself.
    pub const fn body_mut(&mut self) -> &mut B {
        &mut self.body
    }

    /// Whether it has been silent for too long; else this asks again in time.
    fn has_stalled(&mut self, context: &mut Context<'_>) -> bool {
        let due = *self.since.get_or_insert_with(Instant::now) + self.patience;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if alarm.as_mut().poll(context).is_pending() {
            return false;
        }
        if Instant::now() >= due {
            return true;
        }
        // It was set for a silence that has ended since.
        alarm.as_mut().reset(due);
        alarm.as_mut().poll(context).is_ready()
    }
}

impl<B> Body for Attended<B>
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
                this.since = None;
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending if this.has_stalled(context) => Poll::Ready(Some(Err(Stalled.into()))),
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

    const PATIENCE: Duration = Duration::from_secs(60);

    /// One piece after each of these seconds.
    fn after(seconds: &'static [u64]) -> impl Body<Data = Bytes, Error = BoxError> + Unpin {
        let stream = futures_util::stream::unfold(seconds.iter(), |mut left| async move {
            tokio::time::sleep(Duration::from_secs(*left.next()?)).await;
            Some((Ok(Frame::data(Bytes::from_static(b"x"))), left))
        });
        StreamBody::new(Box::pin(stream))
    }

    /// How many pieces came, and after how many seconds it stalled if it did.
    async fn read(seconds: &'static [u64]) -> (usize, Option<u64>) {
        let (since, mut body, mut pieces) = (Instant::now(), Attended::new(after(seconds), PATIENCE), 0);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(_) => pieces += 1,
                Err(error) => {
                    assert!(error.is::<Stalled>());
                    return (pieces, Some(since.elapsed().as_secs()));
                }
            }
        }
        (pieces, None)
    }

    #[tokio::test(start_paused = true)]
    async fn each_silence_may_last_so_long_and_no_longer() {
        assert_eq!(read(&[59; 20]).await, (20, None));
        assert_eq!(read(&[1, 1, 3600]).await, (2, Some(62)));
        assert_eq!(read(&[50, 3600]).await, (1, Some(110)), "not when the first silence would have been");
        assert_eq!(read(&[3600]).await, (0, Some(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_slowly_makes_nobody_silent() {
        let mut body = Attended::new(after(&[1; 10]), PATIENCE);
        for _ in 0..9 {
            tokio::time::sleep(PATIENCE * 2).await;
            assert!(body.frame().await.is_some_and(|frame| frame.is_ok()));
        }
    }
}
