//! What each full segment holds, and where in it, so that a question need not read all of them.
//!
//! An index is a file beside its segment, made when the segment is full and never by whoever writes the journal. It is a hint and
//! no evidence: [`verify`](super::verify) does not look at it, and each can be made anew from the segments. One that is not sealed
//! under the patients' key, that does not fit its segment at both ends, or whose segment was changed since, is none, and the segment is
//! read. What a disk changes behind everybody's back in a segment that is passed over, verification alone tells.
//!
//! An event may begin in one segment and end in a later one. Each index knows which events have not ended yet, and the next goes on
//! from there: a segment is passed over only where nothing in it begins or ends an event that is asked for. So an answer is the
//! same with indexes and without, in the same order: by the entry that ended each event; where the end is unknown, where the journal
//! was opened next, or last of all. Where something does, the same holds of the blocks into which a segment is divided: what lies
//! between those that are read is leapt over.

mod blocks;
mod contents;
mod file;
mod gather;
mod make;
mod plan;

pub use contents::Place;
pub(super) use file::{date_as_indexed, path_of};
pub use make::{Look, Made, make_missing};
pub(super) use plan::Plan;

/// Whether what is known of segments is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hints {
    /// Segments that hold nothing which is asked for are passed over.
    #[default]
    Used,
    /// Every segment is read.
    Ignored,
}
