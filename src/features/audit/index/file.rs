//! How an index looks, byte by byte, and where it is.
//!
//! ```text
//! magic "LWINDEX3" · length u32 · JSON [length] · blocks u32 · block … · patient … · seal [32]
//! block    offset u64 · sequence before u64 · hash before [32] · first time u64 · last time u64
//! patient  part of the digest u64 · block u16
//! ```
//!
//! Numbers are big-endian. The seal is a digest of all before it under the patients' key: whoever can write beside the journal but
//! not read the key cannot hide a segment from questions.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::super::directory::SegmentPath;
use super::super::disk::put;
use super::super::format::{Head, take};
use super::super::segment::Spot;
use super::contents::{Block, Contents};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::{Digest, DigestKey};

/// The index of a segment.
pub(in super::super) fn path_of(segment: &SegmentPath) -> PathBuf {
    segment.path.with_extension("index")
}

/// When a segment's file was last changed, in nanoseconds since 1970; none where it cannot be told.
pub(super) fn changed(segment: &SegmentPath) -> Option<u64> {
    let changed = std::fs::metadata(&segment.path).and_then(|file| file.modified()).ok()?;
    u64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

/// Dates a segment that was fetched, and proven or never read, as its index knows it; leaves one without an index alone.
pub(in super::super) fn date_as_indexed(segment: &SegmentPath, key: &DigestKey) -> io::Result<()> {
    let Some(contents) = read(segment, key) else { return Ok(()) };
    let changed = UNIX_EPOCH + Duration::from_nanos(contents.changed);
    OpenOptions::new().write(true).open(&segment.path)?.set_modified(changed)
}

/// What the index of a segment says, if there is one that is sealed.
pub(super) fn read(segment: &SegmentPath, key: &DigestKey) -> Option<Contents> {
    let file = File::open(path_of(segment)).ok()?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= BYTES_MAX).then(|| decode(&bytes, key)).flatten()
}

/// Writes the index of a segment: whole, or not at all.
pub(super) fn write(segment: &SegmentPath, contents: &Contents, key: &DigestKey) -> io::Result<()> {
    put(&path_of(segment), &encode(contents, key)?)
}

fn encode(contents: &Contents, key: &DigestKey) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(contents)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&json);
    let blocks = u32::try_from(contents.blocks.len()).map_err(io::Error::other)?;
    bytes.extend_from_slice(&blocks.to_be_bytes());
    contents.blocks.iter().for_each(|block| encode_block(&mut bytes, block));
    for (part, block) in &contents.patients {
        bytes.extend_from_slice(&part.to_be_bytes());
        bytes.extend_from_slice(&block.to_be_bytes());
    }
    let seal = seal(&bytes, key);
    bytes.extend_from_slice(seal.as_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8], key: &DigestKey) -> Option<Contents> {
    let (covered, brought) = bytes.split_last_chunk::<32>()?;
    if seal(covered, key) != Digest::from_bytes(*brought) {
        return None;
    }
    let rest = covered.strip_prefix(&MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (json, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let mut contents: Contents = serde_json::from_slice(json).ok()?;
    let (blocks, rest) = rest.split_first_chunk::<4>()?;
    let blocks = usize::try_from(u32::from_be_bytes(*blocks)).ok()?.checked_mul(BLOCK_BYTES)?;
    let (blocks, patients) = rest.split_at_checked(blocks)?;
    let (blocks, []) = blocks.as_chunks::<BLOCK_BYTES>() else { return None };
    contents.blocks = blocks.iter().map(decode_block).collect::<Option<_>>()?;
    let (patients, []) = patients.as_chunks::<PATIENT_BYTES>() else { return None };
    contents.patients = patients.iter().map(decode_patient).collect::<Option<_>>()?;
    Some(contents)
}

fn encode_block(bytes: &mut Vec<u8>, block: &Block) {
    let Block { at: Spot { offset, head }, first, last } = block;
    bytes.extend_from_slice(&offset.to_be_bytes());
    bytes.extend_from_slice(&head.sequence.to_be_bytes());
    bytes.extend_from_slice(head.hash.as_bytes());
    bytes.extend_from_slice(&first.as_millis().to_be_bytes());
    bytes.extend_from_slice(&last.as_millis().to_be_bytes());
}

fn decode_block(bytes: &[u8; BLOCK_BYTES]) -> Option<Block> {
    let mut rest = bytes.as_slice();
    let offset = u64::from_be_bytes(take(&mut rest)?);
    let sequence = u64::from_be_bytes(take(&mut rest)?);
    let hash = Digest::from_bytes(take(&mut rest)?);
    let [first, last] =
        [take(&mut rest)?, take(&mut rest)?].map(|time| Timestamp::from_millis(i64::from_be_bytes(time)));
    Some(Block { at: Spot { offset, head: Head { sequence, hash } }, first, last })
}

fn decode_patient(bytes: &[u8; PATIENT_BYTES]) -> Option<(u64, u16)> {
    let mut rest = bytes.as_slice();
    Some((u64::from_be_bytes(take(&mut rest)?), u16::from_be_bytes(take(&mut rest)?)))
}

fn seal(covered: &[u8], key: &DigestKey) -> Digest {
    key.digest(&[b"index of a segment", covered])
}

const MAGIC: [u8; 8] = *b"LWINDEX3";
const BLOCK_BYTES: usize = 64;
const PATIENT_BYTES: usize = 10;
/// Larger than the index of the largest segment.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
