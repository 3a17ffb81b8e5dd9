//! The key that ID tokens are signed with (RS256, which every relying party has to read).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::foundation::digest::Digest;

/// A key cannot be made or does not sign.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used")]
pub(in crate::demo) struct KeyError;

/// A key for one start of the provider.
#[derive(Debug)]
pub(super) struct SigningKey {
    pair: RsaKeyPair,
    id: String,
}

impl SigningKey {
    /// A new key of 2048 bits.
    pub(super) fn generate() -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError)?;
        let public = pair.public_key().as_der().map_err(|_| KeyError)?;
        Ok(Self { id: Digest::of(public.as_ref()).short(), pair })
    }

    /// The public half, as a key set (RFC 7517).
    pub(super) fn jwks(&self) -> Value {
        let public = self.pair.public_key();
        let [modulus, exponent] = [public.modulus(), public.exponent()]
            .map(|number| URL_SAFE_NO_PAD.encode(number.big_endian_without_leading_zero()));
        json!({ "keys": [{
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": modulus,
            "e": exponent,
        }]})
    }

    /// `claims` as a signed JWT.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.id });
        let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| KeyError)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a JWT that this key has signed, whatever its age.
    pub(super) fn claims(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let (_, claims) = message.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(message.as_bytes(), &signature)
            .ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_key_has_signed_is_believed() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({ "sub": "nurse" })).unwrap();
        assert_eq!(key.claims(&token).unwrap()["sub"], "nurse");

        let (head, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"administrator"}"#);
        assert!(key.claims(&format!("{head}.{forged}.{signature}")).is_none());
        assert!(SigningKey::generate().unwrap().claims(&token).is_none());
    }
}
