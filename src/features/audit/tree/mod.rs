//! The journal as a tree, so that one entry can be proven to an outsider with a few hashes.
//!
//! The entries are the leaves of a Merkle tree (RFC 6962 section 2.1), kept as tiles. [`checkpoint`]s, which the
//! journal signs, name its size and root; [`proof`]s lead from an entry to a root, or from one root to a later one.
//! The forms are those of C2SP: `tlog-tiles`, `tlog-checkpoint` and `signed-note`.
//!
//! Whoever has noted a checkpoint can tell later that nothing before it was changed, cut off or replaced, with the
//! public key alone. Nothing here stands on a request's way.

pub mod checkpoint;
pub mod hash;
pub mod keys;
pub mod proof;

pub(super) mod edge;
pub(super) mod notary;
pub(super) mod notes;
pub(super) mod office;
pub(super) mod resume;
pub(super) mod thinning;
pub(super) mod tile;

#[cfg(test)]
mod tests;

pub use office::SignedCheckpoint;
