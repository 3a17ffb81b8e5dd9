//! What the keys of months are called.

use std::fmt;
use std::path::{Path, PathBuf};

use super::keys::{SealError, disk};
use super::period::Period;

crate::domain::closed_list! {
    /// What the key of a month is for.
    KeyKind {
        /// What events keep under seal, of that month.
        Sealed = "sealed",
        /// How events name patients, until that month.
        Patients = "patients",
    }
}

/// Which key: `2026-11.key`, `patients-2026-11.key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// What for.
    pub kind: KeyKind,
    /// The month; of patients, the last in which it was used.
    pub period: Period,
}

impl KeyName {
    /// Its file.
    pub(in super::super) fn path(self, directory: &Path) -> PathBuf {
        directory.join(self.file(KEY))
    }

    /// The file that says that it was destroyed.
    pub(in super::super) fn destroyed_path(self, directory: &Path) -> PathBuf {
        directory.join(self.file(DESTROYED))
    }

    fn file(self, ending: &str) -> String {
        let Self { kind, period } = self;
        match kind {
            KeyKind::Sealed => format!("{period}.{ending}"),
            KeyKind::Patients => format!("{PATIENTS}{period}.{ending}"),
        }
    }

    /// What a file is called so for, and whether it is there for a key that was destroyed.
    pub(super) fn of(file: &str) -> Option<(Self, bool)> {
        let (stem, ending) = file.split_once('.')?;
        let is_destroyed = match ending {
            KEY => false,
            DESTROYED => true,
            _ => return None,
        };
        let (kind, period) = match stem.strip_prefix(PATIENTS) {
            Some(period) => (KeyKind::Patients, period),
            None => (KeyKind::Sealed, stem),
        };
        Some((Self { kind, period: period.parse().ok()? }, is_destroyed))
    }
}

/// The keys of a kind that are there and were not destroyed, the oldest first.
pub(in super::super) fn keys_in(directory: &Path, kind: KeyKind) -> Result<Vec<KeyName>, SealError> {
    let mut there = Vec::new();
    for file in std::fs::read_dir(directory).map_err(|error| disk(directory, error))? {
        let name = file.map_err(|error| disk(directory, error))?.file_name();
        let Some((key, false)) = name.to_str().and_then(KeyName::of) else { continue };
        if key.kind == kind && !key.destroyed_path(directory).exists() {
            there.push(key);
        }
    }
    there.sort_unstable();
    Ok(there)
}

impl From<Period> for KeyName {
    fn from(period: Period) -> Self {
        Self { kind: KeyKind::Sealed, period }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, period } = self;
        match kind {
            KeyKind::Sealed => write!(f, "the key of what was sealed in {period}"),
            KeyKind::Patients => write!(f, "the key by which patients were named until {period}"),
        }
    }
}

const KEY: &str = "key";
const DESTROYED: &str = "destroyed";
const PATIENTS: &str = "patients-";
