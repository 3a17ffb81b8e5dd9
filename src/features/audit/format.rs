//! How a segment looks, byte by byte. Pure: no I/O.
//!
//! A segment is a header, then entries one after the other, then zeros to its end. All numbers are
//! big-endian.
//!
//! ```text
//! header   magic "LEASTWAY" · version u32 · bytes u64 · sequence before u64 · hash before [32] · CRC-32C u32
//! entry    length u32 · CRC-32C u32 · sequence u64 · synced u64 · previous hash [32] · payload [length]
//! hash     SHA-256(previous hash ‖ sequence ‖ payload)
//! ```
//!
//! The checksum (CRC-32C, RFC 3720 appendix B.4) covers every other byte of its header or entry and
//! tells a torn write from a whole one; the hash chains each entry to all before it. `synced` is the
//! last sequence that was surely on the disk when the entry was written: whatever does not fit at or
//! below it was changed later, whatever does not fit above it may be a write that power cut short.
//! The payload is the JSON of a [`crate::domain::event::Entry`], members in the type's order, no blanks.
//!
//! No entry tells the state of the clock by which it has its time: the checkpoint that covers it does, signed within
//! `journal.checkpoint_every` of the batch (1 s unless set), with a state that was asked for at most a minute before. Of older ones, that of
//! its minute, after thirty days of its hour, and each that tells another state than the one before (`tree/thinning.rs`).

use std::fmt;
use std::str::FromStr;

use crate::foundation::digest::Digest;

/// The bytes before the first entry.
pub(super) const HEADER_BYTES: usize = 64;
/// The bytes of an entry before its payload.
pub(super) const ENTRY_HEAD_BYTES: usize = 56;
/// The largest payload of one entry.
pub(super) const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

const CRC_BYTES: usize = 4;
const MAGIC: [u8; 8] = *b"LEASTWAY";
const VERSION: u32 = 1;

/// A place in the chain: the sequence of an entry and its hash. Prints as `SEQUENCE:HASH`, which is
/// what a witness notes down to prove later that nothing before it was changed or cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The sequence of the entry; 0 before the first.
    pub sequence: u64,
    /// The hash of the entry, and so of all before it.
    pub hash: Digest,
}

impl Head {
    /// Before the first entry.
    pub const START: Self = Self { sequence: 0, hash: Digest::ZERO };

    /// The place after an entry with `payload`.
    pub(super) fn after(self, payload: &[u8]) -> Self {
        let sequence = self.sequence.saturating_add(1);
        let hash = Digest::of_parts(&[self.hash.as_bytes(), &sequence.to_be_bytes(), payload]);
        Self { sequence, hash }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

/// A text that is not a place in the chain.
#[derive(Debug, thiserror::Error)]
#[error("a head is a sequence, a colon and 64 hexadecimal digits")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sequence, hash) = text.split_once(':').ok_or(HeadError)?;
        let sequence = sequence.parse().map_err(|_| HeadError)?;
        let hash = hash.to_ascii_lowercase().parse().map_err(|_| HeadError)?;
        Ok(Self { sequence, hash })
    }
}

/// What stands at the beginning of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// The size of the segment, header and zeros included.
    pub(super) bytes: u64,
    /// The place in the chain before its first entry.
    pub(super) before: Head,
}

/// Why a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// It is not one of ours, or it was changed.
    Unreadable,
    /// It is ours, of a version that we do not read.
    Version(u32),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.bytes.to_be_bytes());
        bytes.extend_from_slice(&self.before.sequence.to_be_bytes());
        bytes.extend_from_slice(self.before.hash.as_bytes());
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes
    }

    pub(super) fn decode(header: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        Self::fields(header).ok_or(HeaderFault::Unreadable)?
    }

    /// `None` where the bytes are not a header at all.
    fn fields(header: &[u8; HEADER_BYTES]) -> Option<Result<Self, HeaderFault>> {
        let mut rest = header.as_slice();
        let magic = take::<8>(&mut rest)?;
        let version = u32::from_be_bytes(take(&mut rest)?);
        let bytes = u64::from_be_bytes(take(&mut rest)?);
        let sequence = u64::from_be_bytes(take(&mut rest)?);
        let hash = Digest::from_bytes(take(&mut rest)?);
        let crc = u32::from_be_bytes(take(&mut rest)?);
        let (covered, _) = header.split_last_chunk::<4>()?;
        if magic != MAGIC || crc != crc32c::crc32c(covered) {
            return None;
        }
        if version != VERSION {
            return Some(Err(HeaderFault::Version(version)));
        }
        Some(Ok(Self { bytes, before: Head { sequence, hash } }))
    }
}

/// What stands before an entry's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryHead {
    pub(super) length: u32,
    pub(super) crc: u32,
    pub(super) sequence: u64,
    pub(super) synced: u64,
    pub(super) previous: Digest,
}

impl EntryHead {
    pub(super) fn decode(head: &[u8; ENTRY_HEAD_BYTES]) -> Option<Self> {
        let mut rest = head.as_slice();
        Some(Self {
            length: u32::from_be_bytes(take(&mut rest)?),
            crc: u32::from_be_bytes(take(&mut rest)?),
            sequence: u64::from_be_bytes(take(&mut rest)?),
            synced: u64::from_be_bytes(take(&mut rest)?),
            previous: Digest::from_bytes(take(&mut rest)?),
        })
    }

    /// Whether the checksum fits this head and `payload`.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        let (sequence, synced) = (self.sequence.to_be_bytes(), self.synced.to_be_bytes());
        self.crc
            == checksum(self.length.to_be_bytes(), &[&sequence, &synced, self.previous.as_bytes(), payload])
    }
}

/// Writes the entry that follows `before` at the end of `block`; gives the place after it.
pub(super) fn encode_entry(block: &mut Vec<u8>, before: Head, synced: u64, payload: &[u8]) -> Head {
    let after = before.after(payload);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let start = block.len();
    block.extend_from_slice(&length);
    block.extend_from_slice(&[0; CRC_BYTES]);
    let covered = block.len();
    block.extend_from_slice(&after.sequence.to_be_bytes());
    block.extend_from_slice(&synced.to_be_bytes());
    block.extend_from_slice(before.hash.as_bytes());
    block.extend_from_slice(payload);
    // All in one go: as it stands here it is as it is checked.
    let crc = checksum(length, &[block.get(covered..).unwrap_or_default()]);
    if let Some(place) = block.get_mut(start + length.len()..covered) {
        place.copy_from_slice(&crc.to_be_bytes());
    }
    after
}

/// Of an entry of that length, with all that follows the checksum.
fn checksum(length: [u8; 4], rest: &[&[u8]]) -> u32 {
    rest.iter().fold(crc32c::crc32c(&length), |crc, part| crc32c::crc32c_append(crc, part))
}

/// Takes the first `N` bytes off.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_a_changed_byte_is_found() {
        let header = SegmentHeader { bytes: 4096, before: Head::START.after(b"one") };
        let bytes: [u8; HEADER_BYTES] = header.encode().try_into().unwrap();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
        for position in 0..HEADER_BYTES {
            let mut changed = bytes;
            changed[position] ^= 1;
            assert_eq!(SegmentHeader::decode(&changed), Err(HeaderFault::Unreadable), "byte {position}");
        }
    }

    #[test]
    fn a_header_of_another_version_says_which() {
        let mut bytes = SegmentHeader { bytes: 4096, before: Head::START }.encode();
        bytes.truncate(HEADER_BYTES - 4);
        bytes[11] = 7;
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        let bytes: [u8; HEADER_BYTES] = bytes.try_into().unwrap();
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(7)));
    }

    #[test]
    fn an_entry_is_read_back_and_a_changed_byte_is_found() {
        let mut block = Vec::new();
        let after = encode_entry(&mut block, Head::START, 0, b"payload");
        assert_eq!(after.sequence, 1);
        let (head, payload) = block.split_first_chunk::<ENTRY_HEAD_BYTES>().unwrap();
        let decoded = EntryHead::decode(head).unwrap();
        assert_eq!((decoded.length, decoded.sequence, decoded.previous), (7, 1, Digest::ZERO));
        assert!(decoded.fits(payload));
        for position in 0..block.len() {
            let mut changed = block.clone();
            changed[position] ^= 0x80;
            let (head, payload) = changed.split_first_chunk::<ENTRY_HEAD_BYTES>().unwrap();
            assert!(!EntryHead::decode(head).unwrap().fits(payload), "byte {position}");
        }
    }

    #[test]
    fn the_chain_is_sha_256_over_previous_sequence_and_payload() {
        let first = Head::START.after(b"a");
        let mut spelled = vec![0_u8; 32];
        spelled.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, b'a']);
        assert_eq!(first.hash, Digest::of(&spelled));
    }

    #[test]
    fn a_head_is_read_back_from_its_text() {
        let head = Head::START.after(b"a");
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
        for text in ["", "1", "1:", "x:00", "1:ABCD", ":"] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }
}
