//! What a person has typed and could not send, kept for them: a form that met an ended session, or a rule that
//! asks for a step-up first (WCAG 2.2, 2.2.5: go on without loss of data after signing in again).
//!
//! What is kept is sealed under a key of its own (`seal`), which is made of a secret that only the browser has:
//! who takes the store away reads nothing. It is bound to that browser, to one host and to one person, and
//! nobody else learns that it exists. It is sent once and by that person's hand, never by itself: a chart may have
//! moved on, and an order that is given twice does harm. Everything is bounded, for whoever is not signed in most
//! of all, and gone when its time is over.

mod nodes;
mod preview;
mod seal;
pub mod settings;
mod shelf;
mod store;
mod table;
mod typed;

#[cfg(test)]
mod tests;

pub use nodes::HOLD_PART;
pub use preview::{Field, FieldValue, Preview};
pub use seal::Browser;
pub use shelf::{Gone, HoldError, Holds, New, Sending, Visit};
pub use store::MIGRATIONS;
pub use table::{NoRoom, Place, Standing, Summary};
pub use typed::Typed;
