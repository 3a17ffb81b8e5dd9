//! What of a journal is not in its folder any more, for whoever would miss it: told, never skipped in silence.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::error::ArchiveError;
use super::ledger::{self, Receipt};
use crate::foundation::clock::Timestamp;

/// What of a period is not in the journal's folder any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// What is in the archive alone.
    pub archived: Option<Stretch>,
    /// What was destroyed at the end of its retention.
    pub retired: Option<Stretch>,
}

/// Segments one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// How many.
    pub segments: u64,
    /// The first entry.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The earliest time.
    pub from: Timestamp,
    /// The latest.
    pub to: Timestamp,
}

/// Entries that whoever follows a journal has still to read, and that are not in its folder any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Where they are; of what is neither in the archive nor was destroyed, nothing is known.
    pub elsewhere: Elsewhere,
}

impl Gap {
    /// What is gone of the entries from `needed` on, where those that are left of the journal in `directory` begin with
    /// `begins_at`; none where nothing is.
    pub fn between(directory: &Path, needed: u64, begins_at: u64) -> Result<Option<Self>, ArchiveError> {
        let (first, last) = (needed, begins_at.saturating_sub(1));
        if first > last {
            return Ok(None);
        }
        let is_in = |receipt: &Receipt| receipt.first() <= last && receipt.through.sequence >= first;
        Ok(Some(Self { first, last, elsewhere: removed(directory, is_in)? }))
    }

    /// How many.
    pub const fn entries(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// What of the time from `since` to `until` the journal in `directory` does not have any more.
pub fn elsewhere(
    directory: &Path,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Elsewhere, ArchiveError> {
    removed(directory, |receipt| overlaps(receipt, since, until))
}

fn removed(directory: &Path, is_asked: impl Fn(&Receipt) -> bool) -> Result<Elsewhere, ArchiveError> {
    let mut elsewhere = Elsewhere::default();
    let entries = ledger::read(directory)?.into_values();
    for entry in entries.filter(|entry| entry.removed.is_some() && is_asked(&entry.receipt)) {
        let stretch = if entry.retired.is_some() { &mut elsewhere.retired } else { &mut elsewhere.archived };
        let Receipt { through, from, to, .. } = entry.receipt;
        let first = entry.receipt.first();
        let begun = stretch.unwrap_or(Stretch { segments: 0, first, last: 0, from, to });
        *stretch = Some(Stretch {
            segments: begun.segments.saturating_add(1),
            last: through.sequence,
            from: begun.from.min(from),
            to: begun.to.max(to),
            ..begun
        });
    }
    Ok(elsewhere)
}

pub(super) fn overlaps(receipt: &Receipt, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    since.is_none_or(|since| receipt.to >= since) && until.is_none_or(|until| receipt.from < until)
}

impl Stretch {
    /// In numbers and times alone, for a text in any language.
    pub fn brief(self) -> String {
        let Self { segments: _, first, last, from, to } = self;
        format!("{first} – {last} ({from} – {to})")
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segments: _, first, last, from, to } = self;
        write!(f, "entries {first} to {last} ({from} to {to})")
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, elsewhere: Elsewhere { archived, retired } } = self;
        write!(f, "entries {first} to {last} were gone from the journal")?;
        if let Some(archived) = archived {
            write!(f, "; {archived} are in the archive")?;
        }
        if let Some(retired) = retired {
            write!(f, "; {retired} were destroyed at the end of their retention")?;
        }
        if archived.is_none() && retired.is_none() {
            write!(f, "; none of them was archived")?;
        }
        Ok(())
    }
}
