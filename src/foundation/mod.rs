//! The ground: time, chance, identifiers, secrets and digests. Knows nothing of HTTP.

pub mod clock;
pub mod digest;
pub mod entropy;
pub mod id;
pub mod secret;
pub mod timekeeping;
