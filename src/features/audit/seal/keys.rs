//! The keys of the months, a file each, in a folder apart from the journal's.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::name::KeyName;
use super::period::Period;
use super::sealer::{Unsealed, about};
use crate::domain::confidential::{Confidential, SealedText};
use crate::features::audit::disk::put;
use crate::features::audit::settings::{Fields, SealSettings};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::id::RequestId;
use crate::foundation::secret::Secret;
use crate::platform::seal::SealedBy;

/// The keys of the months: that of now in memory, the others in their files until somebody asks.
#[derive(Debug)]
pub struct Seals {
    pub(super) directory: PathBuf,
    /// What is sealed.
    fields: Fields,
    pub(super) retain_years: u16,
    /// The months under a legal hold.
    pub(super) held: ArcSwap<Vec<Period>>,
    current: ArcSwap<Current>,
    /// When it was last seen to that the next month has a key, in milliseconds.
    looked: AtomicI64,
    pub(super) entropy: Arc<dyn Entropy>,
}

/// The key that seals now.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) period: Period,
    pub(super) secret: Secret,
}

/// Why keys cannot be kept, or not be destroyed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SealError {
    /// The disk refused something.
    #[error("the keys of what is sealed cannot use `{}`: {error}", .path.display())]
    Disk {
        /// What was to be used.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// A file is no key.
    #[error("`{}` is no key of a month: bring it back from the backup", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The month has no key.
    #[error("{period} has no key here")]
    NoKey {
        /// The month.
        period: Period,
    },
    /// The month's key was destroyed.
    #[error("the key of {period} was destroyed: is the clock right?")]
    Destroyed {
        /// The month.
        period: Period,
    },
    /// It has to be kept for longer.
    #[error("what was sealed in {period} is kept until {until} (`journal.sealed.retain_years`)")]
    Retained {
        /// The month.
        period: Period,
        /// The first month in which its key may be destroyed.
        until: Period,
    },
    /// Patients are found by it for longer.
    #[error(
        "what names patients by the key that was used until {through} is kept until {until} (`journal.sealed.retain_years`)"
    )]
    PatientsRetained {
        /// The last month in which it was used.
        through: Period,
        /// The first month in which it may be destroyed.
        until: Period,
    },
    /// It seals what comes now.
    #[error("what comes now is sealed with the key of {period}")]
    InUse {
        /// The month.
        period: Period,
    },
    /// It has to be kept for as long as somebody says so.
    #[error("{period} is under a legal hold (`journal.sealed.legal_hold`)")]
    Held {
        /// The month.
        period: Period,
    },
}

/// Why something stays sealed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RevealError {
    /// Its month's key was destroyed.
    #[error("the key of {period} was destroyed: nobody can read it any more")]
    Destroyed {
        /// The month.
        period: Period,
    },
    /// It is not what was sealed, or was sealed in another event.
    #[error("it is not what was sealed in this event")]
    Unreadable,
    /// Its key cannot be had.
    #[error(transparent)]
    Key(#[from] SealError),
}

impl Seals {
    /// Opens the folder, or makes it, and has the key of this month and of the next.
    pub fn open(
        settings: &SealSettings,
        now: Timestamp,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, SealError> {
        let directory = settings.directory.clone();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|error| disk(&directory, error))?;
        let current = Current::ensure(&directory, Period::of(now), &*entropy)?;
        let seals = Self {
            directory,
            fields: settings.fields,
            retain_years: settings.retain_years,
            held: ArcSwap::from_pointee(settings.legal_hold.clone()),
            current: ArcSwap::from_pointee(current),
            looked: AtomicI64::new(now.as_millis()),
            entropy,
        };
        seals.turn(now)?;
        Ok(seals)
    }

    /// What is sealed.
    pub const fn fields(&self) -> Fields {
        self.fields
    }

    /// These months, and no others, are under a legal hold from now on.
    pub fn hold(&self, held: &[Period]) {
        self.held.store(Arc::new(held.to_vec()));
    }

    /// The months under a legal hold.
    pub fn held(&self) -> Arc<Vec<Period>> {
        self.held.load_full()
    }

    /// The key that seals now.
    pub(super) fn current(&self) -> arc_swap::Guard<Arc<Current>> {
        self.current.load()
    }

    /// Whether [`Self::turn`] has something to do: at once when another month has come, and else once an hour. Looks at no disk.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let looked = Timestamp::from_millis(self.looked.load(Ordering::Relaxed));
        Period::of(now) != self.current.load().period || now.since(looked) >= LOOKED_EVERY
    }

    /// Goes on to another month when it has come, and makes the key of the one after it: it is on the disk long before
    /// anything is sealed with it. To be called now and then; until it is, what is sealed goes on under the month before.
    pub fn turn(&self, now: Timestamp) -> Result<(), SealError> {
        let period = Period::of(now);
        if period != self.current.load().period {
            self.current.store(Arc::new(Current::ensure(&self.directory, period, &*self.entropy)?));
        }
        self.looked.store(now.as_millis(), Ordering::Relaxed);
        let next = key_path(&self.directory, period.next());
        if !next.exists() {
            write_key(&next, &*self.entropy).map_err(|error| disk(&next, error))?;
        }
        Ok(())
    }

    /// Opens what an event keeps under seal. Whoever calls has written down before that it is read, by whom and why.
    pub fn reveal(&self, event: RequestId, sealed: &SealedText) -> Result<Confidential, RevealError> {
        let (period, text) = sealed.as_str().split_once('.').ok_or(RevealError::Unreadable)?;
        let period: Period = period.parse().map_err(|_| RevealError::Unreadable)?;
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_| RevealError::Unreadable)?;
        let path = key_path(&self.directory, period);
        if destroyed_path(&self.directory, period).exists() {
            return Err(RevealError::Destroyed { period });
        }
        let secret = read_key(&path, period)?;
        let by = SealedBy { secret: &secret, purpose: PURPOSE };
        let opened = by.open_one(&about(event, period), &text).map_err(|_| RevealError::Unreadable)?;
        let unsealed: Unsealed = serde_json::from_slice(&opened).map_err(|_| RevealError::Unreadable)?;
        Ok(unsealed.into())
    }
}

impl Current {
    fn ensure(directory: &Path, period: Period, entropy: &dyn Entropy) -> Result<Self, SealError> {
        let path = key_path(directory, period);
        if destroyed_path(directory, period).exists() {
            // The clock was set back: nothing more is sealed in a month that nobody can read.
            return Err(SealError::Destroyed { period });
        }
        if !path.exists() {
            write_key(&path, entropy).map_err(|error| disk(&path, error))?;
        }
        Ok(Self { period, secret: read_key(&path, period)? })
    }
}

fn key_path(directory: &Path, period: Period) -> PathBuf {
    KeyName::from(period).path(directory)
}

fn destroyed_path(directory: &Path, period: Period) -> PathBuf {
    KeyName::from(period).destroyed_path(directory)
}

fn read_key(path: &Path, period: Period) -> Result<Secret, SealError> {
    let text = std::fs::read_to_string(path).map(Secret::new).map_err(|error| {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        if is_missing { SealError::NoKey { period } } else { disk(path, error) }
    })?;
    let is_key = URL_SAFE_NO_PAD.decode(text.reveal()).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    if is_key { Ok(text) } else { Err(SealError::Key { path: path.to_owned() }) }
}

fn write_key(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    put(path, Secret::new(random_text::<KEY_BYTES>(entropy)).reveal().as_bytes())
}

pub(super) fn disk(path: &Path, error: io::Error) -> SealError {
    SealError::Disk { path: path.to_owned(), error: Arc::new(error) }
}

/// What keys of months are for: of one secret, whatever else is sealed has other keys.
pub(super) const PURPOSE: &str = "leastway events 1";
const KEY_BYTES: usize = 32;
const LOOKED_EVERY: Duration = Duration::from_secs(60 * 60);
