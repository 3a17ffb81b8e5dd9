//! The application behind: pooled connections, rewritten headers, the signed assertion.
//!
//! [`send::send`] asks for a `Permit` and a `Journaled`: nothing of a caller's reaches an application
//! undecided or unrecorded. Framing is rebuilt, never relayed: our own writer frames what is forwarded.

pub mod assertion;
pub mod bond;
pub mod check;
mod choose;
mod coming;
mod connect;
pub mod credential;
pub mod error;
pub mod form_login;
pub mod form_page;
pub mod frames;
pub mod headers;
mod http2;
pub mod jar;
mod kept;
mod link;
pub mod node_keys;
pub mod pool;
pub mod replies;
mod seat;
pub mod send;
pub mod servers;
pub mod settings;
pub mod standing;
pub mod sticky;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
pub mod tls;
pub mod trial;
pub mod tunnel;
