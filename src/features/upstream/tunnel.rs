//! A connection that has switched protocols (WebSocket, RFC 6455): bytes pass both ways until one
//! side ends, or the access that opened it does.

use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::domain::reason::Reason;

/// How a tunnel ended, and what passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Bytes from the caller.
    pub bytes_in: u64,
    /// Bytes to the caller.
    pub bytes_out: u64,
    /// Why it was cut, if the access that opened it had ended.
    pub cut: Option<Reason>,
}

/// Passes bytes both ways. `ended` is asked each second: when it says why, both sides are closed.
pub async fn run(
    caller: Upgraded,
    application: Upgraded,
    mut ended: impl FnMut() -> Option<Reason>,
) -> Passed {
    let (mut passed_in, mut passed_out) = (0, 0);
    let (from_caller, to_caller) = tokio::io::split(TokioIo::new(caller));
    let (from_application, to_application) = tokio::io::split(TokioIo::new(application));
    let both = async {
        tokio::join!(
            copy(from_caller, to_application, &mut passed_in),
            copy(from_application, to_caller, &mut passed_out)
        )
    };
    let lease = async {
        let mut tick = tokio::time::interval(CHECKED_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if let Some(reason) = ended() {
                return reason;
            }
            tick.tick().await;
        }
    };
    let cut = tokio::select! {
        _ = both => None,
        reason = lease => Some(reason),
    };
    Passed { bytes_in: passed_in, bytes_out: passed_out, cut }
}

/// Copies until the end; a side that breaks is a side that has ended.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, passed: &mut u64) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let Some(bytes) = buffer.get(..length) else { break };
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            break;
        }
        *passed += length as u64;
    }
    if let Err(error) = to.shutdown().await {
        tracing::debug!(error = %error, "one side of a tunnel was gone before it could be closed");
    }
}

const CHECKED_EVERY: Duration = Duration::from_secs(1);
const BUFFER_BYTES: usize = 8 * 1024;
