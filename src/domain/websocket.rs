//! Bounds of a WebSocket (RFC 6455): how long it lasts, how large its frames are.

use std::time::Duration;

/// What a route says about each WebSocket that is opened through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketBounds {
    /// How long neither side may be without a frame that carries data; pings and pongs alone do not
    /// count. 1 s to 24 h, default 15 min.
    pub idle: Duration,
    /// How long it may last in all; it never outlives its session. 1 s to 7 days, default 12 h.
    pub lifetime: Duration,
    /// How many bytes one frame may carry. 1 KiB to 1 GiB, default 16 MiB.
    pub frame_bytes: u64,
    /// Whether data from the caller is a sign of a person, and keeps the session alive as a request
    /// does. Default no: pages talk by themselves.
    pub keeps_session: bool,
}

impl Default for WebSocketBounds {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15 * 60),
            lifetime: Duration::from_secs(12 * 60 * 60),
            frame_bytes: 16 * 1024 * 1024,
            keeps_session: false,
        }
    }
}
