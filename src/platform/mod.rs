//! The outside world: TLS, HTTP, stores, pages, telemetry. Knows nothing of access control.

pub mod client_assertion;
pub mod descriptors;
pub mod disk;
pub mod http;
pub mod objects;
pub mod page;
pub mod seal;
pub mod signed_note;
pub mod signed_token;
pub mod spill;
pub mod store;
pub mod supervisor;
pub mod syslog;
pub mod telemetry;
pub mod tls;
