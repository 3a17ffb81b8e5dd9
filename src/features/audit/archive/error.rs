//! What can be wrong with an archive.

use std::io;
use std::path::{Path, PathBuf};

use super::manifest::ManifestError;
use crate::features::audit::error::{JournalError, ReadError};
use crate::foundation::clock::Timestamp;
use crate::platform::objects::ObjectsError;

/// Why a segment cannot be archived, read back or removed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The disk refuses something.
    #[error("`{}` cannot be used: {error}", .path.display())]
    Disk {
        /// What was to be used.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The bucket refuses something.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The segment here does not fit.
    #[error("the segment cannot be read: {0}")]
    Segment(#[from] ReadError),
    /// The journal's keys or checkpoints cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The segment here is not what was signed.
    #[error("segment {segment} is not what was signed of it: {why}")]
    Contradicted {
        /// Which.
        segment: String,
        /// What does not fit.
        why: &'static str,
    },
    /// What is in the archive is not what was put there.
    #[error("the copy of {segment} in the archive does not fit: {why}")]
    Copy {
        /// Of which segment.
        segment: String,
        /// What does not fit.
        why: ManifestError,
    },
    /// Something else has its place.
    #[error("`{place}` is a segment of another journal: each journal needs a folder or a prefix of its own")]
    Foreign {
        /// The place.
        place: String,
    },
    /// What was noted of archived segments cannot be read.
    #[error("`{}`, line {line}, is no receipt: bring it back from the backup", .path.display())]
    Receipts {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// Its receipt says that its retention is over, and its entries say that it is not.
    #[error(
        "{segment} is to be destroyed by its receipt, and is to be kept until {until} by its own entries: it stays, and somebody should \
         see who has changed the receipt, or the setting `retain_years`"
    )]
    Kept {
        /// Which.
        segment: String,
        /// Until when.
        until: Timestamp,
    },
    /// Nobody is named whose signature is believed.
    #[error(
        "nothing here says which key signs the journal: name it with --key, or take the archive's word with --trust-archive"
    )]
    Untrusted,
    /// Nothing of that is in the archive.
    #[error("nothing of what is asked for is in the archive")]
    Nothing,
    /// A mistake of ours.
    #[error("it ended by a mistake of ours: {0}")]
    Ours(String),
}

impl ArchiveError {
    pub(super) fn disk(path: &Path, error: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), error }
    }
}

impl From<tokio::task::JoinError> for ArchiveError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Ours(error.to_string())
    }
}
