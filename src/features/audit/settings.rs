//! Where and how the journal is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::seal::Period;
use crate::domain::closed_list;
use crate::foundation::secret::Secret;
use crate::platform::signed_note::{KeyName, SigningKey};
use crate::platform::syslog::SyslogTarget;

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
    /// A receiver of syslog, to which each is sent as a message.
    Syslog(SyslogTarget),
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

/// What events keep under seal, and where the keys to it are.
#[derive(Clone, Debug)]
pub struct SealSettings {
    /// The folder of the keys; made if it is not there.
    pub directory: PathBuf,
    /// Which fields are sealed.
    pub fields: Fields,
    /// For how many years after its month what was sealed has to be kept: 6 (45 CFR 164.316(b)(2)(i)) to 100, default 10.
    pub retain_years: u16,
    /// The months whose keys are kept for as long as they stand here.
    pub legal_hold: Vec<Period>,
}

/// How events keep what is confidential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Which patient, beside the keyed digest by which they are found.
    pub patient: KeepPatient,
    /// The query, beside the names of its parameters.
    pub query: KeepQuery,
    /// What a person has said in their own words.
    pub justification: KeepJustification,
}

closed_list! {
    /// What an event tells of the patient.
    KeepPatient {
        /// The keyed digest alone: whoever knows the number finds the events, and no event gives the number.
        Hash = "hash",
        /// That, and the number under seal.
        Sealed = "sealed",
    }
}

closed_list! {
    /// What an event tells of the query.
    KeepQuery {
        /// The names of its parameters alone.
        Names = "names",
        /// That, and the query under seal.
        Sealed = "sealed",
    }
}

closed_list! {
    /// How an event keeps what a person has said in their own words.
    KeepJustification {
        /// As it was said, for every reader.
        Clear = "clear",
        /// Under seal.
        Sealed = "sealed",
    }
}
