//! Which application, route, action and patient a request concerns.
//!
//! The most specific route wins; a tie is a problem at load, never a guess at run time.

pub mod pattern;
pub mod settings;
