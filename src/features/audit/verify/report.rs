//! What was found in a journal.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::features::audit::directory::SegmentPath;
use crate::features::audit::error::{Misfit, Problem};
use crate::features::audit::format::Head;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

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
    /// Times in which requests were let through without an event, by the journal's own word.
    pub gaps: u64,
    /// The requests of them.
    pub gap_requests: u64,
    /// The time of the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// The time of the last entry that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// The longest time without an entry while the gateway ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_silence: Option<Silence>,
    /// The sequence of the last entry that fits.
    pub last_sequence: u64,
    /// The hash of the last entry that fits.
    pub last_hash: Digest,
    /// Checkpoints of the journal that fit it.
    pub checkpoints: u64,
    /// The entries up to this one are covered by a checkpoint that fits.
    pub signed_through: u64,
    /// Checkpoints of witnesses that fit it.
    pub witnessed: u64,
    /// The entry that tells that those before the first were archived and removed; absent where none are missing, or somebody else
    /// says where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_by: Option<u64>,
    /// The first thing that does not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfit: Option<Misfit>,
    /// What does not fit between the entries and what was signed of them, the first 16; then the rules that are kept and
    /// were changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<Contradiction>,
}

impl Report {
    pub(super) const fn empty(before: Head) -> Self {
        Self {
            segments: 0,
            entries: 0,
            openings: 0,
            closings: 0,
            outcome_unknown: 0,
            under_way: 0,
            closings_alone: 0,
            gaps: 0,
            gap_requests: 0,
            first: None,
            last: None,
            longest_silence: None,
            last_sequence: before.sequence,
            last_hash: before.hash,
            checkpoints: 0,
            signed_through: 0,
            witnessed: 0,
            archived_by: None,
            misfit: None,
            contradictions: Vec::new(),
        }
    }

    /// Of a journal without its beginning, of which nobody who is trusted says that it was archived.
    pub(super) fn without_beginning(segments: u64, first: &SegmentPath) -> Self {
        let problem = Problem::Missing { found: first.first };
        let misfit = Misfit { segment: first.name.clone(), offset: 0, sequence: 1, problem };
        Self { segments, misfit: Some(misfit), ..Self::empty(Head::START) }
    }

    /// The entry that tells that those before the first were archived, if it is signed.
    pub(super) fn signed_archived_by(&self) -> Option<u64> {
        self.archived_by.filter(|told| *told <= self.signed_through)
    }

    /// Whether all of it fits.
    pub const fn is_sound(&self) -> bool {
        self.misfit.is_none() && self.contradictions.is_empty()
    }

    /// In a sentence, where every entry fits: whether all else does.
    pub fn verdict(&self) -> &'static str {
        let is_of_rules = |found: &Contradiction| found.problem == TreeProblem::Rulebook;
        if self.is_sound() {
            return "The journal fits, every byte of it.";
        }
        if self.contradictions.iter().all(is_of_rules) {
            return "The entries fit, but not the rules that are kept for them.";
        }
        "The entries fit one another, but not what was signed of them."
    }

    /// What does not fit, if anything does not: the entries before what was signed of them.
    pub fn first_fault(&self) -> Option<String> {
        let misfit = self.misfit.as_ref().map(ToString::to_string);
        misfit.or_else(|| self.contradictions.first().map(ToString::to_string))
    }

    /// The last entry that fits: worth noting elsewhere.
    pub const fn head(&self) -> Head {
        Head { sequence: self.last_sequence, hash: self.last_hash }
    }
}

/// A time without an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    /// The time of the entry before it.
    pub from: Timestamp,
    /// The time of the entry after it.
    pub to: Timestamp,
}

impl Silence {
    /// How long it lasts.
    pub fn lasts(self) -> Duration {
        self.to.since(self.from)
    }
}

/// Something that was signed, or kept beside the entries, and does not fit them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}{}: {problem}", of_entries(*.size))]
pub struct Contradiction {
    /// The file that says so, or the witness's.
    pub file: Arc<str>,
    /// How many entries it is about; 0 where that cannot be read, or it is about none.
    pub size: u64,
    /// What does not fit.
    #[serde(serialize_with = "as_text")]
    pub problem: TreeProblem,
}

/// What does not fit between the entries and what was signed of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeProblem {
    /// It is no checkpoint, or only a part of one.
    #[error("it cannot be read as a checkpoint: it was changed, or a write of it was cut short")]
    Unreadable,
    /// Nobody who is trusted has signed it.
    #[error("it is not signed by a key that is trusted")]
    Unsigned,
    /// It names entries that are not there.
    #[error("the journal ends with entry {entries}: entries were cut off")]
    Cut {
        /// The last entry.
        entries: u64,
    },
    /// It names another root.
    #[error(
        "these are not the entries that were signed; up to entry {fits} they are: what comes after was replaced"
    )]
    Replaced {
        /// The size of the largest checkpoint before it that fits.
        fits: u64,
    },
    /// It is out of order.
    #[error("it stands after one of as many entries or more")]
    Order,
    /// The newest checkpoint is not the last of all.
    #[error("it is not among the journal's checkpoints: some were cut off")]
    Missing,
    /// A tile differs, or is not there.
    #[error("the tile is missing or is not that of the entries")]
    Tile,
    /// The list of keys cannot be read.
    #[error("a line of it is no public key")]
    Keys,
    /// The configuration under a version is not the one that the version is a digest of.
    #[error("these are not the rules that events name by it: it was changed or damaged")]
    Rulebook,
}

fn of_entries(size: u64) -> String {
    if size == 0 { String::new() } else { format!(", of {size} entries") }
}

fn as_text<S: Serializer>(problem: &TreeProblem, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(problem)
}
