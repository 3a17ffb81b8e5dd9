//! Proves offline that a journal is as it was written, or names the first entry that does not fit.
//!
//! Needs nothing but the segments. It finds every changed, added, removed or moved byte, entry and
//! segment, with two exceptions that no chain can see by itself:
//!
//! - entries cut off the end together with every trace of them (or a journal that is gone as a whole);
//! - a chain written anew from the changed place on, by someone who can write the files.
//!
//! Both show against a [`Head`] that somebody else has noted: [`Expectations::head`]. Where the last
//! write is incomplete, the files alone do not tell a killed process from a changed end; the report
//! says so. After an orderly end there is no doubt: its last entry proves that all before it was whole.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::directory::{may_be_in_use, segments};
use super::error::{Misfit, Problem, ReadError};
use super::events::is_journal_opened;
use super::format::Head;
use super::read::{Reader, Stored};
use crate::domain::event::Entry;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// What is known from elsewhere about a journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expectations {
    /// A head that was noted: it must be in the journal.
    pub head: Option<Head>,
    /// The last entry of the segments that were moved to an archive: the journal must go on from there.
    /// Without it the journal must begin with its first entry.
    pub archived: Option<Head>,
}

/// What was found in a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Segments that are there.
    pub segments: u64,
    /// Entries that fit.
    pub entries: u64,
    /// Of these, the first of their event.
    pub openings: u64,
    /// Of these, the last of their event.
    pub closings: u64,
    /// Events without a closing entry, from before the gateway last started: their outcome is unknown.
    pub outcome_unknown: u64,
    /// Events without a closing entry at the end of the journal: they may be under way.
    pub under_way: u64,
    /// Closing entries whose opening entry is not there.
    pub closings_alone: u64,
    /// The time of the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// The time of the last entry that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The sequence of the last entry that fits.
    pub last_sequence: u64,
    /// The hash of the last entry that fits.
    pub last_hash: crate::foundation::digest::Digest,
    /// The first thing that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfit: Option<Misfit>,
}

impl Report {
    /// The last entry that fits: worth noting elsewhere.
    pub const fn head(&self) -> Head {
        Head { sequence: self.last_sequence, hash: self.last_hash }
    }
}

/// Reads a whole journal and checks every byte of it. An error means that it could not be read; that
/// something does not fit is in the report.
pub fn verify(directory: &Path, expectations: Expectations) -> Result<Report, ReadError> {
    let segments = segments(directory)?.len() as u64;
    if segments == 0 {
        return Err(ReadError::Absent { directory: directory.to_owned() });
    }
    let before = expectations.archived.unwrap_or(Head::START);
    let mut reader = Reader::strict(directory, before)?;
    let mut walk = Walk::new(segments, before);
    loop {
        match next_settled(&mut reader, directory) {
            Some(Ok(stored)) => {
                walk.see(&stored);
                if let Some(misfit) = differs(&stored, expectations.head) {
                    return Ok(walk.end(Some(misfit)));
                }
            }
            Some(Err(ReadError::Misfit(misfit))) => return Ok(walk.end(Some(misfit))),
            Some(Err(error)) => return Err(error),
            None => {
                let cut = expectations.head.and_then(|noted| cut_before(&reader, noted));
                return Ok(walk.end(cut));
            }
        }
    }
}

/// The next entry. Where the gateway may be writing, what does not fit is looked at again: only what
/// stays is real.
fn next_settled(reader: &mut Reader, directory: &Path) -> Option<Result<Stored, ReadError>> {
    let mut looks = 0;
    loop {
        let item = reader.next();
        let Some(Err(ReadError::Misfit(misfit))) = &item else { return item };
        looks += 1;
        if looks > LOOKS || !misfit.problem.may_be_under_way() || !may_be_in_use(directory) {
            return item;
        }
        settle();
    }
}

#[expect(clippy::disallowed_methods, reason = "an operator's command waits here, never a request")]
fn settle() {
    std::thread::sleep(SETTLE);
}

fn differs(stored: &Stored, noted: Option<Head>) -> Option<Misfit> {
    let noted = noted.filter(|noted| noted.sequence == stored.sequence && noted.hash != stored.hash)?;
    Some(Misfit {
        segment: stored.segment.clone(),
        offset: stored.offset,
        sequence: stored.sequence,
        problem: Problem::Noted { noted },
    })
}

fn cut_before(reader: &Reader, noted: Head) -> Option<Misfit> {
    let head = reader.head()?;
    if noted.sequence <= head.sequence {
        return None;
    }
    reader.misfit(Problem::Cut { noted })
}

/// The report as it grows.
struct Walk {
    report: Report,
    open: HashSet<RequestId>,
}

impl Walk {
    fn new(segments: u64, before: Head) -> Self {
        let report = Report {
            segments,
            entries: 0,
            openings: 0,
            closings: 0,
            outcome_unknown: 0,
            under_way: 0,
            closings_alone: 0,
            first: None,
            last: None,
            last_sequence: before.sequence,
            last_hash: before.hash,
            misfit: None,
        };
        Self { report, open: HashSet::new() }
    }

    fn see(&mut self, stored: &Stored) {
        let report = &mut self.report;
        report.entries += 1;
        report.last_sequence = stored.sequence;
        report.last_hash = stored.hash;
        report.first.get_or_insert_with(|| stored.time());
        report.last = Some(stored.time());
        match &stored.entry {
            Entry::Opening(opening) => {
                report.openings += 1;
                if is_journal_opened(opening) {
                    report.outcome_unknown += self.open.len() as u64;
                    self.open.clear();
                }
                self.open.insert(opening.event);
            }
            Entry::Closing(closing) => {
                report.closings += 1;
                if !self.open.remove(&closing.event) {
                    report.closings_alone += 1;
                }
            }
        }
    }

    fn end(mut self, misfit: Option<Misfit>) -> Report {
        self.report.under_way = self.open.len() as u64;
        self.report.misfit = misfit;
        self.report
    }
}

const LOOKS: u32 = 3;
const SETTLE: Duration = Duration::from_millis(50);
