//! What is unusual about a request, and so raises what is asked: a browser, a network or an hour that is new for its
//! person, denials one after the other, or somebody's word that the person is at risk.
//!
//! It knows of each person at which browsers, in which networks and at which hours they were *proven*: a sign-in that only
//! repeats a stolen password, in a place where more would be asked, makes nothing known. Of whom nothing is known, all is new; so
//! it is after the store was lost. What is known is bounded, forgotten after ninety days without use, and at the person's wish.
//!
//! It never allows anything. Whether a risk counts where a request leads, and what it asks for there, is the policy's;
//! programs have bounds of their own.

mod book;
mod browser;
mod burst;
mod desk;
mod judge;
mod nodes;
mod place;
mod profile;
pub mod settings;
mod store;
mod told;

#[cfg(test)]
mod tests;

pub use book::Book;
pub use browser::{BROWSER_COOKIE, BrowserToken};
pub use desk::{RiskDesk, Whence};
pub use judge::Proven;
pub use nodes::RISK_PART;
pub use place::HourSlot;
pub use profile::{KnownDevice, KnownNetwork};
pub use store::MIGRATIONS;
pub use told::Told;
