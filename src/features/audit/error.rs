//! What can be wrong with the journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::format::Head;

/// Why an entry could not be journaled, or the journal not be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused something while the journal was opened.
    #[error("the journal cannot use `{}`: {error}", .path.display())]
    Disk {
        /// What was to be used.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// Another process writes this journal.
    #[error("the journal `{}` is in use by another process", .directory.display())]
    InUse {
        /// The journal.
        directory: PathBuf,
    },
    /// The journal was changed since it was written.
    #[error(
        "the journal was changed or damaged since it was written: {0}; look at it with `leastway audit verify`, \
         then move the journal away to start a new one"
    )]
    Damaged(Misfit),
    /// The patients' key cannot be used.
    #[error("the key `{}` cannot be used: {why}", .path.display())]
    Key {
        /// The file of the key.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The journal is not the one of which it has signed checkpoints.
    #[error(
        "the journal was changed since it was signed: {why}; look at it with `leastway audit verify`, then move the \
         journal away to start a new one"
    )]
    Contradicted {
        /// What does not fit.
        why: String,
    },
    /// A witness cannot be told anything by its settings.
    #[error("the witness `{name}` cannot be told: {why}")]
    Witness {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// The archive cannot be used by its settings.
    #[error("the archive of the journal cannot be used: {why}")]
    Archive {
        /// Why.
        why: String,
    },
    /// A write or a sync failed earlier: nothing more can be journaled until a restart.
    #[error("the journal cannot be written since: {why}")]
    Failed {
        /// The first failure.
        why: Arc<str>,
    },
    /// More is waiting for the disk than may wait.
    #[error("too many entries wait for the disk")]
    Overloaded,
    /// One entry is too large.
    #[error("an entry has at most {allowed} bytes, not {bytes}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        allowed: usize,
    },
    /// What an event tells only under seal could not be sealed.
    #[error("what is confidential cannot be sealed")]
    Unsealable,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    pub(super) fn disk(path: &Path, error: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), error: Arc::new(error) }
    }
}

impl From<ReadError> for JournalError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Disk { path, error } => Self::disk(&path, error),
            ReadError::Absent { directory } => {
                Self::disk(&directory, io::Error::new(io::ErrorKind::NotFound, "there is no journal"))
            }
            ReadError::Misfit(misfit) => Self::Damaged(misfit),
        }
    }
}

/// Why a journal cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not let us.
    #[error("the journal cannot be read at `{}`: {error}", .path.display())]
    Disk {
        /// What was to be read.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There are no segments.
    #[error("there is no journal in `{}`", .directory.display())]
    Absent {
        /// Where it should be.
        directory: PathBuf,
    },
    /// Something in it does not fit.
    #[error("{0}")]
    Misfit(#[from] Misfit),
}

impl ReadError {
    pub(super) fn disk(path: &Path, error: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), error }
    }
}

/// The first thing in a journal that does not fit, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("segment {segment}, byte {offset}, entry {sequence}: {problem}")]
pub struct Misfit {
    /// The file's name.
    pub segment: Arc<str>,
    /// The byte at which the entry, or the header, begins.
    pub offset: u64,
    /// The sequence of the entry that belongs there.
    pub sequence: u64,
    /// What is wrong.
    #[serde(serialize_with = "as_text")]
    pub problem: Problem,
}

/// What is wrong with an entry or a segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header of the segment.
    #[error("the segment's header is changed or is not a journal's")]
    Header,
    /// The header says another version.
    #[error("the segment has format version {0}, which this program does not read")]
    Version(u32),
    /// The segment's name and its header disagree.
    #[error("the segment's name does not fit its header, which begins with entry {found}")]
    Name {
        /// The first sequence by the header.
        found: u64,
    },
    /// The file is shorter or longer than when it was made.
    #[error("the segment has {found} bytes, its header says {expected}")]
    Size {
        /// Bytes by the header.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// Segments between two others, or before the first, are gone.
    #[error("a segment is missing: the next one begins with entry {found}")]
    Missing {
        /// The first sequence that is there.
        found: u64,
    },
    /// Segments overlap.
    #[error("the entry is there twice: the next segment begins with entry {found}")]
    Overlap {
        /// The first sequence of the next segment.
        found: u64,
    },
    /// The length is impossible.
    #[error("the length {0} is impossible")]
    Length(u32),
    /// The checksum does not fit.
    #[error("the checksum does not fit")]
    Checksum,
    /// The entry is whole, but another one.
    #[error("entry {found} stands here")]
    Sequence {
        /// The sequence that is there.
        found: u64,
    },
    /// The entry is whole, but what it says about the one before is not so.
    #[error("the hash of the entry before does not fit")]
    Hash,
    /// The payload is not an entry.
    #[error("the entry cannot be read: {0}")]
    Unreadable(String),
    /// Something stands where nothing was written.
    #[error("there are bytes behind the last entry")]
    Residue,
    /// Like a checksum that does not fit, but it may be a write that was cut short.
    #[error(
        "the journal ends with {bytes} bytes of an incomplete write: either the gateway was killed while it wrote \
         (nobody was answered for these; the next start puts them aside), or the last entries were changed"
    )]
    Torn {
        /// How many bytes from here to the last that is not zero.
        bytes: u64,
    },
    /// An expected head is not in the journal.
    #[error("the journal ends here, before the noted head {noted}: entries were cut off")]
    Cut {
        /// What was noted.
        noted: Head,
    },
    /// An expected head is another one.
    #[error("the hash is not the one that was noted: {noted}")]
    Noted {
        /// What was noted.
        noted: Head,
    },
}

impl Problem {
    /// Whether this is what a reader may see while the gateway is writing at the same place.
    pub(super) const fn may_be_under_way(&self) -> bool {
        match self {
            Self::Torn { .. } | Self::Residue | Self::Checksum | Self::Length(_) => true,
            Self::Header
            | Self::Version(_)
            | Self::Name { .. }
            | Self::Size { .. }
            | Self::Missing { .. }
            | Self::Overlap { .. }
            | Self::Sequence { .. }
            | Self::Hash
            | Self::Unreadable(_)
            | Self::Cut { .. }
            | Self::Noted { .. } => false,
        }
    }
}

fn as_text<S: Serializer>(problem: &Problem, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(problem)
}
