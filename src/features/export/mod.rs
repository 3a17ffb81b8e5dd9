//! Events as others take them: what is in the journal, said in the words of a receiver.
//!
//! [`format`] writes an event as lines and documents that other software reads. It has no clock and no I/O: the same event gives
//! the same bytes, whenever and however often it is written.

pub mod format;
