//! What an operator types.

pub mod audit;
pub mod demo;
