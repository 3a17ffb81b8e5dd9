//! Where and how the journal is kept.

use std::path::PathBuf;
use std::time::Duration;

/// Where and how the journal is kept.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The folder of the segments; made if it is not there.
    pub directory: PathBuf,
    /// The size of a segment, written with zeros ahead of use. 1 MiB to 1 GiB, default 64 MiB.
    pub segment_bytes: u64,
    /// When entries reach the disk.
    pub sync: Sync,
}

/// When entries reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Before the reply is released (default).
    BeforeRelease,
    /// Within this time: a crash may lose the events of the last moments. 1 to 1000 ms.
    Within(Duration),
}

impl Sync {
    /// Whether a reply waits for the disk.
    pub(super) const fn is_awaited(self) -> bool {
        match self {
            Self::BeforeRelease => true,
            Self::Within(_) => false,
        }
    }
}
