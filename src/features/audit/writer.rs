//! The one thread that writes the journal.
//!
//! It takes all that waits in all trays, writes it in one piece, syncs, *then* advances and wakes each
//! worker once. While the disk is busy the next batch forms by itself; after a large one, the next is
//! given a moment to become larger still, which is time that nobody notices and work saved for all. The first
//! error ends it: whoever waits is told, whoever comes is refused, until the journal is opened again
//! and what is on the disk has been read. A failed sync is never tried again on the same file, since
//! the system may have forgotten what it could not write.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::entry::EntryRef;
use super::error::JournalError;
use super::format::Head;
use super::meter::Meter;
use super::settings::Sync;
use super::tape::Tape;
use super::tray::{Taken, Tray};
use super::tree::office::Office;
use crate::domain::event::{Closing, Opening};

/// What the writer and those who hand entries over have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) meter: Arc<Meter>,
    pub(super) sync: Sync,
    pub(super) payload_bytes_max: usize,
    pub(super) bell: Bell,
    is_closing: AtomicBool,
    ended: OnceLock<JournalError>,
    trays: Mutex<Vec<Arc<Tray>>>,
    head: Mutex<Head>,
    pub(super) office: Arc<Office>,
}

impl Shared {
    pub(super) fn new(meter: Arc<Meter>, sync: Sync, payload_bytes_max: usize, head: Head) -> Self {
        Self {
            meter,
            sync,
            payload_bytes_max,
            bell: Bell::default(),
            is_closing: AtomicBool::new(false),
            ended: OnceLock::new(),
            trays: Mutex::new(Vec::new()),
            head: Mutex::new(head),
            office: Arc::default(),
        }
    }

    /// A new tray, known to the writer.
    pub(super) fn tray(&self) -> Arc<Tray> {
        let mut trays = self.trays();
        let tray = Arc::new(Tray::new(self.payload_bytes_max, self.ended.get().cloned()));
        trays.push(tray.clone());
        tray
    }

    /// Entries that wait for the writer.
    pub(super) fn waiting(&self) -> u64 {
        self.trays().iter().map(|tray| tray.waiting()).sum()
    }

    /// Why nothing is written any more.
    pub(super) fn ended(&self) -> Option<&JournalError> {
        self.ended.get()
    }

    /// The last entry that is on the disk.
    pub(super) fn head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the writer to write all that waits and end.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Tells everybody that nothing is written any more.
    fn end(&self, error: &JournalError) {
        self.ended.get_or_init(|| error.clone());
        for tray in self.trays().iter() {
            tray.end(error);
        }
    }

    fn trays(&self) -> MutexGuard<'_, Vec<Arc<Tray>>> {
        self.trays.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn wait(&self, most: Option<Duration>) {
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

/// The writer's own state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    tape: Tape,
    /// What was taken in this turn.
    taken: Vec<(Arc<Tray>, Taken)>,
    /// Buffers to leave in the trays.
    spare: Vec<Vec<u8>>,
    /// Since when something is written but not synced.
    unsynced: Option<Instant>,
    /// Whether the last batch was large.
    was_large: bool,
    /// How long the last sync took.
    sync_took: Duration,
    has_ended: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, tape: Tape) -> Self {
        Self {
            shared,
            tape,
            taken: Vec::new(),
            spare: Vec::new(),
            unsynced: None,
            was_large: false,
            sync_took: Duration::ZERO,
            has_ended: false,
        }
    }

    /// Writes until the journal is closed or something fails. `seal` is the event that then ends it.
    pub(super) fn run(mut self, seal: impl FnOnce() -> (Opening, Closing)) {
        loop {
            if self.was_large {
                gather(self.sync_took.min(GATHERING_MAX));
            }
            self.shared.bell.wait(self.sync_due());
            let is_last = self.shared.is_closing.load(Ordering::Acquire);
            if let Err(error) = self.turn(is_last) {
                return self.fail(&error);
            }
            if is_last {
                break;
            }
        }
        // In a batch of its own: it proves that all before it was on the disk.
        if let Err(error) = self.seal(&seal()) {
            return self.fail(&error);
        }
        self.end(&JournalError::Closed);
    }

    /// One batch: take, write, sync, advance, wake.
    fn turn(&mut self, is_last: bool) -> std::io::Result<()> {
        self.collect(is_last);
        self.was_large = self.taken.iter().map(|(_, taken)| taken.entries).sum::<u64>() >= LARGE_ENTRIES;
        if !self.taken.is_empty() {
            self.shared.meter.batch();
            self.tape.append(self.taken.iter().flat_map(|(_, taken)| taken.payloads()))?;
        }
        if self.tape.is_unsynced() {
            let since = *self.unsynced.get_or_insert_with(Instant::now);
            let is_due = match self.shared.sync {
                Sync::BeforeRelease => true,
                Sync::Within(time) => is_last || since.elapsed() >= time,
            };
            if is_due {
                self.sync_took = self.tape.sync()?;
                self.unsynced = None;
                self.advance();
            }
        }
        self.wake();
        Ok(())
    }

    fn collect(&mut self, is_last: bool) {
        if is_last {
            self.shared.ended.get_or_init(|| JournalError::Closed);
        }
        let ended = is_last.then_some(&JournalError::Closed);
        let Self { shared, taken, spare, .. } = self;
        shared.trays().retain(|tray| {
            // Only we know it any more: what is in it now is all that will ever be.
            let is_abandoned = Arc::strong_count(tray) == 1;
            let full = tray.take(spare.pop().unwrap_or_default(), ended);
            if full.entries == 0 {
                spare.push(full.bytes);
            } else {
                taken.push((tray.clone(), full));
            }
            !is_abandoned
        });
    }

    fn advance(&mut self) {
        let head = self.tape.head();
        *self.shared.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
        let (leaves, segment_ended) = self.tape.leaves();
        self.shared.office.hand(leaves, head, segment_ended);
    }

    /// Tells each worker once how far we are, and keeps the buffers for the next turn.
    fn wake(&mut self) {
        for (tray, mut taken) in self.taken.drain(..) {
            tray.reached(taken.ticket);
            if taken.bytes.capacity() <= SPARE_BYTES_MAX {
                taken.bytes.clear();
                self.spare.push(taken.bytes);
            }
        }
        self.spare.truncate(SPARE_MAX);
    }

    /// How long the next sync may wait.
    fn sync_due(&self) -> Option<Duration> {
        let since = self.unsynced?;
        match self.shared.sync {
            Sync::BeforeRelease => None,
            Sync::Within(time) => Some(time.saturating_sub(since.elapsed())),
        }
    }

    fn seal(&mut self, (opening, closing): &(Opening, Closing)) -> std::io::Result<()> {
        let mut entries = [Vec::new(), Vec::new()];
        let [first, last] = &mut entries;
        EntryRef::Opening(opening).write(first)?;
        EntryRef::Closing(closing).write(last)?;
        self.tape.append(entries.iter().map(Vec::as_slice))?;
        self.tape.sync()?;
        self.advance();
        Ok(())
    }

    fn fail(&mut self, error: &dyn Display) {
        tracing::error!(%error, "the journal cannot be written: nothing is let through until a restart");
        self.end(&JournalError::Failed { why: error.to_string().into() });
    }

    fn end(&mut self, error: &JournalError) {
        self.has_ended = true;
        self.shared.end(error);
    }
}

/// Sleeps rather than waits for the bell: whoever comes in the meantime need not wake anybody. As long as a sync
/// takes: about half as many are made then, and each costs more than the entries in it.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, and what it waits for is company")]
fn gather(time: Duration) {
    std::thread::sleep(time);
}

impl Drop for Writer {
    /// A panic of ours must not leave anybody waiting.
    fn drop(&mut self) {
        if !self.has_ended {
            self.fail(&"the writer has ended");
        }
    }
}

/// A batch of so many entries shows that many workers' requests wait together.
const LARGE_ENTRIES: u64 = 24;
/// How long nothing is taken after a large batch, at most.
const GATHERING_MAX: Duration = Duration::from_millis(1);
const SPARE_MAX: usize = 64;
const SPARE_BYTES_MAX: usize = 1024 * 1024;
