//! Leastway: a reverse proxy that enforces access policy (a policy enforcement point) in front of
//! applications that nobody can change.
//!
//! The house, from the roof down. A floor uses the floors below it; rooms on one floor do not use
//! each other (`tests/architecture.rs` checks that).

// What an operator types.
pub mod cli;

// Puts the house together: the one place where features meet.
pub mod app;

// A small clinic to try it on; loopback only.
pub mod demo;

// The files: as written → as settled; problems.
pub mod config;

// Data plane: the policy enforcement point (PEP).
pub mod gateway;

// Control plane: the policy administration point (PAP).
pub mod control;

// One feature, one folder; features never import features.
pub mod features;

// The words: pure data, no I/O.
pub mod domain;

// The outside world; knows nothing of access control.
pub mod platform;

// The ground: time, chance, identifiers, secrets, digests.
pub mod foundation;
