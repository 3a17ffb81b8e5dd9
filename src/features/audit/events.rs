//! Events as auditors read them: opening and closing entries joined.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

use super::error::ReadError;
use super::format::Head;
use super::query::Filter;
use super::read::{Reader, Stored};
use crate::domain::event::{Entry, Event, EventKind, Opening};
use crate::domain::note::JOURNAL_OPENED;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// The events whose opening is at or after `since`, in the order in which they ended; those whose end
/// is unknown come where the journal was opened next, or last.
///
/// Segments that end before `since` are not read. Stops with an error at the first entry that does
/// not fit.
pub fn events_since(
    directory: &Path,
    since: Timestamp,
) -> Result<impl Iterator<Item = Result<Event, ReadError>> + use<>, ReadError> {
    let reader = Reader::since(directory, since)?;
    Ok(fold(reader).filter(move |event| event.as_ref().map_or(true, |event| event.opening.time >= since)))
}

/// Joins opening and closing entries to events, in the order in which the events ended.
pub fn fold<I: Iterator<Item = Result<Stored, ReadError>>>(entries: I) -> Fold<I> {
    fold_fitting(entries, Filter::default())
}

/// The same, without events of which the opening entry tells that they are not asked for.
///
/// Nothing of them is kept until they end: where only some blocks of a segment are read, their ends may never come. Those that only
/// their end tells of are kept as far as every entry is read: nothing is leapt over between both ends of one that fits.
pub(super) fn fold_fitting<I: Iterator<Item = Result<Stored, ReadError>>>(
    entries: I,
    filter: Filter,
) -> Fold<I> {
    Fold {
        entries,
        filter,
        open: BTreeMap::new(),
        sequences: HashMap::new(),
        ready: VecDeque::new(),
        position: Head::START,
        is_done: false,
    }
}

/// See [`fold`].
#[derive(Debug)]
pub struct Fold<I> {
    entries: I,
    filter: Filter,
    open: BTreeMap<u64, Box<Opening>>,
    sequences: HashMap<RequestId, u64>,
    ready: VecDeque<Event>,
    /// The last entry that was taken in.
    position: Head,
    is_done: bool,
}

impl<I> Fold<I> {
    /// Where the entries come from.
    pub(super) const fn entries(&self) -> &I {
        &self.entries
    }

    fn take(&mut self, stored: Stored) {
        if stored.sequence > self.position.sequence.saturating_add(1) {
            self.forget_waiting();
        }
        self.position = Head { sequence: stored.sequence, hash: stored.hash };
        match stored.entry {
            Entry::Opening(opening) => {
                // Whoever was under way when the gateway ended will not be closed any more.
                if is_journal_opened(&opening) {
                    self.give_up(0);
                }
                if !self.filter.may_fit(&opening) {
                    return;
                }
                self.sequences.insert(opening.event, stored.sequence);
                self.open.insert(stored.sequence, opening);
                self.give_up(OPEN_MAX);
            }
            Entry::Closing(closing) => {
                // Else its opening entry is not there, or was not asked for.
                if let Some(sequence) = self.sequences.remove(&closing.event) {
                    let opening = self.open.remove(&sequence);
                    self.ready.extend(opening.map(|opening| Event {
                        sequence,
                        opening,
                        closing: Some(closing),
                    }));
                }
            }
        }
    }

    /// Something was leapt over.
    fn forget_waiting(&mut self) {
        let Self { filter, open, sequences, .. } = self;
        if filter.patient.is_some() {
            open.retain(|_, opening| {
                let stays = !filter.waits_for_end(opening);
                if !stays {
                    sequences.remove(&opening.event);
                }
                stays
            });
        }
    }

    /// Lets the oldest open events go until `most` are left.
    fn give_up(&mut self, most: usize) {
        while self.open.len() > most {
            let Some((sequence, opening)) = self.open.pop_first() else { return };
            self.sequences.remove(&opening.event);
            self.ready.push_back(Event { sequence, opening, closing: None });
        }
    }
}

impl<I: Iterator<Item = Result<Stored, ReadError>>> Iterator for Fold<I> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.is_done {
                return None;
            }
            match self.entries.next() {
                Some(Ok(stored)) => self.take(stored),
                Some(Err(error)) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
                None => {
                    self.is_done = true;
                    self.give_up(0);
                }
            }
        }
    }
}

/// Events as the gateway writes them, for whoever stays with them. Blocks while it reads.
#[derive(Debug)]
pub struct Follow(Fold<Reader>);

impl Follow {
    /// From a segment on that begins before `since`. An event whose opening entry is older is not seen.
    pub fn since(directory: &Path, since: Timestamp) -> Result<Self, ReadError> {
        Ok(Self(fold(Reader::since(directory, since)?)))
    }

    /// From the segment on that holds entry `sequence`, or from the first that is still there. An event whose opening entry
    /// stands before that is not seen.
    pub fn from_entry(directory: &Path, sequence: u64) -> Result<Self, ReadError> {
        Ok(Self(fold(Reader::from_entry(directory, sequence)?)))
    }

    /// The last entry that was read.
    pub const fn read_through(&self) -> Head {
        self.0.position
    }

    /// The first entry that is still there of what will be read; none where nothing is. Before anything is read.
    pub fn begins_at(&self) -> Option<u64> {
        self.0.entries.begins_at()
    }

    /// From which entry on it has to be read again so that no event that will end after this is missed.
    pub fn resumes_from(&self) -> u64 {
        let next = self.0.position.sequence.saturating_add(1);
        self.0.open.first_key_value().map_or(next, |(sequence, _)| *sequence)
    }

    /// Hands over what has ended since the last time, in the order in which it ended, each with the number of the entry that
    /// ended it: about `most` events, so that between two stretches no entry is half told. Gives the number of the last entry
    /// that was read.
    pub fn stretch(&mut self, most: usize, take: impl FnMut(u64, Event)) -> Result<u64, ReadError> {
        self.stretch_to(u64::MAX, most, take)
    }

    /// The same of nothing behind entry `last`, such as the last that is known to be on the disk.
    pub fn stretch_to(
        &mut self,
        last: u64,
        most: usize,
        mut take: impl FnMut(u64, Event),
    ) -> Result<u64, ReadError> {
        let mut taken = 0;
        loop {
            while let Some(event) = self.0.ready.pop_front() {
                taken += 1;
                take(self.0.position.sequence, event);
            }
            if taken >= most || self.0.position.sequence >= last {
                return Ok(self.0.position.sequence);
            }
            match self.0.entries.next() {
                Some(stored) => Fold::take(&mut self.0, stored?),
                None => return Ok(self.0.position.sequence),
            }
        }
    }
}

/// Whether this is the entry with which a journal begins each time it is opened.
pub(super) fn is_journal_opened(opening: &Opening) -> bool {
    opening.kind == EventKind::Lifecycle
        && opening.note.as_deref().is_some_and(|note| note.starts_with(JOURNAL_OPENED))
}

/// Requests that may be under way at once, many times over; beyond it a journal is not of our making.
const OPEN_MAX: usize = 1 << 20;
