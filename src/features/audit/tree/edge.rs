//! The right edge of the tree: all that is needed to go on, at most 255 hashes of each level of tiles.

use super::hash::{empty, node, over};
use super::tile::{TILE_WIDTH, Tile};
use crate::foundation::digest::Digest;

/// A tree that grows. Bounded memory: 8 KiB for each factor of 256 in its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::features::audit) struct Edge {
    size: u64,
    /// Of each level of tiles, the hashes of the tile that is not full yet.
    rows: Vec<Vec<Digest>>,
}

impl Edge {
    /// An edge whose rows were read. `None` where they are not those of a tree of that size.
    pub(in crate::features::audit) fn of(size: u64, rows: Vec<Vec<Digest>>) -> Option<Self> {
        let fits = (0_u8..).zip(&rows).all(|(level, row)| row.len() as u64 == width(size, level));
        (fits && rows.len() >= usize::from(levels(size))).then_some(Self { size, rows })
    }

    /// Of each level of tiles, the hashes of the tile that is not full yet.
    pub(in crate::features::audit) fn rows(&self) -> &[Vec<Digest>] {
        &self.rows
    }

    /// How many leaves it has.
    pub(in crate::features::audit) const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `full` is shown each tile that is full now, the lowest first.
    pub(in crate::features::audit) fn append(&mut self, leaf: Digest, mut full: impl FnMut(Tile, &[Digest])) {
        self.size = self.size.saturating_add(1);
        let mut hash = leaf;
        for level in 0.. {
            let at = usize::from(level);
            if self.rows.len() == at {
                self.rows.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(row) = self.rows.get_mut(at) else { return };
            row.push(hash);
            if row.len() < TILE_WIDTH {
                return;
            }
            full(Tile { level, index: above(self.size, level).saturating_sub(1) }, row);
            let Some(root) = over(row) else { return };
            hash = root;
            row.clear();
        }
    }

    /// The tiles that are not full, with their hashes.
    pub(in crate::features::audit) fn partial(&self) -> impl Iterator<Item = (Tile, &[Digest])> {
        (0_u8..)
            .zip(&self.rows)
            .filter(|(_, row)| !row.is_empty())
            .map(|(level, row)| (Tile { level, index: above(self.size, level) }, row.as_slice()))
    }

    /// The root over all leaves.
    pub(in crate::features::audit) fn root(&self) -> Digest {
        let mut root = None;
        for row in &self.rows {
            let mut rest = row.as_slice();
            // From the right: the smallest complete subtree first.
            while !rest.is_empty() {
                let peak = 1_usize << rest.len().trailing_zeros();
                let Some((before, peak)) = rest.split_at_checked(rest.len() - peak) else { break };
                root = match (over(peak), root) {
                    (Some(left), Some(right)) => Some(node(left, right)),
                    (left, right) => left.or(right),
                };
                rest = before;
            }
        }
        root.unwrap_or_else(empty)
    }
}

/// How many hashes stand in the tile of `level` that is not full, in a tree of `size`.
pub(super) fn width(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0) % TILE_WIDTH as u64
}

/// How many full tiles `level` has, in a tree of `size`: the index of the one that is not full.
pub(super) fn above(size: u64, level: u8) -> u64 {
    size.checked_shr((u32::from(level) + 1) * TILE_HEIGHT).unwrap_or(0)
}

/// How many levels of tiles a tree of `size` has.
pub(super) fn levels(size: u64) -> u8 {
    (0..8).take_while(|level: &u32| size >> (level * TILE_HEIGHT) > 0).count().try_into().unwrap_or(8)
}

const TILE_HEIGHT: u32 = TILE_WIDTH.trailing_zeros();
