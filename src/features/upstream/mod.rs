//! The application behind: pooled connections, rewritten headers, the signed assertion.
//!
//! [`send::send`] asks for a `Permit` and a `Journaled`: nothing reaches an application undecided or
//! unrecorded. Framing is rebuilt, never relayed: our own writer frames what is forwarded.

pub mod assertion;
mod connect;
pub mod error;
pub mod frames;
pub mod headers;
pub mod pool;
pub mod send;
mod sender;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod tunnel;
