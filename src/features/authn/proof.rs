//! The proof that whoever brings a token holds the key that it is bound to: `DPoP` (RFC 9449), section 4.3, all of it but the
//! nonce, which a resource may ask for and this one does not.
//!
//! A proof is by a key that it shows itself. That says nothing before the key is the one whose thumbprint stands in the
//! token, which the provider has signed or vouched for. It is good for one request, once, within a minute.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::CoreJsonWebKey;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::RelyingParty;
use super::error::{AuthnError, ProofFault};
use super::sharing::Once;
use crate::domain::subject::identifier;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_token::{Moment, Signed, SignedFault};

/// What a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's address: `https://host/path`, without what follows a `?`.
    pub url: &'a str,
    /// The thumbprint of the key that the token is bound to.
    pub holder: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    htm: String,
    htu: String,
    iat: Moment,
    jti: String,
    ath: String,
}

impl RelyingParty {
    /// Verifies the proof that came with a token. It is good once, at whichever of the nodes that share a store.
    pub async fn proves(
        &self,
        proof: &str,
        token: &str,
        proven: &Proven<'_>,
        now: Timestamp,
    ) -> Result<(), AuthnError> {
        let id = identified(proof, token, proven, now)?;
        // First here: what comes again to the same node costs the store nothing.
        self.proofs.is_first(id, now)?;
        let is_first = match &self.shared {
            Some(shared) => shared.is_first(Once::Proof, &id, now.plus(AHEAD + BEHIND), now).await?,
            None => true,
        };
        if is_first { Ok(()) } else { Err(ProofFault::Replayed.into()) }
    }
}

/// What a proof that holds is known by.
fn identified(proof: &str, token: &str, proven: &Proven<'_>, now: Timestamp) -> Result<Digest, ProofFault> {
    let signed: Signed<'_, Claims> = Signed::parse(proof, |kind| kind == Some("dpop+jwt"))?;
    let shown = signed.shown.as_ref().ok_or(ProofFault::Key)?;
    if thumbprint(shown).ok_or(ProofFault::Key)? != proven.holder {
        return Err(ProofFault::Holder);
    }
    let key: CoreJsonWebKey =
        serde_json::from_value(Value::Object(shown.clone())).map_err(|_| ProofFault::Key)?;
    signed.is_signed_with(&key).map_err(SignedFault::Token)?;
    let claims = &signed.claims;
    if claims.htm != proven.method || !is_same(&claims.htu, proven.url) {
        return Err(ProofFault::Request);
    }
    if claims.ath != URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes()) {
        return Err(ProofFault::AccessToken);
    }
    let iat = claims.iat.0;
    if iat > now.plus(AHEAD) || iat <= now.minus(BEHIND) {
        return Err(ProofFault::IssuedAt);
    }
    let id = identifier(&claims.jti).ok_or(ProofFault::Malformed)?;
    Ok(Digest::of_parts(&[proven.holder.as_bytes(), b" ", id.as_bytes()]))
}

/// The thumbprint of a public key (RFC 7638), of the kinds with a private one; none if the private one is there too.
fn thumbprint(key: &Map<String, Value>) -> Option<String> {
    if PRIVATE.iter().any(|member| key.contains_key(*member)) {
        return None;
    }
    let members: &[&str] = match key.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let texts: Option<Vec<String>> = members
        .iter()
        .map(|member| Some(format!("{}:{}", Value::from(*member), Value::from(key.get(*member)?.as_str()?))))
        .collect();
    let text = format!("{{{}}}", texts?.join(","));
    Some(URL_SAFE_NO_PAD.encode(Digest::of(text.as_bytes()).as_bytes()))
}

/// Whether two addresses are the same as far as they say what is asked (section 4.3, 9): without query and fragment,
/// after the normalization of RFC 3986 section 6.2.
fn is_same(claimed: &str, asked: &str) -> bool {
    let plain = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    plain(claimed).is_some_and(|claimed| plain(asked) == Some(claimed))
}

/// The proofs of the last moments.
#[derive(Debug, Default)]
pub(super) struct Proofs(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    known: HashSet<Digest>,
    /// When each came, the oldest first.
    order: VecDeque<(Timestamp, Digest)>,
}

impl Proofs {
    /// Whether a proof did not come before. What cannot be remembered is not taken.
    fn is_first(&self, id: Digest, now: Timestamp) -> Result<(), ProofFault> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((came, oldest)) = seen.order.front().copied() {
            if now.since(came) < AHEAD + BEHIND {
                break;
            }
            seen.order.pop_front();
            seen.known.remove(&oldest);
        }
        if seen.known.contains(&id) {
            return Err(ProofFault::Replayed);
        }
        if seen.order.len() >= PROOFS_MAX {
            return Err(ProofFault::TooMany);
        }
        seen.known.insert(id);
        seen.order.push_back((now, id));
        Ok(())
    }
}

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// How far a holder's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(30);
/// How long a proof is good.
const BEHIND: Duration = Duration::from_secs(60);
/// More than 2,900 in a second.
const PROOFS_MAX: usize = 262_144;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard() {
        // RFC 7638 section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                 tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
                 SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = json!({ "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
        let print = thumbprint(key.as_object().unwrap());
        assert_eq!(print.as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        for (name, value) in [("d", json!("x")), ("kty", json!("oct")), ("n", json!(7)), ("p", Value::Null)] {
            let mut odd = key.as_object().unwrap().clone();
            odd.insert(name.to_owned(), value);
            assert_eq!(thumbprint(&odd), None, "{name}");
        }
    }

    #[test]
    fn an_address_is_the_same_in_whatever_spelling_of_the_same() {
        let asked = "https://ehr.example:443/a/b";
        for same in ["https://ehr.example/a/b", "https://EHR.example/a/b?x=1#y", "https://ehr.example/a/./b"]
        {
            assert!(is_same(same, asked), "{same}");
        }
        for other in
            ["http://ehr.example/a/b", "https://ehr.example:8443/a/b", "https://ehr.example/a/B", "/a/b", ""]
        {
            assert!(!is_same(other, asked), "{other}");
        }
    }

    #[test]
    fn what_was_seen_is_forgotten_when_it_could_not_come_again() {
        let (proofs, now) = (Proofs::default(), Timestamp::from_seconds(1_772_352_000));
        let id = Digest::of(b"proof");
        assert_eq!(proofs.is_first(id, now), Ok(()));
        assert_eq!(proofs.is_first(id, now.plus(Duration::from_secs(89))), Err(ProofFault::Replayed));
        assert_eq!(proofs.is_first(id, now.plus(Duration::from_secs(90))), Ok(()));
        for number in 1..PROOFS_MAX {
            proofs.is_first(Digest::of(&number.to_le_bytes()), now.plus(Duration::from_secs(90))).unwrap();
        }
        let late = proofs.is_first(Digest::of(b"one more"), now.plus(Duration::from_secs(179)));
        assert_eq!(late, Err(ProofFault::TooMany));
    }
}
