//! Logout tokens: each check refuses, and what is good is good once.

use super::*;
use crate::domain::revocation::{ProviderSession, Target};
use crate::features::authn::logout_token::Logout;

type Change = fn(&mut serde_json::Map<String, Value>, i64);

impl Clinic {
    /// A token as a provider makes it, with something changed.
    fn logout_token(&self, change: Change) -> String {
        let now = self.clock.now().as_seconds();
        let claims = json!({
            "iss": self.provider.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": "logout-1",
            "sub": "nurse-7", "sid": "provider-session",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        let mut claims = claims.as_object().unwrap().clone();
        change(&mut claims, now);
        self.provider.script(|script| script.key.sign_as(Some("logout+jwt"), &claims))
    }

    async fn log_out(&self, token: &str) -> Result<Logout, AuthnError> {
        self.party.logout(token, self.clock.now()).await
    }

    async fn logout_fault(&self, token: &str) -> LogoutTokenFault {
        match self.log_out(token).await {
            Err(AuthnError::LogoutToken(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn each_check_of_the_logout_token_refuses() {
    use LogoutTokenFault as Fault;
    let cases: [(&str, Change, Fault); 27] = [
        (
            "iss",
            |claims, _| drop(claims.insert("iss".into(), json!("https://id.another.example"))),
            Fault::Issuer,
        ),
        ("no iss", |claims, _| drop(claims.remove("iss")), Fault::Malformed),
        (
            "aud",
            |claims, _| drop(claims.insert("aud".into(), json!("another"))),
            Fault::Token(TokenFault::Audience),
        ),
        (
            "empty aud",
            |claims, _| drop(claims.insert("aud".into(), json!([]))),
            Fault::Token(TokenFault::Audience),
        ),
        ("no aud", |claims, _| drop(claims.remove("aud")), Fault::Malformed),
        (
            "two aud",
            |claims, _| drop(claims.insert("aud".into(), json!([CLIENT_ID, "b"]))),
            Fault::Token(TokenFault::AuthorizedParty),
        ),
        (
            "azp",
            |claims, _| drop(claims.insert("azp".into(), json!("another"))),
            Fault::Token(TokenFault::AuthorizedParty),
        ),
        (
            "exp",
            |claims, now| drop(claims.insert("exp".into(), json!(now - 30))),
            Fault::Token(TokenFault::Expired),
        ),
        ("no exp", |claims, _| drop(claims.remove("exp")), Fault::Malformed),
        ("exp as text", |claims, _| drop(claims.insert("exp".into(), json!("soon"))), Fault::Malformed),
        ("exp beyond time", |claims, _| drop(claims.insert("exp".into(), json!(1e300))), Fault::Malformed),
        ("iat ahead", |claims, now| drop(claims.insert("iat".into(), json!(now + 31))), Fault::IssuedAt),
        ("iat long past", |claims, now| drop(claims.insert("iat".into(), json!(now - 631))), Fault::IssuedAt),
        ("no iat", |claims, _| drop(claims.remove("iat")), Fault::Malformed),
        ("no jti", |claims, _| drop(claims.remove("jti")), Fault::Malformed),
        ("empty jti", |claims, _| drop(claims.insert("jti".into(), json!(""))), Fault::Identifier),
        ("no events", |claims, _| drop(claims.remove("events")), Fault::Malformed),
        (
            "events as list",
            |claims, _| drop(claims.insert("events".into(), json!([LOGOUT]))),
            Fault::Malformed,
        ),
        ("other event", |claims, _| drop(claims.insert("events".into(), json!({ "a": {} }))), Fault::Events),
        (
            "event as text",
            |claims, _| drop(claims.insert("events".into(), json!({ LOGOUT: "" }))),
            Fault::Events,
        ),
        ("nonce", |claims, _| drop(claims.insert("nonce".into(), json!("n"))), Fault::Nonce),
        ("nonce null", |claims, _| drop(claims.insert("nonce".into(), Value::Null)), Fault::Nonce),
        (
            "nobody",
            |claims, _| {
                claims.remove("sid");
                claims.remove("sub");
            },
            Fault::Nobody,
        ),
        ("sid empty", |claims, _| drop(claims.insert("sid".into(), json!(""))), Fault::Identifier),
        (
            "sid long",
            |claims, _| drop(claims.insert("sid".into(), json!("s".repeat(256)))),
            Fault::Identifier,
        ),
        ("sub odd", |claims, _| drop(claims.insert("sub".into(), json!("a\nb"))), Fault::Identifier),
        ("sid as number", |claims, _| drop(claims.insert("sid".into(), json!(7))), Fault::Malformed),
    ];
    let clinic = Clinic::open().await;
    for (name, change, expected) in cases {
        assert_eq!(clinic.logout_fault(&clinic.logout_token(change)).await, expected, "{name}");
    }
    let good = clinic.logout_token(|_, _| {});
    assert!(clinic.log_out(&good).await.is_ok(), "what was refused has used nothing up");
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[tokio::test]
async fn only_a_signature_by_the_providers_key_holds() {
    use LogoutTokenFault as Fault;
    let clinic = Clinic::open().await;
    let good = clinic.logout_token(|_, _| {});
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with = |header: Value| format!("{}.{claims}.{signature}", encode(&header));
    let by_secret = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap(),
        &jsonwebtoken::EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
    )
    .unwrap();
    let forged = SigningKey::new("key-1").sign_as(
        None,
        serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(claims).unwrap())
            .unwrap()
            .as_object()
            .unwrap(),
    );
    let other_claims = encode(&json!({ "iss": clinic.provider.issuer }));
    let cases = [
        ("nothing", String::new(), Fault::Malformed),
        ("two parts", signed.to_owned(), Fault::Malformed),
        ("encrypted", format!("{good}.a.b"), Fault::Malformed),
        ("padded", format!("{good}="), Fault::Malformed),
        ("too long", format!("{good}{}", "A".repeat(8 * 1024)), Fault::Malformed),
        ("other claims", format!("{header}.{other_claims}.{signature}"), Fault::Malformed),
        (
            "alg none",
            format!("{}.{claims}.", encode(&json!({ "alg": "none" }))),
            Fault::Token(TokenFault::Algorithm),
        ),
        ("alg unknown", with(json!({ "alg": "LATTICE" })), Fault::Token(TokenFault::Algorithm)),
        ("shared secret", by_secret, Fault::Token(TokenFault::Algorithm)),
        (
            "alg not advertised",
            with(json!({ "alg": "RS256", "kid": "key-1" })),
            Fault::Token(TokenFault::Algorithm),
        ),
        ("another kind", with(json!({ "alg": "ES256", "kid": "key-1", "typ": "at+jwt" })), Fault::Type),
        ("crit", with(json!({ "alg": "ES256", "kid": "key-1", "crit": ["exp"] })), Fault::Type),
        ("cty", with(json!({ "alg": "ES256", "kid": "key-1", "cty": "JWT" })), Fault::Type),
        ("another key of that name", forged, Fault::Token(TokenFault::Signature)),
        (
            "header changed",
            with(json!({ "alg": "ES256", "kid": "key-1" })),
            Fault::Token(TokenFault::Signature),
        ),
        (
            "signature cut",
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(signature).unwrap()[..63])),
            Fault::Token(TokenFault::Signature),
        ),
    ];
    for (name, token, expected) in cases {
        assert_eq!(clinic.logout_fault(&token).await, expected, "{name}");
    }
    for kind in [None, Some("JWT"), Some("logout+jwt"), Some("application/LOGOUT+JWT")] {
        let claims = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let mut claims = claims.as_object().unwrap().clone();
        claims.insert("jti".to_owned(), json!(format!("{kind:?}")));
        let token = clinic.provider.script(|script| script.key.sign_as(kind, &claims));
        assert!(clinic.log_out(&token).await.is_ok(), "{kind:?}");
    }
}

#[tokio::test]
async fn an_id_token_is_no_logout_token() {
    let clinic = Clinic::open().await;
    let finished = clinic.sign_in(None).await.unwrap();
    assert_eq!(clinic.logout_fault(finished.id_token.reveal()).await, LogoutTokenFault::Malformed);
}

#[tokio::test]
async fn a_logout_is_of_one_session_at_the_provider_or_of_all_of_a_person() {
    let clinic = Clinic::open().await;
    let issuer: Arc<str> = clinic.provider.issuer.as_str().into();
    let (sub, sid): (Arc<str>, Arc<str>) = ("nurse-7".into(), "provider-session".into());
    let session = |sub: Option<&Arc<str>>| {
        Target::ProviderSession(ProviderSession {
            issuer: issuer.clone(),
            sid: sid.clone(),
            sub: sub.cloned(),
        })
    };
    let person = Target::Person(SubjectId { issuer: issuer.clone(), sub: sub.clone() });
    let cases: [(Change, Target); 3] = [
        (|claims, _| drop(claims.insert("jti".into(), json!("1"))), session(Some(&sub))),
        (
            |claims, _| {
                claims.insert("jti".into(), json!("2"));
                claims.remove("sub");
            },
            session(None),
        ),
        (
            |claims, _| {
                claims.insert("jti".into(), json!("3"));
                claims.remove("sid");
            },
            person,
        ),
    ];
    for (change, target) in cases {
        let logout = clinic.log_out(&clinic.logout_token(change)).await.unwrap();
        assert_eq!((logout.target, logout.asked), (target, clinic.clock.now()));
        assert_eq!(logout.provider.as_str(), "clinic");
    }
}

#[tokio::test]
async fn clocks_may_differ_and_a_moment_may_have_a_fraction() {
    let changes: [Change; 4] = [
        |claims, now| drop(claims.insert("exp".into(), json!(now - 29))),
        |claims, now| drop(claims.insert("iat".into(), json!(now + 30))),
        |claims, now| drop(claims.insert("iat".into(), json!(now - 630))),
        |claims, _| {
            let seconds = claims["iat"].as_f64().unwrap() + 0.25;
            claims.insert("iat".into(), json!(seconds));
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let clinic = Clinic::open().await;
        assert!(clinic.log_out(&clinic.logout_token(change)).await.is_ok(), "{number}");
    }
}

#[tokio::test]
async fn a_logout_token_is_good_once_as_long_as_it_would_be_good() {
    let clinic = Clinic::open().await;
    let good = clinic.logout_token(|_, _| {});
    assert!(clinic.log_out(&good).await.is_ok());
    for _ in 0..2 {
        assert_eq!(clinic.logout_fault(&good).await, LogoutTokenFault::Replayed);
    }
    clinic.advance(Duration::from_secs(149));
    assert_eq!(clinic.logout_fault(&good).await, LogoutTokenFault::Replayed, "its last second");
    clinic.advance(Duration::from_secs(1));
    assert_eq!(clinic.logout_fault(&good).await, LogoutTokenFault::Token(TokenFault::Expired));
    let later = clinic.logout_token(|_, _| {});
    assert!(clinic.log_out(&later).await.is_ok(), "what is forgotten could not be used any more");
}

#[tokio::test]
async fn new_keys_are_looked_for_but_not_for_everybody_who_makes_one_up() {
    let clinic = Clinic::open().await;
    assert!(clinic.log_out(&clinic.logout_token(|_, _| {})).await.is_ok());
    let requests = || clinic.provider.script(|script| script.key_requests);
    let before = requests();
    for number in 0..20 {
        let claims = clinic.logout_token(|_, _| {});
        let claims = URL_SAFE_NO_PAD.decode(claims.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let made_up =
            SigningKey::new(&format!("made-up-{number}")).sign_as(None, claims.as_object().unwrap());
        assert_eq!(clinic.logout_fault(&made_up).await, LogoutTokenFault::Token(TokenFault::Signature));
    }
    assert_eq!(requests(), before + 1);

    clinic.advance(Duration::from_secs(11));
    clinic.provider.script(|script| script.key = SigningKey::new("key-2"));
    let rotated = clinic.logout_token(|claims, _| drop(claims.insert("jti".into(), json!("logout-2"))));
    assert!(clinic.log_out(&rotated).await.is_ok());
    assert_eq!(requests(), before + 2);
}

#[tokio::test]
async fn a_provider_that_is_down_logs_nobody_out() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.discovery = Behavior::Error);
    let failed = clinic.log_out(&clinic.logout_token(|_, _| {})).await;
    assert!(matches!(failed, Err(AuthnError::Provider(_))), "{failed:?}");
}

#[tokio::test]
async fn whether_a_provider_tells_of_logouts_is_known_once_it_has_answered() {
    for (says, expected) in [(json!(true), true), (json!(false), false), (Value::Null, false)] {
        let clinic = Clinic::open().await;
        assert!(clinic.party.back_channel().is_empty());
        clinic
            .provider
            .script(|script| script.metadata.insert("backchannel_logout_supported".to_owned(), says));
        clinic.party.warm_up(clinic.clock.now()).await;
        assert_eq!(clinic.party.back_channel(), [("clinic".parse().unwrap(), expected)]);
    }
}
