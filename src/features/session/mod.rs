//! Whose browser this is, and for how long: server-side sessions behind one opaque cookie.

pub mod settings;
