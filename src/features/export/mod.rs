//! Events as others take them, and how they get there: at least once, in order, and on from where it stopped.
//!
//! [`mod@format`] writes an event as documents that other software reads. It has no clock and no I/O: the same event gives the
//! same bytes, whenever and however often it is written. A [`Courier`](courier::Courier) hands documents over, however long that
//! takes, and puts aside what a receiver will never take. [`Exports`] knows how far each export has come, in the store.
//!
//! The journal is the buffer: nothing is kept in memory for a receiver that is slow, and nobody on a request's way waits for it.
//! How far it has come is kept only after a receiver has taken something, so that a crash in between sends it twice, never not
//! at all; receivers know it again by the event's identifier and its number.

pub mod courier;
pub mod format;
pub mod settings;

mod answer;
mod document;
mod exports;
mod fhir;
mod file;
mod http;
mod letters;
mod otlp;
mod reach;
mod shape;
mod sink;
mod standing;
mod store;
mod syslog;
mod webhook;

#[cfg(test)]
mod tests;

pub use document::Document;
pub use exports::Exports;
pub use reach::reach;
pub use shape::Shape;
pub use standing::{ExportNow, Standing};
pub use store::{Anchor, MIGRATIONS, Place, Position};
