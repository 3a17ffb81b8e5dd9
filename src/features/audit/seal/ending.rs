//! How long the keys of months are kept, and how they end.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::keys::{SealError, Seals, disk};
use super::name::{KeyKind, KeyName};
use super::period::Period;
use crate::features::audit::disk::{put, sync_directory};
use crate::foundation::clock::Timestamp;

/// How the key of a month stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodNow {
    /// The month.
    pub period: Period,
    /// How its key stands.
    pub state: PeriodState,
    /// From which month on its key may be destroyed; absent under a legal hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Period>,
}

crate::domain::closed_list! {
    /// How the key of a month stands.
    PeriodState {
        /// What was sealed can be read.
        Kept = "kept",
        /// What was sealed can be read by nobody any more.
        Destroyed = "destroyed",
    }
}

/// The keys whose retention is over, and which no legal hold keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// These.
    Keys(Vec<KeyName>),
    /// By the clock there are some, but it says a time at which nobody has been here for months: it may have leapt.
    Doubted,
}

impl Seals {
    /// The months that have a key or had one, the oldest first.
    pub fn periods(&self) -> Result<Vec<PeriodNow>, SealError> {
        self.standing(KeyKind::Sealed)
    }

    /// The keys by which patients were named before that of now, by the months in which they were last used, the oldest first.
    pub fn patients(&self) -> Result<Vec<PeriodNow>, SealError> {
        self.standing(KeyKind::Patients)
    }

    fn standing(&self, kind: KeyKind) -> Result<Vec<PeriodNow>, SealError> {
        let mut found = BTreeMap::new();
        let failed = |error| disk(&self.directory, error);
        for file in std::fs::read_dir(&self.directory).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            let Some((key, is_destroyed)) = name.to_str().and_then(KeyName::of) else { continue };
            if key.kind != kind {
                continue;
            }
            if is_destroyed {
                // Whatever a crash has left of the key beside it.
                found.insert(key, PeriodState::Destroyed);
            } else {
                found.entry(key).or_insert(PeriodState::Kept);
            }
        }
        let now = |(key, state): (KeyName, PeriodState)| PeriodNow {
            period: key.period,
            state,
            until: (!self.is_held(key)).then(|| self.until(key.period)),
        };
        Ok(found.into_iter().map(now).collect())
    }

    /// Whether a key may be destroyed.
    pub fn may_destroy(&self, key: KeyName, now: Timestamp) -> Result<(), SealError> {
        let period = key.period;
        if !key.path(&self.directory).exists() {
            return Err(SealError::NoKey { period });
        }
        let until = self.until(period);
        if Period::of(now) < until {
            return Err(match key.kind {
                KeyKind::Sealed => SealError::Retained { period, until },
                KeyKind::Patients => SealError::PatientsRetained { through: period, until },
            });
        }
        if self.is_held(key) {
            return Err(SealError::Held { period });
        }
        // The next month's key was not to be had, or time has leapt.
        if key == KeyName::from(self.current().period) {
            return Err(SealError::InUse { period });
        }
        Ok(())
    }

    /// Destroys a key: what was sealed by it can be read by nobody any more, whom it named is found by nobody. That it is destroyed
    /// is written down first. Copies of the key, in a backup, are to be destroyed by whoever made them.
    pub fn destroy(&self, key: KeyName, now: Timestamp) -> Result<(), SealError> {
        self.may_destroy(key, now)?;
        let path = key.path(&self.directory);
        let marker = key.destroyed_path(&self.directory);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| disk(&path, error)
        };
        put(&marker, format!("{now}\n").as_bytes()).map_err(failed(&marker))?;
        let overwrite = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&[b'0'; KEY_BYTES_MAX])?;
            file.sync_all()?;
            std::fs::remove_file(&path)?;
            sync_directory(&self.directory)
        };
        overwrite().map_err(failed(&path))
    }

    /// The keys that may be destroyed, the oldest first. Nobody looks when this is done by itself, so the clock has to be one that
    /// was here before: each of the last months has a key, which is made when it comes. One that was set years ahead finds none.
    pub fn ended(&self, now: Timestamp) -> Result<Ended, SealError> {
        let mut keys = Vec::new();
        for (kind, all) in [(KeyKind::Sealed, self.periods()?), (KeyKind::Patients, self.patients()?)] {
            let kept = all.into_iter().filter(|one| one.state == PeriodState::Kept);
            let named = kept.map(|one| KeyName { kind, period: one.period });
            keys.extend(named.filter(|key| self.may_destroy(*key, now).is_ok()));
        }
        let mut month = Period::of(now);
        let has_been_here = (0..MONTHS_SEEN).all(|_| {
            month = month.before();
            KeyName::from(month).path(&self.directory).exists()
        });
        Ok(if keys.is_empty() || has_been_here { Ended::Keys(keys) } else { Ended::Doubted })
    }

    /// The first month in which the key of `period` may be destroyed: when all of the month is as old as it has to be.
    const fn until(&self, period: Period) -> Period {
        period.next().years_later(self.retain_years)
    }

    /// Whether a legal hold keeps it: of patients, that of any month in which it may have been used.
    fn is_held(&self, key: KeyName) -> bool {
        let is_meant = |held: &Period| match key.kind {
            KeyKind::Sealed => *held == key.period,
            KeyKind::Patients => *held <= key.period,
        };
        self.held.load().iter().any(is_meant)
    }
}

/// As many bytes as the longest has.
const KEY_BYTES_MAX: usize = 43;
/// Of so many months before this one the keys have to be there.
const MONTHS_SEEN: u32 = 12;
