//! Who belongs to the house, as a provider tells it beforehand: users and groups that it provisions (by [`scim`]), so
//! that somebody who has left is out before anybody asks, and groups are known in full.
//!
//! Memory is the truth for reading: neither a sign-in nor a decision waits for a disk. What a provider changes is in
//! the store before it is answered. Who is deleted is remembered by their identifiers, or the next sign-in would let
//! them in as somebody of whom nothing is known. Of a person no more is kept than names the account.

mod account;
mod nodes;
mod realm;
mod realms;
pub mod scim;
pub mod settings;
mod store;
mod table;

#[cfg(test)]
mod tests;

pub use nodes::DIRECTORY_PART;
pub use realm::{Known, Leaver, Realm};
pub use realms::{Census, Directory, DirectoryHeard, Served, Witness};
pub use store::MIGRATIONS;
