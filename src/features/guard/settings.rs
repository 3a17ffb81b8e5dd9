//! Bounds of the guard.

use std::path::PathBuf;

/// Bounds of the guard.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// How much of a reply is held back in memory until it is known to be within its limit. What is
    /// longer waits on the disk ([`SpillSettings`]). 64 KiB to 256 MiB, default 16 MiB.
    pub hold_bytes: usize,
    /// How many bytes one compressed byte may become after the first MiB. 10 to 10 000, default 200.
    pub decompression_ratio: u32,
    /// How much of a request's body is read where a route depends on it. 1 KiB to 64 MiB, default 1 MiB.
    pub request_body_bytes: usize,
}

/// Where a reply waits that is longer than memory may hold, and how much of it.
#[derive(Clone, Debug)]
pub struct SpillSettings {
    /// The folder, made if it is not there. Default: `spill` in the folder of the store.
    pub directory: PathBuf,
    /// How much of one reply. 1 MiB to 1 TiB, default 1 GiB.
    pub reply_bytes_max: u64,
    /// How much of all replies together. 1 MiB to 16 TiB, default 4 GiB.
    pub bytes_max: u64,
}
