//! Full segments, kept elsewhere: on other media, or in a bucket of S3 under lock.
//!
//! A segment is shipped once it is full, indexed and covered by a checkpoint: packed, with a [`Manifest`] beside it by which it
//! can be verified alone, and its index. What was put there is read back, unpacked and held against chain, tree and signature
//! before it counts as archived, and once more before the segment is removed here. It is kept as long as the keys of its months
//! are (`journal.sealed`), and longer under a legal hold.
//!
//! Nothing here journals: whoever calls writes each step down. What has come of it is kept in `archive/receipts` beside the
//! segments, a line for each step, never changed.

mod elsewhere;
mod error;
mod inquiry;
mod ledger;
mod manifest;
mod pack;
mod plan;
mod scratch;
mod shelf;
mod standing;
mod steps;
mod told;

pub use elsewhere::{Elsewhere, Gap, Stretch, elsewhere};
pub use error::ArchiveError;
pub use inquiry::{Fetched, Trust, View, fetch, fetch_fitting, lost_rules};
pub use ledger::{Entry, Object, Receipt, receipts};
pub use manifest::{Manifest, ManifestError, Sum};
pub use plan::Due;
pub use shelf::Examination;
pub use standing::ArchiveNow;
pub use steps::{Archive, GoesOn};
pub use told::told;

pub(super) use told::removed_through;
