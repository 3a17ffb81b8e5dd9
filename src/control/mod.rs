//! CONTROL PLANE: health, metrics and what operators may see, on a listener of its own.
//!
//! [`router`] has every path on one page. Whoever reads events or sessions, ends sessions, reloads, or
//! rotates a secret needs the token, and leaves an event. [`page`] is for people what the API is for programs.

pub mod api;
mod archive_metrics;
pub mod authority;
pub mod break_glass;
mod break_glass_metrics;
mod detection_metrics;
pub mod detections;
pub mod evidence;
mod export_metrics;
mod feed_metrics;
mod journal_metrics;
pub mod metrics;
pub mod page;
pub mod probes;
pub mod provisioning;
pub mod reports;
pub mod revocation;
pub mod rotation;
pub mod router;
pub mod seals;
pub mod settings;
mod signal_metrics;
pub mod signals;
pub mod state;
mod store_metrics;
#[cfg(test)]
mod tests;
mod upstream_metrics;
mod witness_metrics;
