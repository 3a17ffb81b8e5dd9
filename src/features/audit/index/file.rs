//! How an index looks, byte by byte, and where it is.
//!
//! ```text
//! magic "LWINDEX2" · length u32 · JSON [length] · patients u64 … · seal [32]
//! ```
//!
//! Numbers are big-endian. The seal is a digest of all before it under the patients' key: whoever can write beside the journal but
//! not read the key cannot hide a segment from questions.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::super::directory::SegmentPath;
use super::super::disk::sync_directory;
use super::contents::Contents;
use crate::foundation::digest::{Digest, DigestKey};

/// The index of a segment.
pub(super) fn path_of(segment: &SegmentPath) -> PathBuf {
    segment.path.with_extension("index")
}

/// When a segment's file was last changed, in nanoseconds since 1970; none where it cannot be told.
pub(super) fn changed(segment: &SegmentPath) -> Option<u64> {
    let changed = std::fs::metadata(&segment.path).and_then(|file| file.modified()).ok()?;
    u64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
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
    let path = path_of(segment);
    let bytes = encode(contents, key)?;
    let unfinished = path.with_extension("index-unfinished");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

fn encode(contents: &Contents, key: &DigestKey) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(contents)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend(contents.patients.iter().flat_map(|part| part.to_be_bytes()));
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
    let (json, patients) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let mut contents: Contents = serde_json::from_slice(json).ok()?;
    let (parts, []) = patients.as_chunks::<8>() else { return None };
    contents.patients = parts.iter().map(|part| u64::from_be_bytes(*part)).collect();
    Some(contents)
}

fn seal(covered: &[u8], key: &DigestKey) -> Digest {
    key.digest(&[b"index of a segment", covered])
}

const MAGIC: [u8; 8] = *b"LWINDEX2";
/// Larger than the index of the largest segment.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
