//! What stands in place of secrets and certificates where a configuration is only looked at.

use crate::foundation::digest::Digest;

/// A certificate with its key, made up for the occasion.
#[derive(Clone, Debug)]
pub struct StandIn {
    pem: String,
}

impl StandIn {
    /// One that nobody trusts. None where no key can be made.
    pub(super) fn make() -> Option<Self> {
        let made = rcgen::generate_simple_self_signed(["stand-in.invalid".to_owned()]).ok()?;
        Some(Self { pem: format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem()) })
    }

    /// In place of a file of certificates, of a key, or of both.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.pem.clone().into_bytes()
    }

    /// In place of a secret: another for each name.
    pub(super) fn text(name: &[u8]) -> String {
        Digest::of(name).hex().into_iter().map(char::from).collect()
    }
}
