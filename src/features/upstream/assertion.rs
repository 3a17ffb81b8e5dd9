//! The assertion: a JWT (RFC 7519), signed with ES256, that tells an application who asks.
//!
//! Signed once per session, application, protection of what is asked for, and minute; never per request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use serde_json::{Value, json};

use crate::domain::application::ApplicationName;
use crate::domain::category::Protection;
use crate::domain::subject::Identity;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;

/// How long an assertion is valid, in seconds.
pub const LASTS_SECONDS: i64 = 60;
/// After how long a new one is signed, in seconds.
const RENEWED_AFTER_SECONDS: i64 = 30;
const KEPT_MAX: usize = 4096;

/// The key that assertions are signed with.
pub struct AssertionKey {
    pair: EcdsaKeyPair,
    id: String,
    issuer: String,
}

impl fmt::Debug for AssertionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The key cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[error("the key for assertions is not a P-256 private key in PKCS#8")]
pub struct AssertionKeyError;

impl AssertionKey {
    /// A new key as PKCS#8, to be kept.
    pub fn generate() -> Result<Vec<u8>, AssertionKeyError> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| AssertionKeyError)
    }

    /// The key in `pkcs8`. `issuer` stands as `iss` in every assertion.
    pub fn from_pkcs8(pkcs8: &[u8], issuer: String) -> Result<Self, AssertionKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| AssertionKeyError)?;
        let id = Digest::of(pair.public_key().as_ref()).short();
        Ok(Self { pair, id, issuer })
    }

    /// By what its public key is found in a key set: `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key as a JWK (RFC 7517).
    pub fn jwk(&self) -> Value {
        // An uncompressed point (SEC 1): 0x04, then x and y of 32 bytes each.
        let point = self.pair.public_key().as_ref();
        let coordinate = |at: usize| point.get(at..at + 32).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": coordinate(1), "y": coordinate(33),
        })
    }

    fn sign(
        &self,
        application: &ApplicationName,
        identity: &Identity,
        session: SessionId,
        protection: &Protection,
        now: Timestamp,
    ) -> String {
        let subject = &identity.subject;
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.id });
        let mut claims = json!({
            "iss": self.issuer,
            "aud": application,
            "sub": subject.sub,
            "idp": subject.issuer,
            "name": subject.name,
            "groups": subject.groups,
            "roles": identity.roles,
            "purpose": identity.purpose.hl7_code(),
            "acr": identity.assurance.acr,
            "amr": identity.assurance.amr,
            "auth_time": identity.assurance.auth_time.as_seconds(),
            "sid": session,
            "iat": now.as_seconds(),
            "exp": now.as_seconds() + LASTS_SECONDS,
        });
        if let Some(claims) = claims.as_object_mut() {
            let Protection { sensitivity, laws } = protection;
            claims.extend((!sensitivity.is_empty()).then(|| ("sensitivity".to_owned(), json!(sensitivity))));
            claims.extend((!laws.is_empty()).then(|| ("laws".to_owned(), json!(laws))));
        }
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        match self.pair.sign(&SystemRandom::new(), text.as_bytes()) {
            Ok(signature) => format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())),
            // Without a signature there is no assertion: an unsigned one would be believed by nobody.
            Err(_) => String::new(),
        }
    }
}

/// One worker's assertions that are still good.
#[derive(Debug, Default)]
pub struct Assertions(RefCell<HashMap<(SessionId, usize, Protection), Kept>>);

#[derive(Debug)]
struct Kept {
    value: HeaderValue,
    version: u64,
    signed: Timestamp,
}

impl Assertions {
    /// The assertion for `identity` in the application number `index` about data that are protected so, signed now or a moment ago.
    pub fn of(
        &self,
        key: &AssertionKey,
        (application, index): (&ApplicationName, usize),
        (identity, session): (&Identity, SessionId),
        protection: Protection,
        now: Timestamp,
    ) -> Option<HeaderValue> {
        let mut kept = self.0.borrow_mut();
        let asked = (session, index, protection);
        if let Some(known) = kept.get(&asked) {
            let age = now.as_seconds() - known.signed.as_seconds();
            if known.version == identity.version && (0..RENEWED_AFTER_SECONDS).contains(&age) {
                return Some(known.value.clone());
            }
        }
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, known| now.since(known.signed).as_secs() < RENEWED_AFTER_SECONDS.unsigned_abs());
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
        }
        let signed = key.sign(application, identity, session, &asked.2, now);
        let mut value = HeaderValue::from_str(&signed).ok()?;
        value.set_sensitive(true);
        kept.insert(asked, Kept { value: value.clone(), version: identity.version, signed: now });
        Some(value)
    }
}
