//! A file for what is too long for memory and only waits: without a name, sealed by a key that is nowhere else, and gone with
//! whoever has it open, the process included. Blocks.

use std::fs::{DirBuilder, File, OpenOptions, remove_file};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::disk::{Room, room_beside};
use super::seal::{FleetingKey, TAG_BYTES, Unsealable};
use crate::foundation::entropy::{Entropy, random_text};

/// A file of sealed pieces, which come back in the order in which they went.
#[derive(Debug)]
pub struct SpillFile {
    file: File,
    key: FleetingKey,
    written: u64,
    read: u64,
}

/// Why nothing can be put into such a file, or taken out of it.
#[derive(Debug, thiserror::Error)]
pub enum SpillError {
    /// The disk has not taken or given it.
    #[error("the disk failed")]
    Disk(#[from] io::Error),
    /// The rest of the disk is for others.
    #[error("less than {LEFT_FREE_PERCENT} per cent of the disk are free, and less than {} MiB", LEFT_FREE_BYTES >> 20)]
    Short,
    /// A piece is not what was written.
    #[error(transparent)]
    Sealed(#[from] Unsealable),
    /// A piece is not of the one size that they have.
    #[error("a piece has {0} bytes, not {PIECE_BYTES}")]
    Size(usize),
    /// It was given up before it had ended.
    #[error("it was given up")]
    GivenUp,
}

impl SpillFile {
    /// An empty one in `folder`, which is made if it is not there.
    pub fn make(folder: &Path, entropy: &dyn Entropy) -> Result<Self, SpillError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(random_text::<16>(entropy));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        // Before a byte is in it: nobody else opens it, and nothing is left behind by a crash.
        remove_file(&path)?;
        Ok(Self { file, key: FleetingKey::new(entropy)?, written: 0, read: 0 })
    }

    /// Appends a piece of [`PIECE_BYTES`], and leaves the buffer empty.
    pub fn push(&mut self, piece: &mut Vec<u8>) -> Result<(), SpillError> {
        if piece.len() != PIECE_BYTES {
            return Err(SpillError::Size(piece.len()));
        }
        if is_short(room_beside(&self.file)?) {
            return Err(SpillError::Short);
        }
        self.key.seal(piece)?;
        self.file.write_all(piece)?;
        self.written += 1;
        piece.clear();
        Ok(())
    }

    /// The next piece; none behind the last.
    pub fn pull(&mut self) -> Result<Option<Vec<u8>>, SpillError> {
        if self.read == self.written {
            return Ok(None);
        }
        let mut piece = vec![0; SEALED_BYTES];
        self.file.read_exact_at(&mut piece, self.read * SEALED_BYTES as u64)?;
        self.key.open(self.read, &mut piece)?;
        self.read += 1;
        Ok(Some(piece))
    }
}

/// Whether what is free is left for the journal, the store and whoever else writes to this disk.
fn is_short(room: Room) -> bool {
    room.free_percent() < LEFT_FREE_PERCENT && room.free_bytes < LEFT_FREE_BYTES
}

/// Bytes of a piece.
pub const PIECE_BYTES: usize = 256 * 1024;
/// Bytes of a piece in the file, so that a buffer of these takes one without growing.
pub const SEALED_BYTES: usize = PIECE_BYTES + TAG_BYTES;
const LEFT_FREE_PERCENT: u64 = 5;
/// Of a large disk, that much is enough.
const LEFT_FREE_BYTES: u64 = 2 << 30;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;
    use crate::foundation::entropy::SystemEntropy;

    fn piece(number: u8) -> Vec<u8> {
        vec![number; PIECE_BYTES]
    }

    fn filled(folder: &Path, pieces: u8) -> SpillFile {
        let mut file = SpillFile::make(folder, &SystemEntropy).unwrap();
        (0..pieces).for_each(|number| file.push(&mut piece(number)).unwrap());
        file
    }

    #[test]
    fn pieces_come_back_in_their_order_and_none_behind_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = filled(folder.path(), 5);
        for number in 0..5 {
            assert!(file.pull().unwrap().unwrap() == piece(number));
        }
        assert!(file.pull().unwrap().is_none());
        let wrong = file.push(&mut vec![0; PIECE_BYTES - 1]);
        assert!(matches!(wrong, Err(SpillError::Size(_))));
    }

    #[test]
    fn the_file_has_no_name_and_is_its_owners_alone_and_so_is_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("data/spill");
        let file = filled(&within, 1);
        assert_eq!(std::fs::read_dir(&within).unwrap().count(), 0);
        let metadata = file.file.metadata().unwrap();
        assert_eq!((metadata.nlink(), metadata.permissions().mode() & 0o777), (0, 0o600));
        assert_eq!(std::fs::metadata(&within).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_is_in_the_file_tells_nothing_and_no_two_pieces_are_alike() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = SpillFile::make(folder.path(), &SystemEntropy).unwrap();
        let mut other = SpillFile::make(folder.path(), &SystemEntropy).unwrap();
        for file in [&mut file, &mut other] {
            (0..2).for_each(|_| file.push(&mut piece(b'x')).unwrap());
        }
        let lies = |file: &SpillFile, number: u64| {
            let mut bytes = vec![0; SEALED_BYTES];
            file.file.read_exact_at(&mut bytes, number * SEALED_BYTES as u64).unwrap();
            bytes
        };
        let lying = [lies(&file, 0), lies(&file, 1), lies(&other, 0), lies(&other, 1)];
        for (position, one) in lying.iter().enumerate() {
            assert!(!one.windows(8).any(|bytes| bytes == b"xxxxxxxx"));
            assert!(lying.iter().skip(position + 1).all(|two| one != two));
        }
    }

    #[test]
    fn what_was_changed_cut_or_moved_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        for at in [0, PIECE_BYTES - 1, PIECE_BYTES, SEALED_BYTES - 1] {
            let mut file = filled(folder.path(), 2);
            let mut byte = [0];
            file.file.read_exact_at(&mut byte, at as u64).unwrap();
            file.file.write_all_at(&[byte[0] ^ 1], at as u64).unwrap();
            assert!(matches!(file.pull(), Err(SpillError::Sealed(_))), "byte {at}");
        }
        let mut cut = filled(folder.path(), 2);
        cut.file.set_len(2 * SEALED_BYTES as u64 - 1).unwrap();
        assert!(cut.pull().unwrap().is_some());
        assert!(matches!(cut.pull(), Err(SpillError::Disk(_))));
        let mut moved = filled(folder.path(), 2);
        let mut second = vec![0; SEALED_BYTES];
        moved.file.read_exact_at(&mut second, SEALED_BYTES as u64).unwrap();
        moved.file.write_all_at(&second, 0).unwrap();
        assert!(matches!(moved.pull(), Err(SpillError::Sealed(_))));
    }

    #[test]
    fn where_no_folder_can_be_made_there_is_no_file_and_the_last_of_a_disk_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("file");
        std::fs::write(&taken, "").unwrap();
        assert!(matches!(SpillFile::make(&taken, &SystemEntropy), Err(SpillError::Disk(_))));
        assert!(is_short(Room { total_bytes: 1000, free_bytes: 49 }));
        assert!(!is_short(Room { total_bytes: 1000, free_bytes: 50 }));
        assert!(!is_short(Room { total_bytes: 1 << 50, free_bytes: 2 << 30 }));
        assert!(is_short(Room { total_bytes: 1 << 50, free_bytes: (2 << 30) - 1 }));
    }
}
