//! The disk as the journal uses it: few operations, each of which can be made to fail in a test.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::direct::{BLOCK_BYTES, DirectFile};
use super::directory::beside;

/// Where segments are kept.
pub(super) trait Disk: Send + Sync + fmt::Debug {
    /// Makes a file of `bytes` zeros, all of them on the disk, so that writing into it later changes
    /// no metadata and a sync of its data is all that a durable entry costs.
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>>;

    /// Opens a segment to go on writing in it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>>;

    /// Gives a file its final name; the name is on the disk when this returns.
    fn publish(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Whether all calls have come back: what is still under way may change what is read.
    fn is_idle(&self) -> bool {
        true
    }
}

/// A segment that is written.
pub(super) trait SegmentFile: Send + fmt::Debug {
    /// Writes all of `bytes` at `offset`. What lies behind them in the file is zeros, and stays so.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Returns when all that was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A local file system.
#[derive(Debug)]
pub(super) struct LocalDisk;

impl Disk for LocalDisk {
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn SegmentFile>> {
        if let Some(file) = direct(bytes, || DirectFile::allocate(path, bytes))? {
            return Ok(Box::new(file));
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let zeros = vec![0; ALLOCATION_STEP];
        let mut left = bytes;
        while left > 0 {
            let step = usize::try_from(left).unwrap_or(ALLOCATION_STEP).min(ALLOCATION_STEP);
            file.write_all(zeros.get(..step).unwrap_or(&zeros))?;
            // In small steps, so that the syncs of the segment in use do not queue behind one large one.
            file.sync_data()?;
            left = left.saturating_sub(step as u64);
        }
        file.sync_all()?;
        Ok(Box::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        if let Some(file) = direct(std::fs::metadata(path)?.len(), || DirectFile::open(path))? {
            return Ok(Box::new(file));
        }
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        sync_directory(to.parent().unwrap_or(Path::new(".")))
    }
}

/// A file that is written directly; `None` where its size is no whole number of blocks or its file system does
/// not do this.
fn direct(bytes: u64, open: impl FnOnce() -> io::Result<DirectFile>) -> io::Result<Option<DirectFile>> {
    if !bytes.is_multiple_of(BLOCK_BYTES as u64) {
        return Ok(None);
    }
    match open() {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error),
    }
}

impl SegmentFile for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Writes a file that only we read, whole or not at all: after a crash there is what was there before, or all of this.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, "unfinished");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Returns when the names in `directory` are on the disk.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

const ALLOCATION_STEP: usize = 4 * 1024 * 1024;
