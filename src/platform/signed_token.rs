//! What signed tokens of any kind have in common: a header, claims and a signature (RFC 7515), and the rules of
//! RFC 8725 for reading them.
//!
//! Anyone may bring one. Nothing of it is believed before its signature holds by a key of its provider; by which
//! algorithm is for the provider's metadata to say, and never one with a shared secret or none.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse as _, JwsSigningAlgorithm as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::foundation::clock::Timestamp;

/// A token, taken apart. What it says is not believed yet.
pub struct Signed<'t, C> {
    /// What kind of token it says that it is: in lower case, without `application/`.
    pub kind: Option<String>,
    /// What it claims.
    pub claims: C,
    /// The key that it shows itself: nobody's, unless something else says whose it is.
    pub shown: Option<Map<String, Value>>,
    algorithm: CoreJwsSigningAlgorithm,
    key: Option<String>,
    /// What is signed: header and claims.
    pub input: &'t [u8],
    signature: Vec<u8>,
}

/// Nothing of what it says.
impl<C> fmt::Debug for Signed<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signed(..)")
    }
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    jwk: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
    #[serde(default, deserialize_with = "is_there")]
    cty: bool,
}

impl<'t, C: DeserializeOwned> Signed<'t, C> {
    /// Takes a token apart: at most 8 KiB of it, of a kind that is meant here, and with nothing in its header that we
    /// would have to understand and do not.
    pub fn parse(token: &'t str, is_meant: impl FnOnce(Option<&str>) -> bool) -> Result<Self, SignedFault> {
        let malformed = SignedFault::Malformed;
        if token.len() > TOKEN_BYTES_MAX {
            return Err(malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(malformed)?;
        // With more parts it is encrypted, which nobody has asked for.
        if claims.contains('.') {
            return Err(malformed);
        }
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed);
        // JSON is UTF-8 (RFC 8259 8.1), also in what nobody looks at.
        let json = |text: &str| String::from_utf8(part(text)?).map_err(|_| malformed);
        let header: Header =
            serde_json::from_str(&json(header)?).map_err(|_| SignedFault::Token(TokenFault::Algorithm))?;
        let kind = header.typ.map(|kind| kind.to_ascii_lowercase());
        let kind = kind.map(|kind| kind.strip_prefix("application/").map(str::to_owned).unwrap_or(kind));
        if header.crit || header.cty || !is_meant(kind.as_deref()) {
            return Err(SignedFault::Type);
        }
        let claims = serde_json::from_str(&json(claims)?).map_err(|_| malformed)?;
        let (algorithm, key, input, signature) =
            (header.alg, header.kid, signed.as_bytes(), part(signature)?);
        Ok(Self { kind, claims, shown: header.jwk, algorithm, key, input, signature })
    }
}

impl<C> Signed<'_, C> {
    /// The key by which it says that it is signed (`kid`).
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether it is signed by one of these keys, in one of these ways. Of two keys that fit neither counts: the token
    /// has to say by which it is signed.
    pub fn is_signed_by_one_of(
        &self,
        keys: &[CoreJsonWebKey],
        algorithms: &[CoreJwsSigningAlgorithm],
    ) -> Result<(), TokenFault> {
        // Only ways with a private key may be among these: neither `none` nor a shared secret.
        if !ALGORITHMS.contains(&self.algorithm) || !algorithms.contains(&self.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        let mut keys = keys.iter().filter(|key| self.is_for(key));
        let (Some(key), None) = (keys.next(), keys.next()) else { return Err(TokenFault::Signature) };
        key.verify_signature(&self.algorithm, self.input, &self.signature).map_err(|_| TokenFault::Signature)
    }

    /// Whether it is signed by this key, in a way with a private key.
    pub fn is_signed_with(&self, key: &CoreJsonWebKey) -> Result<(), TokenFault> {
        if !ALGORITHMS.contains(&self.algorithm) || !self.is_for(key) {
            return Err(TokenFault::Algorithm);
        }
        key.verify_signature(&self.algorithm, self.input, &self.signature).map_err(|_| TokenFault::Signature)
    }

    fn is_for(&self, key: &CoreJsonWebKey) -> bool {
        let id = key.key_id().map(|id| id.as_str());
        let is_named = self.key.is_none() || self.key.as_deref() == id;
        let signs = key.key_use().is_none_or(CoreJsonWebKeyUse::allows_signature);
        is_named && signs && is_in_way(key, &self.algorithm)
    }
}

/// Whether a signature in one of these ways can be checked by this key: it is for signatures, and of a kind and a way
/// that are accepted.
pub fn may_check(key: &CoreJsonWebKey, algorithms: &[CoreJwsSigningAlgorithm]) -> bool {
    let signs = key.key_use().is_none_or(CoreJsonWebKeyUse::allows_signature);
    let mut ways = algorithms.iter().filter(|way| ALGORITHMS.contains(way));
    signs && ways.any(|way| is_in_way(key, way))
}

/// Whether a key is for this way of signing.
fn is_in_way(key: &CoreJsonWebKey, way: &CoreJwsSigningAlgorithm) -> bool {
    let by_this = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(algorithm) => algorithm == way,
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    by_this && way.key_type().is_some_and(|kind| kind == *key.key_type())
}

/// What does not hold in a signed token, whatever it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is unsigned, or signed in a way that is not accepted.
    #[error("it is unsigned or signed by an algorithm that is not accepted")]
    Algorithm,
    /// The signature is not by a key of the provider.
    #[error("its signature does not match a key of the provider")]
    Signature,
    /// `aud` does not name us.
    #[error("`aud` does not name us")]
    Audience,
    /// `azp` is another client, or is missing beside several audiences.
    #[error("`azp` is not us")]
    AuthorizedParty,
    /// `exp` is past.
    #[error("it has expired")]
    Expired,
}

/// What does not hold in a signed token as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedFault {
    /// What does not hold of tokens of any kind.
    Token(TokenFault),
    /// It is not a signed token, or lacks a claim that it needs.
    Malformed,
    /// It is a token of another kind.
    Type,
}

/// One, or a list.
#[derive(Debug, Default)]
pub struct Audiences(pub Vec<String>);

impl<'de> Deserialize<'de> for Audiences {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            One(String),
            Several(Vec<String>),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::One(audience) => Self(vec![audience]),
            Either::Several(audiences) => Self(audiences),
        })
    }
}

/// Seconds since 1970, maybe with a fraction (RFC 7519 section 2, `NumericDate`).
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if !(0.0..SECONDS_MAX).contains(&seconds) {
            return Err(serde::de::Error::custom("not a moment"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        let millis = (seconds * 1000.0) as i64;
        Ok(Self(Timestamp::from_millis(millis)))
    }
}

/// For a member that may not be there, whatever its value, `null` among them.
pub fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A member that may not be there, whatever its value, `null` among them.
pub fn whatever<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The largest token that is read.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The year 9999.
const SECONDS_MAX: f64 = 253_402_300_800.0;

/// The ways of signing that are accepted: by private keys only.
pub const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
