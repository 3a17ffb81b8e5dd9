//! What was handed out to whom, and whose record a session has open: what a request alone does not tell.
//!
//! - [`table`] remembers what replies handed out, as keyed digests under their owners: a page token, a job, a file
//!   that another brings is not theirs.
//! - [`contexts`] remembers the patient in context (CCOW) of each session and application.
//!
//! All of it is in memory and bounded, and gone with the process; what was handed out is in the store, too, where several nodes
//! share one. Nothing here says what may be done about that, nor
//! what a thing means.

pub mod contexts;
mod nodes;
pub mod table;

#[cfg(test)]
mod tests;

pub use nodes::MIGRATIONS;
