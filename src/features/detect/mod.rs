//! What somebody should look at, found in the stream of events: records carried away, panels swept, numbers tried one after the
//! other, nights, long silences that end, and denials.
//!
//! [`Watcher`] is the rules: given events in the order in which they ended, it says what it finds. It has no clock, no I/O and no
//! chance, so that the same events give the same, now, after a restart, or in a trial over last month's journal. It counts each
//! person by themselves, against numbers that are declared and, where a rule says so, against what is usual for that person.
//! One rule finds one thing about one person at a time: what comes within the same window makes that larger.
//!
//! [`Detections`] keeps what was found as items for review, and how far the watcher has come. Nothing here refuses anything. It
//! knows patients by the journal's digests alone; [`Steps`] sees numbers of patients, forgets them, and tells how many followed
//! one another.
//!
//! What it takes, at the most: 50 000 people, of each for each rule one window of 512 events of 40 bytes, emptied after a day of
//! silence, and 31 figures of what is usual; 10 000 items for review.

mod detections;
mod person;
mod review;
mod seen;
pub mod settings;
mod steps;
mod store;
mod track;
mod usual;
mod watcher;
mod wording;

#[cfg(test)]
mod tests;

pub use detections::{Baselines, Detections, Figures, Progress};
pub use review::{Asked, Item, ReviewError};
pub use seen::{Seen, Work};
pub use steps::Steps;
pub use store::{MIGRATIONS, Position};
pub use watcher::{Baseline, Step, Watcher};
