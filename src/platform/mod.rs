//! The outside world: TLS, HTTP, stores, pages, telemetry. Knows nothing of access control.

pub mod descriptors;
pub mod http;
pub mod page;
pub mod seal;
pub mod signed_note;
pub mod signed_token;
pub mod store;
pub mod supervisor;
pub mod syslog;
pub mod telemetry;
pub mod tls;
