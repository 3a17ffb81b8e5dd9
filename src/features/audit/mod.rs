//! What happened, kept so that a change shows: the journal.

pub mod settings;
