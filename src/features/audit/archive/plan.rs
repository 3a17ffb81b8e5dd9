//! What is to be done next: which segments are to be shipped, and which may be removed, here and there. Reads, and changes nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::ArchiveError;
use super::ledger::{Entry, Receipt};
use crate::features::audit::directory::{SegmentPath, segments};
use crate::features::audit::error::ReadError;
use crate::features::audit::index;
use crate::features::audit::seal::Period;
use crate::features::audit::segment::SegmentReader;
use crate::features::audit::tree::checkpoint::Signed;
use crate::features::audit::tree::notary::NEWEST;
use crate::foundation::clock::Timestamp;

/// A full segment that is to be shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due(pub(super) SegmentPath);

/// Full segments, and which of them may be shipped.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Full segments that are not in the archive.
    pub(super) waiting: u64,
    /// Of these, those that are indexed and that a checkpoint covers, the oldest first.
    pub(super) due: Vec<Due>,
}

/// The full segments that are not in the archive.
pub(super) fn due(directory: &Path, known: &BTreeMap<u64, Entry>) -> Result<Found, ArchiveError> {
    let segments = segments(directory)?;
    let signed = signed(directory)?;
    let mut found = Found::default();
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
        if known.contains_key(&segment.first) {
            continue;
        }
        found.waiting += 1;
        // In order, so that what is archived has no gap.
        let is_next = found.due.len() as u64 + 1 == found.waiting;
        if is_next && next.first.saturating_sub(1) <= signed && index::path_of(segment).exists() {
            found.due.push(Due(segment.clone()));
        }
    }
    Ok(found)
}

/// How many entries the newest checkpoint covers.
fn signed(directory: &Path) -> Result<u64, ArchiveError> {
    let path = directory.join(NEWEST);
    match std::fs::read_to_string(&path) {
        Ok(note) => Ok(note.parse().map_or(0, |signed: Signed| signed.checkpoint.size)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(ArchiveError::disk(&path, error)),
    }
}

/// The archived segments that may be removed here, the oldest first: what is old enough, held by nobody, and before entry
/// `needed_from`. Those in between stay with the first that has to.
pub(super) fn removable(
    directory: &Path,
    known: &BTreeMap<u64, Entry>,
    (now, keep_local): (Timestamp, Duration),
    needed_from: u64,
    held: &[Period],
) -> Result<Vec<Receipt>, ArchiveError> {
    let segments = segments(directory)?;
    let mut removable = Vec::new();
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
        let Some(Entry { receipt, retired: None, .. }) = known.get(&segment.first) else { break };
        let is_old = now.since(receipt.to) >= keep_local && receipt.to < now;
        let is_needed = receipt.through.sequence >= needed_from;
        // What stands there now is what was archived.
        let goes_on = begins_after(next)? == Some(receipt.through.into());
        if !is_old || is_needed || is_held(receipt, held) || !goes_on {
            break;
        }
        removable.push(receipt.clone());
    }
    Ok(removable)
}

/// The archived segments whose time is over, the oldest first. Those that are still here, or held, stay.
pub(super) fn ended(known: &BTreeMap<u64, Entry>, now: Timestamp, held: &[Period]) -> Vec<Receipt> {
    let is_over = |entry: &&Entry| {
        entry.retired.is_none()
            && entry.removed.is_some()
            && entry.receipt.retain_until <= now
            && !is_held(&entry.receipt, held)
    };
    known.values().filter(is_over).map(|entry| entry.receipt.clone()).collect()
}

/// The archived segments whose hold is not as it should be, with how it should be.
pub(super) fn unlike(known: &BTreeMap<u64, Entry>, held: &[Period]) -> Vec<(Receipt, bool)> {
    let there = known.values().filter(|entry| entry.retired.is_none());
    let should = there.map(|entry| (entry.receipt.clone(), is_held(&entry.receipt, held)));
    should.filter(|(receipt, should)| receipt.is_held != *should).collect()
}

/// Whether one of its months is under a legal hold.
fn is_held(receipt: &Receipt, held: &[Period]) -> bool {
    is_held_between(receipt.from, receipt.to, held)
}

pub(super) fn is_held_between(from: Timestamp, to: Timestamp, held: &[Period]) -> bool {
    let months = Period::of(from)..=Period::of(to);
    held.iter().any(|month| months.contains(month))
}

fn begins_after(segment: &SegmentPath) -> Result<Option<crate::features::audit::Head>, ReadError> {
    Ok(Some(SegmentReader::open(segment)?.header.before))
}
