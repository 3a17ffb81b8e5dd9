//! Proofs of possession: each check refuses, and what is good is good once.

use super::super::proof::Proven;
use super::*;
use crate::platform::store::{Statement, Store};
use ProofFault as Fault;

const TOKEN: &str = "header.claims.signature";
const URL: &str = "https://ehr.clinic.example/fhir/Patient";

/// Somebody who holds a key.
struct Holder(rcgen::KeyPair);

type Change = fn(&mut jsonwebtoken::Header, &mut Value, i64);

impl Holder {
    fn new() -> Self {
        Self(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key_raw();
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1..33), "y": coordinate(33..65) })
    }

    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        URL_SAFE_NO_PAD.encode(Digest::of(text.as_bytes()).as_bytes())
    }

    fn proof(&self, clinic: &Clinic, change: Change) -> String {
        let now = clinic.clock.now().as_seconds();
        let ath = URL_SAFE_NO_PAD.encode(Digest::of(TOKEN.as_bytes()).as_bytes());
        let mut claims = json!({ "htm": "GET", "htu": URL, "iat": now, "jti": "proof-1", "ath": ath });
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(serde_json::from_value(self.jwk()).unwrap());
        change(&mut header, &mut claims, now);
        let key = jsonwebtoken::EncodingKey::from_ec_der(self.0.serialized_der());
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }

    async fn proves(&self, clinic: &Clinic, proof: &str) -> Result<(), Fault> {
        self.proves_at(&clinic.party, proof, clinic.clock.now()).await
    }

    async fn proves_at(&self, party: &RelyingParty, proof: &str, now: Timestamp) -> Result<(), Fault> {
        let holder = self.thumbprint();
        let proven = Proven { method: "GET", url: URL, holder: &holder };
        match party.proves(proof, TOKEN, &proven, now).await {
            Err(AuthnError::Proof(fault)) => Err(fault),
            Err(error) => panic!("{error}"),
            Ok(()) => Ok(()),
        }
    }
}

#[tokio::test]
async fn each_check_of_a_proof_refuses() {
    let clinic = Clinic::open().await;
    let (holder, other) = (Holder::new(), Holder::new());
    let cases: [(&str, Change, Fault); 17] = [
        ("no typ", |header, _, _| header.typ = None, Fault::Type),
        ("access token", |header, _, _| header.typ = Some("at+jwt".to_owned()), Fault::Type),
        ("no key", |header, _, _| header.jwk = None, Fault::Key),
        ("another method", |_, claims, _| claims["htm"] = json!("POST"), Fault::Request),
        ("method in small letters", |_, claims, _| claims["htm"] = json!("get"), Fault::Request),
        ("another path", |_, claims, _| claims["htu"] = json!(format!("{URL}/7")), Fault::Request),
        (
            "another host",
            |_, claims, _| claims["htu"] = json!("https://x.example/fhir/Patient"),
            Fault::Request,
        ),
        ("no address", |_, claims, _| claims["htu"] = json!("/fhir/Patient"), Fault::Request),
        ("another token", |_, claims, _| claims["ath"] = json!("AAAA"), Fault::AccessToken),
        ("no token", |_, claims, _| drop(claims.as_object_mut().unwrap().remove("ath")), Fault::Malformed),
        ("no jti", |_, claims, _| drop(claims.as_object_mut().unwrap().remove("jti")), Fault::Malformed),
        ("empty jti", |_, claims, _| claims["jti"] = json!(""), Fault::Malformed),
        ("ahead", |_, claims, now| claims["iat"] = json!(now + 31), Fault::IssuedAt),
        ("past", |_, claims, now| claims["iat"] = json!(now - 60), Fault::IssuedAt),
        ("no iat", |_, claims, _| drop(claims.as_object_mut().unwrap().remove("iat")), Fault::Malformed),
        ("iat as text", |_, claims, _| claims["iat"] = json!("now"), Fault::Malformed),
        ("no method", |_, claims, _| drop(claims.as_object_mut().unwrap().remove("htm")), Fault::Malformed),
    ];
    for (name, change, expected) in cases {
        assert_eq!(holder.proves(&clinic, &holder.proof(&clinic, change)).await, Err(expected), "{name}");
    }
    let good = holder.proof(&clinic, |_, _, _| {});
    assert_eq!(other.proves(&clinic, &good).await, Err(Fault::Holder));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let by_other = other.proof(&clinic, |_, _, _| {});
    let forged = format!("{signed}.{}", by_other.rsplit_once('.').unwrap().1);
    assert_eq!(holder.proves(&clinic, &forged).await, Err(Fault::Token(TokenFault::Signature)));
    let with = |alg: &str, jwk: Value| {
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk });
        let (_, claims) = signed.split_once('.').unwrap();
        format!("{}.{claims}.AAAA", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    for alg in ["none", "HS256", "RS256"] {
        let fault = holder.proves(&clinic, &with(alg, holder.jwk())).await;
        assert_eq!(fault, Err(Fault::Token(TokenFault::Algorithm)), "{alg}");
    }
    let mut private = holder.jwk();
    private["d"] = json!("AAAA");
    assert_eq!(holder.proves(&clinic, &with("ES256", private)).await, Err(Fault::Key));
    assert_eq!(holder.proves(&clinic, "a.b").await, Err(Fault::Malformed));
    assert_eq!(holder.proves(&clinic, &good).await, Ok(()), "nothing of this has used it up");
}

#[tokio::test]
async fn a_proof_is_good_once_within_its_minute_and_query_and_fragment_do_not_count() {
    let clinic = Clinic::open().await;
    let holder = Holder::new();
    let changes: [Change; 4] = [
        |_, _, _| {},
        |_, claims, _| {
            claims["jti"] = json!("proof-2");
            claims["htu"] = json!(format!("{URL}?name=x#y"));
        },
        |_, claims, now| {
            claims["jti"] = json!("proof-3");
            claims["iat"] = json!(now - 59);
        },
        |_, claims, now| {
            claims["jti"] = json!("proof-4");
            claims["iat"] = json!(now + 30);
        },
    ];
    let proofs = changes.map(|change| holder.proof(&clinic, change));
    for proof in &proofs {
        assert_eq!(holder.proves(&clinic, proof).await, Ok(()));
        assert_eq!(holder.proves(&clinic, proof).await, Err(Fault::Replayed));
    }
    // As long as it would be good.
    clinic.advance(Duration::from_secs(89));
    assert_eq!(holder.proves(&clinic, &proofs[3]).await, Err(Fault::Replayed));
    clinic.advance(Duration::from_secs(1));
    assert_eq!(holder.proves(&clinic, &proofs[3]).await, Err(Fault::IssuedAt));
}

#[tokio::test]
async fn a_proof_is_good_once_at_whichever_of_two_nodes_it_comes() {
    let (clinic, folder) = (Clinic::open().await, tempfile::tempdir().unwrap());
    let stores = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    let [a, b] = stores.clone().map(|store| {
        let settings = settings(&clinic.provider.issuer);
        RelyingParty::new(vec![settings], Arc::new(SeededEntropy::new(7))).unwrap().sharing(store)
    });
    let (holder, now) = (Holder::new(), clinic.clock.now());
    let proof = holder.proof(&clinic, |_, _, _| {});
    assert_eq!(holder.proves_at(&a, &proof, now).await, Ok(()));
    for party in [&b, &a, &b] {
        assert_eq!(holder.proves_at(party, &proof, now).await, Err(Fault::Replayed));
    }
    let later = holder.proof(&clinic, |_, claims, _| claims["jti"] = json!("proof-2"));
    assert_eq!(holder.proves_at(&b, &later, now).await, Ok(()));
    // What would be refused for its age is not kept.
    let rows = || stores[0].read(&Statement::new("SELECT until FROM proof")).unwrap().len();
    assert_eq!(rows(), 2);
    clinic.advance(Duration::from_secs(151));
    let anew = holder.proof(&clinic, |_, claims, _| claims["jti"] = json!("proof-3"));
    assert_eq!(holder.proves_at(&b, &anew, clinic.clock.now()).await, Ok(()));
    assert_eq!(rows(), 1);
}
