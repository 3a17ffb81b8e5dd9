//! Takes the tree up again when a journal is opened: from its last checkpoint and its tiles, and the entries after
//! that; or from all entries, where tiles are missing. What it finds is compared with what was signed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::checkpoint::{Signed, split};
use super::edge::Edge;
use super::hash::leaf;
use super::keys::known;
use super::notary::NEWEST;
use super::tile::{Writing, read_edge};
use crate::features::audit::directory::{beside, keep_torn, segments};
use crate::features::audit::error::{JournalError, ReadError};
use crate::features::audit::segment::SegmentReader;
use crate::foundation::digest::Digest;
use crate::platform::signed_note::VerifierKey;

/// All checkpoints, one behind the other.
pub(in crate::features::audit) const CHECKPOINTS: &str = "checkpoints";

/// Where a journal's tree goes on.
#[derive(Debug)]
pub(in crate::features::audit) struct Resumed {
    /// The tree over all entries up to the one that was asked for.
    pub(in crate::features::audit) edge: Edge,
    /// The size of the last checkpoint; 0 where there is none.
    pub(super) signed: u64,
}

/// Takes up the tree over the entries up to `last`, which must be on the disk. Full tiles that are missing are written.
pub(in crate::features::audit) fn resume(directory: &Path, last: u64) -> Result<Resumed, JournalError> {
    let disk = |error| JournalError::disk(directory, error);
    let signed = mended(directory)?;
    let known = known(directory)?;
    hold_against_newest(directory, signed.as_ref(), &known)?;
    let Some(signed) = signed else {
        if last > 0 && !known.is_empty() {
            tracing::error!(
                journal.entries = last,
                "no checkpoint of the journal is there although it has keys: its tree is begun anew, and only a witness can tell \
                 whether the entries are those that were signed before"
            );
        }
        return Ok(Resumed { edge: grown(directory, Edge::default(), last)?, signed: 0 });
    };
    let checkpoint = &signed.checkpoint;
    if !signed.is_signed_by(&known) {
        return Err(contradicted(format!(
            "the checkpoint of {} entries is not signed by its keys",
            checkpoint.size
        )));
    }
    if checkpoint.size > last {
        return Err(contradicted(format!(
            "it has {last} entries, and has signed a checkpoint of {}: entries were cut off",
            checkpoint.size
        )));
    }
    let read = read_edge(directory, checkpoint.size).map_err(disk)?;
    let edge = if let Some(edge) = read.filter(|edge| edge.root() == checkpoint.root) {
        edge
    } else {
        tracing::warn!(
            "tiles of the journal's tree are missing or changed: it is made anew from the entries"
        );
        grown(directory, Edge::default(), checkpoint.size)?
    };
    if edge.root() != checkpoint.root {
        return Err(contradicted(format!(
            "its first {} entries are not those that were signed",
            checkpoint.size
        )));
    }
    Ok(Resumed { edge: grown(directory, edge, last)?, signed: checkpoint.size })
}

/// The newest checkpoint stands in a file of its own, too: one that is newer than the last of all is one that was taken away.
fn hold_against_newest(
    directory: &Path,
    last: Option<&Signed>,
    known: &[VerifierKey],
) -> Result<(), JournalError> {
    let path = directory.join(NEWEST);
    let newest = match std::fs::read_to_string(&path) {
        Ok(text) => text.parse::<Signed>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(JournalError::disk(&path, error)),
    };
    let Ok(newest) = newest else { return Ok(()) };
    let signed = last.map_or(0, |last| last.checkpoint.size);
    if newest.checkpoint.size > signed && newest.is_signed_by(known) {
        let size = newest.checkpoint.size;
        return Err(contradicted(format!(
            "the checkpoint of {size} entries is not among its checkpoints: they were cut back to {signed}"
        )));
    }
    Ok(())
}

/// The edge with the entries up to `last`.
fn grown(directory: &Path, mut edge: Edge, last: u64) -> Result<Edge, JournalError> {
    let mut writing = Writing::new(directory);
    let mut failed = Ok(());
    leaves(directory, edge.size(), last, |leaf| {
        edge.append(leaf, |tile, hashes| {
            if failed.is_ok() {
                failed = writing.add(tile, hashes);
            }
        });
        if writing.len() >= TILES_AT_ONCE && failed.is_ok() {
            failed = std::mem::replace(&mut writing, Writing::new(directory)).finish();
        }
    })?;
    let disk = |error| JournalError::disk(directory, error);
    failed.map_err(disk)?;
    edge.partial().try_for_each(|(tile, hashes)| writing.add(tile, hashes)).map_err(disk)?;
    writing.finish().map_err(disk)?;
    if edge.size() == last {
        return Ok(edge);
    }
    Err(contradicted(format!("entry {} cannot be found for its tree", edge.size().saturating_add(1))))
}

/// Shows the leaves of the entries after `after`, up to `last`, in order.
fn leaves(directory: &Path, after: u64, last: u64, mut see: impl FnMut(Digest)) -> Result<(), JournalError> {
    if after >= last {
        return Ok(());
    }
    let segments = segments(directory)?;
    let begin =
        segments.partition_point(|segment| segment.first <= after.saturating_add(1)).saturating_sub(1);
    let mut at = after;
    for segment in segments.iter().skip(begin) {
        let mut reader = SegmentReader::open(segment)?;
        if reader.header.before.sequence > at {
            return Err(contradicted(format!(
                "the segments with entries {} to {} are not here, nor are tiles of them",
                at.saturating_add(1),
                reader.header.before.sequence
            )));
        }
        while at < last {
            let raw = match reader.next() {
                Ok(Some(raw)) => raw,
                Ok(None) => break,
                Err(ReadError::Misfit(misfit)) => return Err(JournalError::Damaged(misfit)),
                Err(error) => return Err(error.into()),
            };
            if raw.head.sequence > at {
                at = raw.head.sequence;
                see(leaf(raw.payload));
            }
        }
    }
    Ok(())
}

/// The last checkpoint that was written whole.
pub(in crate::features::audit) fn last_checkpoint(directory: &Path) -> Result<Option<Signed>, JournalError> {
    let path = directory.join(CHECKPOINTS);
    let last = Last::read(&path).map_err(|error| JournalError::disk(&path, error))?;
    Ok(last.and_then(|last| last.signed))
}

/// The same; puts aside what a crash has left of one behind it.
fn mended(directory: &Path) -> Result<Option<Signed>, JournalError> {
    let path = directory.join(CHECKPOINTS);
    let mend = || {
        let Some(last) = Last::read(&path)? else { return Ok(None) };
        if !last.behind.is_empty() {
            tracing::warn!(journal.bytes = last.behind.len(), "an incomplete checkpoint was put aside");
            keep_torn(&beside(&path, &format!("torn-at-{}", last.end)), &last.behind)?;
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(last.end)?;
            file.sync_all()?;
        }
        Ok(last.signed)
    };
    mend().map_err(|error| JournalError::disk(&path, error))
}

/// The end of the file of checkpoints.
struct Last {
    signed: Option<Signed>,
    /// The byte after it.
    end: u64,
    /// What stands behind it.
    behind: Vec<u8>,
}

impl Last {
    fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let begin = file.metadata()?.len().saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        // Where not all was read, the first line is half a one.
        let first = bytes.iter().position(|byte| *byte == b'\n').filter(|_| begin > 0).unwrap_or(0);
        let bytes = bytes.split_off(first);
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => bytes
                .get(..error.valid_up_to())
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
        };
        let last = split(whole).filter_map(|note| Some((note, note.parse().ok()?))).last();
        let end = last.as_ref().and_then(|(note, _)| Some(whole.rfind(note)? + note.len())).unwrap_or(0);
        let signed = last.map(|(_, signed)| signed);
        let behind = bytes.get(end..).unwrap_or_default().to_vec();
        Ok(Some(Self { signed, end: begin.saturating_add((first + end) as u64), behind }))
    }
}

fn contradicted(why: String) -> JournalError {
    JournalError::Contradicted { why }
}

const TILES_AT_ONCE: usize = 256;
const TAIL_BYTES: u64 = 64 * 1024;
