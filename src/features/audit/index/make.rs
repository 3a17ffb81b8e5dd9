//! Makes the indexes that are not there.

use std::path::Path;

use super::super::directory::{SegmentPath, index_key, segments};
use super::super::error::{JournalError, Misfit, Problem, ReadError};
use super::super::segment::SegmentReader;
use super::contents::Contents;
use super::file::{self, changed};
use super::gather::Gathering;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::Entropy;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Segments that were indexed now.
    pub made: u64,
    /// Segments that had their index.
    pub kept: u64,
}

/// Which segments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Each: whether its index fits, too.
    AtEach,
    /// Those that have none.
    ForAbsent,
}

/// Makes the indexes of full segments that are missing, the oldest first, as long as `goes_on` says so. The segment in use has
/// none.
pub fn make_missing(
    directory: &Path,
    look: Look,
    entropy: &dyn Entropy,
    goes_on: &dyn Fn() -> bool,
) -> Result<Made, JournalError> {
    let key = index_key(directory, entropy)?;
    let mut segments = segments(directory)?;
    segments.pop();
    let mut done = Made::default();
    let mut earlier: Option<Contents> = None;
    for (place, segment) in segments.iter().enumerate() {
        if !goes_on() {
            break;
        }
        if look == Look::ForAbsent && file::path_of(segment).exists() {
            done.kept += 1;
            earlier = None;
            continue;
        }
        let reader = SegmentReader::open(segment)?;
        let before = reader.header.before;
        // One that does not go on where the last ended comes after a gap: nothing is known of what is open.
        let is_before = |earlier: &Contents| earlier.through == before.into();
        let known = earlier.take().filter(is_before).or_else(|| {
            let last = place.checked_sub(1).and_then(|last| segments.get(last))?;
            file::read(last, &key).filter(is_before)
        });
        let is_of =
            |found: &Contents| found.before == before.into() && Some(found.changed) == changed(segment);
        let found = file::read(segment, &key).filter(is_of);
        // One that was made when less was known of the segments before is made again.
        let from = known.as_ref().map_or(before.sequence, |known| known.known_from);
        let contents = if let Some(found) = found.filter(|found| found.known_from <= from) {
            done.kept += 1;
            found
        } else {
            done.made += 1;
            make(segment, reader, known.as_ref(), &key)?
        };
        earlier = Some(contents);
    }
    Ok(done)
}

fn make(
    segment: &SegmentPath,
    mut reader: SegmentReader,
    earlier: Option<&Contents>,
    key: &DigestKey,
) -> Result<Contents, ReadError> {
    // Before it is read: what is changed meanwhile is changed since.
    let changed = changed(segment).unwrap_or(0);
    let mut gathering = Gathering::begin(reader.spot(), reader.header.bytes, earlier);
    while let Some(raw) = reader.next()? {
        let (head, offset) = (raw.head, raw.offset);
        let entry = serde_json::from_slice(raw.payload).map_err(|error| Misfit {
            segment: segment.name.clone(),
            offset,
            sequence: head.sequence,
            problem: Problem::Unreadable(error.to_string()),
        })?;
        gathering.take(offset, head, entry);
    }
    let mut contents = gathering.finish(reader.offset());
    contents.changed = changed;
    file::write(segment, &contents, key).map_err(|error| ReadError::disk(&file::path_of(segment), error))?;
    Ok(contents)
}
