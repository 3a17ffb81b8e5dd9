//! How much room a disk has.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::StatVfs;

/// The room on the disk of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// All bytes of the file system.
    pub total_bytes: u64,
    /// Those that we may still take.
    pub free_bytes: u64,
}

impl Room {
    /// The free part, in per cent.
    pub fn free_percent(self) -> u64 {
        let percent = (u128::from(self.free_bytes) * 100).checked_div(u128::from(self.total_bytes));
        percent.and_then(|percent| u64::try_from(percent).ok()).unwrap_or(0)
    }
}

/// The room on the disk of `folder`, which must be there.
pub fn room(folder: &Path) -> io::Result<Room> {
    Ok(of(&rustix::fs::statvfs(folder)?))
}

/// The room on the disk that holds `file`.
pub fn room_beside(file: &File) -> io::Result<Room> {
    Ok(of(&rustix::fs::fstatvfs(file)?))
}

const fn of(told: &StatVfs) -> Room {
    Room {
        total_bytes: told.f_blocks.saturating_mul(told.f_frsize),
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_part_is_told_in_per_cent() {
        assert_eq!(Room { total_bytes: 0, free_bytes: 0 }.free_percent(), 0);
        assert_eq!(Room { total_bytes: 1000, free_bytes: 199 }.free_percent(), 19);
        assert_eq!(Room { total_bytes: 1 << 60, free_bytes: 1 << 60 }.free_percent(), 100);
    }

    #[test]
    fn a_folder_that_is_there_has_a_disk_and_one_that_is_not_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let told = room(folder.path()).unwrap();
        assert!(told.total_bytes >= told.free_bytes && told.total_bytes > 0, "{told:?}");
        let beside = room_beside(&tempfile::tempfile_in(folder.path()).unwrap()).unwrap();
        assert_eq!(beside.total_bytes, told.total_bytes);
        assert!(room(&folder.path().join("absent")).is_err());
    }
}
