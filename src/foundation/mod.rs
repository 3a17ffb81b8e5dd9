//! The ground: time, chance, identifiers, secrets, digests, what may be shown and how it is read. Knows nothing of HTTP.

pub mod clock;
pub mod digest;
pub mod entropy;
pub mod id;
pub mod parsed;
pub mod secret;
pub mod text;
pub mod timekeeping;
