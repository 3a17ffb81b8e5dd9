//! The ID token: verified by the rules of OpenID Connect Core 3.1.3.7, all of them.
//!
//! The crate `openidconnect` checks signature, algorithm, `typ`, `crit`, `iss`, `aud`, `exp` and
//! `nonce`; `azp`, `iat`, `auth_time` and `at_hash` are checked here, since it leaves them to its callers.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier};
use openidconnect::{
    AccessToken, AccessTokenHash, Audience, ClaimsVerificationError, ClientId, IdTokenVerifier, IssuerUrl,
    Nonce, SignatureVerificationError,
};

use super::claims::Claims;
use super::error::IdTokenFault;
use super::provider::Discovered;
use super::settings::ProviderSettings;
use crate::domain::subject::identifier;
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;
use crate::platform::signed_token::TokenFault;

/// What a verified ID token says.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) sub: Arc<str>,
    pub(super) acr: Option<String>,
    pub(super) amr: Vec<String>,
    /// When the person authenticated, if the provider says it.
    pub(super) auth_time: Option<Timestamp>,
    pub(super) sid: Option<Arc<str>>,
    pub(super) claims: Claims,
}

/// When and with which nonce the sign-in began that the token must belong to, and what came with it.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) nonce: &'a Secret,
    pub(super) begun: Timestamp,
    pub(super) access_token: &'a AccessToken,
}

/// Authentication methods that are kept.
const AMR_MAX: usize = 16;

/// Checks a token against what the provider is known to be, and reads it.
pub(super) fn verify(
    token: &CoreIdToken,
    settings: &ProviderSettings,
    provider: &Discovered,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, IdTokenFault> {
    let nonce = Nonce::new(expected.nonce.reveal().to_owned());
    let checks = verifier(settings, provider, expected.begun, now);
    let verified = token.claims(&checks, &nonce).map_err(|error| fault(&error))?;
    if let Some(hash) = verified.access_token_hash()
        && !is_of(hash, token, &checks, expected.access_token)
    {
        return Err(IdTokenFault::AccessToken);
    }
    let audiences: Vec<&str> = verified.audiences().iter().map(|audience| audience.as_str()).collect();
    let authorized_party = verified.authorized_party().map(|party| party.as_str());
    if !is_for_us(&settings.client_id, &audiences, authorized_party) {
        return Err(IdTokenFault::Token(TokenFault::AuthorizedParty));
    }
    let auth_time = verified.auth_time().map(|moment| Timestamp::from_millis(moment.timestamp_millis()));
    if auth_time.is_some_and(|moment| moment > now.plus(settings.clock_skew)) {
        return Err(IdTokenFault::AuthTime);
    }
    let claims = payload(&token.to_string()).ok_or(IdTokenFault::Malformed)?;
    let amr = verified.auth_method_refs().into_iter().flatten().take(AMR_MAX);
    Ok(Verified {
        sub: identifier(verified.subject().as_str()).ok_or(IdTokenFault::Subject)?,
        acr: verified.auth_context_ref().map(|acr| acr.to_string()),
        amr: amr.map(|method| method.to_string()).collect(),
        auth_time,
        sid: claims.get("sid").and_then(|sid| identifier(sid.as_str()?)),
        claims,
    })
}

/// The key that a token says it was signed with. Only a hint for when to look for new keys.
pub(super) fn key_id(token: &str) -> Option<String> {
    let header = object(token.split('.').next()?)?;
    header.get("kid")?.as_str().map(str::to_owned)
}

/// When a token says that it was issued, in whole seconds. Not verified.
pub(super) fn issued(token: &str) -> Option<Timestamp> {
    let seconds =
        payload(token)?.get("iat")?.as_f64().filter(|seconds| (0.0..SECONDS_MAX).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
    let millis = (seconds * 1000.0) as i64;
    Some(Timestamp::from_millis(millis))
}

/// The year 9999.
const SECONDS_MAX: f64 = 253_402_300_800.0;

fn verifier<'a>(
    settings: &'a ProviderSettings,
    provider: &Discovered,
    begun: Timestamp,
    now: Timestamp,
) -> CoreIdTokenVerifier<'a> {
    let client = ClientId::new(settings.client_id.clone());
    let (earliest, latest) = (begun.minus(settings.clock_skew), now.plus(settings.clock_skew));
    let expiry_moment = UNIX_EPOCH + now.minus(settings.clock_skew).since(Timestamp::default());
    // As a public client: a token signed with a shared secret is never accepted.
    let verifier: IdTokenVerifier<'_, _> =
        IdTokenVerifier::new_public_client(client, issuer_of(provider), provider.keys.clone());
    verifier
        .set_allowed_algs(provider.algorithms.iter().cloned())
        // Other audiences beside us are accepted if `azp` says that the token is ours.
        .set_other_audience_verifier_fn(|_: &Audience| true)
        .set_time_fn(move || expiry_moment.into())
        .set_issue_time_verifier_fn(move |issued| {
            let issued = Timestamp::from_millis(issued.timestamp_millis());
            // Whole seconds: a token of the same second as its sign-in may look a little older.
            let is_within = issued.as_seconds() >= earliest.as_seconds() && issued <= latest;
            if is_within { Ok(()) } else { Err(ISSUED_AT.to_owned()) }
        })
}

/// Tells our own complaint from the crate's, which reports both as expired.
const ISSUED_AT: &str = "iat";

fn issuer_of(provider: &Discovered) -> IssuerUrl {
    provider.metadata.issuer().clone()
}

/// `at_hash`, where it stands, is of the access token that came along (OpenID Connect Core 3.1.3.8): what is
/// asked with it is then about the same sign-in.
fn is_of(
    hash: &AccessTokenHash,
    token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: &AccessToken,
) -> bool {
    let (Ok(algorithm), Ok(key)) = (token.signing_alg(), token.signing_key(verifier)) else { return false };
    AccessTokenHash::from_token(access_token, algorithm, key).is_ok_and(|computed| computed == *hash)
}

/// `azp`, where it stands, is us; beside several audiences it must stand.
pub(super) fn is_for_us(client_id: &str, audiences: &[&str], authorized_party: Option<&str>) -> bool {
    match authorized_party {
        Some(party) => party == client_id,
        None => audiences.len() == 1,
    }
}

/// Every claim, also those that the crate has no place for. The token was verified before.
fn payload(token: &str) -> Option<Claims> {
    object(token.split('.').nth(1)?)
}

fn object(segment: &str) -> Option<Claims> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).ok()?).ok()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the crate may add errors; each of them is a no")]
fn fault(error: &ClaimsVerificationError) -> IdTokenFault {
    match error {
        ClaimsVerificationError::Expired(whose) if whose == ISSUED_AT => IdTokenFault::IssuedAt,
        ClaimsVerificationError::Expired(_) => IdTokenFault::Token(TokenFault::Expired),
        ClaimsVerificationError::InvalidAudience(_) => IdTokenFault::Token(TokenFault::Audience),
        ClaimsVerificationError::InvalidIssuer(_) => IdTokenFault::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => IdTokenFault::Nonce,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey
            | SignatureVerificationError::CryptoError(_)
            | SignatureVerificationError::AmbiguousKeyId(_),
        ) => IdTokenFault::Token(TokenFault::Signature),
        ClaimsVerificationError::SignatureVerification(_) => IdTokenFault::Token(TokenFault::Algorithm),
        _ => IdTokenFault::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_us_alone_or_says_that_we_are_meant() {
        let cases = [
            (&["leastway"][..], None, true),
            (&["leastway"], Some("leastway"), true),
            (&["leastway"], Some("other"), false),
            (&["leastway", "other"], None, false),
            (&["leastway", "other"], Some("leastway"), true),
            (&["leastway", "other"], Some("other"), false),
        ];
        for (audiences, authorized_party, ours) in cases {
            assert_eq!(is_for_us("leastway", audiences, authorized_party), ours, "{audiences:?}");
        }
    }
}
