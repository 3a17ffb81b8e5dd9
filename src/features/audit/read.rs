//! Reads a journal's entries in order. Streams in bounded memory, checks every entry as it goes, and
//! may read while the gateway writes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::directory::{SegmentPath, segments};
use super::error::{Misfit, Problem, ReadError};
use super::format::Head;
use super::index::{Hints, Plan};
use super::query::Filter;
use super::segment::{Leap, SegmentReader, Tail};
use crate::domain::event::Entry;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::RequestId;

/// One entry as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stored {
    /// The segment's file name.
    pub segment: Arc<str>,
    /// The byte of the segment at which it begins.
    pub offset: u64,
    /// Its number, from 1.
    pub sequence: u64,
    /// Its hash, and so that of all before it.
    pub hash: Digest,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Stored {
    /// When it was written, by the entry's own word.
    pub fn time(&self) -> Timestamp {
        match &self.entry {
            Entry::Opening(opening) => opening.time,
            Entry::Closing(closing) => closing.time,
        }
    }
}

/// Reads a journal's entries in order.
///
/// An iterator that may be asked again after `None`: when the gateway has written more, there is more.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    waiting: VecDeque<SegmentPath>,
    current: Option<SegmentReader>,
    /// What need not be read.
    plan: Plan,
    /// What of that lies ahead in the current segment.
    ahead: VecDeque<Leap>,
    /// A newer segment is there, so the current one is not written any more.
    is_superseded: bool,
}

impl Reader {
    /// From the first entry on.
    pub fn open(directory: &Path) -> Result<Self, ReadError> {
        Ok(Self::new(directory, segments(directory)?))
    }

    /// From a segment on that begins before `since`.
    pub fn since(directory: &Path, since: Timestamp) -> Result<Self, ReadError> {
        Ok(Self::new(directory, segments_since(directory, since)?))
    }

    /// From the segment on that holds entry `sequence`, or from the first that is there.
    pub fn from_entry(directory: &Path, sequence: u64) -> Result<Self, ReadError> {
        let mut segments = segments(directory)?;
        let start = segments.iter().rposition(|segment| segment.first <= sequence).unwrap_or(0);
        segments.drain(..start);
        Ok(Self::new(directory, segments))
    }

    /// The segments in which something may fit that is asked for, up to the entry `through` if one is named.
    pub(super) fn fitting(
        directory: &Path,
        filter: &Filter,
        through: Option<Head>,
        hints: Hints,
    ) -> Result<Self, ReadError> {
        // An event's reference tells when it began.
        let mut reader = match filter.since.max(filter.event.map(RequestId::time)) {
            Some(since) => Self::since(directory, since),
            None => Self::open(directory),
        }?;
        if hints == Hints::Used {
            let waiting = reader.waiting.make_contiguous();
            reader.plan = Plan::of(directory, waiting, filter, through);
        }
        Ok(reader)
    }

    /// The first entry that will be read, before any is.
    pub(super) fn begins_at(&self) -> Option<u64> {
        self.waiting.front().map(|segment| segment.first)
    }

    fn new(directory: &Path, segments: Vec<SegmentPath>) -> Self {
        Self {
            directory: directory.to_owned(),
            waiting: segments.into(),
            current: None,
            plan: Plan::default(),
            ahead: VecDeque::new(),
            is_superseded: false,
        }
    }

    /// `problem`, at the place where reading stopped.
    pub(super) fn misfit(&self, problem: Problem) -> Option<Misfit> {
        self.current.as_ref().map(|current| current.misfit(problem))
    }

    fn step(&mut self) -> Result<Option<Stored>, ReadError> {
        loop {
            let Some(current) = &mut self.current else {
                if self.open_next()? {
                    continue;
                }
                return Ok(None);
            };
            if let Some(leap) = self.ahead.front().filter(|leap| leap.from.offset <= current.offset()) {
                current.leap(*leap)?;
                self.ahead.pop_front();
            }
            let misfit = match current.next() {
                Ok(Some(raw)) => {
                    let (offset, head) = (raw.offset, raw.head);
                    let entry = serde_json::from_slice(raw.payload);
                    let segment = current.name.clone();
                    let entry = entry.map_err(|error| Misfit {
                        segment: segment.clone(),
                        offset,
                        sequence: head.sequence,
                        problem: Problem::Unreadable(error.to_string()),
                    })?;
                    return Ok(Some(Stored {
                        segment,
                        offset,
                        sequence: head.sequence,
                        hash: head.hash,
                        entry,
                    }));
                }
                Ok(None) => None,
                Err(ReadError::Misfit(misfit)) => Some(misfit),
                Err(error) => return Err(error),
            };
            if self.is_superseded {
                self.leave_segment(misfit)?;
            } else if self.has_newer()? {
                // What was written between our reading and the change of segments is still to be read.
                self.is_superseded = true;
                self.rewind()?;
            } else {
                return self.end(misfit);
            }
        }
    }

    /// Opens the next segment, which must go on where the last one ended.
    fn open_next(&mut self) -> Result<bool, ReadError> {
        if self.waiting.is_empty() && self.current.is_none() {
            self.waiting = segments(&self.directory)?.into();
        }
        let mut before = self.current.as_ref().map(SegmentReader::head);
        // What is passed over is never the last: a segment that is read must go on where it ended.
        while let Some(last) = self.waiting.front().and_then(|segment| self.plan.passed_over(segment.first)) {
            before = Some(last);
            self.waiting.pop_front();
        }
        let Some(segment) = self.waiting.front().cloned() else { return Ok(false) };
        let next = SegmentReader::open(&segment)?;
        if let Some(before) = before {
            follows(&next.name, next.header.before, before)?;
        }
        self.waiting.pop_front();
        self.ahead = self.plan.leaps(&segment);
        self.is_superseded = !self.waiting.is_empty();
        self.current = Some(next);
        Ok(true)
    }

    fn leave_segment(&mut self, misfit: Option<Misfit>) -> Result<(), ReadError> {
        if let Some(misfit) = misfit {
            return Err(misfit.into());
        }
        self.open_next().map(|_| ())
    }

    fn has_newer(&mut self) -> Result<bool, ReadError> {
        let Some(current) = &self.current else { return Ok(false) };
        let newer = segments(&self.directory)?.into_iter().filter(|segment| *segment.name > *current.name);
        self.waiting = newer.collect();
        Ok(!self.waiting.is_empty())
    }

    /// The end of the last segment: what the gateway may just be writing is none of it.
    fn end(&self, misfit: Option<Misfit>) -> Result<Option<Stored>, ReadError> {
        let (Some(current), Some(misfit)) = (&self.current, misfit) else { return Ok(None) };
        match end_of(current, Some(misfit))? {
            Tail::Clean | Tail::Torn { .. } => Ok(None),
            Tail::Changed => Err(current.misfit(Problem::Residue).into()),
        }
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.current.as_mut().map_or(Ok(()), SegmentReader::rewind)
    }
}

impl Iterator for Reader {
    type Item = Result<Stored, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// What stands behind the last entry that fits in the last segment, given what `next` said there.
/// A misfit that cannot be an incomplete write is an error.
pub(super) fn end_of(current: &SegmentReader, misfit: Option<Misfit>) -> Result<Tail, ReadError> {
    match (current.tail()?, misfit) {
        (tail, None) => Ok(tail),
        (Tail::Torn { end }, Some(Misfit { problem: Problem::Checksum | Problem::Length(_), .. })) => {
            Ok(Tail::Torn { end })
        }
        (_, Some(misfit)) => Err(misfit.into()),
    }
}

/// Whether the segment `name`, which begins after `found`, goes on where the one before it has ended.
pub(super) fn follows(name: &Arc<str>, found: Head, before: Head) -> Result<(), Misfit> {
    let first = found.sequence.saturating_add(1);
    let problem = match found.sequence.cmp(&before.sequence) {
        std::cmp::Ordering::Greater => Problem::Missing { found: first },
        std::cmp::Ordering::Less => Problem::Overlap { found: first },
        std::cmp::Ordering::Equal if found.hash != before.hash => Problem::Hash,
        std::cmp::Ordering::Equal => return Ok(()),
    };
    Err(Misfit { segment: name.clone(), offset: 0, sequence: before.sequence.saturating_add(1), problem })
}

/// The place of entry `sequence` in the chain; none where that entry is not there, be it gone or yet to come. Reads a segment at the
/// most, and no entry's words.
pub fn head_at(directory: &Path, sequence: u64) -> Result<Option<Head>, ReadError> {
    let segments = segments(directory)?;
    let Some(segment) = segments.iter().rev().find(|segment| segment.first <= sequence) else {
        return Ok(None);
    };
    let mut reader = SegmentReader::open(segment)?;
    loop {
        match reader.next() {
            Ok(Some(raw)) if raw.head.sequence == sequence => return Ok(Some(raw.head)),
            Ok(Some(_)) => {}
            // An entry that does not fit is none; whoever reads on is told what is wrong.
            Ok(None) | Err(ReadError::Misfit(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// The segments from one on that begins before `since`.
pub(super) fn segments_since(directory: &Path, since: Timestamp) -> Result<Vec<SegmentPath>, ReadError> {
    let mut segments = segments(directory)?;
    let mut start = segments.len();
    while start > 0 {
        start -= 1;
        let Some(segment) = segments.get(start) else { break };
        if begins_before(segment, since.minus(DISORDER))? {
            break;
        }
    }
    segments.drain(..start);
    Ok(segments)
}

fn begins_before(segment: &SegmentPath, time: Timestamp) -> Result<bool, ReadError> {
    let first = SegmentReader::open(segment)?
        .next()?
        .and_then(|raw| serde_json::from_slice::<Entry>(raw.payload).ok());
    Ok(first.is_some_and(|entry| match entry {
        Entry::Opening(opening) => opening.time < time,
        Entry::Closing(closing) => closing.time < time,
    }))
}

/// How far entries may be from the order of their times: several workers write, a closing entry comes
/// at the end of a long reply, and clocks are set back.
pub(super) const DISORDER: Duration = Duration::from_secs(3600);
