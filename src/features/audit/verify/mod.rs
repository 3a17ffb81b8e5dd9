//! Proves offline that a journal is as it was written, or names the first entry that does not fit.
//!
//! Needs nothing but its folder. It finds every changed, added, removed or moved byte, entry and segment, and holds the
//! tree over the entries against every checkpoint and tile, and the rules that are kept against their versions. Two things no journal can show by itself:
//!
//! - entries cut off the end together with every trace of them (or a journal that is gone as a whole);
//! - all of it written anew from the changed place on, by someone who has the files and the key.
//!
//! Both show against what somebody else has noted: checkpoints ([`Expectations::witnessed`], with the public key), or
//! a [`Head`]. Where the last write is incomplete, the files alone do not tell a killed process from a changed end; the
//! report says so. After an orderly end there is no doubt: its last entry proves that all before it was whole.
//!
//! Segments are read side by side: each names the head before it, so only the joints are left to compare in order.

mod held;
mod report;
mod seen;
mod segment;
mod walk;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use report::{Contradiction, Report, Silence, TreeProblem};

use super::directory::{SegmentPath, segments};
use super::error::{Misfit, ReadError};
use super::format::Head;
use super::rulebooks;
use super::segment::SegmentReader;
use super::side_by_side::{self, in_order};
use crate::platform::signed_note::VerifierKey;
use held::Held;
use segment::{Checked, check};
use walk::Walk;

/// What is known from elsewhere about a journal.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// A head that was noted: it must be in the journal.
    pub head: Option<Head>,
    /// Only what is up to this entry: it must be in the journal, and what comes after it is not looked at.
    pub through: Option<Head>,
    /// The last entry of the segments that are elsewhere: the journal must go on from there. Without it the journal must begin with
    /// its first entry, or tell, in an entry that a checkpoint covers, that those before were archived.
    pub archived: Option<Head>,
    /// Who may have signed its checkpoints first; later keys by their word. The journal's own list if there are none.
    pub keys: Vec<VerifierKey>,
    /// What witnesses have noted: texts of checkpoints, one behind the other.
    pub witnessed: Vec<String>,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Segments that are read.
    pub segments: usize,
    /// Of so many.
    pub of: usize,
    /// Entries that fit.
    pub entries: u64,
}

/// Reads a whole journal and checks every byte of it. An error means that it could not be read; that
/// something does not fit is in the report.
pub fn verify(directory: &Path, expectations: &Expectations) -> Result<Report, ReadError> {
    verify_telling(directory, expectations, |_| {})
}

/// The same; `tell` hears after each segment how far it is.
pub fn verify_telling(
    directory: &Path,
    expectations: &Expectations,
    mut tell: impl FnMut(Progress),
) -> Result<Report, ReadError> {
    let (begins, mut held, all) = begin(directory, expectations)?;
    let is_meant =
        |segment: &SegmentPath| expectations.through.is_none_or(|through| segment.first <= through.sequence);
    let (segments, newest) = all.split_at(all.partition_point(is_meant));
    let noted = expectations.head.or(expectations.through);
    let mut walk = Walk::new(segments.len() as u64, begins.after, expectations.through);
    let mut done = 0;
    let misfit = each_in_order(directory, (segments, newest.is_empty()), noted, |checked| {
        let misfit = walk.take(checked, &mut held);
        done += 1;
        tell(Progress { segments: done, of: segments.len(), entries: walk.entries() });
        misfit
    })?;
    let misfit = misfit.or_else(|| noted.and_then(|noted| walk.cut_before(noted)));
    let mut report = walk.end(misfit, held);
    if begins.is_claimed && report.is_sound() {
        report.archived_by = match report.signed_archived_by() {
            // It may be told behind what is asked for.
            None if expectations.through.is_some() => {
                let whole = Expectations { head: None, through: None, ..expectations.clone() };
                verify(directory, &whole)?.signed_archived_by()
            }
            told => told,
        };
        if let (None, Some(first)) = (report.archived_by, all.first()) {
            return Ok(Report::without_beginning(report.segments, first));
        }
    }
    report.contradictions.extend(changed_rules(directory)?);
    Ok(report)
}

/// The rules that are kept and are not what their version says: those of a version that is not there may be kept elsewhere.
fn changed_rules(directory: &Path) -> Result<Vec<Contradiction>, ReadError> {
    let contradiction = |file: PathBuf| {
        let file = file.to_string_lossy().into();
        Contradiction { file, size: 0, problem: TreeProblem::Rulebook }
    };
    Ok(rulebooks::changed(directory)?.into_iter().map(contradiction).collect())
}

/// Where a journal begins.
struct Begins {
    after: Head,
    /// Whether that is its own word: entries before its first are missing, and it has to tell that they were archived.
    is_claimed: bool,
}

/// The segments, and what is signed of them.
fn begin<'a>(
    directory: &'a Path,
    expectations: &Expectations,
) -> Result<(Begins, Held<'a>, Vec<SegmentPath>), ReadError> {
    loop {
        let first = first_of(directory)?;
        let begins = match (expectations.archived, SegmentReader::open(&first)) {
            (Some(after), _) => Begins { after, is_claimed: false },
            (None, Ok(reader)) => {
                let after = reader.header.before;
                Begins { after, is_claimed: after.sequence > 0 }
            }
            // What is wrong with it is told when it is read.
            (None, Err(_)) => Begins { after: Head::START, is_claimed: false },
        };
        // Before the segments: whatever is signed by now is in them.
        let held = Held::open(directory, begins.after.sequence, expectations)?;
        let segments = segments(directory)?;
        // The gateway may have removed an archived one meanwhile.
        if segments.first().is_some_and(|segment| segment.first == first.first) {
            return Ok((begins, held, segments));
        }
    }
}

fn first_of(directory: &Path) -> Result<SegmentPath, ReadError> {
    let first = segments(directory)?.into_iter().next();
    first.ok_or_else(|| ReadError::Absent { directory: directory.to_owned() })
}

/// Checks segments on as many threads as there are cores, and hands them over in order until something does not fit.
fn each_in_order(
    directory: &Path,
    (segments, with_newest): (&[SegmentPath], bool),
    noted: Option<Head>,
    mut take: impl FnMut(Checked) -> Option<Misfit>,
) -> Result<Option<Misfit>, ReadError> {
    let jobs = segments.iter().enumerate().map(|(place, segment)| {
        let is_last = with_newest && place + 1 == segments.len();
        move || check(directory, segment, is_last, noted)
    });
    let take = |checked| take(checked).map_or(ControlFlow::Continue(()), ControlFlow::Break);
    in_order(threads(segments), jobs, take)
}

/// On how many threads: one where there is little to read, and no more than there is memory for.
fn threads(segments: &[SegmentPath]) -> usize {
    let sizes = segments.iter().filter_map(|segment| segment.path.metadata().ok()).map(|file| file.len());
    let (all, largest) =
        sizes.fold((0, 1), |(all, largest): (u64, u64), size| (all + size, largest.max(size)));
    let most = usize::try_from(BYTES_AT_ONCE / largest).unwrap_or(usize::MAX);
    side_by_side::threads(all, BYTES_WORTH_A_THREAD).min(most).max(1)
}

/// What of segments may be under way at once: some 200 bytes of memory are kept for each of their entries.
const BYTES_AT_ONCE: u64 = 1 << 30;
const BYTES_WORTH_A_THREAD: u64 = 2 * 1024 * 1024;
