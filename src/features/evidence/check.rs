//! Checks a pack that somebody has brought: hostile until it has been found whole.
//!
//! The signature is looked at before anything that it covers, and no file is unpacked that the manifest does not name. What other
//! programs could read differently is refused: bytes before, between or behind the files, or behind what a file is packed in; a
//! name that stands twice; whatever the list says otherwise than stands beside the bytes; and encryption.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::manifest::{FileTold, MANIFEST, Manifest, SIGNATURE, signed_text};
use super::pack::{BYTES_MAX, FILES_MAX, MANIFEST_BYTES_MAX};
use crate::foundation::digest::{Digest, Digester};
use crate::platform::signed_note::{Note, VerifierKey};

/// A pack that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it is about, and what is in it.
    pub manifest: Manifest,
    /// Who has signed it.
    pub key: VerifierKey,
}

/// Why a pack is not what was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is no archive of ours.
    #[error("it cannot be read as a pack: {0}")]
    Unreadable(String),
    /// It has more than a pack has.
    #[error("it is larger than any pack")]
    TooLarge,
    /// Something in it is hidden from some readers.
    #[error("it has bytes that belong to none of its files: programs may read it differently")]
    Hidden,
    /// A file has two names.
    #[error("{0}: it has another name in the archive's list than beside its bytes")]
    TwoNames(String),
    /// Two files have one name.
    #[error("two of its files have one name")]
    Twice,
    /// Nobody whose key was given has signed it.
    #[error("it is not signed by the key that was given")]
    Unsigned,
    /// It was signed with another manifest.
    #[error("manifest.json: it is not the manifest that was signed")]
    OtherManifest,
    /// The manifest is not of the form.
    #[error("manifest.json: it is signed, but it is not a manifest that this version reads")]
    Manifest,
    /// A file is not there.
    #[error("{0}: it is not there")]
    Missing(String),
    /// A file is not named.
    #[error("{0}: the manifest does not name it")]
    Unlisted(String),
    /// A file was changed.
    #[error("{0}: it was changed")]
    Changed(String),
}

/// Checks a pack against keys that somebody else has told.
pub fn check(pack: impl Read + Seek, keys: &[VerifierKey]) -> Result<Checked, CheckError> {
    let mut archive = ZipArchive::new(pack).map_err(|error| unreadable(&error))?;
    if archive.len() > FILES_MAX + 2 {
        return Err(CheckError::TooLarge);
    }
    if archive.has_duplicate_names() {
        return Err(CheckError::Twice);
    }
    let places = places(&mut archive)?;
    let (manifest, key) = signed(&mut archive, keys)?;
    if manifest.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add) > BYTES_MAX {
        return Err(CheckError::TooLarge);
    }
    let told: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let is_known = |name: &str| told.contains(name) || name == MANIFEST || name == SIGNATURE;
    if let Some(place) = places.iter().find(|place| !is_known(&place.name)) {
        return Err(CheckError::Unlisted(shown(&place.name)));
    }
    for file in &manifest.files {
        whole(&mut archive, file)?;
    }
    let (begin, mut pack) = (archive.central_directory_start(), archive.into_inner());
    ends_with_its_list(&mut pack, begin).map_err(|_| CheckError::Hidden)?;
    heads_agree(pack, &places)?;
    Ok(Checked { manifest, key })
}

/// Where a file stands in the archive.
struct Place {
    name: String,
    begin: u64,
    end: u64,
    /// How it is packed: 0 is not at all, 8 is deflate (APPNOTE 4.4.5).
    method: u8,
    /// Its checksum, and how many bytes it has packed and unpacked, as they stand beside the bytes.
    told: [u8; 12],
}

/// Where each file stands: one behind the other, from the first byte to the archive's list.
fn places<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Vec<Place>, CheckError> {
    let mut places = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|error| unreadable(&error))?;
        let name = std::str::from_utf8(file.name_raw()).map_err(|_| CheckError::Hidden)?.to_owned();
        let begin = file.header_start();
        let data = file.data_start().ok_or(CheckError::Hidden)?;
        // Ours have nothing between the name and the data.
        if file.encrypted() || data != begin.saturating_add(LOCAL_HEADER_BYTES + name.len() as u64) {
            return Err(CheckError::Hidden);
        }
        let is_stored = file.compression() == CompressionMethod::Stored;
        let method = if is_stored { 0 } else { 8 };
        let (packed, bytes) = (file.compressed_size(), file.size());
        let mut told = [0; 12];
        for (place, number) in told.chunks_mut(4).zip([u64::from(file.crc32()), packed, bytes]) {
            let number = u32::try_from(number).map_err(|_| CheckError::TooLarge)?;
            place.copy_from_slice(&number.to_le_bytes());
        }
        places.push(Place { name, begin, end: data.saturating_add(packed), method, told });
    }
    places.sort_by_key(|place| place.begin);
    let mut at = 0;
    for place in &places {
        if place.begin != at {
            return Err(CheckError::Hidden);
        }
        at = place.end;
    }
    let is_all =
        archive.offset() == 0 && archive.comment().is_empty() && archive.central_directory_start() == at;
    if is_all { Ok(places) } else { Err(CheckError::Hidden) }
}

/// The manifest, once it is known that one of the keys has signed it.
fn signed<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    keys: &[VerifierKey],
) -> Result<(Manifest, VerifierKey), CheckError> {
    let note = small(archive, SIGNATURE, NOTE_BYTES_MAX)?;
    let note = String::from_utf8(note).map_err(|_| CheckError::Unsigned)?;
    let note = Note::parse(&note).map_err(|_| CheckError::Unsigned)?;
    let key = keys.iter().find(|key| note.is_signed_by(key)).ok_or(CheckError::Unsigned)?;
    let text = small(archive, MANIFEST, MANIFEST_BYTES_MAX)?;
    if note.text() != signed_text(key.name().as_str(), &Digest::of(&text)) {
        return Err(CheckError::OtherManifest);
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| CheckError::Manifest)?;
    if !manifest.is_of_form() || manifest.journal.key != key.to_string() {
        return Err(CheckError::Manifest);
    }
    Ok((manifest, key.clone()))
}

fn small<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str, most: u64) -> Result<Vec<u8>, CheckError> {
    let mut text = Vec::new();
    let bytes = unpack(archive, name, most, |piece| text.extend_from_slice(piece))?;
    if bytes > most { Err(CheckError::TooLarge) } else { Ok(text) }
}

/// Whether a file is as the manifest tells it.
fn whole<R: Read + Seek>(archive: &mut ZipArchive<R>, told: &FileTold) -> Result<(), CheckError> {
    let mut digester = Digester::default();
    let bytes = unpack(archive, &told.path, told.bytes, |piece| digester.update(piece))?;
    let is_same = bytes == told.bytes && digester.finish().to_string() == told.sha256;
    if is_same { Ok(()) } else { Err(CheckError::Changed(shown(&told.path))) }
}

/// Unpacks a file, at most one byte more than `most`; gives how many bytes there were. Nothing is behind what it is packed in.
pub(super) fn unpack<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
    most: u64,
    take: impl FnMut(&[u8]),
) -> Result<u64, CheckError> {
    let changed = || CheckError::Changed(shown(name));
    let index =
        archive.index_for_name_raw(name.as_bytes()).ok_or_else(|| CheckError::Missing(shown(name)))?;
    let file = archive.by_index_raw(index).map_err(|_| changed())?;
    let (packed, method) = (file.compressed_size(), file.compression());
    let (bytes, used) = if method == CompressionMethod::Stored {
        let bytes = drain(file, most, take).map_err(|_| changed())?;
        (bytes, bytes)
    } else if method == CompressionMethod::Deflated {
        let mut unpacking = DeflateDecoder::new(file);
        let bytes = drain(&mut unpacking, most, take).map_err(|_| changed())?;
        (bytes, unpacking.total_in())
    } else {
        return Err(changed());
    };
    if bytes <= most && used != packed { Err(CheckError::Hidden) } else { Ok(bytes) }
}

fn drain(from: impl Read, most: u64, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let mut from = from.take(most.saturating_add(1));
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0_u64;
    loop {
        let read = from.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { return Ok(bytes) };
        take(piece);
        bytes = bytes.saturating_add(read as u64);
    }
}

/// Behind the files is the archive's list, from `begin` on, behind it where that is said, and behind that nothing (APPNOTE 4.3.16).
fn ends_with_its_list(pack: &mut (impl Read + Seek), begin: u64) -> io::Result<()> {
    let mut end = [0; END_BYTES];
    let at = pack.seek(SeekFrom::End(END_AT))?;
    pack.read_exact(&mut end)?;
    let number = |bytes: Option<&[u8; 4]>| bytes.map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let (size, offset) = (end.get(12..).map(<[u8]>::first_chunk), end.get(16..).map(<[u8]>::first_chunk));
    let (size, offset) = (number(size.flatten()), number(offset.flatten()));
    let is_end = end.starts_with(b"PK\x05\x06")
        && offset == Some(begin)
        && size.is_some_and(|size| begin.saturating_add(size) == at);
    if is_end { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// What stands beside the bytes is what the list says: some programs go by the one, some by the other.
fn heads_agree(mut pack: impl Read + Seek, places: &[Place]) -> Result<(), CheckError> {
    for place in places {
        let (mut head, mut name) = ([0; 26], vec![0; place.name.len()]);
        let read = pack
            .seek(SeekFrom::Start(place.begin))
            .and_then(|_| pack.read_exact(&mut head))
            .and_then(|()| pack.seek(SeekFrom::Start(place.begin.saturating_add(LOCAL_HEADER_BYTES))))
            .and_then(|_| pack.read_exact(&mut name));
        if read.is_err() || name != place.name.as_bytes() {
            return Err(CheckError::TwoNames(shown(&place.name)));
        }
        let [_, _, _, _, _, _, flags, _, method, 0, ..] = head else { return Err(CheckError::Hidden) };
        let is_told = method == place.method && head.ends_with(&place.told);
        if flags & FOLLOWED_BY_DESCRIPTOR != 0 || !is_told {
            return Err(CheckError::Hidden);
        }
    }
    Ok(())
}

fn unreadable(error: &zip::result::ZipError) -> CheckError {
    CheckError::Unreadable(error.to_string())
}

/// A name that somebody else has chosen, for a terminal.
fn shown(name: &str) -> String {
    crate::foundation::text::plain(name).chars().take(NAME_CHARACTERS_SHOWN).collect()
}

/// What stands at the end of an archive without a comment.
const END_BYTES: usize = 22;
const END_AT: i64 = -22;
/// What stands before the name in a local file header (APPNOTE 4.3.7).
const LOCAL_HEADER_BYTES: u64 = 30;
/// The bit of the flags by which checksum and sizes stand behind the bytes (APPNOTE 4.4.4).
const FOLLOWED_BY_DESCRIPTOR: u8 = 1 << 3;
const NOTE_BYTES_MAX: u64 = 64 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;
const NAME_CHARACTERS_SHOWN: usize = 255;
