//! The events of a journal up to a place in it, with what was read to tell them.

use std::path::Path;

use super::ahead::Ahead;
use super::directory::segments;
use super::error::{Misfit, Problem, ReadError};
use super::events::{Fold, fold_fitting};
use super::format::Head;
use super::index::Hints;
use super::query::Filter;
use super::read::{Reader, Stored};
use crate::domain::event::Event;

/// The events of a journal, in the order in which they ended. Stops with an error at the first entry that does not fit.
#[derive(Debug)]
pub struct Scan {
    fold: Fold<Entries>,
    first: Option<u64>,
}

/// The entries up to a place.
#[derive(Debug)]
struct Entries {
    reader: Ahead,
    /// Up to this entry, which has to be there.
    through: Option<Head>,
    last: Option<Head>,
    is_done: bool,
}

impl Scan {
    /// The events among which are all that fit, up to the entry `through`: the same journal gives the same fitting events whatever
    /// is written behind that entry. A journal that ends before it, or has another entry there, does not fit.
    pub fn open(
        directory: &Path,
        filter: &Filter,
        through: Option<Head>,
        hints: Hints,
    ) -> Result<Self, ReadError> {
        let first = segments(directory)?.first().map(|segment| segment.first);
        let reader = Ahead::begin(directory, Reader::fitting(directory, filter, through, hints)?)?;
        let entries = Entries { reader, through, last: None, is_done: false };
        Ok(Self { fold: fold_fitting(entries, filter.clone()), first })
    }

    /// The number of the journal's first entry.
    pub const fn first(&self) -> Option<u64> {
        self.first
    }

    /// The last entry that was read.
    pub const fn read_through(&self) -> Option<Head> {
        self.fold.entries().last
    }
}

impl Iterator for Scan {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.fold.next()
    }
}

impl Iterator for Entries {
    type Item = Result<Stored, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let stored = match (self.reader.next(), self.through) {
            (Some(Ok(stored)), _) => stored,
            (Some(Err(error)), _) => return Some(Err(error)),
            (None, None) => return None,
            (None, Some(noted)) => {
                self.is_done = true;
                return self.reader.misfit(Problem::Cut { noted }).map(|misfit| Err(misfit.into()));
            }
        };
        self.last = Some(Head { sequence: stored.sequence, hash: stored.hash });
        let Some(noted) = self.through.filter(|noted| noted.sequence <= stored.sequence) else {
            return Some(Ok(stored));
        };
        self.is_done = true;
        if self.last == Some(noted) {
            return Some(Ok(stored));
        }
        let Stored { segment, offset, sequence, .. } = stored;
        Some(Err(Misfit { segment, offset, sequence, problem: Problem::Noted { noted } }.into()))
    }
}
