//! The right to release one export.

use std::fmt;

use super::Ledger;
use super::entry::Entry;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// The right to release one export. Dropped without [`ExportSlot::commit`], it is given back.
#[must_use = "a slot that is dropped is given back"]
pub struct ExportSlot {
    ledger: Ledger,
    subject: SubjectId,
    place: Place,
    is_committed: bool,
}

/// The place of an export in its window.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// It is kept free for it.
    Reserved,
    /// It counts since then, at other nodes too.
    Taken(Timestamp),
}

impl fmt::Debug for ExportSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportSlot").field("is_committed", &self.is_committed).finish_non_exhaustive()
    }
}

impl ExportSlot {
    pub(super) const fn new(ledger: Ledger, subject: SubjectId, place: Place) -> Self {
        Self { ledger, subject, place, is_committed: false }
    }

    /// The export was released, or begun to be.
    pub fn commit(mut self, now: Timestamp) {
        self.is_committed = true;
        if let Place::Reserved = self.place {
            let keeps = self.ledger.keeps();
            self.ledger.with(&self.subject, |account| {
                account.windows.reserved = account.windows.reserved.saturating_sub(1);
                account.put(Entry::export(now), keeps);
            });
        }
    }
}

impl Drop for ExportSlot {
    fn drop(&mut self) {
        if self.is_committed {
            return;
        }
        match self.place {
            Place::Reserved => self.ledger.with(&self.subject, |account| {
                account.windows.reserved = account.windows.reserved.saturating_sub(1);
            }),
            Place::Taken(time) => self.ledger.give_back(&self.subject, [Entry::export(time)], time),
        }
    }
}
