//! The outside world: TLS, HTTP, stores, telemetry. Knows nothing of access control.

pub mod http;
pub mod store;
