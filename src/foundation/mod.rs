//! The ground: time, chance, identifiers, secrets, digests and what may be shown. Knows nothing of HTTP.

pub mod clock;
pub mod digest;
pub mod entropy;
pub mod id;
pub mod parsed;
pub mod secret;
pub mod text;
pub mod timekeeping;
