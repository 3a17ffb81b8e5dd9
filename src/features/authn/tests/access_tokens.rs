//! Access tokens: each check refuses; and what the provider says of a token that says nothing itself.

use super::super::access_token::{AccessToken, Granted};
use super::*;
use crate::domain::holder::Holder;

type Change = fn(&mut serde_json::Map<String, Value>, i64);
use AccessTokenFault as Fault;

impl Clinic {
    fn claims(&self, change: Change) -> serde_json::Map<String, Value> {
        let now = self.clock.now().as_seconds();
        let claims = json!({
            "iss": self.provider.issuer, "aud": ["urn:ehr", "urn:other"], "iat": now, "exp": now + 300,
            "jti": "access-1", "sub": "billing-export", "client_id": "billing-export", "scope": "fhir.read",
        });
        let mut claims = claims.as_object().unwrap().clone();
        change(&mut claims, now);
        claims
    }

    fn access_token_as(&self, kind: Option<&str>, change: Change) -> String {
        let claims = self.claims(change);
        self.provider.script(|script| script.key.sign_as(kind, &claims))
    }

    fn access_token(&self, change: Change) -> String {
        self.access_token_as(Some("at+jwt"), change)
    }

    async fn look_at(&self, token: &str) -> Result<Granted, AuthnError> {
        self.party.access_token(&AccessToken::parse(token)?, self.clock.now()).await
    }

    async fn access_fault(&self, token: &str) -> Fault {
        fault_of(self.look_at(token).await)
    }

    /// What comes of an answer; as of now, unless it says otherwise.
    async fn ask(&self, mut answer: Value) -> Result<Granted, AuthnError> {
        let now = self.clock.now().as_seconds();
        answer.as_object_mut().unwrap().entry("iat").or_insert(now.into());
        self.provider.script(|script| script.answer = answer);
        self.party.introspect(&"clinic".parse().unwrap(), "opaque-token", self.clock.now()).await
    }
}

fn fault_of(looked: Result<Granted, AuthnError>) -> Fault {
    match looked {
        Err(AuthnError::AccessToken(fault)) => fault,
        other => panic!("it held, or something else went wrong: {other:?}"),
    }
}

fn set(claims: &mut serde_json::Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

#[tokio::test]
async fn what_a_good_token_says_is_what_is_granted() {
    let clinic = Clinic::open().await;
    let granted = clinic.look_at(&clinic.access_token(|_, _| {})).await.unwrap();
    let now = clinic.clock.now();
    let skew = Duration::from_secs(30);
    assert_eq!(granted.provider.as_str(), "clinic");
    assert_eq!((&*granted.issuer, &*granted.client_id), (&*clinic.provider.issuer, "billing-export"));
    assert_eq!(
        (granted.sub.as_deref(), &granted.audiences[..]),
        (Some("billing-export"), &["urn:ehr".to_owned(), "urn:other".to_owned()][..])
    );
    assert_eq!(granted.id, Digest::of(b"access-1"));
    assert_eq!((granted.issued, granted.ends), (now.minus(skew), now.plus(5 * MINUTE).plus(skew)));
}

#[tokio::test]
async fn each_check_of_the_access_token_refuses() {
    let cases: [(&str, Change, Fault); 24] = [
        ("iss", |claims, _| set(claims, "iss", json!("https://id.another.example")), Fault::Issuer),
        ("no iss", |claims, _| drop(claims.remove("iss")), Fault::Malformed),
        ("no aud", |claims, _| drop(claims.remove("aud")), Fault::Malformed),
        ("exp", |claims, now| set(claims, "exp", json!(now - 30)), Fault::Token(TokenFault::Expired)),
        ("no exp", |claims, _| drop(claims.remove("exp")), Fault::Malformed),
        ("exp as text", |claims, _| set(claims, "exp", json!("soon")), Fault::Malformed),
        ("iat ahead", |claims, now| set(claims, "iat", json!(now + 31)), Fault::IssuedAt),
        ("iat of yesterday", |claims, now| set(claims, "iat", json!(now - 86_430)), Fault::IssuedAt),
        ("no iat", |claims, _| drop(claims.remove("iat")), Fault::Malformed),
        ("nbf", |claims, now| set(claims, "nbf", json!(now + 31)), Fault::NotYet),
        ("nbf as text", |claims, _| set(claims, "nbf", json!("soon")), Fault::Malformed),
        ("nobody's", |claims, _| drop(claims.remove("client_id")), Fault::Client),
        ("two clients", |claims, _| set(claims, "azp", json!("another")), Fault::Client),
        ("empty client", |claims, _| set(claims, "client_id", json!("")), Fault::Identifier),
        ("empty sub", |claims, _| set(claims, "sub", json!("")), Fault::Identifier),
        ("long sub", |claims, _| set(claims, "sub", json!("s".repeat(256))), Fault::Identifier),
        ("nonce of an ID token", |claims, _| set(claims, "nonce", json!("n")), Fault::OtherKind),
        ("at_hash of an ID token", |claims, _| set(claims, "at_hash", json!("h")), Fault::OtherKind),
        ("events of a logout token", |claims, _| set(claims, "events", json!({})), Fault::OtherKind),
        ("bound to nobody knows what", |claims, _| set(claims, "cnf", json!({ "x5t": "a" })), Fault::Bound),
        (
            "bound to a key and a certificate",
            |claims, _| set(claims, "cnf", json!({ "jkt": "a", "x5t#S256": "a" })),
            Fault::Bound,
        ),
        ("no sub", |claims, _| drop(claims.remove("sub")), Fault::Malformed),
        ("bound to nothing", |claims, _| set(claims, "cnf", json!({})), Fault::Bound),
        ("bound to null", |claims, _| set(claims, "cnf", Value::Null), Fault::Bound),
    ];
    let clinic = Clinic::open().await;
    for (name, change, expected) in cases {
        assert_eq!(clinic.access_fault(&clinic.access_token(change)).await, expected, "{name}");
    }
}

#[tokio::test]
async fn no_other_signature_and_no_other_kind_of_token_is_one() {
    let clinic = Clinic::open().await;
    let good = clinic.access_token(|_, _| {});
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with = |header: Value| format!("{}.{claims}.{signature}", encode(&header));
    let as_map = clinic.claims(|_, _| {});
    let mut by_secret = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    by_secret.typ = Some("at+jwt".to_owned());
    let key = jsonwebtoken::EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
    let by_secret = jsonwebtoken::encode(&by_secret, &as_map, &key).unwrap();
    let forged = SigningKey::new("key-1").sign_as(Some("at+jwt"), &as_map);
    let id_token = clinic.sign_in(None).await.unwrap().id_token.reveal().to_owned();
    let none = format!("{}.{claims}.", encode(&json!({ "alg": "none", "typ": "at+jwt" })));
    let other_claims = {
        let mut claims = as_map.clone();
        set(&mut claims, "client_id", json!("another"));
        let (header, _) = signed.split_once('.').unwrap();
        format!("{header}.{}.{signature}", encode(&Value::Object(claims)))
    };
    let cases = [
        ("nothing", String::new(), Fault::Malformed),
        ("two parts", signed.to_owned(), Fault::Malformed),
        ("five parts", format!("{good}.a.b"), Fault::Malformed),
        ("too large", "a".repeat(8 * 1024 + 1), Fault::Malformed),
        ("alg none", none, Fault::Token(TokenFault::Algorithm)),
        ("shared secret", by_secret, Fault::Token(TokenFault::Algorithm)),
        ("another key of that name", forged, Fault::Token(TokenFault::Signature)),
        ("other claims", other_claims, Fault::Token(TokenFault::Signature)),
        ("ID token", id_token, Fault::Type),
        ("no typ", clinic.access_token_as(None, |_, _| {}), Fault::Type),
        ("plain JWT", clinic.access_token_as(Some("JWT"), |_, _| {}), Fault::Type),
        ("logout token", clinic.access_token_as(Some("logout+jwt"), |_, _| {}), Fault::Type),
        ("proof", clinic.access_token_as(Some("dpop+jwt"), |_, _| {}), Fault::Type),
        (
            "crit",
            with(json!({ "alg": "ES256", "kid": "key-1", "typ": "at+jwt", "crit": ["exp"] })),
            Fault::Type,
        ),
    ];
    for (name, token, expected) in cases {
        assert_eq!(clinic.access_fault(&token).await, expected, "{name}");
    }
    for kind in ["AT+JWT", "application/at+jwt"] {
        assert!(clinic.look_at(&clinic.access_token_as(Some(kind), |_, _| {})).await.is_ok(), "{kind}");
    }
}

#[tokio::test]
async fn of_a_provider_that_signs_plain_tokens_an_id_token_is_still_none() {
    let clinic = Clinic::with(|settings| settings.access_token_type = AccessTokenType::Jwt).await;
    for kind in [None, Some("JWT"), Some("at+jwt")] {
        assert!(clinic.look_at(&clinic.access_token_as(kind, |_, _| {})).await.is_ok(), "{kind:?}");
    }
    let by_azp: Change = |claims, _| {
        claims.remove("client_id");
        set(claims, "azp", json!("billing-export"));
    };
    assert_eq!(&*clinic.look_at(&clinic.access_token(by_azp)).await.unwrap().client_id, "billing-export");
    let id_token = clinic.sign_in(None).await.unwrap().id_token;
    assert_eq!(clinic.access_fault(id_token.reveal()).await, Fault::OtherKind);
    assert_eq!(
        clinic.access_fault(&clinic.access_token_as(Some("logout+jwt"), |_, _| {})).await,
        Fault::Type
    );
}

#[tokio::test]
async fn a_token_that_is_good_for_longer_than_a_day_is_not_here() {
    let clinic = Clinic::open().await;
    let long: Change = |claims, now| {
        set(claims, "iat", json!(now - 3_600));
        set(claims, "exp", json!(now + 900_000));
    };
    let granted = clinic.look_at(&clinic.access_token(long)).await.unwrap();
    let issued = clinic.clock.now().minus(60 * MINUTE);
    assert_eq!(granted.ends, issued.plus(24 * 60 * MINUTE).plus(Duration::from_secs(30)));
}

#[tokio::test]
async fn keys_are_looked_for_within_bounds_and_rotate() {
    let clinic = Clinic::open().await;
    assert!(clinic.look_at(&clinic.access_token(|_, _| {})).await.is_ok());
    let requests = || clinic.provider.script(|script| script.key_requests);
    let before = requests();
    let claims = clinic.claims(|_, _| {});
    for number in 0..20 {
        let made_up = SigningKey::new(&format!("made-up-{number}")).sign_as(Some("at+jwt"), &claims);
        assert_eq!(clinic.access_fault(&made_up).await, Fault::Token(TokenFault::Signature));
    }
    assert_eq!(requests(), before + 1);
    clinic.advance(Duration::from_secs(11));
    clinic.provider.script(|script| script.key = SigningKey::new("key-2"));
    assert!(clinic.look_at(&clinic.access_token(|_, _| {})).await.is_ok());
    assert_eq!(requests(), before + 2);
}

#[tokio::test]
async fn a_provider_is_asked_as_its_client_and_its_word_is_what_is_granted() {
    let clinic = Clinic::open().await;
    let now = clinic.clock.now();
    let granted = clinic
        .ask(json!({
            "active": true, "client_id": "billing-export", "sub": "billing-export", "token_type": "Bearer",
            "aud": "urn:ehr", "iat": now.as_seconds(), "exp": now.as_seconds() + 300, "jti": "opaque-1",
        }))
        .await
        .unwrap();
    assert_eq!((&*granted.client_id, granted.sub.as_deref()), ("billing-export", Some("billing-export")));
    assert_eq!((granted.audiences, granted.id), (vec!["urn:ehr".to_owned()], Digest::of(b"opaque-1")));
    let least = clinic.ask(json!({ "active": true, "client_id": "billing-export" })).await.unwrap();
    assert_eq!((least.sub, least.audiences, least.id), (None, Vec::new(), Digest::of(b"opaque-token")));
    let asked = clinic.provider.script(|script| script.introspected.clone());
    let form = [("token", "opaque-token"), ("token_type_hint", "access_token")];
    assert_eq!(asked[0], form.map(|(name, value)| (name.to_owned(), value.to_owned())).into());

    let clinic = Clinic::open().await;
    let methods = json!(["client_secret_post"]);
    clinic.provider.script(|script| {
        script.metadata.insert("introspection_endpoint_auth_methods_supported".to_owned(), methods)
    });
    assert!(clinic.ask(json!({ "active": true, "client_id": "billing-export" })).await.is_ok());
}

#[tokio::test]
async fn what_is_not_plainly_active_and_ours_is_refused() {
    let clinic = Clinic::open().await;
    let now = clinic.clock.now().as_seconds();
    let cases = [
        ("inactive", json!({ "active": false }), Fault::Inactive),
        ("inactive, with the rest", json!({ "active": false, "client_id": "b" }), Fault::Inactive),
        ("nobody's", json!({ "active": true }), Fault::Client),
        (
            "another issuer",
            json!({ "active": true, "client_id": "b", "iss": "https://id.b.example" }),
            Fault::Issuer,
        ),
        (
            "expired",
            json!({ "active": true, "client_id": "b", "exp": now - 30 }),
            Fault::Token(TokenFault::Expired),
        ),
        ("not yet", json!({ "active": true, "client_id": "b", "nbf": now + 31 }), Fault::NotYet),
        ("of nobody knows when", json!({ "active": true, "client_id": "b", "iat": null }), Fault::IssuedAt),
        ("of tomorrow", json!({ "active": true, "client_id": "b", "iat": now + 31 }), Fault::IssuedAt),
        (
            "bound",
            json!({ "active": true, "client_id": "b", "cnf": { "x5t#S256": "a", "jkt": "b" } }),
            Fault::Bound,
        ),
        ("a DPoP token", json!({ "active": true, "client_id": "b", "token_type": "DPoP" }), Fault::OtherKind),
        (
            "a refresh token",
            json!({ "active": true, "client_id": "b", "token_type": "refresh_token" }),
            Fault::OtherKind,
        ),
    ];
    for (name, answer, expected) in cases {
        assert_eq!(fault_of(clinic.ask(answer).await), expected, "{name}");
    }
    let bound = json!({ "active": true, "client_id": "b", "token_type": "DPoP", "cnf": { "jkt": "a" } });
    assert_eq!(clinic.ask(bound.clone()).await.unwrap().holder, Some(Holder::Key("a".into())));
    let bound_otherwise =
        json!({ "active": true, "client_id": "b", "token_type": "Bearer", "cnf": { "x5t#S256": "a" } });
    assert_eq!(clinic.ask(bound_otherwise).await.unwrap().holder, Some(Holder::Certificate("a".into())));
    let as_bearer =
        json!({ "active": true, "client_id": "b", "token_type": "Bearer", "cnf": { "jkt": "a" } });
    assert_eq!(fault_of(clinic.ask(as_bearer).await), Fault::OtherKind);
    let of_a_person = clinic.ask(json!({ "active": true, "client_id": "b", "username": "nurse-7" })).await;
    assert_eq!(of_a_person.unwrap().sub.as_deref(), Some("nurse-7"));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_vouches_for_nothing() {
    for behavior in
        [Behavior::Silent, Behavior::Huge, Behavior::Redirect, Behavior::Error, Behavior::Nonsense]
    {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.introspection = behavior);
        let asked = clinic.ask(json!({ "active": true, "client_id": "b" })).await;
        assert!(matches!(asked, Err(AuthnError::Provider(_))), "{behavior:?}: {asked:?}");
    }
    let lacks = [Value::Null, json!("http://10.0.0.1/introspect"), json!("nowhere")];
    for endpoint in lacks {
        let clinic = Clinic::open().await;
        clinic
            .provider
            .script(|script| script.metadata.insert("introspection_endpoint".to_owned(), endpoint));
        let asked = clinic.ask(json!({ "active": true, "client_id": "b" })).await;
        assert!(matches!(asked, Err(AuthnError::Provider(_))), "{asked:?}");
    }
    let clinic = Clinic::with(|settings| {
        settings.credential = ClientCredential::Secret(Secret::new("wrong".to_owned()));
    })
    .await;
    let asked = clinic.ask(json!({ "active": true, "client_id": "b" })).await;
    assert!(matches!(asked, Err(AuthnError::Provider(ProviderFault::Credentials))), "{asked:?}");
}
