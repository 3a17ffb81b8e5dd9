//! What of which segments need not be read for a question.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;

use super::super::directory::{SegmentPath, load_index_key};
use super::super::format::Head;
use super::super::query::{BreakAsked, Filter};
use super::super::segment::{Leap, SegmentReader};
use super::super::side_by_side::{in_order, threads};
use super::contents::Contents;
use super::file;
use crate::foundation::digest::DigestKey;

/// What is read for a question, and what is not.
#[derive(Debug, Default)]
pub(in super::super) struct Plan {
    /// By the first entries of segments; those that are not here are read as a whole.
    ways: BTreeMap<u64, Way>,
    filter: Filter,
    key: Option<DigestKey>,
}

/// How a segment is read, whose last entry that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Not at all.
    Over(Head),
    /// Some blocks of it.
    InPart(Head),
}

impl Way {
    const fn last(self) -> u64 {
        match self {
            Self::Over(last) | Self::InPart(last) => last.sequence,
        }
    }
}

impl Plan {
    /// How segments are read. The last is read as a whole always, and so is the one that holds `through`.
    pub(in super::super) fn of(
        directory: &Path,
        segments: &[SegmentPath],
        filter: &Filter,
        through: Option<Head>,
    ) -> Self {
        let Some(kept) = load_index_key(directory).ok().filter(|_| is_helpful(filter)) else {
            return Self::default();
        };
        let mut ways = BTreeMap::new();
        let begins = segments.first().map_or(0, |first| first.first.saturating_sub(1));
        // What would be needed if nothing were known of the segment that comes next.
        let mut unless_known = None;
        let key = &kept;
        let jobs = segments
            .iter()
            .zip(segments.iter().skip(1))
            .map(|pair| move || Ok::<_, Infallible>((pair.0.first, Known::of(pair, key, filter, begins))));
        let Ok(None) =
            in_order(threads(segments.len() as u64, 4).min(INDEXES_AT_ONCE), jobs, |(first, found)| {
                let needed_for_ends = std::mem::take(&mut unless_known);
                match found {
                    None => spare(&mut ways, needed_for_ends),
                    Some(Known { last, is_over, needed_from, needed_for_ends }) => {
                        spare(&mut ways, needed_from);
                        unless_known = needed_for_ends;
                        if through.is_none_or(|through| through.sequence > last.sequence) {
                            ways.insert(first, if is_over { Way::Over(last) } else { Way::InPart(last) });
                        }
                    }
                }
                ControlFlow::<Infallible>::Continue(())
            });
        // Of the last segment nothing is known.
        spare(&mut ways, unless_known);
        Self { ways, filter: filter.clone(), key: Some(kept) }
    }

    /// The last entry of the segment that begins with entry `first`, if it is passed over.
    pub(in super::super) fn passed_over(&self, first: u64) -> Option<Head> {
        match self.ways.get(&first)? {
            Way::Over(last) => Some(*last),
            Way::InPart(_) => None,
        }
    }

    /// What is leapt over in a segment that is read. Its index is read once more here, so that a plan is small whatever the
    /// journal is. Nothing, where a reason is asked for: an event's end may tell it alone, so all that begin have to be kept
    /// until they end, and behind a leap some never do.
    pub(in super::super) fn leaps(&self, segment: &SegmentPath) -> VecDeque<Leap> {
        let is_in_part = matches!(self.ways.get(&segment.first), Some(Way::InPart(_)));
        let key = self.key.as_ref().filter(|_| is_in_part && self.filter.reason.is_none());
        let contents = key.and_then(|key| file::read(segment, key));
        contents.map(|contents| contents.leaps(&self.filter)).unwrap_or_default()
    }
}

/// What the index of a segment knows of a question.
struct Known {
    last: Head,
    /// Nothing that fits begins or ends in it.
    is_over: bool,
    needed_from: Option<u64>,
    needed_for_ends: Option<u64>,
}

impl Known {
    /// Of a segment and the one after it.
    fn of(pair: (&SegmentPath, &SegmentPath), key: &DigestKey, filter: &Filter, begins: u64) -> Option<Self> {
        let contents = file::read(pair.0, key).filter(|found| fits(found, pair, begins))?;
        Some(Self {
            last: contents.through.into(),
            is_over: contents.fitting(filter).is_empty(),
            needed_from: contents.needed_from(filter),
            needed_for_ends: contents.needed_for_ends(filter),
        })
    }
}

/// Whether an index is of this segment as it is now, and knows what was open of all before. A segment that was changed since is
/// read, so that damage is told. An index that was made while segments were in an archive does not know, once they have come back.
fn fits(found: &Contents, (segment, next): (&SegmentPath, &SegmentPath), begins: u64) -> bool {
    found.known_from <= begins
        && Some(found.changed) == file::changed(segment)
        && begins_after(segment) == Some(found.before.into())
        && begins_after(next) == Some(found.through.into())
}

/// What is needed from an entry on is read.
fn spare(ways: &mut BTreeMap<u64, Way>, needed_from: Option<u64>) {
    if let Some(needed) = needed_from {
        ways.retain(|_, way| way.last() < needed);
    }
}

/// Whether it asks for anything that an index knows of.
fn is_helpful(filter: &Filter) -> bool {
    let Filter {
        event,
        person,
        patient,
        application,
        route,
        decision,
        reason,
        number: _,
        break_glass,
        accounted,
        shadow_differs: _,
        ended: _,
        since,
        until,
    } = filter;
    *accounted
        || event.is_some()
        || matches!(break_glass, Some(BreakAsked::This(_)))
        || person.is_some()
        || patient.is_some()
        || application.is_some()
        || route.is_some()
        || decision.is_some()
        || reason.is_some()
        || since.is_some()
        || until.is_some()
}

/// The place in the chain before a segment's first entry.
fn begins_after(segment: &SegmentPath) -> Option<Head> {
    SegmentReader::open(segment).ok().map(|reader| reader.header.before)
}

/// An index takes some megabytes of memory while it is read.
const INDEXES_AT_ONCE: usize = 4;
