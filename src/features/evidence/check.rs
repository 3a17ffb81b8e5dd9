//! Checks a pack that somebody has brought: hostile until it has been found whole.
//!
//! The signature is looked at before anything that it covers, and no file is unpacked that the manifest does not name. What other
//! programs could read differently is refused: bytes before, between or behind the files, a name that stands twice or differs in
//! its two places, and encryption.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::read::ZipFile;

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
    names_agree(pack, &places)?;
    Ok(Checked { manifest, key })
}

/// Where a file stands in the archive.
struct Place {
    name: String,
    begin: u64,
    end: u64,
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
        places.push(Place { name, begin, end: data.saturating_add(file.compressed_size()) });
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
    let file = named(archive, name)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|_| CheckError::Changed(name.to_owned()))?;
    if bytes.len() as u64 > most { Err(CheckError::TooLarge) } else { Ok(bytes) }
}

/// Whether a file is as the manifest tells it. At most one byte more than that is unpacked.
fn whole<R: Read + Seek>(archive: &mut ZipArchive<R>, told: &FileTold) -> Result<(), CheckError> {
    let changed = || CheckError::Changed(shown(&told.path));
    let mut file = named(archive, &told.path)?.take(told.bytes.saturating_add(1));
    let (mut digester, mut bytes) = (Digester::default(), 0_u64);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(|_| changed())?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        digester.update(piece);
        bytes = bytes.saturating_add(read as u64);
    }
    let is_same = bytes == told.bytes && digester.finish().to_string() == told.sha256;
    if is_same { Ok(()) } else { Err(changed()) }
}

fn named<'a, R: Read + Seek>(
    archive: &'a mut ZipArchive<R>,
    name: &str,
) -> Result<ZipFile<'a, R>, CheckError> {
    let index =
        archive.index_for_name_raw(name.as_bytes()).ok_or_else(|| CheckError::Missing(shown(name)))?;
    archive.by_index(index).map_err(|_| CheckError::Changed(shown(name)))
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

/// The names beside the bytes are those of the list: some programs go by the one, some by the other.
fn names_agree(mut pack: impl Read + Seek, places: &[Place]) -> Result<(), CheckError> {
    for place in places {
        let mut name = vec![0; place.name.len()];
        let read = pack
            .seek(SeekFrom::Start(place.begin.saturating_add(LOCAL_HEADER_BYTES)))
            .and_then(|_| pack.read_exact(&mut name));
        if read.is_err() || name != place.name.as_bytes() {
            return Err(CheckError::TwoNames(shown(&place.name)));
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
const NOTE_BYTES_MAX: u64 = 64 * 1024;
const BUFFER_BYTES: usize = 64 * 1024;
const NAME_CHARACTERS_SHOWN: usize = 255;
