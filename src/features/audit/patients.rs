//! The keys by which events name patients, in the folder of the seals' keys: whoever has a copy of the journal alone finds no
//! patient in it, though they try every number.
//!
//! `patients.key` is the one of now. It names the same patient alike for as long as it is used, since windows, reports and detections
//! count patients across months. Once somebody asks for another (`patients.next`), the next start takes that, and the one before
//! stays as `patients-MONTH.key`, after the month in which it was last used: it still finds what it has named, until its retention
//! is over and it is destroyed as the keys of months are.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::directory::make;
use super::disk::{put, sync_directory};
use super::error::JournalError;
use super::seal::{KeyKind, KeyName, Period, keys_in};
use crate::domain::patient::{PatientDigests, PatientRef};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::{Entropy, random};

/// The keys by which events name patients.
#[derive(Debug)]
pub struct PatientKeys {
    now: Arc<DigestKey>,
    earlier: Vec<DigestKey>,
}

impl PatientKeys {
    /// This one, and none before it.
    #[cfg(test)]
    pub(crate) fn only(now: DigestKey) -> Self {
        Self { now: Arc::new(now), earlier: Vec::new() }
    }

    /// Those in a folder.
    pub fn load(keys: &Path) -> Result<Self, JournalError> {
        let now = Arc::new(read(&keys.join(NAME))?);
        let there = keys_in(keys, KeyKind::Patients)
            .map_err(|error| JournalError::Key { path: keys.to_owned(), why: error.to_string() })?;
        // The newest first: most of what is asked for is not old.
        let earlier = there.into_iter().rev().map(|key| read(&key.path(keys))).collect::<Result<_, _>>()?;
        Ok(Self { now, earlier })
    }

    /// Those in the first of some folders that has any.
    pub fn find(folders: &[PathBuf]) -> Result<Self, JournalError> {
        let has_any = |folder: &&PathBuf| folder.join(NAME).exists();
        let found = folders.iter().find(has_any).or_else(|| folders.first());
        Self::load(found.map_or(Path::new("."), PathBuf::as_path))
    }

    /// The key of now.
    pub const fn now(&self) -> &Arc<DigestKey> {
        &self.now
    }

    /// How events name a patient, whenever they were written.
    pub fn digests(&self, patient: &PatientRef) -> PatientDigests {
        let earlier = self.earlier.iter().map(|key| patient.digest(key)).collect();
        PatientDigests::new(patient.digest(&self.now), earlier)
    }
}

/// The key of now, as the journal is opened with it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) key: Arc<DigestKey>,
    /// Those last before it, by which something may still go on that began under them.
    pub(super) before: Vec<DigestKey>,
    /// The last month of the key before it, where this is its first use.
    pub(super) renewed: Option<Period>,
}

/// The key of now: moved here from the journal's own folder, where it once was; exchanged, where that was asked for; made, if this is
/// a new journal. A journal that has entries but no key any more is refused: under a new key nobody would find the patients of the
/// old entries again.
pub(super) fn open(
    (keys, journal): (&Path, &Path),
    is_new: bool,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Opened, JournalError> {
    make(keys)?;
    let path = keys.join(NAME);
    move_here(&journal.join(NAME), &path)?;
    let renewed = exchange(keys, Period::of(now)).map_err(|error| JournalError::disk(&path, error))?;
    if !path.exists() {
        if !is_new {
            let why = "it is missing, but the journal has entries: bring it back from the backup, or accept that their \
                       patients cannot be asked for any more and put 32 random bytes there";
            return Err(JournalError::Key { path, why: why.to_owned() });
        }
        let bytes = Zeroizing::new(random::<BYTES>(entropy));
        put(&path, bytes.as_slice()).map_err(|error| JournalError::disk(&path, error))?;
    }
    Ok(Opened { key: Arc::new(read(&path)?), before: before(keys), renewed })
}

/// The keys last before that of now, the newest first. One that cannot be read is told: what rests on it ends, and nothing else.
fn before(keys: &Path) -> Vec<DigestKey> {
    let there = keys_in(keys, KeyKind::Patients).unwrap_or_else(|error| {
        tracing::error!(%error, "the earlier keys of patients cannot be listed");
        Vec::new()
    });
    let read = |name: &KeyName| {
        let told =
            |error: &JournalError| tracing::error!(%error, "an earlier key of patients cannot be read");
        read(&name.path(keys)).inspect_err(told).ok()
    };
    there.iter().rev().take(BEFORE_MAX).filter_map(read).collect()
}

/// Makes the key that the next start will use in place of the one of now. Asked twice, the first is kept.
pub(super) fn prepare_next(keys: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let next = keys.join(NEXT);
    if next.exists() {
        return Ok(());
    }
    put(&next, Zeroizing::new(random::<BYTES>(entropy)).as_slice())
}

/// Takes the key that was made to be the next. At most one a month: of two that ended in the same, one would have no name.
fn exchange(keys: &Path, period: Period) -> io::Result<Option<Period>> {
    let (path, next) = (keys.join(NAME), keys.join(NEXT));
    if !next.exists() {
        return Ok(None);
    }
    let ended = KeyName { kind: KeyKind::Patients, period };
    // Else a crash came in between.
    if path.exists() {
        if ended.path(keys).exists() || ended.destroyed_path(keys).exists() {
            return Ok(None);
        }
        std::fs::rename(&path, ended.path(keys))?;
        sync_directory(keys)?;
    }
    std::fs::rename(&next, &path)?;
    sync_directory(keys)?;
    Ok(Some(period))
}

/// Moves a key from the journal's folder, where it lay beside what it keeps closed.
fn move_here(old: &Path, path: &Path) -> Result<(), JournalError> {
    let is_here =
        || old.canonicalize().ok().is_some_and(|old| path.canonicalize().is_ok_and(|path| path == old));
    if !old.exists() || is_here() {
        return Ok(());
    }
    let bytes = read_bytes(old)?;
    if !path.exists() {
        put(path, bytes.as_slice()).map_err(|error| JournalError::disk(path, error))?;
    } else if *read_bytes(path)? != *bytes {
        let why = format!(
            "another one is in `{}`: move away the one that does not find the patients of this journal",
            path.display()
        );
        return Err(JournalError::Key { path: old.to_owned(), why });
    }
    let folder = old.parent().unwrap_or(Path::new("."));
    if let Err(error) = remove(old).and_then(|()| sync_directory(folder)) {
        tracing::warn!(
            %error,
            "the key of patients is copied to the other keys, and cannot be removed from the journal's folder yet"
        );
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.write_all(&[0; BYTES])?;
    file.sync_all()?;
    std::fs::remove_file(path)
}

fn read(path: &Path) -> Result<DigestKey, JournalError> {
    read_bytes(path).map(|bytes| DigestKey::from_bytes(&bytes))
}

fn read_bytes(path: &Path) -> Result<Zeroizing<[u8; BYTES]>, JournalError> {
    let refused = |why: String| JournalError::Key { path: path.to_owned(), why };
    let mut bytes = Zeroizing::new([0; BYTES]);
    let mut file = File::open(path).map_err(|error| refused(error.to_string()))?;
    file.read_exact(bytes.as_mut()).map_err(|_| refused("it has fewer than 32 bytes".to_owned()))?;
    match file.read(&mut [0]) {
        Ok(0) => Ok(bytes),
        Ok(_) => Err(refused("it has more than 32 bytes".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}

const NAME: &str = "patients.key";
const NEXT: &str = "patients.next";
/// At most one ends a month, and nothing that goes on is as old as two.
const BEFORE_MAX: usize = 2;
const BYTES: usize = 32;
