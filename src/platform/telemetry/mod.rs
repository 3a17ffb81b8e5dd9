//! Diagnostics: for people on a terminal as text, for machines as JSON lines; always to the standard
//! error. They hold ids, reasons, counts and durations, never a path, a header or a body.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts writing diagnostics, once: as much as `LEASTWAY_LOG` says (`warn`, `info,leastway::gateway=debug`),
/// by default `info`.
pub fn start() {
    let filter = EnvFilter::try_from_env("LEASTWAY_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    // Somebody has started them before: then they run as that one said.
    drop(started);
}

/// What callers do wrong in TLS is no warning of ours, and is not to fill anybody's disk.
const DEFAULT: &str = "info,rustls=error";
