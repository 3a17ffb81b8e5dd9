//! A folder that takes segments, and the disk below it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::directory::prepared;
use super::disk::{Disk, SegmentFile};

/// A folder that takes segments, and the disk below it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory: PathBuf,
    /// Of segments to come.
    pub(super) segment_bytes: u64,
}

impl Site {
    /// Makes the next segment, as yet without its name. What a full disk has taken of one is given back.
    pub(super) fn allocate(&self) -> io::Result<Box<dyn SegmentFile>> {
        let path = prepared(&self.directory);
        self.disk.allocate(&path, self.segment_bytes).inspect_err(|_| drop(std::fs::remove_file(&path)))
    }
}
