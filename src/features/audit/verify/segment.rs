//! One segment, checked by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::seen::Seen;
use crate::features::audit::directory::{SegmentPath, may_be_in_use};
use crate::features::audit::error::{Misfit, Problem, ReadError};
use crate::features::audit::format::Head;
use crate::features::audit::read::end_of;
use crate::features::audit::segment::{SegmentReader, Tail};

/// What was found in a segment.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: Arc<str>,
    /// The place in the chain before it; `None` where its header cannot be read.
    pub(super) before: Option<Head>,
    /// Its entries, up to the first that does not fit.
    pub(super) entries: Vec<Seen>,
    /// The place in the chain after them.
    pub(super) head: Head,
    /// The byte after them.
    pub(super) offset: u64,
    /// What does not fit after them.
    pub(super) misfit: Option<Misfit>,
}

/// Checks a segment. Where the gateway may be writing, what does not fit is looked at again: only what stays is real.
pub(super) fn check(
    directory: &Path,
    segment: &SegmentPath,
    is_last: bool,
    noted: Option<Head>,
) -> Result<Checked, ReadError> {
    let mut reader = match SegmentReader::open(segment) {
        Ok(reader) => reader,
        Err(ReadError::Misfit(misfit)) => return Ok(unreadable(segment, misfit)),
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    // An entry that is chained and says nothing is not counted.
    let mut head = reader.header.before;
    let mut looks = 0;
    let misfit = loop {
        let misfit = match step(&mut reader, is_last) {
            Ok(Some(seen)) => {
                entries.push(seen.entry);
                head = reader.head();
                looks = 0;
                match differs(&reader, noted, seen.offset) {
                    Some(misfit) => break Some(misfit),
                    None => continue,
                }
            }
            Ok(None) => break None,
            Err(ReadError::Misfit(misfit)) => misfit,
            Err(error) => return Err(error),
        };
        looks += 1;
        let may_pass = is_last && misfit.problem.may_be_under_way() && may_be_in_use(directory);
        if looks > LOOKS || !may_pass {
            break Some(misfit);
        }
        settle();
    };
    Ok(Checked {
        name: reader.name.clone(),
        before: Some(reader.header.before),
        entries,
        head,
        offset: reader.offset(),
        misfit,
    })
}

fn unreadable(segment: &SegmentPath, misfit: Misfit) -> Checked {
    Checked {
        name: segment.name.clone(),
        before: None,
        entries: Vec::new(),
        head: Head::START,
        offset: 0,
        misfit: Some(misfit),
    }
}

struct Step {
    entry: Seen,
    offset: u64,
}

/// The next entry; `None` at the end of the segment.
fn step(reader: &mut SegmentReader, is_last: bool) -> Result<Option<Step>, ReadError> {
    let misfit = match reader.next() {
        Ok(Some(raw)) => {
            let (offset, sequence) = (raw.offset, raw.head.sequence);
            let entry = Seen::of(raw.payload).map_err(|error| Misfit {
                segment: reader.name.clone(),
                offset,
                sequence,
                problem: Problem::Unreadable(error.to_string()),
            })?;
            return Ok(Some(Step { entry, offset }));
        }
        Ok(None) => None,
        Err(ReadError::Misfit(misfit)) => Some(misfit),
        Err(error) => return Err(error),
    };
    if !is_last {
        if let Some(misfit) = misfit {
            return Err(misfit.into());
        }
        return if reader.tail()? == Tail::Clean {
            Ok(None)
        } else {
            Err(reader.misfit(Problem::Residue).into())
        };
    }
    match end_of(reader, misfit)? {
        Tail::Clean => Ok(None),
        Tail::Torn { end } => {
            Err(reader.misfit(Problem::Torn { bytes: end.saturating_sub(reader.offset()) }).into())
        }
        Tail::Changed => Err(reader.misfit(Problem::Residue).into()),
    }
}

/// Whether the entry that was just read is the noted one, with another hash.
fn differs(reader: &SegmentReader, noted: Option<Head>, offset: u64) -> Option<Misfit> {
    let head = reader.head();
    let noted = noted.filter(|noted| noted.sequence == head.sequence && noted.hash != head.hash)?;
    let segment = reader.name.clone();
    Some(Misfit { segment, offset, sequence: head.sequence, problem: Problem::Noted { noted } })
}

#[expect(clippy::disallowed_methods, reason = "an operator's command waits here, never a request")]
fn settle() {
    std::thread::sleep(SETTLE);
}

const LOOKS: u32 = 3;
const SETTLE: Duration = Duration::from_millis(50);
