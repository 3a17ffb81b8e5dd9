//! The application behind: pooled connections, rewritten headers, the signed assertion.

pub mod settings;
