//! TLS, by rustls and aws-lc-rs alone: certificates by server name towards callers, verification
//! without an off switch towards applications.

pub mod certificates;
pub mod client;
