//! What is known of people and patients from declared feeds: a policy information point (PIP).
//!
//! A feed is a file or an address whose rows say one kind of thing ([`FeedKind`](crate::domain::told::FeedKind)): who cares for
//! whom, who is at work, where somebody works, where a patient is, which devices there are. It is taken whole or not at all: a row that cannot be read leaves
//! what was known before in force, until that is too old. What is fresh, what is too old and what nobody has told are three
//! answers, and none of them is ever taken for another.
//!
//! A search of FHIR is a feed, too ([`fhir`]): all its pages are one whole.
//!
//! Who decides asks [`Feeds::about`] anew each time: a few looks into tables, no lock, no I/O.

pub mod devices;
pub mod fault;
pub mod feed;
pub mod feeds;
pub mod fetching;
pub mod fhir;
pub mod settings;
pub mod table;

pub use feed::{Feed, FeedNow};
pub use feeds::Feeds;

mod authorization;
mod draft;
mod moment;
mod names;
mod rows;
#[cfg(test)]
mod tests;
