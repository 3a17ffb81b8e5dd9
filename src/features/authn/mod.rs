//! Sign-in, step-up and sign-out by OpenID Connect: the relying party (RP).

pub mod settings;
