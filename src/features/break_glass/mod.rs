//! Break-glass at the bedside: who has opened which patient's chart in an emergency, until when, and what came of it.
//!
//! A [`Break`] is a state machine without clock or I/O: it goes on until its time, its person, the end of its session or a
//! relationship that a feed tells ends it; its text may be owed; and it is reviewed, by anybody but its person. [`Breaks`]
//! keeps them, in memory and in the store, and tells other nodes. A break knows its patient by the journal's digest alone.
//!
//! Nothing here decides: the rules say what an emergency opens (`policy`), and the gateway asks them anew with each request for
//! as long as a break goes on.
//!
//! What it takes, at the most: 10 000 breaks, of which closed ones go first; for a day the number of the patient of each, in
//! memory, by which feeds are asked.

mod breaks;
mod due;
mod figures;
mod nodes;
mod prompt;
pub mod settings;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use breaks::{BeginError, Breaks, Whose, WriteError};
pub use due::Due;
pub use figures::Figures;
pub use nodes::BREAK_PART;
pub use prompt::{Prompt, ending};
pub use state::{Asked, Attested, Break, NotNow, Review, ReviewError, Sheet, Standing, Untold};
pub use store::MIGRATIONS;
