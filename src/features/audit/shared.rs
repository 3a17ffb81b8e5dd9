//! What the writer and those who hand entries over have in common.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::error::JournalError;
use super::format::Head;
use super::gap::GapBook;
use super::meter::Meter;
use super::settings::Sync;
use super::tray::Tray;
use super::tree::office::Office;
use crate::foundation::clock::Timestamp;

/// Where entries go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "where", rename_all = "lowercase")]
pub enum Standing {
    /// Into the journal.
    #[default]
    Journal,
    /// Into the spool, since the journal's disk takes nothing. They come home when it does.
    Spool {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: Arc<str>,
    },
    /// Nowhere: no disk takes any.
    Nowhere {
        /// Since when.
        since: Timestamp,
        /// Why.
        why: Arc<str>,
    },
}

impl Standing {
    /// In one word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Spool { .. } => "spool",
            Self::Nowhere { .. } => "nowhere",
        }
    }
}

/// What the writer and those who hand entries over have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) meter: Arc<Meter>,
    pub(super) sync: Sync,
    pub(super) payload_bytes_max: usize,
    pub(super) bell: Bell,
    pub(super) gap: GapBook,
    is_closing: AtomicBool,
    /// Why nothing is taken any more, ever.
    ended: OnceLock<JournalError>,
    standing: Mutex<Standing>,
    trays: Mutex<Vec<Arc<Tray>>>,
    heads: Mutex<Heads>,
    pub(super) office: Arc<Office>,
}

/// How far the journal has come.
#[derive(Clone, Copy, Debug)]
struct Heads {
    /// The last entry that is on a disk.
    durable: Head,
    /// The last of them that is in the journal's own folder.
    home: Head,
}

impl Shared {
    pub(super) fn new(
        meter: Arc<Meter>,
        (sync, gap): (Sync, GapBook),
        payload_bytes_max: usize,
        (durable, home): (Head, Head),
    ) -> Self {
        Self {
            meter,
            sync,
            payload_bytes_max,
            bell: Bell::default(),
            gap,
            is_closing: AtomicBool::new(false),
            ended: OnceLock::new(),
            standing: Mutex::default(),
            trays: Mutex::new(Vec::new()),
            heads: Mutex::new(Heads { durable, home }),
            office: Arc::default(),
        }
    }

    /// A new tray, known to the writer.
    pub(super) fn tray(&self) -> Arc<Tray> {
        let mut trays = self.trays();
        let tray = Arc::new(Tray::new(self.payload_bytes_max, self.ended.get().cloned()));
        if let Some(paused) = self.paused() {
            tray.pause(&paused);
        }
        trays.push(tray.clone());
        tray
    }

    /// Entries that wait for the writer.
    pub(super) fn waiting(&self) -> u64 {
        self.trays().iter().map(|tray| tray.waiting()).sum()
    }

    /// Why nothing is taken, now or any more.
    pub(super) fn refuses(&self) -> Option<JournalError> {
        self.ended.get().cloned().or_else(|| self.paused())
    }

    /// Where entries go.
    pub(super) fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last entry that is on a disk.
    pub(super) fn head(&self) -> Head {
        self.heads().durable
    }

    /// The last entry that is in the journal's own folder.
    pub(super) fn home(&self) -> Head {
        self.heads().home
    }

    /// Entries up to `head` are on a disk, and in the journal's own folder if `is_home`.
    pub(super) fn reached(&self, head: Head, is_home: bool) {
        let mut heads = self.heads();
        heads.durable = head;
        if is_home {
            heads.home = head;
        }
    }

    /// Asks the writer to write all that waits and end.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.bell.ring();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Nothing comes any more; what is in the trays is still written.
    pub(super) fn close_up(&self) {
        self.ended.get_or_init(|| JournalError::Closed);
    }

    /// Tells everybody that nothing is written any more.
    pub(super) fn end(&self, error: &JournalError) {
        self.ended.get_or_init(|| error.clone());
        for tray in self.trays().iter() {
            tray.end(error);
        }
    }

    /// Entries go elsewhere from now on; where that is nowhere, nothing is taken, and whoever waits is told.
    pub(super) fn stand(&self, standing: Standing) {
        // Under the lock of the trays, so that a new one is not missed.
        let trays = self.trays();
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        let paused = self.paused();
        for tray in trays.iter() {
            match &paused {
                Some(error) => tray.pause(error),
                None => tray.resume(),
            }
        }
    }

    pub(super) fn trays(&self) -> MutexGuard<'_, Vec<Arc<Tray>>> {
        self.trays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused(&self) -> Option<JournalError> {
        match self.standing() {
            Standing::Journal | Standing::Spool { .. } => None,
            Standing::Nowhere { why, .. } => Some(JournalError::Failed { why }),
        }
    }

    fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the writer; ringing it again before the writer has looked costs next to nothing.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_rung: AtomicBool,
    writer: OnceLock<Thread>,
}

impl Bell {
    /// Who is to be woken.
    pub(super) fn wakes(&self, writer: Thread) {
        self.writer.get_or_init(|| writer);
        self.ring();
    }

    pub(super) fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel)
            && let Some(writer) = self.writer.get()
        {
            writer.unpark();
        }
    }

    /// Waits until it was rung, but not longer than `most`.
    pub(super) fn wait(&self, most: Option<Duration>) {
        let begin = Instant::now();
        while !self.is_rung.swap(false, Ordering::AcqRel) {
            match most.map(|most| most.saturating_sub(begin.elapsed())) {
                None => std::thread::park(),
                Some(Duration::ZERO) => return,
                Some(left) => std::thread::park_timeout(left),
            }
        }
    }
}
