//! A proof of possession that was made up proves nothing; and the key in it is known by the thumbprint that another
//! reader computes of it.

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::features::authn::proof::Proven;
use leastway::features::authn::{AuthnError, ProofFault, RelyingParty};
use leastway::foundation::clock::Timestamp;
use leastway::foundation::digest::Digest;
use leastway::foundation::entropy::SystemEntropy;
use serde_json::{Value, json};

use super::signed_token::token;

static PARTY: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::new(Vec::new(), Arc::new(SystemEntropy)).expect("no provider"));

pub fn check(bytes: &[u8]) {
    let proof = token(bytes);
    let key = shown(&proof);
    let print = key.as_ref().and_then(thumbprint);
    let holder = print.clone().unwrap_or_default();
    let proven = Proven { method: "GET", url: "https://ehr.example/patients", holder: &holder };
    let proves = pin!(PARTY.proves(&proof, "token", &proven, Timestamp::from_seconds(1_772_352_000)));
    let Poll::Ready(Err(AuthnError::Proof(fault))) = proves.poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("nobody has signed it, and nobody has to be asked for that")
    };
    assert!(print.is_none() || fault != ProofFault::Holder, "a public key is known by its thumbprint");
    let is_believed = matches!(fault, ProofFault::Request | ProofFault::AccessToken | ProofFault::IssuedAt);
    assert!(!is_believed, "nothing is looked at that nobody has signed");
}

fn shown(proof: &str) -> Option<Value> {
    let header = URL_SAFE_NO_PAD.decode(proof.split('.').next()?).ok()?;
    serde_json::from_slice::<Value>(&header).ok()?.get("jwk").cloned()
}

fn thumbprint(key: &Value) -> Option<String> {
    let text = |name: &str| key.get(name)?.as_str();
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if private.iter().any(|name| key.get(name).is_some()) {
        return None;
    }
    let members = match text("kty")? {
        "EC" => json!({ "crv": text("crv")?, "kty": "EC", "x": text("x")?, "y": text("y")? }),
        "RSA" => json!({ "e": text("e")?, "kty": "RSA", "n": text("n")? }),
        "OKP" => json!({ "crv": text("crv")?, "kty": "OKP", "x": text("x")? }),
        _ => return None,
    };
    Some(URL_SAFE_NO_PAD.encode(Digest::of(members.to_string().as_bytes()).as_bytes()))
}
