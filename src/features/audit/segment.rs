//! Reads one segment, entry by entry, in bounded memory; each is checked as it is read.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory::SegmentPath;
use super::error::{Misfit, Problem, ReadError};
use super::format::{
    ENTRY_HEAD_BYTES, EntryHead, HEADER_BYTES, Head, HeaderFault, PAYLOAD_BYTES_MAX, SegmentHeader,
};

/// One segment that is read.
#[derive(Debug)]
pub(super) struct SegmentReader {
    pub(super) name: Arc<str>,
    pub(super) header: SegmentHeader,
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next entry begins.
    offset: u64,
    /// The place in the chain before the next entry.
    head: Head,
    payload: Vec<u8>,
}

/// One entry as it stands in its segment: whole, in its place and chained to the one before.
#[derive(Debug)]
pub(super) struct RawEntry<'a> {
    pub(super) offset: u64,
    pub(super) head: Head,
    pub(super) payload: &'a [u8],
}

/// A place in a segment: the byte at which an entry begins, and the place in the chain before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) offset: u64,
    pub(super) head: Head,
}

/// Whole entries of a segment that need not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leap {
    pub(super) from: Spot,
    /// Where the entry after them begins.
    pub(super) to: Spot,
}

/// What stands behind the last entry that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros to the end.
    Clean,
    /// Bytes that may be an incomplete write, up to `end`. Nobody can have been told that they are durable.
    Torn {
        /// The byte after the last that is not zero.
        end: u64,
    },
    /// An entry further on proves that what does not fit here was durable: it was changed.
    Changed,
}

impl SegmentReader {
    /// Opens a segment and checks its header.
    pub(super) fn open(segment: &SegmentPath) -> Result<Self, ReadError> {
        let misfit =
            |problem| Misfit { segment: segment.name.clone(), offset: 0, sequence: segment.first, problem };
        let disk = |error| ReadError::disk(&segment.path, error);
        let file = File::open(&segment.path).map_err(disk)?;
        let found = file.metadata().map_err(disk)?.len();
        let mut bytes = [0; HEADER_BYTES];
        match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(misfit(Problem::Header).into());
            }
            Err(error) => return Err(disk(error)),
        }
        let header = SegmentHeader::decode(&bytes).map_err(|fault| {
            misfit(match fault {
                HeaderFault::Unreadable => Problem::Header,
                HeaderFault::Version(version) => Problem::Version(version),
            })
        })?;
        let first = header.before.sequence.saturating_add(1);
        if first != segment.first {
            return Err(misfit(Problem::Name { found: first }).into());
        }
        if found != header.bytes {
            return Err(misfit(Problem::Size { expected: header.bytes, found }).into());
        }
        let mut reader = Self {
            name: segment.name.clone(),
            header,
            path: segment.path.clone(),
            file: BufReader::with_capacity(READ_BYTES, file),
            offset: HEADER_BYTES as u64,
            head: header.before,
            payload: Vec::new(),
        };
        reader.rewind()?;
        Ok(reader)
    }

    /// Where the next entry begins.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The place in the chain after the last entry that was read.
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// The present place.
    pub(super) const fn spot(&self) -> Spot {
        Spot { offset: self.offset, head: self.head }
    }

    /// Goes on behind entries that need not be read, if this is where they begin. The entry there has to be chained to the
    /// last of them.
    pub(super) fn leap(&mut self, leap: Leap) -> Result<(), ReadError> {
        if self.spot() != leap.from {
            return Ok(());
        }
        let Spot { offset, head } = leap.to;
        (self.offset, self.head) = (offset, head);
        self.rewind()
    }

    /// The next entry; `None` where nothing more was written. After `None` or a misfit the same place
    /// is read afresh by the next call.
    pub(super) fn next(&mut self) -> Result<Option<RawEntry<'_>>, ReadError> {
        match self.advance() {
            Ok(true) => {}
            Ok(false) => {
                self.rewind()?;
                return Ok(None);
            }
            Err(error) => {
                self.rewind()?;
                return Err(error);
            }
        }
        let offset = self.offset;
        self.head = self.head.after(&self.payload);
        self.offset = offset.saturating_add((ENTRY_HEAD_BYTES + self.payload.len()) as u64);
        Ok(Some(RawEntry { offset, head: self.head, payload: &self.payload }))
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        let room = self.header.bytes.saturating_sub(self.offset);
        if room < ENTRY_HEAD_BYTES as u64 {
            return Ok(false);
        }
        let mut bytes = [0; ENTRY_HEAD_BYTES];
        self.fill(&mut bytes)?;
        let Some(entry) = EntryHead::decode(&bytes) else { return Err(self.misfit(Problem::Header).into()) };
        if entry.length == 0 {
            return Ok(false);
        }
        let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
        if length > PAYLOAD_BYTES_MAX || u64::from(entry.length) > room - ENTRY_HEAD_BYTES as u64 {
            return Err(self.misfit(Problem::Length(entry.length)).into());
        }
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(length, 0);
        let filled = self.fill(&mut payload);
        self.payload = payload;
        filled?;
        if !entry.fits(&self.payload) {
            return Err(self.misfit(Problem::Checksum).into());
        }
        if entry.sequence != self.expected() {
            return Err(self.misfit(Problem::Sequence { found: entry.sequence }).into());
        }
        if entry.previous != self.head.hash {
            return Err(self.misfit(Problem::Hash).into());
        }
        Ok(true)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ReadError> {
        self.file.read_exact(bytes).map_err(|error| ReadError::disk(&self.path, error))
    }

    /// Forgets what was read ahead.
    pub(super) fn rewind(&mut self) -> Result<(), ReadError> {
        self.file
            .seek(SeekFrom::Start(self.offset))
            .map(|_| ())
            .map_err(|error| ReadError::disk(&self.path, error))
    }

    /// The sequence of the entry that belongs at the present place.
    fn expected(&self) -> u64 {
        self.head.sequence.saturating_add(1)
    }

    /// `problem`, at the present place.
    pub(super) fn misfit(&self, problem: Problem) -> Misfit {
        Misfit { segment: self.name.clone(), offset: self.offset, sequence: self.expected(), problem }
    }

    /// What stands from the present place to the end of the segment.
    pub(super) fn tail(&self) -> Result<Tail, ReadError> {
        let end = self.last_written()?;
        if end <= self.offset {
            return Ok(Tail::Clean);
        }
        Ok(if self.was_durable(end)? { Tail::Changed } else { Tail::Torn { end } })
    }

    /// The byte after the last that is not zero, from the present place on.
    fn last_written(&self) -> Result<u64, ReadError> {
        let zeros = vec![0; READ_BYTES];
        let mut end = self.offset;
        self.scan(self.offset, self.header.bytes, 0, |at, window| {
            if zeros.get(..window.len()) != Some(window) {
                let last = window.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                end = at.saturating_add(last as u64);
            }
            Ok(Scan::On)
        })?;
        Ok(end)
    }

    /// Whether a whole entry between here and `end` says that the entry which belongs here was on the
    /// disk before that one was written.
    fn was_durable(&self, end: u64) -> Result<bool, ReadError> {
        let expected = self.expected();
        let mut was_durable = false;
        self.scan(self.offset, end, ENTRY_HEAD_BYTES - 1, |at, window| {
            for (position, bytes) in window.windows(ENTRY_HEAD_BYTES).enumerate() {
                let Some(entry) = bytes.first_chunk().and_then(EntryHead::decode) else { continue };
                let is_later = entry.sequence > expected && entry.sequence - expected < SEQUENCES_MAX;
                let proves = entry.synced >= expected && entry.synced < entry.sequence;
                if is_later && proves && self.is_whole(&entry, at.saturating_add(position as u64))? {
                    was_durable = true;
                    return Ok(Scan::Enough);
                }
            }
            Ok(Scan::On)
        })?;
        Ok(was_durable)
    }

    fn is_whole(&self, entry: &EntryHead, offset: u64) -> Result<bool, ReadError> {
        let length = usize::try_from(entry.length).unwrap_or(usize::MAX);
        if length == 0 || length > PAYLOAD_BYTES_MAX {
            return Ok(false);
        }
        let mut payload = vec![0; length];
        let begin = offset.saturating_add(ENTRY_HEAD_BYTES as u64);
        match self.file.get_ref().read_exact_at(&mut payload, begin) {
            Ok(()) => Ok(entry.fits(&payload)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(ReadError::disk(&self.path, error)),
        }
    }

    /// Shows `see` the bytes from `begin` to `end` in windows, each beginning with the last `overlap`
    /// bytes of the one before.
    fn scan(
        &self,
        begin: u64,
        end: u64,
        overlap: usize,
        mut see: impl FnMut(u64, &[u8]) -> Result<Scan, ReadError>,
    ) -> Result<(), ReadError> {
        let mut buffer = vec![0; READ_BYTES];
        let mut at = begin;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
            let Some(window) = buffer.get_mut(..length) else { return Ok(()) };
            self.file
                .get_ref()
                .read_exact_at(window, at)
                .map_err(|error| ReadError::disk(&self.path, error))?;
            match see(at, window)? {
                Scan::Enough => return Ok(()),
                Scan::On => {}
            }
            if at.saturating_add(length as u64) >= end {
                return Ok(());
            }
            at = at.saturating_add((length - overlap) as u64);
        }
        Ok(())
    }

    /// The bytes from the present place to `end`: what an incomplete write left.
    pub(super) fn bytes_to(&self, end: u64) -> Result<Vec<u8>, ReadError> {
        let length = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(0);
        let mut bytes = vec![0; length];
        self.file
            .get_ref()
            .read_exact_at(&mut bytes, self.offset)
            .map_err(|error| ReadError::disk(&self.path, error))?;
        Ok(bytes)
    }
}

/// Whether a scan goes on.
enum Scan {
    On,
    Enough,
}

/// What is read at once: not much more than is needed around one event.
const READ_BYTES: usize = 64 * 1024;
/// More entries than one segment can hold.
const SEQUENCES_MAX: u64 = 1 << 25;
