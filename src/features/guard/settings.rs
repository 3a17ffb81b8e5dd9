//! Bounds of the guard.

/// Bounds of the guard.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// How much of a reply is held back in memory until it is known to be within its limit. Past
    /// that, what has been counted is released as it is counted, and the reply is broken off at the
    /// limit. 64 KiB to 256 MiB, default 16 MiB.
    pub hold_bytes: usize,
    /// How many bytes one compressed byte may become after the first MiB. 10 to 10 000, default 200.
    pub decompression_ratio: u32,
    /// How much of a request's body is read where a route depends on it. 1 KiB to 64 MiB, default 1 MiB.
    pub request_body_bytes: usize,
}
