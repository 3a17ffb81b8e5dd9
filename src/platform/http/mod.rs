//! What the planes and features need of HTTP beyond hyper.

pub mod body;
pub mod coding;
pub mod fetch;
pub mod local;
pub mod pace;
pub mod replay;
