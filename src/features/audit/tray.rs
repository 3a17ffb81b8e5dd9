//! Where entries wait for the writer: one tray per worker, so that no worker waits for another.
//!
//! A tray is the worker's own buffer: entries are written straight into it, one behind the other.
//! The writer swaps it for an empty one. Nothing is allocated and nobody is woken per entry.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::entry::EntryRef;
use super::error::JournalError;
use crate::domain::event::{Closing, Opening};

/// Where one worker's entries wait.
#[derive(Debug)]
pub(super) struct Tray {
    inbox: Mutex<Inbox>,
    progress: watch::Sender<Progress>,
    payload_bytes_max: usize,
}

/// How far the writer is with a tray.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The last ticket whose entries are on the disk.
    pub(super) durable: u64,
    /// Why nothing more will come, or comes for now.
    pub(super) ended: Option<JournalError>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Length and payload of each entry.
    bytes: Vec<u8>,
    entries: u64,
    /// Opening entries so far: the number of the last is its ticket.
    tickets: u64,
    /// Why no opening entry is taken for now.
    paused: Option<JournalError>,
    ended: Option<JournalError>,
}

/// What the writer took from a tray.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Length and payload of each entry.
    pub(super) bytes: Vec<u8>,
    /// How many.
    pub(super) entries: u64,
    /// The ticket of the last opening entry that was taken now or before.
    pub(super) ticket: u64,
}

impl Tray {
    /// An empty tray; `ended` if the journal takes nothing any more.
    pub(super) fn new(payload_bytes_max: usize, ended: Option<JournalError>) -> Self {
        Self {
            inbox: Mutex::new(Inbox { ended: ended.clone(), ..Inbox::default() }),
            progress: watch::Sender::new(Progress { durable: 0, ended }),
            payload_bytes_max,
        }
    }

    /// Puts an opening entry in, and its closing entry if that is known already; gives the ticket to
    /// wait for.
    pub(super) fn open(&self, opening: &Opening, closing: Option<&Closing>) -> Result<u64, JournalError> {
        let mut inbox = self.inbox();
        if let Some(error) = &inbox.paused {
            return Err(error.clone());
        }
        if inbox.bytes.len() >= WAITING_BYTES_MAX {
            return Err(JournalError::Overloaded);
        }
        let before = (inbox.bytes.len(), inbox.entries);
        let put = inbox.put(&EntryRef::Opening(opening), self.payload_bytes_max).and_then(|()| {
            closing.map_or(Ok(()), |closing| inbox.put(&EntryRef::Closing(closing), self.payload_bytes_max))
        });
        if let Err(error) = put {
            inbox.bytes.truncate(before.0);
            inbox.entries = before.1;
            return Err(error);
        }
        inbox.tickets = inbox.tickets.saturating_add(1);
        Ok(inbox.tickets)
    }

    /// Puts a closing entry in. There is room for it even where an opening entry would find none:
    /// it belongs to one that was taken in, so there are never more than requests under way.
    pub(super) fn close(&self, closing: &Closing) -> Result<(), JournalError> {
        self.inbox().put(&EntryRef::Closing(closing), self.payload_bytes_max)
    }

    /// Takes what is waiting, and leaves `empty` for what comes. With `ended`, nothing comes after.
    pub(super) fn take(&self, empty: Vec<u8>, ended: Option<&JournalError>) -> Taken {
        let mut inbox = self.inbox();
        if let Some(error) = ended {
            inbox.ended.get_or_insert_with(|| error.clone());
        }
        Taken {
            bytes: std::mem::replace(&mut inbox.bytes, empty),
            entries: std::mem::take(&mut inbox.entries),
            ticket: inbox.tickets,
        }
    }

    /// How many entries are waiting.
    pub(super) fn waiting(&self) -> u64 {
        self.inbox().entries
    }

    /// All entries up to `ticket` are on the disk.
    pub(super) fn reached(&self, ticket: u64) {
        self.progress.send_if_modified(|progress| {
            let is_news = progress.durable < ticket;
            progress.durable = progress.durable.max(ticket);
            is_news
        });
    }

    /// Nothing is written for now: whoever waits is told so, and no event begins. How those end that have begun is taken: there
    /// are never more of these than requests under way. What is in it stays, and is written once that is possible.
    pub(super) fn pause(&self, error: &JournalError) {
        self.inbox().paused = Some(error.clone());
        self.progress.send_modify(|progress| {
            progress.ended.get_or_insert_with(|| error.clone());
        });
    }

    /// Entries are written again.
    pub(super) fn resume(&self) {
        let mut inbox = self.inbox();
        if inbox.paused.take().is_some() && inbox.ended.is_none() {
            self.progress.send_modify(|progress| progress.ended = None);
        }
    }

    /// Nothing more will be written: whoever waits is told so, whoever comes is refused.
    pub(super) fn end(&self, error: &JournalError) {
        self.inbox().ended.get_or_insert_with(|| error.clone());
        self.progress.send_modify(|progress| progress.ended = Some(error.clone()));
    }

    /// To hear how far the writer is.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Whether the entries of `ticket` are on the disk; `None`: not yet.
    pub(super) fn of(&self, ticket: u64) -> Option<Result<(), JournalError>> {
        if self.durable >= ticket {
            return Some(Ok(()));
        }
        self.ended.clone().map(Err)
    }
}

impl Inbox {
    fn put(&mut self, entry: &EntryRef<'_>, payload_bytes_max: usize) -> Result<(), JournalError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH_BYTES]);
        let written = entry.write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start + LENGTH_BYTES);
        if written.is_err() || length > payload_bytes_max {
            self.bytes.truncate(start);
            return Err(JournalError::TooLarge { bytes: length, allowed: payload_bytes_max });
        }
        let prefix = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(place) = self.bytes.get_mut(start..start + LENGTH_BYTES) {
            place.copy_from_slice(&prefix);
        }
        self.entries = self.entries.saturating_add(1);
        Ok(())
    }
}

impl Taken {
    /// Without its first entries, up to so many; gives how many more there should have been.
    pub(super) fn skip(&mut self, entries: u64) -> u64 {
        let skipped = entries.min(self.entries);
        let known = usize::try_from(skipped).unwrap_or(usize::MAX);
        let bytes: usize = self.payloads().take(known).map(|payload| LENGTH_BYTES + payload.len()).sum();
        self.bytes.drain(..bytes);
        self.entries -= skipped;
        entries - skipped
    }

    /// The payloads, in order.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk::<LENGTH_BYTES>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (payload, behind) = behind.split_at_checked(length)?;
            rest = behind;
            Some(payload)
        })
    }
}

const LENGTH_BYTES: usize = 4;
/// What may wait in one tray before opening entries are refused; as much again may be on its way to
/// the disk.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
