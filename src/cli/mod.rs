//! What an operator types.

pub mod audit;
