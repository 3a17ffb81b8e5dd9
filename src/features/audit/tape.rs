//! The end of the journal on the disk: where the next entry goes, and the step to the next segment.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io};

use super::directory::{SegmentPath, keep_torn, prepared, segment_name, segments, torn};
use super::disk::{Disk, SegmentFile};
use super::error::{JournalError, Problem, ReadError};
use super::format::{ENTRY_HEAD_BYTES, HEADER_BYTES, Head, PAYLOAD_BYTES_MAX, SegmentHeader, encode_entry};
use super::meter::Meter;
use super::read::end_of;
use super::segment::{SegmentReader, Tail};
use super::site::Site;
use super::tree::hash::leaf;
use crate::foundation::digest::Digest;

/// The end of the journal. After any error it is not to be used any more: what is on the disk is then
/// unknown until it is read again, by opening the journal.
pub(super) struct Tape {
    site: Site,
    meter: Arc<Meter>,
    file: Box<dyn SegmentFile>,
    /// Of this segment.
    limit: u64,
    offset: u64,
    /// The last entry in `block` or in the file.
    head: Head,
    /// The last entry that is surely on the disk.
    durable: Head,
    /// Entries that are not yet in the file.
    block: Vec<u8>,
    /// Of the entries since they were last taken.
    leaves: Vec<Digest>,
    /// Whether a segment was begun since that was last asked.
    has_rolled: bool,
    next: Option<JoinHandle<io::Result<Box<dyn SegmentFile>>>>,
}

/// What stays of the end of a journal when its disk has failed.
#[derive(Debug)]
pub(super) struct Rest {
    /// The last entry that is surely on a disk.
    pub(super) durable: Head,
    /// The leaves of entries up to there that the notary does not have yet.
    leaves: Vec<Digest>,
    has_rolled: bool,
}

impl Rest {
    /// Of a journal of which the notary has to look at everything up to there.
    pub(super) const fn at(durable: Head) -> Self {
        Self { durable, leaves: Vec::new(), has_rolled: false }
    }
}

impl Default for Rest {
    fn default() -> Self {
        Self::at(Head::START)
    }
}

/// What was found when a journal was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The last entry that was there; [`Head::START`] for a new journal.
    pub head: Head,
    /// Bytes of an incomplete write that were put aside.
    pub torn_bytes: u64,
}

impl Tape {
    /// Finds the end of the journal, putting aside what an incomplete write left there; makes the first
    /// segment if there is none.
    pub(super) fn open(site: Site, meter: Arc<Meter>) -> Result<(Self, Found), JournalError> {
        let directory = &site.directory;
        match std::fs::remove_file(prepared(directory)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(JournalError::disk(&prepared(directory), error)),
        }
        let last = segments(directory)?.pop();
        let (file, limit, offset, found) = match last {
            Some(segment) => recover(&*site.disk, &segment)?,
            None => begin(&site, Head::START, &[]).map_err(|error| JournalError::disk(directory, error))?,
        };
        let rest = Rest::at(found.head);
        Ok((Self::at(site, meter, (file, limit, offset), rest), found))
    }

    /// Goes on in a segment of its own behind what is durable, wherever that was written. What this site may hold of
    /// later entries has to be cut off before.
    /// An error gives back what was given.
    pub(super) fn after(site: Site, meter: Arc<Meter>, rest: Rest) -> Result<Self, (io::Error, Rest)> {
        match begin(&site, rest.durable, &[]) {
            Ok((file, limit, offset, _)) => {
                meter.segment();
                Ok(Self::at(site, meter, (file, limit, offset), rest))
            }
            Err(error) => Err((error, rest)),
        }
    }

    /// The same with entries that may be durable elsewhere: the segment has its name once they are durable in it, so that
    /// whoever finds it finds them.
    pub(super) fn after_with(
        site: Site,
        meter: Arc<Meter>,
        durable: Head,
        payloads: &[Vec<u8>],
    ) -> io::Result<Self> {
        let (file, limit, offset, found) = begin(&site, durable, payloads)?;
        meter.segment();
        Ok(Self::at(site, meter, (file, limit, offset), Rest::at(found.head)))
    }

    fn at(
        site: Site,
        meter: Arc<Meter>,
        (file, limit, offset): (Box<dyn SegmentFile>, u64, u64),
        rest: Rest,
    ) -> Self {
        let Rest { durable, leaves, has_rolled } = rest;
        let mut tape = Self {
            site,
            meter,
            file,
            limit,
            offset,
            head: durable,
            durable,
            block: Vec::new(),
            leaves,
            has_rolled,
            next: None,
        };
        tape.prepare_next();
        tape
    }

    /// What stays true of it after an error: the last entry that is durable, and what was not taken out yet up to there.
    pub(super) fn rest(&mut self) -> Rest {
        let lost = self.head.sequence.saturating_sub(self.durable.sequence);
        let mut leaves = std::mem::take(&mut self.leaves);
        leaves.truncate(leaves.len().saturating_sub(usize::try_from(lost).unwrap_or(usize::MAX)));
        Rest { durable: self.durable, leaves, has_rolled: self.has_rolled }
    }

    /// The last entry that was appended.
    pub(super) const fn head(&self) -> Head {
        self.head
    }

    /// The leaves of all that was appended since they were last taken out, and whether a segment has ended since.
    pub(super) fn leaves(&mut self) -> (&mut Vec<Digest>, bool) {
        (&mut self.leaves, std::mem::take(&mut self.has_rolled))
    }

    /// Whether entries were appended that may not be on the disk.
    pub(super) const fn is_unsynced(&self) -> bool {
        self.durable.sequence < self.head.sequence
    }

    /// Appends entries: one write, if they fit into the segment.
    pub(super) fn append<'a>(&mut self, payloads: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
        for payload in payloads {
            let bytes = (ENTRY_HEAD_BYTES + payload.len()) as u64;
            let end = self.offset.saturating_add(self.block.len() as u64).saturating_add(bytes);
            if end > self.limit {
                self.roll_over()?;
            } else if self.block.len() >= BLOCK_BYTES_MAX {
                self.write()?;
            }
            self.head = encode_entry(&mut self.block, self.head, self.durable.sequence, payload);
            self.leaves.push(leaf(payload));
        }
        self.write()
    }

    /// Returns when all that was appended is on the disk: how long that took.
    pub(super) fn sync(&mut self) -> io::Result<Duration> {
        if !self.is_unsynced() {
            return Ok(Duration::ZERO);
        }
        let begin = Instant::now();
        self.file.sync()?;
        let took = begin.elapsed();
        self.meter.synced(took);
        self.meter.durable(self.head.sequence.saturating_sub(self.durable.sequence));
        self.durable = self.head;
        Ok(took)
    }

    fn write(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        self.file.write_at(&self.block, self.offset)?;
        let bytes = self.block.len() as u64;
        self.meter.written(bytes);
        self.offset = self.offset.saturating_add(bytes);
        self.block.clear();
        Ok(())
    }

    /// Goes on in the next segment. The old one is whole on the disk before the new one has its name,
    /// so only the last segment can ever end in an incomplete write.
    fn roll_over(&mut self) -> io::Result<()> {
        self.write()?;
        self.sync()?;
        self.file = match self.next.take().map(JoinHandle::join) {
            Some(Ok(Ok(file))) => file,
            // It could not be made ahead; the disk may have room by now.
            Some(_) | None => self.site.allocate()?,
        };
        publish(&self.site, &mut *self.file, (self.head, &[]))?;
        self.limit = self.site.segment_bytes;
        self.offset = HEADER_BYTES as u64;
        self.meter.segment();
        self.has_rolled = true;
        self.prepare_next();
        Ok(())
    }

    /// Has the next segment made while this one is written, so that the step does not wait for it.
    fn prepare_next(&mut self) {
        let site = self.site.clone();
        let thread = std::thread::Builder::new().name("journal-ahead".to_owned());
        self.next = thread
            .spawn(move || {
                site.allocate().inspect_err(|error| {
                    tracing::warn!(%error, "the journal's next segment cannot be made yet");
                })
            })
            .inspect_err(|error| tracing::warn!(%error, "no thread to make the journal's next segment"))
            .ok();
    }
}

impl Drop for Tape {
    /// Waits for the segment made ahead, so that nothing is written once the lock is given back.
    fn drop(&mut self) {
        if let Some(Err(_)) = self.next.take().map(JoinHandle::join) {
            tracing::error!("making the journal's next segment failed by a mistake of ours");
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("offset", &self.offset).field("head", &self.head).finish_non_exhaustive()
    }
}

/// The largest payload that fits into a segment of that size.
pub(super) fn payload_bytes_max(segment_bytes: u64) -> usize {
    let segment = usize::try_from(segment_bytes).unwrap_or(usize::MAX);
    PAYLOAD_BYTES_MAX.min(segment.saturating_sub(HEADER_BYTES + ENTRY_HEAD_BYTES))
}

type Opened = (Box<dyn SegmentFile>, u64, u64, Found);

fn begin(site: &Site, before: Head, payloads: &[Vec<u8>]) -> io::Result<Opened> {
    let mut file = site.allocate()?;
    let (offset, head) = publish(site, &mut *file, (before, payloads))?;
    Ok((file, site.segment_bytes, offset, Found { head, torn_bytes: 0 }))
}

/// Writes the header, and what comes with it, and gives the segment its name; gives where the next entry goes.
fn publish(
    site: &Site,
    file: &mut dyn SegmentFile,
    (before, payloads): (Head, &[Vec<u8>]),
) -> io::Result<(u64, Head)> {
    let mut block = SegmentHeader { bytes: site.segment_bytes, before }.encode();
    let head = payloads
        .iter()
        .fold(before, |head, payload| encode_entry(&mut block, head, before.sequence, payload));
    let offset = block.len() as u64;
    if offset > site.segment_bytes {
        return Err(io::Error::other("it does not fit into a segment"));
    }
    file.write_at(&block, 0)?;
    file.sync()?;
    let name = segment_name(before.sequence.saturating_add(1));
    site.disk.publish(&prepared(&site.directory), &site.directory.join(name))?;
    Ok((offset, head))
}

/// Reads the last segment to its end and cuts an incomplete write there; refuses what was changed.
fn recover(disk: &dyn Disk, segment: &SegmentPath) -> Result<Opened, JournalError> {
    let mut reader = SegmentReader::open(segment)?;
    let misfit = loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(ReadError::Misfit(misfit)) => break Some(misfit),
            Err(error) => return Err(error.into()),
        }
    };
    // Before the disk is asked for more: one that takes nothing may hold what was changed.
    let tail = end_of(&reader, misfit)?;
    let mut file = disk.open(&segment.path).map_err(|error| JournalError::disk(&segment.path, error))?;
    let torn_bytes = match tail {
        Tail::Clean => 0,
        Tail::Changed => return Err(JournalError::Damaged(reader.misfit(Problem::Residue))),
        Tail::Torn { end } => {
            put_aside(&mut *file, &reader, segment, end)?;
            end.saturating_sub(reader.offset())
        }
    };
    // What was read may be in memory only, written by a process that was killed before its sync.
    file.sync().map_err(|error| JournalError::disk(&segment.path, error))?;
    Ok((file, reader.header.bytes, reader.offset(), Found { head: reader.head(), torn_bytes }))
}

/// Keeps the bytes of an incomplete write beside the segment, for whoever wants to look, and zeroes them.
pub(super) fn put_aside(
    file: &mut dyn SegmentFile,
    reader: &SegmentReader,
    segment: &SegmentPath,
    end: u64,
) -> Result<(), JournalError> {
    let bytes = reader.bytes_to(end)?;
    let aside = torn(segment, reader.offset());
    keep_torn(&aside, &bytes).map_err(|error| JournalError::disk(&aside, error))?;
    tracing::warn!(
        journal.segment = %segment.name,
        journal.offset = reader.offset(),
        journal.bytes = bytes.len(),
        "an incomplete write at the end of the journal was put aside",
    );
    let zeros = vec![0; bytes.len()];
    file.write_at(&zeros, reader.offset()).map_err(|error| JournalError::disk(&segment.path, error))
}

/// Entries are written before they fill more memory than this.
const BLOCK_BYTES_MAX: usize = 4 * 1024 * 1024;
