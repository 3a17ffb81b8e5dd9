//! Carries segments from the spool into the journal, in order: cut, copy, read back, give the name, and only then remove.
//!
//! Whatever moment a crash comes at, every entry that was durable is in the one place, in the other, or in both alike; the
//! next attempt goes on from there. As long as the spool has a segment, its copy is the truth: what stands under the same name in
//! the journal was carried before, or begun there when its disk failed, and then even what can be read of it may not be on the
//! disk. So it is copied again, and what differs is kept beside.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::directory::{SegmentPath, aside, segments};
use super::disk::sync_directory;
use super::error::{JournalError, Problem};
use super::format::Head;
use super::segment::{SegmentReader, Tail};
use super::site::Site;
use super::tape::put_aside;

/// Carries segments of the spool home that are not written any more, the oldest first.
pub(super) fn carry_home(home: &Site, spool: &Path, full: &[SegmentPath]) -> Result<(), JournalError> {
    for segment in full {
        carry(home, segment)?;
        remove(segment, spool).map_err(|error| JournalError::disk(&segment.path, error))?;
    }
    Ok(())
}

/// Takes away segments of the spool that were begun behind `end`, the last entry that is durable: nothing in them is.
pub(super) fn drop_undurable(spool: &Path, end: Head) -> Result<(), JournalError> {
    for segment in segments(spool)?.iter().filter(|segment| segment.first > end.sequence) {
        remove(segment, spool).map_err(|error| JournalError::disk(&segment.path, error))?;
    }
    Ok(())
}

/// Cuts off what the last segment holds behind `end`, the last entry that is durable: nobody was told that it is, and it was
/// written again elsewhere. What is cut is kept beside.
pub(super) fn cut_behind(site: &Site, end: Head) -> Result<(), JournalError> {
    let Some(last) = segments(&site.directory)?.pop() else {
        return if end == Head::START { Ok(()) } else { Err(missing(&site.directory, end)) };
    };
    let mut reader = SegmentReader::open(&last)?;
    if reader.header.before == end {
        // It was begun, and nothing in it was durable: another takes its name.
        return Ok(());
    }
    while reader.head().sequence < end.sequence {
        if reader.next()?.is_none() {
            return Err(missing(&site.directory, end));
        }
    }
    if reader.head() != end {
        return Err(JournalError::Damaged(reader.misfit(Problem::Noted { noted: end })));
    }
    let disk = |error| JournalError::disk(&last.path, error);
    match reader.tail()? {
        Tail::Clean => Ok(()),
        Tail::Changed => Err(JournalError::Damaged(reader.misfit(Problem::Residue))),
        Tail::Torn { end } => {
            let mut file = site.disk.open(&last.path).map_err(disk)?;
            put_aside(&mut *file, &reader, &last, end)?;
            file.sync().map_err(disk)
        }
    }
}

/// Carries one segment home.
fn carry(home: &Site, segment: &SegmentPath) -> Result<(), JournalError> {
    let (before, end, bytes) = ends_of(segment)?;
    if end.sequence == before.sequence {
        return Ok(());
    }
    let there = home.directory.join(&*segment.name);
    if there.exists() {
        let disk = |error| JournalError::disk(&there, error);
        if !is_same(&segment.path, &there).map_err(disk)? {
            std::fs::rename(&there, aside(&there)).map_err(disk)?;
            sync_directory(&home.directory).map_err(disk)?;
        }
    }
    cut_behind(home, before)?;
    copy(home, segment, bytes, end)
}

/// The places before and after the entries of a segment, and the bytes that it has.
fn ends_of(segment: &SegmentPath) -> Result<(Head, Head, u64), JournalError> {
    let mut reader = SegmentReader::open(segment)?;
    while reader.next()?.is_some() {}
    match reader.tail()? {
        Tail::Clean => Ok((reader.header.before, reader.head(), reader.header.bytes)),
        Tail::Torn { .. } | Tail::Changed => Err(JournalError::Damaged(reader.misfit(Problem::Residue))),
    }
}

fn copy(home: &Site, segment: &SegmentPath, bytes: u64, end: Head) -> Result<(), JournalError> {
    let disk = |error| JournalError::disk(&segment.path, error);
    let coming = SegmentPath { path: home.directory.join(COMING), ..segment.clone() };
    let copied = copy_bytes(home, segment, &coming.path, bytes);
    // What a full disk has taken of it is given back.
    copied.inspect_err(|_| drop(std::fs::remove_file(&coming.path))).map_err(disk)?;
    // By what is read there it counts, not by what was sent.
    if ends_of(&coming)?.1 != end {
        return Err(disk(io::Error::other("its copy is another")));
    }
    home.disk.publish(&coming.path, &home.directory.join(&*segment.name)).map_err(disk)
}

fn copy_bytes(home: &Site, segment: &SegmentPath, to: &Path, bytes: u64) -> io::Result<()> {
    let from = File::open(&segment.path)?;
    let mut file = home.disk.allocate(to, bytes)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut at = 0;
    while at < bytes {
        let step = usize::try_from(bytes - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let piece = piece.get_mut(..step).unwrap_or_default();
        from.read_exact_at(piece, at)?;
        // Behind the last entry there are zeros, as there are already.
        if piece.iter().any(|byte| *byte != 0) {
            file.write_at(piece, at)?;
        }
        at += step as u64;
    }
    file.sync()
}

/// Whether two files hold the same.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    let bytes = one.metadata()?.len();
    if other.metadata()?.len() != bytes {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    let mut at = 0;
    while at < bytes {
        let step = usize::try_from(bytes - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let (left, right) =
            (left.get_mut(..step).unwrap_or_default(), right.get_mut(..step).unwrap_or_default());
        one.read_exact_at(left, at)?;
        other.read_exact_at(right, at)?;
        if left != right {
            return Ok(false);
        }
        at += step as u64;
    }
    Ok(true)
}

fn remove(segment: &SegmentPath, spool: &Path) -> io::Result<()> {
    std::fs::remove_file(&segment.path)?;
    sync_directory(spool)
}

fn missing(directory: &Path, end: Head) -> JournalError {
    JournalError::Contradicted {
        why: format!(
            "`{}` does not go up to entry {}, after which the spool goes on",
            directory.display(),
            end.sequence
        ),
    }
}

/// A segment on its way home, as yet without its name.
const COMING: &str = "coming.prepared";
const PIECE_BYTES: usize = 1024 * 1024;
