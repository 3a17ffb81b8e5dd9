//! Webhooks that are signed as Standard Webhooks says: HMAC-SHA-256 over identifier, time and body.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::Document;
use super::settings::ExportName;
use crate::foundation::digest::Digest;

/// What a webhook is signed with.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

/// A text that is no secret of a webhook. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is `whsec_` and the base64 of 24 to 64 bytes")]
pub struct SigningSecretError;

impl SigningSecret {
    /// The secret that `text` says: `whsec_`, which may be left out, and the base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let encoded = text.strip_prefix("whsec_").unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| SigningSecretError)?;
        let bytes = zeroize::Zeroizing::new(bytes);
        if !(24..=64).contains(&bytes.len()) {
            return Err(SigningSecretError);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign().as_ref()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// The documents as an array of JSON.
pub(super) fn array(documents: &[Document]) -> Vec<u8> {
    let mut body = vec![b'['];
    for (position, document) in documents.iter().enumerate() {
        if position > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&document.bytes);
    }
    body.push(b']');
    body
}

/// The value of `webhook-id`: the same whenever the same is sent again, so that the receiver knows it.
pub(super) fn id(export: &ExportName, node: &str, body: &[u8]) -> String {
    let digest = Digest::of_parts(&[export.as_str().as_bytes(), b"\n", node.as_bytes(), b"\n", body]);
    let mut text = digest.to_string();
    text.truncate(32);
    format!("msg_{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference implementations (`standard-webhooks`, Apache-2.0 and MIT).
    #[test]
    fn a_signature_is_that_of_the_reference() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{secret:?}"), "SigningSecret(..)");
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        for (bytes, is_right) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            assert_eq!(SigningSecret::parse(&text).is_ok(), is_right, "{bytes}");
        }
        assert!(SigningSecret::parse("whsec_not base64").is_err());
    }
}
