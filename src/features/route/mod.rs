//! Which application, route, action and patient a request concerns.
//!
//! The most specific route wins; a tie is a problem at load, never a guess at run time. What this
//! feature reads has been normalized by the gateway, and is what the application will be sent.
//!
//! - [`table`] settles the configuration into a [`table::RouteTable`]; [`recognize`] asks it what a request is.
//! - [`body`] reads the bodies of requests whose route depends on them; [`call`] is what they call by name,
//!   [`bundle`] what they hold of other requests.
//! - [`learn`] proposes routes for what was observed and none matched.
//! - [`ask`] is what a route may be asked for: what is beyond is lowered or refused before anything is sent.
//! - [`given`] is what replies hand out and requests bring back, and the patient whom a request names elsewhere.
//! - [`view`] is what a request looks like to this feature.

pub mod ask;
pub mod body;
pub mod bundle;
pub mod call;
mod condition;
pub mod fields;
pub mod given;
mod graphql;
mod json;
pub mod learn;
mod look;
mod media_type;
mod multipart;
pub mod pattern;
pub mod quirks;
pub mod recognize;
pub mod settings;
pub mod table;
mod tree;
pub mod view;
mod xml_rpc;

#[cfg(test)]
mod tests;
