//! The journal's folder: segments, the lock of the process that writes, the indexes' key.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::disk::{put, sync_directory};
use super::error::{JournalError, ReadError};
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::{Entropy, random};

/// One segment of a journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SegmentPath {
    /// The sequence of its first entry.
    pub(super) first: u64,
    /// The file.
    pub(super) path: PathBuf,
    /// The file's name.
    pub(super) name: Arc<str>,
}

/// The file name of the segment that begins with entry `first`.
pub(super) fn segment_name(first: u64) -> String {
    format!("{first:020}{SEGMENT_SUFFIX}")
}

/// The segments in order. Files with other names are not looked at.
pub(super) fn segments(directory: &Path) -> Result<Vec<SegmentPath>, ReadError> {
    let mut segments = Vec::new();
    let files = std::fs::read_dir(directory).map_err(|error| ReadError::disk(directory, error))?;
    for file in files {
        let file = file.map_err(|error| ReadError::disk(directory, error))?;
        let name = file.file_name();
        let Some(name) = name.to_str() else { continue };
        let Some(first) = first_of(name) else { continue };
        segments.push(SegmentPath { first, path: file.path(), name: name.into() });
    }
    segments.sort();
    Ok(segments)
}

fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SEGMENT_SUFFIX)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// The segment that is made ahead of its use.
pub(super) fn prepared(directory: &Path) -> PathBuf {
    directory.join("next.prepared")
}

/// Where the bytes of an incomplete write are put aside.
pub(super) fn torn(segment: &SegmentPath, offset: u64) -> PathBuf {
    segment.path.with_extension(format!("torn-at-{offset}"))
}

/// Where a segment is kept that another took the name of.
pub(super) fn aside(segment: &Path) -> PathBuf {
    segment.with_extension("given-up")
}

/// A name beside that of a file: with `.ending` behind it.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes the bytes of an incomplete write beside the segment.
pub(super) fn keep_torn(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the folder if it is not there, for its owner alone.
pub(super) fn make(directory: &Path) -> Result<(), JournalError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|error| JournalError::disk(directory, error))
}

/// The lock of the one process that writes; it ends with the process or when this is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock, or says that another process has it.
    pub(super) fn take(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join(LOCK_NAME);
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = match opened {
            // Nothing can be written there, and the lock keeps others away all the same.
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => File::open(&path),
            opened => opened,
        }
        .map_err(|error| JournalError::disk(&path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { directory: directory.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(JournalError::disk(&path, error)),
        }
        // Only a hint for readers, for which a full disk need not have room.
        if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())) {
            tracing::warn!(%error, "the journal's lock does not say who has it");
        }
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Empty: nobody is writing. Only a hint for readers; the lock itself is the kernel's, and is given
        // back by word, since a child being started at this moment may hold the same file for an instant.
        if let Err(error) = self.0.set_len(0).and_then(|()| self.0.unlock()) {
            tracing::debug!(%error, "the journal's lock could not be given back in order");
        }
    }
}

/// Whether a process may be writing this journal: a hint for readers, without taking the lock. True
/// also after a crash, until the next clean stop.
pub(super) fn may_be_in_use(directory: &Path) -> bool {
    std::fs::metadata(directory.join(LOCK_NAME)).is_ok_and(|file| file.len() > 0)
}

/// The key that vouches for the indexes of this journal's segments. It finds nobody.
pub(super) fn load_index_key(directory: &Path) -> Result<DigestKey, JournalError> {
    let path = directory.join(INDEX_KEY_NAME);
    let refused = |why: String| JournalError::Key { path: path.clone(), why };
    let bytes = std::fs::read(&path).map(Zeroizing::new).map_err(|error| refused(error.to_string()))?;
    let bytes = bytes.as_slice().try_into().map_err(|_| refused("it has not 32 bytes".to_owned()))?;
    Ok(DigestKey::from_bytes(bytes))
}

/// The same; made if it is not there: the indexes are then made anew.
pub(super) fn index_key(directory: &Path, entropy: &dyn Entropy) -> Result<DigestKey, JournalError> {
    let path = directory.join(INDEX_KEY_NAME);
    if !path.exists() {
        let bytes = Zeroizing::new(random::<32>(entropy));
        put(&path, bytes.as_ref()).map_err(|error| JournalError::disk(&path, error))?;
    }
    load_index_key(directory)
}

const SEGMENT_SUFFIX: &str = ".segment";
const LOCK_NAME: &str = "journal.lock";
const INDEX_KEY_NAME: &str = "index.key";
