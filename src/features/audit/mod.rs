//! What happened, kept so that a change shows: the journal.
//!
//! Every request leaves one event: an opening entry (who, what, the decision) before anything is
//! released, a closing entry (how it ended) after. [`journal`] writes them in order into segment
//! files, one sync for all that waits, each entry chained by its hash to all before it. [`read`]
//! gives them back, [`events`] joins them, [`verify`] finds the first that does not fit, [`query`] answers who did
//! what, [`scan`] tells all up to a place for whoever reports. [`mod@index`] spares both most of the
//! reading; [`takings`] is what a start has to know of the last day.
//!
//! A chain shows every change to what it holds, but it cannot show what was cut off its end together
//! with the proof that it was there. So the entries are also a [`tree`], of which checkpoints are signed
//! and told to [`witness`]es; [`prove`] shows one event to an outsider. Whoever can write the files, and has
//! the key, can also write a new chain and sign it; a checkpoint, or a [`Head`], noted elsewhere shows that too.

pub mod archive;
pub mod events;
pub mod index;
pub mod journal;
pub mod patients;
pub mod period;
pub mod prove;
pub mod query;
pub mod read;
pub mod rulebooks;
pub mod scan;
pub mod seal;
pub mod settings;
pub mod space;
pub mod spool;
pub mod table;
pub mod takings;
pub mod tree;
pub mod verify;
pub mod witness;

mod ahead;
mod carry;
mod direct;
mod directory;
mod disk;
mod entry;
mod error;
mod format;
mod gap;
mod meter;
mod note;
mod opening;
mod place;
mod segment;
mod shared;
mod side_by_side;
mod site;
mod tape;
mod tray;
mod turn;
mod waiters;
mod watched;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{JournalError, Misfit, Problem, ReadError};
pub use format::{Head, HeadError};
pub use meter::Counters;
pub use shared::Standing;
pub use tape::Found;
