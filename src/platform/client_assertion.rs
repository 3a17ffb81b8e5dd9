//! A statement that it is us who asks for a token, signed by a key that never leaves this machine (`private_key_jwt`,
//! RFC 7523 section 3).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde_json::json;

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};

/// What `client_assertion_type` says of such a statement.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A way to sign, in the words of the crate that signs and of the one that reads metadata.
pub type SigningAlgorithm = (Algorithm, CoreJwsSigningAlgorithm);

/// A private key that signs. It does not print itself.
#[derive(Clone, Debug)]
pub struct SigningKey {
    key: EncodingKey,
    algorithms: &'static [SigningAlgorithm],
    /// Tells it from another.
    digest: Digest,
}

/// A private key that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no private key that signs by ES256, ES384, EdDSA, PS256 or RS256")]
pub struct SigningKeyError;

/// What could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("our key does not sign by this algorithm")]
pub struct AssertionError;

/// The digests of a certificate (RFC 7515 4.1.7 and 4.1.8), base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateDigests {
    /// SHA-1, by which Microsoft Entra ID has looked keys up since long.
    pub sha1: String,
    /// SHA-256.
    pub sha256: String,
}

/// What a statement says.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// Who asks: `iss` and `sub`.
    pub client_id: &'a str,
    /// For whom it is: `aud`.
    pub audience: &'a str,
    /// What the other side calls the key: `kid`.
    pub key_id: Option<&'a str>,
    /// Under which certificate it knows the key.
    pub certificate: Option<&'a CertificateDigests>,
}

impl SigningKey {
    /// The key in `pem`: P-256, P-384 or Ed25519 in PKCS#8, or RSA of 2048 bits or more in PKCS#8 or PKCS#1.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SigningKeyError> {
        let kinds = [
            (EncodingKey::from_ec_pem(pem), P256),
            (EncodingKey::from_ec_pem(pem), P384),
            (EncodingKey::from_ed_pem(pem), ED25519),
            (EncodingKey::from_rsa_pem(pem), RSA),
        ];
        let signs = |key: &EncodingKey, algorithms: &[SigningAlgorithm]| {
            algorithms.iter().all(|(algorithm, _)| jsonwebtoken::crypto::sign(b"", key, *algorithm).is_ok())
        };
        let found = kinds.into_iter().find_map(|(key, algorithms)| {
            let key = key.ok().filter(|key| signs(key, algorithms))?;
            Some(Self { key, algorithms, digest: Digest::of(pem) })
        });
        found.ok_or(SigningKeyError)
    }

    /// What it signs by, the best first.
    pub const fn algorithms(&self) -> &'static [SigningAlgorithm] {
        self.algorithms
    }

    /// By what it signs where nobody says what is taken, as SMART Backend Services has it: `RS384` and `ES384` are what
    /// every server there takes; a key that cannot signs by its own.
    pub fn backend_algorithm(&self) -> Option<Algorithm> {
        let (own, _) = self.algorithms.first()?;
        Some(if *own == Algorithm::PS256 { Algorithm::RS384 } else { *own })
    }

    /// The statement, good once and for a minute from `now`.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        assertion: Assertion<'_>,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<String, AssertionError> {
        let mut header = Header::new(algorithm);
        header.kid = assertion.key_id.map(str::to_owned);
        if let Some(CertificateDigests { sha1, sha256 }) = assertion.certificate {
            (header.x5t, header.x5t_s256) = (Some(sha1.clone()), Some(sha256.clone()));
        }
        let claims = json!({
            "iss": assertion.client_id,
            "sub": assertion.client_id,
            "aud": assertion.audience,
            "jti": random_text::<16>(entropy),
            "iat": now.as_seconds(),
            "nbf": now.as_seconds(),
            "exp": now.as_seconds() + ASSERTION_SECONDS,
        });
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| AssertionError)
    }
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for SigningKey {}

impl CertificateDigests {
    /// Of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let digest = |algorithm| URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(algorithm, certificate));
        Self { sha1: digest(&SHA1_FOR_LEGACY_USE_ONLY), sha256: digest(&SHA256) }
    }
}

const P256: &[SigningAlgorithm] = &[(Algorithm::ES256, CoreJwsSigningAlgorithm::EcdsaP256Sha256)];
const P384: &[SigningAlgorithm] = &[(Algorithm::ES384, CoreJwsSigningAlgorithm::EcdsaP384Sha384)];
const ED25519: &[SigningAlgorithm] = &[(Algorithm::EdDSA, CoreJwsSigningAlgorithm::EdDsa)];
const RSA: &[SigningAlgorithm] = &[
    (Algorithm::PS256, CoreJwsSigningAlgorithm::RsaSsaPssSha256),
    (Algorithm::RS256, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
];
/// How long an assertion is good, in seconds.
const ASSERTION_SECONDS: i64 = 60;
