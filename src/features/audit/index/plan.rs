//! Which segments need not be read for a question.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::directory::{SegmentPath, load_patient_key};
use super::super::format::Head;
use super::super::query::Filter;
use super::super::segment::SegmentReader;
use super::contents::Contents;
use super::file;

/// The segments that hold nothing which fits, by their first entries, each with its last entry. The last segment is read always,
/// and so is the one that holds `through`.
pub(in super::super) fn passed_over(
    directory: &Path,
    segments: &[SegmentPath],
    filter: &Filter,
    through: Option<Head>,
) -> BTreeMap<u64, Head> {
    let mut passed = BTreeMap::new();
    let Some(key) = load_patient_key(directory).ok().filter(|_| is_helpful(filter)) else { return passed };
    let begins = segments.first().map_or(0, |first| first.first.saturating_sub(1));
    let mut known: Option<Contents> = None;
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
        let found = file::read(segment, &key).filter(|found| fits(found, (segment, next), begins));
        let Some(contents) = found else {
            spare(&mut passed, known.take().and_then(|known| known.needed_for_ends(filter)));
            continue;
        };
        spare(&mut passed, contents.needed_from(filter));
        let last: Head = contents.through.into();
        let is_end = through.is_some_and(|through| through.sequence <= last.sequence);
        if !is_end && !contents.may_hold(filter) {
            passed.insert(segment.first, last);
        }
        known = Some(contents);
    }
    // Of the last segment nothing is known.
    spare(&mut passed, known.and_then(|known| known.needed_for_ends(filter)));
    passed
}

/// Whether an index is of this segment as it is now, and knows what was open of all before. A segment that was changed since is read,
/// so that damage is told. One that was made while segments were in an archive
/// does not, once they have come back.
fn fits(found: &Contents, (segment, next): (&SegmentPath, &SegmentPath), begins: u64) -> bool {
    found.known_from <= begins
        && Some(found.changed) == file::changed(segment)
        && begins_after(segment) == Some(found.before.into())
        && begins_after(next) == Some(found.through.into())
}

/// What is needed from an entry on is not passed over.
fn spare(passed: &mut BTreeMap<u64, Head>, needed_from: Option<u64>) {
    if let Some(needed) = needed_from {
        passed.retain(|_, last| last.sequence < needed);
    }
}

/// Whether it asks for anything that an index knows of.
fn is_helpful(filter: &Filter) -> bool {
    let Filter {
        event: _,
        person,
        patient,
        application,
        route,
        decision,
        reason,
        number: _,
        accounted,
        shadow_differs: _,
        ended: _,
        since,
        until,
    } = filter;
    *accounted
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
