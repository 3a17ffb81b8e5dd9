//! Bodies: bounded reading, and the few kinds that the gateway sends.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Any failure of a body.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Whether a body ended because its framing cannot be read (RFC 9112 7.1), rather than by breaking off.
pub fn is_misframed(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |error: &&(dyn Error + 'static)| (**error).source()).any(|error| {
        error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
        })
    })
}

/// Why a body could not be read into memory.
#[derive(Debug, thiserror::Error)]
pub enum ReadBodyError {
    /// It is larger than the bound.
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge {
        /// The bound.
        bytes_max: usize,
    },
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
}

/// Reads a whole body of at most `bytes_max` bytes. Trailers are dropped.
pub async fn read_bounded<B>(mut body: B, bytes_max: usize) -> Result<Bytes, ReadBodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let too_large = || ReadBodyError::TooLarge { bytes_max };
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| ReadBodyError::Broken(error.into()))?.into_data() else {
            continue;
        };
        if first.is_none() && whole.is_empty() {
            // Most bodies come in one piece, which is then not copied.
            first = Some(data);
        } else {
            if let Some(first) = first.take() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&data);
        }
        if first.as_ref().map_or(whole.len(), Bytes::len) > bytes_max {
            return Err(too_large());
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

/// A body that is in memory, as one frame.
#[derive(Debug, Default)]
pub struct Full(Option<Bytes>);

impl Full {
    /// A body of these bytes.
    pub fn new(bytes: Bytes) -> Self {
        Self(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    /// What has not been sent yet.
    pub fn bytes(&self) -> Bytes {
        self.0.clone().unwrap_or_default()
    }
}

impl Body for Full {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_beyond_its_bound_is_refused_and_one_at_the_bound_is_read() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        assert_eq!(read_bounded(body(), 5).await.unwrap(), "12345");
        assert!(matches!(read_bounded(body(), 4).await, Err(ReadBodyError::TooLarge { bytes_max: 4 })));
    }
}
