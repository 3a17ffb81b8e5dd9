//! The hashes of a Merkle tree: RFC 6962 section 2.1, over SHA-256.

use crate::foundation::digest::Digest;

/// The hash of a leaf with these bytes. Its prefix tells it from a node's, so that neither passes for the other.
pub fn leaf(bytes: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], bytes])
}

/// The hash of a node over two.
pub fn node(left: Digest, right: Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root of a tree without leaves.
pub fn empty() -> Digest {
    Digest::of(b"")
}

/// The root over hashes of subtrees of one size, in order; `None` where there are none.
pub(super) fn over(hashes: &[Digest]) -> Option<Digest> {
    match hashes {
        [] => None,
        [only] => Some(*only),
        _ => {
            // The largest power of two below their number (RFC 6962 section 2.1).
            let half = hashes.len().div_ceil(2).next_power_of_two();
            let (left, right) = hashes.split_at_checked(half)?;
            Some(node(over(left)?, over(right)?))
        }
    }
}
