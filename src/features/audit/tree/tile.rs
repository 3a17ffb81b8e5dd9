//! The tree as files: C2SP `tlog-tiles`, eight levels of the tree in each, 256 hashes of 32 bytes.
//!
//! `tile/LEVEL/INDEX` for a full one, `tile/LEVEL/INDEX.p/WIDTH` for one that is not. An index is written in groups of three
//! digits, all but the last with an `x` before them: 1234067 is `x001/x234/067`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::edge::{Edge, above, levels, width};
use super::hash::over;
use super::proof::Hashes;
use crate::features::audit::directory::beside;
use crate::features::audit::disk::sync_directory;
use crate::foundation::digest::Digest;

/// The hashes of a full tile.
pub(in crate::features::audit) const TILE_WIDTH: usize = 256;

/// Which tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::features::audit) struct Tile {
    /// 0 for the leaves; a hash of the next level is the root over a whole tile of this one.
    pub(in crate::features::audit) level: u8,
    /// Its place among those of its level, from 0.
    pub(in crate::features::audit) index: u64,
}

impl Tile {
    /// Its file below the journal's folder, if it has so many hashes.
    pub(in crate::features::audit) fn path(self, width: usize) -> PathBuf {
        let mut groups = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups = format!("x{:03}/{groups}", rest % 1000);
            rest /= 1000;
        }
        let partial = if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() };
        PathBuf::from(format!("{FOLDER}/{}/{groups}{partial}", self.level))
    }

    /// Reads its first `width` hashes: from the full tile where there is one, or from one of that width or wider.
    /// `None` where neither is there, or what is there is no tile.
    pub(in crate::features::audit) fn read(
        self,
        directory: &Path,
        width: usize,
    ) -> io::Result<Option<Vec<Digest>>> {
        first_of(width, |stored| read_hashes(&directory.join(self.path(stored)), stored))
    }
}

/// The first `width` hashes, where `look` finds those of a tile of some width.
fn first_of(
    width: usize,
    mut look: impl FnMut(usize) -> io::Result<Option<Vec<Digest>>>,
) -> io::Result<Option<Vec<Digest>>> {
    // A full tile is there before narrower ones are removed: where none was found, it has come meanwhile, or there is none.
    let widths = [TILE_WIDTH, width].into_iter().chain(width + 1..TILE_WIDTH).chain([TILE_WIDTH]);
    for stored in widths {
        if let Some(mut hashes) = look(stored)? {
            hashes.truncate(width);
            return Ok(Some(hashes));
        }
    }
    Ok(None)
}

fn read_hashes(path: &Path, width: usize) -> io::Result<Option<Vec<Digest>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::with_capacity(width * HASH_BYTES);
    // One byte more shows a file that is too long.
    let most = (width * HASH_BYTES + 1) as u64;
    file.take(most).read_to_end(&mut bytes)?;
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    let fits = rest.is_empty() && hashes.len() == width;
    Ok(fits.then(|| hashes.iter().copied().map(Digest::from_bytes).collect()))
}

/// Tiles on their way to the disk: all are written, then all synced, then all named, so that their syncs
/// share the file system's own.
#[derive(Debug)]
pub(in crate::features::audit) struct Writing<'a> {
    directory: &'a Path,
    /// By their places: a tile that comes twice is the same.
    files: BTreeMap<PathBuf, File>,
    folders: BTreeSet<PathBuf>,
}

impl<'a> Writing<'a> {
    pub(in crate::features::audit) fn new(directory: &'a Path) -> Self {
        Self { directory, files: BTreeMap::new(), folders: BTreeSet::new() }
    }

    /// Writes a tile beside its place.
    pub(in crate::features::audit) fn add(&mut self, tile: Tile, hashes: &[Digest]) -> io::Result<()> {
        let path = self.directory.join(tile.path(hashes.len()));
        let folder = path.parent().unwrap_or(self.directory).to_owned();
        if !folder.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
            let above = folder.ancestors().skip(1).take_while(|above| above.starts_with(self.directory));
            self.folders.extend(above.map(Path::to_owned));
        }
        let mut bytes = Vec::with_capacity(hashes.len() * HASH_BYTES);
        for hash in hashes {
            bytes.extend_from_slice(hash.as_bytes());
        }
        let unfinished = unfinished(&path);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&bytes)?;
        self.files.insert(path, file);
        self.folders.insert(folder);
        Ok(())
    }

    /// How many wait to be finished.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// All of them are on the disk when this returns. Narrower tiles in the place of a full one are removed.
    pub(in crate::features::audit) fn finish(self) -> io::Result<()> {
        for file in self.files.values() {
            file.sync_data()?;
        }
        for path in self.files.keys() {
            std::fs::rename(unfinished(path), path)?;
        }
        self.folders.iter().try_for_each(|folder| sync_directory(folder))?;
        for path in self.files.keys() {
            let mut narrower = path.clone().into_os_string();
            narrower.push(".p");
            match std::fs::remove_dir_all(narrower) {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn unfinished(path: &Path) -> PathBuf {
    beside(path, "unfinished")
}

/// Reads the edge of a tree of `size` from its tiles; `None` where some are not there.
pub(in crate::features::audit) fn read_edge(directory: &Path, size: u64) -> io::Result<Option<Edge>> {
    let mut rows = Vec::new();
    for level in 0..levels(size) {
        let Ok(width) = usize::try_from(width(size, level)) else { return Ok(None) };
        if width == 0 {
            rows.push(Vec::new());
            continue;
        }
        let tile = Tile { level, index: above(size, level) };
        let Some(row) = tile.read(directory, width)? else { return Ok(None) };
        rows.push(row);
    }
    Ok(Edge::of(size, rows))
}

/// The hashes of a tree of some size, as its tiles tell them.
#[derive(Debug)]
pub(in crate::features::audit) struct Tiles<'a> {
    directory: &'a Path,
    size: u64,
    /// A proof looks at a few tiles of each level.
    seen: HashMap<Tile, Vec<Digest>>,
}

impl<'a> Tiles<'a> {
    pub(in crate::features::audit) fn new(directory: &'a Path, size: u64) -> Self {
        Self { directory, size, seen: HashMap::new() }
    }
}

impl Hashes for Tiles<'_> {
    type Error = io::Error;

    fn subtree(&mut self, height: u8, index: u64) -> io::Result<Digest> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "a tile of the tree is missing or broken");
        let (level, within) = (height / 8, height % 8);
        let first = index << within;
        let tile = Tile { level, index: first / TILE_WIDTH as u64 };
        if !self.seen.contains_key(&tile) {
            let known = if tile.index < above(self.size, level) {
                TILE_WIDTH as u64
            } else {
                width(self.size, level)
            };
            let known = usize::try_from(known).unwrap_or(TILE_WIDTH);
            let hashes = tile.read(self.directory, known)?.ok_or_else(missing)?;
            self.seen.insert(tile, hashes);
        }
        let begin = usize::try_from(first % TILE_WIDTH as u64).unwrap_or(TILE_WIDTH);
        let hashes = self.seen.get(&tile).and_then(|hashes| hashes.get(begin..begin + (1 << within)));
        hashes.and_then(over).ok_or_else(missing)
    }
}

const FOLDER: &str = "tile";
const HASH_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_that_becomes_full_while_it_is_looked_for_is_found() {
        let whole: Vec<Digest> = (0..=u8::MAX).map(|number| Digest::of(&[number])).collect();
        let mut looks = 0;
        let found = first_of(7, |stored| {
            looks += 1;
            // The full one comes, and the narrower ones go, behind the first look.
            Ok((looks > 1 && stored == TILE_WIDTH).then(|| whole.clone()))
        });
        assert_eq!(found.unwrap().as_deref(), whole.get(..7));
        assert_eq!(first_of(7, |_| Ok(None)).unwrap(), None);
    }
}
