//! What is known here of archived segments: a file with a line for each step, written at its end and never changed.
//!
//! A line is on the disk before what it tells counts. Half a line at the end is one of which a crash has left the rest unwritten:
//! nobody has acted on it, and the next line takes its place.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::ArchiveError;
use crate::features::audit::directory::{make, segment_name};
use crate::features::audit::disk::sync_directory;
use crate::features::audit::index::Place;
use crate::features::audit::rulebooks::is_version;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// That a segment was put into the archive and read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The place in the chain before its first entry.
    pub before: Place,
    /// Its last entry.
    pub through: Place,
    /// The earliest time of its entries, by their own word.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
    /// Where it is, for people.
    pub place: String,
    /// The packed segment.
    pub packed: Object,
    /// What stands beside it.
    pub manifest: Object,
    /// Its index, if it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub index: Option<Object>,
    /// The rules that its events name, by their versions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub rulebooks: BTreeMap<String, Object>,
    /// Until when it has to be kept.
    pub retain_until: Timestamp,
    /// Whether there was a legal hold on it when it was put there.
    pub is_held: bool,
    /// When it was read back.
    pub archived: Timestamp,
}

/// An object in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its name there.
    pub name: String,
    /// Its version, where the bucket has versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Bytes.
    pub bytes: u64,
    /// The digest of all of them.
    pub sha256: Digest,
}

impl Receipt {
    /// The number of its first entry.
    pub const fn first(&self) -> u64 {
        self.before.sequence.saturating_add(1)
    }

    /// The name of the segment's file.
    pub fn segment(&self) -> String {
        segment_name(self.first())
    }

    /// A name of its own making leads nowhere else.
    fn is_named_as_it_should(&self) -> Option<()> {
        let names = Names::of(&self.segment());
        let is_index = self.index.as_ref().is_none_or(|index| index.name == names.index);
        let are_rules = self
            .rulebooks
            .iter()
            .all(|(version, object)| is_version(version) && object.name == names.rulebook(version));
        let is_segment = self.packed.name == names.packed && self.manifest.name == names.manifest;
        (is_segment && is_index && are_rules).then_some(())
    }

    /// All that is in the archive of it; the manifest last.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let first = std::iter::once(&self.packed).chain(&self.index);
        first.chain(self.rulebooks.values()).chain(std::iter::once(&self.manifest))
    }
}

/// What a segment is called in the archive: a listing by name is in its order.
pub(super) struct Names {
    digits: String,
    pub(super) packed: String,
    pub(super) index: String,
    pub(super) manifest: String,
}

impl Names {
    /// By the name of its file.
    pub(super) fn of(segment: &str) -> Self {
        let digits = segment.split('.').next().unwrap_or_default();
        Self {
            digits: digits.to_owned(),
            packed: format!("{digits}.segment.zst"),
            index: format!("{digits}.index"),
            manifest: format!("{digits}{MANIFEST_SUFFIX}"),
        }
    }

    /// The rules of a version, with each segment that names them: they are kept, held and destroyed as it is.
    pub(super) fn rulebook(&self, version: &str) -> String {
        format!("{}.{version}.rulebook.json", self.digits)
    }
}

/// A step, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Step {
    /// A segment is in the archive.
    Archived(Box<Receipt>),
    /// It is not here any more.
    Removed { first: u64, at: Timestamp },
    /// A legal hold was laid on it, or lifted.
    Held { first: u64, is_held: bool, at: Timestamp },
    /// It is not in the archive any more.
    Retired { first: u64, at: Timestamp },
}

/// How an archived segment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What was put into the archive.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// When it was removed here; absent while it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
    /// When it was removed there; absent while it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<Timestamp>,
}

impl Entry {
    /// Of a segment that was read back just now.
    pub(super) const fn new(receipt: Receipt) -> Self {
        Self { receipt, removed: None, retired: None }
    }
}

/// The archived segments of the journal in `directory`, the oldest first; none where nothing was archived.
pub fn receipts(directory: &Path) -> Result<Vec<Entry>, ArchiveError> {
    Ok(read(directory)?.into_values().collect())
}

/// The same, by their first entries.
pub(super) fn read(directory: &Path) -> Result<BTreeMap<u64, Entry>, ArchiveError> {
    let path = path(directory);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(ArchiveError::disk(&path, error)),
    };
    let mut entries = BTreeMap::new();
    // Behind the last end of a line is what a crash has left.
    let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
    for (line, bytes) in (1..).zip(lines).filter(|(_, bytes)| !bytes.is_empty()) {
        let refused = || ArchiveError::Receipts { path: path.clone(), line };
        let step = serde_json::from_slice(bytes).map_err(|_| refused())?;
        take(&mut entries, step).ok_or_else(refused)?;
    }
    Ok(entries)
}

fn take(entries: &mut BTreeMap<u64, Entry>, step: Step) -> Option<()> {
    match step {
        Step::Archived(receipt) => {
            receipt.is_named_as_it_should()?;
            let removed = entries.get(&receipt.first()).and_then(|entry| entry.removed);
            entries.insert(receipt.first(), Entry { removed, ..Entry::new(*receipt) });
        }
        Step::Removed { first, at } => entries.get_mut(&first)?.removed = Some(at),
        Step::Held { first, is_held, at: _ } => entries.get_mut(&first)?.receipt.is_held = is_held,
        Step::Retired { first, at } => entries.get_mut(&first)?.retired = Some(at),
    }
    Some(())
}

/// Writes a step down; it is on the disk when this returns.
pub(super) fn write(directory: &Path, step: &Step) -> Result<(), ArchiveError> {
    let folder = folder(directory);
    make(&folder)?;
    let path = path(directory);
    append(&path, step).map_err(|error| ArchiveError::disk(&path, error))?;
    sync_directory(&folder).map_err(|error| ArchiveError::disk(&folder, error))
}

fn append(path: &Path, step: &Step) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let text = std::fs::read(path)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(whole as u64)?;
    }
    let mut line = serde_json::to_vec(step)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()
}

/// What belongs to the archive, beside the segments.
pub(super) fn folder(directory: &Path) -> PathBuf {
    directory.join("archive")
}

fn path(directory: &Path) -> PathBuf {
    folder(directory).join("receipts")
}

pub(super) const MANIFEST_SUFFIX: &str = ".manifest.json";
