//! How an export stands, as operators see it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::settings::ExportName;
use crate::foundation::clock::Timestamp;

/// How an export stands. Counted where it happens, read by whoever measures.
#[derive(Debug, Default)]
pub struct Standing {
    delivered: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    missed: AtomicU64,
    /// Up to this entry of the journal everything was handed over.
    ended: AtomicU64,
    present: Mutex<Present>,
}

#[derive(Clone, Debug, Default)]
struct Present {
    to: String,
    format: &'static str,
    /// What is wrong, as long as it is.
    fault: Option<String>,
    /// When the event ended that is next.
    waiting_since: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
}

/// How an export stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportNow {
    /// Which.
    pub export: ExportName,
    /// Where it leads.
    pub to: String,
    /// In which words.
    pub format: String,
    /// Documents that were taken since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Documents since the start that the receiver will never take.
    pub refused: u64,
    /// Entries of the journal since the start that were gone before they could be sent.
    pub missed: u64,
    /// Up to this entry of the journal everything was handed over.
    pub position: u64,
    /// Entries of the journal that come after it.
    pub lag_entries: u64,
    /// How long ago the event ended that is next; zero where none waits.
    pub lag_seconds: u64,
    /// When the last document was taken; absent where none was since the start.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delivered_at: Option<Timestamp>,
    /// What is wrong; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}

impl Standing {
    /// Leads there, in these words, from now on.
    pub(super) fn leads(&self, to: String, format: &'static str) {
        let mut present = self.present();
        (present.to, present.format, present.fault) = (to, format, None);
    }

    /// So many documents were taken.
    pub(super) fn delivered(&self, documents: u64, now: Timestamp) {
        self.delivered.fetch_add(documents, Ordering::Relaxed);
        let mut present = self.present();
        (present.delivered_at, present.fault) = (Some(now), None);
    }

    /// So many documents will never be taken.
    pub(super) fn refused(&self, documents: u64) {
        self.refused.fetch_add(documents, Ordering::Relaxed);
    }

    /// An attempt has failed: whether that is news.
    pub(super) fn failed(&self, why: &str) -> bool {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut present = self.present();
        let is_news = present.fault.as_deref() != Some(why);
        present.fault = Some(why.to_owned());
        is_news
    }

    /// Something else than the receiver is wrong.
    pub fn is_hindered(&self, why: String) {
        self.present().fault = Some(why);
    }

    /// So many entries were gone before they could be sent.
    pub fn missed(&self, entries: u64) {
        self.missed.fetch_add(entries, Ordering::Relaxed);
    }

    /// Everything was handed over up to this entry.
    pub fn reached(&self, ended: u64) {
        self.ended.store(ended, Ordering::Relaxed);
    }

    /// When the event ended that is next; none where none waits.
    pub fn waits_since(&self, since: Option<Timestamp>) {
        self.present().waiting_since = since;
    }

    /// How it stands, where the journal ends with entry `head`.
    pub(super) fn now(&self, export: ExportName, head: u64, now: Timestamp) -> ExportNow {
        let position = self.ended.load(Ordering::Relaxed);
        let Present { to, format, fault, waiting_since, delivered_at } = self.present().clone();
        ExportNow {
            export,
            to,
            format: format.to_owned(),
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            missed: self.missed.load(Ordering::Relaxed),
            position,
            lag_entries: head.saturating_sub(position),
            lag_seconds: waiting_since.map_or(0, |since| now.since(since).as_secs()),
            delivered_at,
            fault,
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
