//! Which application, route, action and patient a request concerns.
//!
//! The most specific route wins; a tie is a problem at load, never a guess at run time. What this
//! feature reads has been normalized by the gateway, and is what the application will be sent.
//!
//! - [`table`] settles the configuration into a [`table::RouteTable`] and recognizes requests.
//! - [`body`] reads the bodies of requests whose route depends on them.
//! - [`view`] is what a request looks like to this feature.

pub mod body;
mod condition;
pub mod fields;
mod json;
mod multipart;
pub mod pattern;
pub mod quirks;
pub mod settings;
pub mod table;
mod tree;
pub mod view;

#[cfg(test)]
mod tests;
