//! The policy decision point (PDP).

pub mod settings;
