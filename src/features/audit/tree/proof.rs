//! Proofs of a Merkle tree: that a leaf is in it, and that one tree is the beginning of another.
//!
//! Made as RFC 6962 sections 2.1.1 and 2.1.2 say, checked as RFC 9162 sections 2.1.3.2 and 2.1.4.2 do. Pure but for
//! where the hashes come from.

use super::hash::{empty, node};
use crate::foundation::digest::Digest;

/// Where the hashes of a tree come from.
pub trait Hashes {
    /// Why one cannot be had.
    type Error;

    /// The hash of the `index`th complete subtree of 2^`height` leaves.
    fn subtree(&mut self, height: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// The hashes that lead from leaf `index` to the root of a tree of `size`, the lowest first. Empty where there
/// is no such leaf.
pub fn inclusion<H: Hashes>(hashes: &mut H, index: u64, size: u64) -> Result<Vec<Digest>, H::Error> {
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    if index >= size {
        return Ok(path);
    }
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(root(hashes, middle, end)?);
            end = middle;
        } else {
            path.push(root(hashes, begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that lead from the root of the first `old` leaves to that of `new` leaves. Empty where there is
/// nothing to prove: the sizes are equal, or the old tree has no leaves.
pub fn consistency<H: Hashes>(hashes: &mut H, old: u64, new: u64) -> Result<Vec<Digest>, H::Error> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut begin, mut end) = (0, new);
    // Whoever checks knows the root of the old tree, unless a left part was left behind.
    let mut is_known = true;
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(root(hashes, middle, end)?);
            end = middle;
        } else {
            path.push(root(hashes, begin, middle)?);
            begin = middle;
            is_known = false;
        }
    }
    if !is_known {
        path.push(root(hashes, begin, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The root of a tree of `size`.
pub fn root_of<H: Hashes>(hashes: &mut H, size: u64) -> Result<Digest, H::Error> {
    if size == 0 { Ok(empty()) } else { root(hashes, 0, size) }
}

/// The root over leaves `begin` to `end`, where `begin` is a multiple of a power of two that is not smaller
/// than their number.
fn root<H: Hashes>(hashes: &mut H, begin: u64, end: u64) -> Result<Digest, H::Error> {
    let size = end - begin;
    if size.is_power_of_two() {
        let height = size.trailing_zeros();
        return hashes.subtree(u8::try_from(height).unwrap_or(u8::MAX), begin >> height);
    }
    let middle = begin + split(size);
    Ok(node(root(hashes, begin, middle)?, root(hashes, middle, end)?))
}

/// The largest power of two below `size`, which is at least 2.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// Whether `path` leads from the leaf `leaf` at `index` to `root`, in a tree of `size`.
pub fn is_included(path: &[Digest], index: u64, leaf: Digest, size: u64, root: Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(*sibling, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether `path` leads from the tree of `old` leaves with its root to the one of `new` leaves with its own.
pub fn is_consistent(path: &[Digest], old: (u64, Digest), new: (u64, Digest)) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size > new_size {
        return false;
    }
    if old_size == new_size || old_size == 0 {
        let is_start = old_size != 0 || old_root == empty();
        return path.is_empty() && is_start && (old_size == 0 || old_root == new_root);
    }
    let mut rest = path.iter().copied();
    let first = if old_size.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node(sibling, old_hash);
            new_hash = node(sibling, new_hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node(new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == old_root && new_hash == new_root
}
