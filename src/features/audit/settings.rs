//! Where and how the journal is kept.

use std::path::PathBuf;
use std::time::Duration;

use super::seal::Period;
use crate::domain::closed_list;

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
