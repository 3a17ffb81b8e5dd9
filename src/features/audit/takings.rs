//! What people were let do and how it ended, as a start has to know it of the last day: no more is read of an event than that.
//!
//! A day may hold millions of events, and nobody is served before it is read: segments are read side by side, and of an opening
//! entry only the members are kept that say who takes what.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::directory::SegmentPath;
use super::entry::{Begins, read};
use super::error::{Misfit, Problem, ReadError};
use super::format::Head;
use super::read::{Reader, follows, segments_since};
use super::segment::SegmentReader;
use super::side_by_side::{in_order, threads};
use crate::domain::action::Action;
use crate::domain::count::Count;
use crate::domain::event::{Closing, Entry, Outcome, Taken, Verdict};
use crate::domain::patient::PatientDigest;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// What somebody was permitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Taking {
    /// Who.
    pub person: SubjectId,
    /// What it takes of their windows.
    pub taken: Taken,
    /// When it began.
    pub time: Timestamp,
    /// How it ended; absent if that is unknown, or not known yet.
    pub ending: Option<Ending>,
}

/// How it ended, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// The HTTP status that the caller got.
    pub status: Option<u16>,
    /// Records in the reply.
    pub records: Count,
    /// Bytes of the reply's body that were sent.
    pub bytes_out: u64,
    /// Whether the reply was a file although the route's action is only to look.
    pub found_file: bool,
}

const fn not_counted() -> Count {
    Count::NotCounted
}

/// Tells everything that somebody was permitted at or after `since`, in about the order in which it ended. Stops with an error at
/// the first entry that does not fit.
pub fn takings_since(directory: &Path, since: Timestamp, take: impl FnMut(Taking)) -> Result<(), ReadError> {
    let mut segments = segments_since(directory, since)?;
    let Some(last) = segments.pop() else { return Ok(()) };
    let mut joining = Joining { since, take, open: HashMap::new() };
    let mut through: Option<Head> = None;
    let jobs = segments.iter().map(|segment| move || told(segment));
    let misfit = in_order(threads(segments.len() as u64, 1).min(SEGMENTS_AT_ONCE), jobs, |told| {
        if let Some(misfit) = through.and_then(|through| follows(&told.name, told.before, through).err()) {
            return ControlFlow::Break(misfit);
        }
        through = Some(told.through);
        told.entries.into_iter().for_each(|entry| joining.join(entry));
        ControlFlow::Continue(())
    })?;
    if let Some(misfit) = misfit {
        return Err(misfit.into());
    }
    if let Some(through) = through {
        follows(&last.name, SegmentReader::open(&last)?.header.before, through)?;
    }
    // The last is being written, perhaps.
    for stored in Reader::from_entry(directory, last.first)? {
        joining.join(Told::by(&stored?.entry));
    }
    joining.end();
    Ok(())
}

/// What the entries of a segment tell.
struct ToldOf {
    name: Arc<str>,
    before: Head,
    through: Head,
    entries: Vec<Told>,
}

/// What an entry tells.
enum Told {
    /// Somebody was permitted something.
    Began(RequestId, Box<Taking>),
    Ended(RequestId, Ending),
    Nothing,
}

/// What is read of a closing entry.
#[derive(Deserialize)]
struct Ended {
    event: RequestId,
    outcome: Outcome,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default = "not_counted")]
    records: Count,
    bytes_out: u64,
    #[serde(default)]
    found_file: bool,
}

/// What is read of an opening entry.
#[derive(Deserialize)]
struct Began {
    event: RequestId,
    time: Timestamp,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    patient: Option<PatientDigest>,
    #[serde(default)]
    taken: Option<Taken>,
    #[serde(default)]
    subject: Option<SubjectId>,
    verdict: Verdict,
}

impl Told {
    fn of(payload: &[u8]) -> serde_json::Result<Self> {
        match Begins::of(payload) {
            Some(Begins::Opening) => {
                let began: Began = serde_json::from_slice(payload)?;
                let Some(person) = began.subject.filter(|_| began.verdict == Verdict::Permit) else {
                    return Ok(Self::Nothing);
                };
                let usual =
                    || began.action.map(|action| Taken::by(action, began.patient)).unwrap_or_default();
                let taken = began.taken.unwrap_or_else(usual);
                Ok(Self::Began(
                    began.event,
                    Box::new(Taking { person, taken, time: began.time, ending: None }),
                ))
            }
            Some(Begins::Closing) => {
                let Ended { event, outcome, status, records, bytes_out, found_file } =
                    serde_json::from_slice(payload)?;
                Ok(Self::Ended(event, Ending { outcome, status, records, bytes_out, found_file }))
            }
            None => read(payload).map(|entry| Self::by(&entry)),
        }
    }

    fn by(entry: &Entry) -> Self {
        let opening = match entry {
            Entry::Opening(opening) => opening,
            Entry::Closing(closing) => {
                let Closing { event, outcome, status, records, bytes_out, found_file, .. } = *closing;
                return Self::Ended(event, Ending { outcome, status, records, bytes_out, found_file });
            }
        };
        let Some(subject) = opening.subject.as_ref().filter(|_| opening.verdict == Verdict::Permit) else {
            return Self::Nothing;
        };
        let person = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        let taking = Taking { person, taken: opening.takes(), time: opening.time, ending: None };
        Self::Began(opening.event, Box::new(taking))
    }
}

fn told(segment: &SegmentPath) -> Result<ToldOf, ReadError> {
    let mut reader = SegmentReader::open(segment)?;
    let mut entries = Vec::new();
    while let Some(raw) = reader.next()? {
        let (offset, sequence) = (raw.offset, raw.head.sequence);
        let told = Told::of(raw.payload).map_err(|error| Misfit {
            segment: segment.name.clone(),
            offset,
            sequence,
            problem: Problem::Unreadable(error.to_string()),
        })?;
        entries.push(told);
    }
    Ok(ToldOf { name: segment.name.clone(), before: reader.header.before, through: reader.head(), entries })
}

/// Beginnings whose ends have not come yet.
struct Joining<F> {
    since: Timestamp,
    take: F,
    open: HashMap<RequestId, Box<Taking>>,
}

impl<F: FnMut(Taking)> Joining<F> {
    fn join(&mut self, told: Told) {
        match told {
            Told::Began(event, taking) => {
                if taking.time >= self.since {
                    self.open.insert(event, taking);
                }
                if self.open.len() > OPEN_MAX {
                    self.end();
                }
            }
            Told::Ended(event, ending) => {
                if let Some(taking) = self.open.remove(&event) {
                    (self.take)(Taking { ending: Some(ending), ..*taking });
                }
            }
            Told::Nothing => {}
        }
    }

    /// Nothing is known of how the rest ends.
    fn end(&mut self) {
        self.open.drain().for_each(|(_, taking)| (self.take)(*taking));
    }
}

/// What is kept of a segment is a third of its size, at most.
const SEGMENTS_AT_ONCE: usize = 4;
/// Requests that may be under way at once, many times over: beyond it a journal is not of our making, and all count as taken.
const OPEN_MAX: usize = 1 << 20;
