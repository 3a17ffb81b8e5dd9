//! The outside world: TLS, HTTP, stores, pages, telemetry. Knows nothing of access control.

pub mod http;
pub mod tls;
pub mod page;
pub mod store;
