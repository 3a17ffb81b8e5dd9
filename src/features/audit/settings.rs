//! Where and how the journal is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::tree::signed_note::{KeyName, SigningKey};
use crate::foundation::secret::Secret;

/// Where and how the journal is kept.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The folder of the segments; made if it is not there.
    pub directory: PathBuf,
    /// The size of a segment, written with zeros ahead of use. 1 MiB to 1 GiB, default 64 MiB.
    pub segment_bytes: u64,
    /// When entries reach the disk.
    pub sync: Sync,
    /// How it is made provable to others.
    pub checkpoints: CheckpointSettings,
    /// After so long without an entry one is written that proves the silence. 1 s to 1 day, default 5 minutes.
    pub heartbeat: Duration,
    /// Who is told the newest checkpoint.
    pub witnesses: Vec<WitnessSettings>,
}

impl JournalSettings {
    /// A journal in `directory`, with defaults for all else.
    pub fn usual(directory: PathBuf, segment_bytes: u64, sync: Sync) -> Self {
        Self {
            directory,
            segment_bytes,
            sync,
            checkpoints: CheckpointSettings::default(),
            heartbeat: Duration::from_secs(300),
            witnesses: Vec::new(),
        }
    }
}

/// Checkpoints: when and in whose name they are signed.
#[derive(Clone, Debug)]
pub struct CheckpointSettings {
    /// The name of this journal for those who check it; the key's if it is absent.
    pub origin: Option<KeyName>,
    /// How often one is signed while entries come. 100 ms to 1 hour, default 1 s.
    pub every: Duration,
    /// The key that signs them; one of the journal's own if it is absent.
    pub key: Option<Arc<SigningKey>>,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { origin: None, every: Duration::from_secs(1), key: None }
    }
}

/// Somebody who notes checkpoints, out of reach of whoever can change the journal.
#[derive(Clone, Debug)]
pub struct WitnessSettings {
    /// What it is called in metrics and messages.
    pub name: String,
    /// How often it is told the newest. 1 s to 1 day, default 60 s.
    pub every: Duration,
    /// Where it is.
    pub place: WitnessPlace,
}

/// Where a witness is.
#[derive(Clone, Debug)]
pub enum WitnessPlace {
    /// A file on other media, at the end of which each is written.
    File(PathBuf),
    /// An address to which each is posted.
    Url {
        /// `https`, or plain on this machine.
        url: String,
        /// The bearer token that is brought.
        token: Option<Secret>,
        /// Certificates in PEM of the authorities that vouch for it; the system's if absent.
        authorities: Option<Arc<[u8]>>,
    },
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
