//! The configurations that events name by their versions, kept beside the journal before they are in force.
//!
//! `rulebooks/VERSION.json` in the journal's folder. A version is a digest, and [`Rulebook::is_of`] holds the texts against it: what
//! was changed since is told, not shown as what was in force.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::disk::sync_directory;
use super::error::JournalError;
use crate::domain::rulebook::Rulebook;

/// What is kept under a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The texts, as they were.
    Whole(Rulebook),
    /// Something that does not fit the version: it was changed or damaged.
    Changed,
    /// Nothing: the events are older than the keeping, or it was moved away.
    Absent,
}

/// Keeps a configuration under its version; it is on the disk when this returns.
pub fn keep(journal: &Path, rulebook: &Rulebook) -> Result<(), JournalError> {
    let version = rulebook.version().short();
    let path = path_of(journal, &version);
    if read(journal, &version).is_ok_and(|kept| matches!(kept, Kept::Whole(_))) {
        return Ok(());
    }
    write(&path, rulebook).map_err(|error| JournalError::disk(&path, error))
}

/// What is kept under a version.
pub fn read(journal: &Path, version: &str) -> Result<Kept, JournalError> {
    let is_version = version.len() == VERSION_DIGITS && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    let path = path_of(journal, version);
    let file = match std::fs::File::open(&path) {
        Ok(file) if is_version => file,
        Ok(_) => return Ok(Kept::Absent),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::Absent),
        Err(error) => return Err(JournalError::disk(&path, error)),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes).map_err(|error| JournalError::disk(&path, error))?;
    let found: Option<Rulebook> = serde_json::from_slice(&bytes).ok();
    Ok(found.filter(|rulebook| rulebook.is_of(version)).map_or(Kept::Changed, Kept::Whole))
}

fn path_of(journal: &Path, version: &str) -> PathBuf {
    journal.join(FOLDER).join(format!("{version}.json"))
}

/// Whole, or not at all.
fn write(path: &Path, rulebook: &Rulebook) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = path.with_extension("unfinished");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(rulebook)?)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    sync_directory(folder)?;
    sync_directory(folder.parent().unwrap_or(Path::new(".")))
}

const FOLDER: &str = "rulebooks";
/// As events have a version.
const VERSION_DIGITS: usize = 16;
/// More than all files of a configuration may have.
const BYTES_MAX: u64 = 1 << 30;
