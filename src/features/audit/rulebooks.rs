//! The configurations that events name by their versions, kept beside the journal before they are in force.
//!
//! `rulebooks/VERSION.json` in the journal's folder. A version is a digest, and [`Rulebook::is_of`] holds the texts against it: what
//! was changed since is told, not shown as what was in force.

use std::fs::DirBuilder;
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{SegmentPath, segments};
use super::disk::{put, sync_directory};
use super::error::{JournalError, ReadError};
use super::read::{DISORDER, segments_since};
use super::segment::SegmentReader;
use crate::domain::event::Entry;
use crate::domain::rulebook::Rulebook;
use crate::foundation::clock::Timestamp;

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
    let path = path_of(journal, version);
    kept(&path, version).map_err(|error| JournalError::disk(&path, error))
}

fn kept(path: &Path, version: &str) -> io::Result<Kept> {
    let file = match std::fs::File::open(path) {
        Ok(file) if is_version(version) => file,
        Ok(_) => return Ok(Kept::Absent),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::Absent),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let found: Option<Rulebook> = serde_json::from_slice(&bytes).ok();
    Ok(found.filter(|rulebook| rulebook.is_of(version)).map_or(Kept::Changed, Kept::Whole))
}

/// The files that are kept and are not what events name by their versions, in order.
pub(super) fn changed(journal: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let folder = journal.join(FOLDER);
    let files = match std::fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ReadError::disk(&folder, error)),
    };
    let mut changed = Vec::new();
    for file in files {
        let name = file.map_err(|error| ReadError::disk(&folder, error))?.file_name();
        // What else lies there is named by no event: a write that was cut short, for one.
        let Some(version) = name.to_str().and_then(|name| name.strip_suffix(ENDING)) else { continue };
        let path = folder.join(&name);
        if kept(&path, version).map_err(|error| ReadError::disk(&path, error))? == Kept::Changed {
            changed.push(Path::new(FOLDER).join(&name));
        }
    }
    changed.sort_unstable();
    Ok(changed)
}

/// The version of the rules in force just before a moment, as events tell it; none where no event before it names one.
pub fn in_force(journal: &Path, before: Timestamp) -> Result<Option<Arc<str>>, ReadError> {
    let all = segments(journal)?;
    let near = all.len().saturating_sub(segments_since(journal, before)?.len());
    let mut found = None;
    for segment in all.iter().skip(near) {
        match latest(segment, before)? {
            Latest::Found(version) => found = Some(version),
            Latest::None => {}
            // Entries are nearly in the order of their times: those of later segments are later.
            Latest::Beyond => break,
        }
    }
    // Long ago, events may have named none for a while.
    for segment in all.iter().take(near).rev() {
        if found.is_some() {
            break;
        }
        if let Latest::Found(version) = latest(segment, before)? {
            found = Some(version);
        }
    }
    Ok(found)
}

/// What a segment tells of the rules in force just before a moment.
enum Latest {
    Found(Arc<str>),
    None,
    /// All of it is later, and not a little.
    Beyond,
}

fn latest(segment: &SegmentPath, before: Timestamp) -> Result<Latest, ReadError> {
    let mut reader = SegmentReader::open(segment)?;
    let (mut found, mut is_beyond) = (Latest::None, true);
    while let Some(raw) = reader.next()? {
        let Ok(Entry::Opening(opening)) = serde_json::from_slice(raw.payload) else { continue };
        is_beyond &= opening.time >= before.plus(DISORDER);
        if let Some(version) = opening.rules_version.filter(|_| opening.time < before) {
            found = Latest::Found(version);
        }
    }
    Ok(if is_beyond { Latest::Beyond } else { found })
}

/// Whether this is how events name a version.
pub(super) fn is_version(text: &str) -> bool {
    text.len() == VERSION_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a version is kept.
pub(super) fn path_of(journal: &Path, version: &str) -> PathBuf {
    folder_of(journal).join(format!("{version}{ENDING}"))
}

/// Where all versions are kept.
pub(super) fn folder_of(journal: &Path) -> PathBuf {
    journal.join(FOLDER)
}

/// Whole, or not at all.
fn write(path: &Path, rulebook: &Rulebook) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    put(path, &serde_json::to_vec_pretty(rulebook)?)?;
    sync_directory(folder.parent().unwrap_or(Path::new(".")))
}

const FOLDER: &str = "rulebooks";
const ENDING: &str = ".json";
/// As events have a version.
const VERSION_DIGITS: usize = 16;
/// More than all files of a configuration may have.
pub(super) const BYTES_MAX: u64 = 1 << 30;
