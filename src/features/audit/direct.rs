//! A segment written past the page cache (`O_DIRECT`): the disk takes whole blocks straight from our memory, so
//! that an entry is copied once, a sync has nothing left to gather, and zeros written ahead push nothing
//! out of the cache that readers of the journal profit from.
//!
//! Writes go from front to back, and what lies behind them is zeros; so the block in which the last entry
//! ended is kept here, and written again with what follows. Its old bytes are the same then: a write that is
//! cut short cannot harm what was durable.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::disk::SegmentFile;

/// The unit in which a disk is written directly: what every disk of these days takes.
pub(super) const BLOCK_BYTES: usize = 4096;

/// A file that is written directly.
#[derive(Debug)]
pub(super) struct DirectFile {
    file: File,
    blocks: Blocks,
    /// Where the block begins that stands first in `blocks`.
    start: u64,
    /// So many bytes of that block are written; none is known if this is [`UNKNOWN`].
    used: usize,
}

const UNKNOWN: usize = usize::MAX;

impl DirectFile {
    /// Makes a file of `bytes` zeros, a whole number of blocks, all of them on the disk. An error of the kind
    /// [`io::ErrorKind::InvalidInput`] says that the file system does not do this.
    pub(super) fn allocate(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut made = Self::of(path, OpenOptions::new().create(true).truncate(true).mode(0o600))?;
        let mut blocks = Blocks::default();
        let zeros = blocks.of(ZEROS_AT_ONCE);
        let mut at = 0;
        while at < bytes {
            let step = usize::try_from(bytes - at).unwrap_or(ZEROS_AT_ONCE).min(ZEROS_AT_ONCE);
            made.file.write_all_at(zeros.get(..step).unwrap_or_default(), at)?;
            at += step as u64;
        }
        made.sync()?;
        Ok(made)
    }

    /// Opens a file to go on writing in it; the same error as above.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut opened = Self::of(path, &mut OpenOptions::new())?;
        // Some file systems refuse only when they are used.
        opened.read_block(0)?;
        Ok(opened)
    }

    fn of(path: &Path, options: &mut OpenOptions) -> io::Result<Self> {
        let file = options.read(true).write(true).custom_flags(libc::O_DIRECT).open(path)?;
        Ok(Self { file, blocks: Blocks::default(), start: 0, used: UNKNOWN })
    }

    fn read_block(&mut self, start: u64) -> io::Result<()> {
        self.used = UNKNOWN;
        self.file.read_exact_at(self.blocks.of(BLOCK_BYTES), start)
    }
}

impl SegmentFile for DirectFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let before = usize::try_from(offset % BLOCK_BYTES as u64).unwrap_or(0);
        let start = offset - before as u64;
        if before > 0 && (self.start, self.used) != (start, before) {
            self.read_block(start)?;
        }
        self.used = UNKNOWN;
        let end = before + bytes.len();
        let whole = end.next_multiple_of(BLOCK_BYTES);
        let blocks = self.blocks.of(whole);
        if let Some(place) = blocks.get_mut(before..end) {
            place.copy_from_slice(bytes);
        }
        if let Some(rest) = blocks.get_mut(end..) {
            rest.fill(0);
        }
        self.file.write_all_at(blocks, start)?;
        // The last block comes first the next time.
        let last = whole.saturating_sub(BLOCK_BYTES);
        if end < whole {
            blocks.copy_within(last.., 0);
        }
        self.start = start + if end < whole { last } else { whole } as u64;
        self.used = end % BLOCK_BYTES;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Memory that begins where a block may begin.
#[derive(Default)]
struct Blocks(Vec<u8>);

impl Blocks {
    /// The first `bytes` of it. What the first block held stays if it grows.
    fn of(&mut self, bytes: usize) -> &mut [u8] {
        if self.0.len() < bytes + BLOCK_BYTES {
            let mut grown = Self(vec![0; bytes.next_power_of_two() + BLOCK_BYTES]);
            let (old, new) = (self.begin(), grown.begin());
            let first = self.0.get(old..old + BLOCK_BYTES).zip(grown.0.get_mut(new..new + BLOCK_BYTES));
            if let Some((first, place)) = first {
                place.copy_from_slice(first);
            }
            *self = grown;
        }
        let begin = self.begin();
        self.0.get_mut(begin..begin + bytes).unwrap_or_default()
    }

    fn begin(&self) -> usize {
        self.0.as_ptr().addr().next_multiple_of(BLOCK_BYTES) - self.0.as_ptr().addr()
    }
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").field("bytes", &self.0.len()).finish()
    }
}

const ZEROS_AT_ONCE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `None` where the file system of the tests does not do this.
    fn zeroed(path: &Path, bytes: u64) -> Option<DirectFile> {
        match DirectFile::allocate(path, bytes) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => None,
            Err(error) => panic!("{error}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_written_piece_by_piece_is_what_stands_there(
            pieces in proptest::collection::vec(1..9000_usize, 1..12),
            reopened in 0..12_usize,
        ) {
            const BYTES: usize = 128 * 1024;
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("segment");
            let Some(mut file) = zeroed(&path, BYTES as u64) else { return Ok(()) };
            let mut expected = vec![0; BYTES];
            let mut offset = 0;
            for (number, length) in pieces.into_iter().enumerate() {
                if number == reopened {
                    file = DirectFile::open(&path).unwrap();
                }
                let piece = vec![u8::try_from(number).unwrap() + 1; length];
                file.write_at(&piece, offset as u64).unwrap();
                expected[offset..offset + length].copy_from_slice(&piece);
                offset += length;
            }
            file.sync().unwrap();
            prop_assert_eq!(std::fs::read(&path).unwrap(), expected);
        }
    }

    #[test]
    fn what_was_torn_is_zeroed_and_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segment");
        let Some(mut file) = zeroed(&path, 16_384) else { return };
        file.write_at(&[1; 5000], 0).unwrap();
        file.write_at(&[0; 900], 4100).unwrap();
        file.write_at(&[2; 10], 4100).unwrap();
        let written = std::fs::read(&path).unwrap();
        assert!(written[..4100].iter().all(|byte| *byte == 1));
        assert!(written[4100..4110].iter().all(|byte| *byte == 2));
        assert!(written[4110..].iter().all(|byte| *byte == 0));
    }
}
