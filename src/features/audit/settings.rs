//! Where and how the journal is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::seal::Period;
use crate::domain::closed_list;
use crate::domain::gap::GapRule;
use crate::foundation::secret::Secret;
use crate::platform::objects::{BucketSettings, LockMode};
use crate::platform::signed_note::{KeyName, SigningKey};
use crate::platform::syslog::SyslogTarget;

/// Where and how the journal is kept.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The folder of the segments; made if it is not there.
    pub directory: PathBuf,
    /// The folder of the keys by which events name patients: that of the seals' keys.
    pub keys: PathBuf,
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
    /// Where full segments are kept beside the folder, if they are.
    pub archive: Option<ArchiveSettings>,
    /// What becomes of entries while the folder's disk takes none.
    pub outage: OutageSettings,
}

/// What becomes of entries while the journal's disk takes none.
#[derive(Clone, Debug)]
pub struct OutageSettings {
    /// A folder on another disk, where they are written meanwhile.
    pub spool: Option<PathBuf>,
    /// How long one write or sync may take before the disk counts as one that takes nothing, where there is somewhere else to
    /// go or something that goes on. 100 ms to 10 minutes, default 10 s.
    pub stall_after: Duration,
    /// How often it is looked whether a disk takes entries again: 10 s.
    pub looks_every: Duration,
    /// What goes on where no disk takes any.
    pub gap: GapRule,
    /// The free part of a disk, in per cent, below which it is told: 0 to 90, default 20.
    pub warn_free_percent: u64,
    /// The time until a disk is full, by the rate of the last hour, below which it is told. 0 s to 30 days, default 24 h.
    pub warn_full_within: Duration,
}

impl Default for OutageSettings {
    fn default() -> Self {
        Self {
            spool: None,
            stall_after: Duration::from_secs(10),
            looks_every: Duration::from_secs(10),
            gap: GapRule::Never,
            warn_free_percent: 20,
            warn_full_within: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl JournalSettings {
    /// A journal in `directory`, which has the keys of patients, too, with defaults for all else.
    pub fn usual(directory: PathBuf, segment_bytes: u64, sync: Sync) -> Self {
        Self {
            keys: directory.clone(),
            directory,
            segment_bytes,
            sync,
            checkpoints: CheckpointSettings::default(),
            heartbeat: Duration::from_secs(300),
            witnesses: Vec::new(),
            outage: OutageSettings::default(),
            archive: None,
        }
    }
}

/// Full segments, kept elsewhere.
#[derive(Clone, Debug)]
pub struct ArchiveSettings {
    /// Where.
    pub place: ArchivePlace,
    /// How old an archived segment is before it is removed from the journal's folder. 2 days to 100 years, default 396 days:
    /// 13 months.
    pub keep_local: Duration,
    /// For how many years after its last month a segment is kept there: those of `journal.sealed`.
    pub retain_years: u16,
}

/// Where an archive is.
#[derive(Clone, Debug)]
pub enum ArchivePlace {
    /// A folder on other media, which has to be there.
    Directory(PathBuf),
    /// A bucket of S3, or of what speaks its language.
    Bucket(BucketSettings),
}

closed_list! {
    /// How a bucket locks what is archived (S3 Object Lock).
    ArchiveLock {
        /// From everybody, the account's owner too.
        Compliance = "compliance",
        /// From all who may not bypass governance.
        Governance = "governance",
        /// Not at all.
        None = "none",
    }
}

impl ArchiveLock {
    /// The same, for the bucket.
    pub const fn mode(self) -> Option<LockMode> {
        match self {
            Self::Compliance => Some(LockMode::Compliance),
            Self::Governance => Some(LockMode::Governance),
            Self::None => None,
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
    /// A bucket, into which each is put as an object of its own.
    Bucket {
        /// Which.
        bucket: Box<BucketSettings>,
        /// For how many years each is kept there, where the bucket locks: those of `journal.sealed`.
        retain_years: u16,
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
