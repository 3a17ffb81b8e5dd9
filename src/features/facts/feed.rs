//! One feed: what it says, how old that is, and how it is read again.
//!
//! Whatever goes wrong while it is read, what was known before stays in force. A feed keeps its state over a reload of the
//! configuration as long as its settings are the same.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use serde::Serialize;

use super::fault::FeedFault;
use super::fetching::Fetching;
use super::fhir::{self, PAGE_BYTES_MAX};
use super::settings::{FeedSettings, Format, Source, UrlSettings};
use super::table::Table;
use crate::domain::told::{FeedKind, FeedName};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;

/// One feed.
#[derive(Debug)]
pub struct Feed {
    /// What it is.
    pub settings: FeedSettings,
    held: ArcSwapOption<Held>,
    /// Rises with each table that is taken.
    revision: AtomicU64,
    status: Mutex<Status>,
    /// What of the source was met last, taken or not.
    met: Mutex<Option<Fingerprint>>,
    fetching: Option<Fetching>,
}

/// What it says, and since when.
#[derive(Debug)]
pub struct Held {
    /// That.
    pub table: Table,
    /// When it was made.
    pub as_of: Timestamp,
}

#[derive(Debug, Default)]
struct Status {
    taken: Option<Timestamp>,
    looked: Option<Timestamp>,
    fault: Option<FeedFault>,
    failures: u64,
}

/// When a file was last written, and how long it is.
type Fingerprint = (SystemTime, u64);

/// How a feed stands.
#[derive(Clone, Debug, Serialize)]
pub struct FeedNow {
    /// Which.
    pub feed: FeedName,
    /// What it is about.
    pub kind: FeedKind,
    /// How many rows it has; absent before it was first taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How many of them, or of their marks, no word is declared for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
    /// When what it says was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// How old that is, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Whether that is too old.
    pub stale: bool,
    /// When it was last taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Timestamp>,
    /// What is wrong with what it has been since; absent if all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How often it could not be taken since the start.
    pub failures: u64,
}

impl std::fmt::Display for FeedNow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): ", self.feed, self.kind)?;
        match (self.rows, self.age_seconds) {
            (Some(rows), Some(age)) => write!(f, "{rows} rows, {age} s old")?,
            _ => f.write_str("never taken")?,
        }
        if let Some(left_out) = self.left_out.filter(|left_out| *left_out > 0) {
            write!(f, ", {left_out} left out")?;
        }
        if self.stale {
            f.write_str(", too old")?;
        }
        match &self.fault {
            Some(fault) => write!(f, "; {fault}"),
            None => Ok(()),
        }
    }
}

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Nothing new.
    Same,
    /// It was taken, with so many rows.
    Taken(u64),
    /// It was not taken, and this is new.
    Refused(FeedFault),
}

impl Feed {
    /// A feed of which nothing is known yet.
    pub fn new(settings: FeedSettings) -> Self {
        let fetching = match &settings.source {
            Source::Url(url) => Some(Fetching::new(UrlSettings::clone(url), reply_bytes(&settings))),
            Source::File(_) => None,
        };
        Self {
            settings,
            held: ArcSwapOption::empty(),
            revision: AtomicU64::new(0),
            status: Mutex::default(),
            met: Mutex::default(),
            fetching,
        }
    }

    /// What it says, if it has ever said anything.
    pub fn held(&self) -> arc_swap::Guard<Option<Arc<Held>>> {
        self.held.load()
    }

    /// Whether what was made then is too old by now.
    pub fn is_aged(&self, held: &Held, now: Timestamp) -> bool {
        now.since(held.as_of) > self.settings.max_age
    }

    /// Rises with each table that is taken.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// How often its address is asked; none where it is a file.
    pub fn asked_every(&self) -> Option<Duration> {
        match &self.settings.source {
            Source::Url(url) => Some(url.every),
            Source::File(_) => None,
        }
    }

    /// How it stands.
    pub fn now(&self, now: Timestamp) -> FeedNow {
        let held = self.held.load();
        let held = held.as_ref();
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        FeedNow {
            feed: self.settings.name.clone(),
            kind: self.settings.kind,
            rows: held.map(|held| held.table.rows),
            left_out: held.map(|held| held.table.left_out),
            as_of: held.map(|held| held.as_of),
            age_seconds: held.map(|held| now.since(held.as_of).as_secs()),
            stale: held.is_some_and(|held| self.is_aged(held, now)),
            taken: status.taken,
            fault: status.fault.as_ref().map(ToString::to_string),
            failures: status.failures,
        }
    }

    /// Reads its file if that has changed since the last look. Blocks.
    pub fn look(&self, now: Timestamp) -> Looked {
        let Source::File(path) = &self.settings.source else { return Looked::Same };
        let seen = fingerprint(path);
        {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(seen) = &seen {
                if met.as_ref() == Some(seen) {
                    return Looked::Same;
                }
                *met = Some(*seen);
            } else {
                *met = None;
            }
        }
        let read = seen.map_err(unreadable).and_then(|seen| self.read(path, seen, now));
        self.settle(read, now)
    }

    fn read(&self, path: &Path, (written, bytes): Fingerprint, now: Timestamp) -> Result<Held, FeedFault> {
        let limit = self.settings.bytes_max;
        if bytes > limit {
            return Err(FeedFault::TooLarge { limit });
        }
        let bytes = bounded(path, limit).map_err(unreadable)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(FeedFault::TooLarge { limit });
        }
        if fingerprint(path).ok() != Some((written, u64::try_from(bytes.len()).unwrap_or(u64::MAX))) {
            // What is still being written could end after any whole line.
            *self.met.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Err(FeedFault::Changing);
        }
        let written = written.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let written = Timestamp::from_millis(i64::try_from(written.as_millis()).unwrap_or(i64::MAX));
        self.table(&bytes, written, now)
    }

    fn table(&self, bytes: &[u8], made: Timestamp, now: Timestamp) -> Result<Held, FeedFault> {
        let table = Table::read(bytes, &self.settings, now)?;
        let as_of = table.as_of.unwrap_or(made);
        Ok(Held { table, as_of })
    }

    /// Asks its address: nothing new, a table, or a fault. Reading the rows is left to a thread that may block.
    pub async fn ask(self: &Arc<Self>, entropy: &dyn Entropy, now: Timestamp) -> Looked {
        let Some(fetching) = &self.fetching else { return Looked::Same };
        if let Format::Fhir(fhir) = &self.settings.format {
            let read = fhir::read(fetching, fhir, &self.settings, entropy, now).await;
            return self.settle(read.map(|(table, as_of)| Held { table, as_of }), now);
        }
        let answer = match fetching.ask(entropy, now).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return self.confirmed(now),
            Err(fault) => return self.settle(Err(fault), now),
        };
        let (feed, body, made) = (self.clone(), answer.body, answer.made);
        let read = tokio::task::spawn_blocking(move || feed.table(&body, made, now)).await;
        let read = read.unwrap_or_else(|error| Err(FeedFault::Unreadable { cause: error.to_string() }));
        if read.is_ok() {
            fetching.remember(answer.tag);
        }
        self.settle(read, now)
    }

    /// Nothing has changed there.
    fn confirmed(&self, now: Timestamp) -> Looked {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.looked = Some(now);
        status.fault = None;
        Looked::Same
    }

    fn settle(&self, read: Result<Held, FeedFault>, now: Timestamp) -> Looked {
        let read = read.and_then(|held| {
            // A moment that lies ahead would keep it in time for as long as that.
            if held.as_of > now.plus(AHEAD_AT_MOST) { Err(FeedFault::Ahead) } else { Ok(held) }
        });
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.looked = Some(now);
        match read {
            Ok(held) => {
                status.taken = Some(now);
                status.fault = None;
                let rows = held.table.rows;
                self.held.store(Some(Arc::new(held)));
                self.revision.fetch_add(1, Ordering::AcqRel);
                Looked::Taken(rows)
            }
            Err(fault) => {
                status.failures += 1;
                if status.fault.as_ref() == Some(&fault) {
                    return Looked::Same;
                }
                status.fault = Some(fault.clone());
                Looked::Refused(fault)
            }
        }
    }
}

/// The most bytes that one answer may have.
fn reply_bytes(settings: &FeedSettings) -> u64 {
    match settings.format {
        Format::Fhir(_) => settings.bytes_max.min(PAGE_BYTES_MAX),
        Format::Csv | Format::Json | Format::Ndjson => settings.bytes_max,
    }
}

fn fingerprint(path: &Path) -> std::io::Result<Fingerprint> {
    let seen = std::fs::metadata(path)?;
    Ok((seen.modified()?, seen.len()))
}

/// One byte more than is taken at the most, so that more is seen to be more.
fn bounded(path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: std::io::Error) -> FeedFault {
    FeedFault::Unreadable { cause: error.to_string() }
}

/// Clocks differ.
const AHEAD_AT_MOST: Duration = Duration::from_secs(5 * 60);
