//! TLS, by rustls and aws-lc-rs alone: certificates by server name towards callers, verification towards
//! applications and providers.

pub mod certificates;
pub mod client;
pub mod dial;
pub mod front;
mod verify;
