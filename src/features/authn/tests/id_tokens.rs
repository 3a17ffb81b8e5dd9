//! ID tokens: each check refuses.

use super::*;

#[tokio::test]
async fn each_check_of_the_id_token_refuses() {
    let now = "2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap().as_seconds();
    let cases: [(&str, Value, IdTokenFault); 16] = [
        ("nonce", json!("another"), IdTokenFault::Nonce),
        ("nonce", Value::Null, IdTokenFault::Nonce),
        ("aud", json!("another-client"), IdTokenFault::Token(TokenFault::Audience)),
        ("aud", json!([]), IdTokenFault::Token(TokenFault::Audience)),
        ("aud", json!([CLIENT_ID, "another-client"]), IdTokenFault::Token(TokenFault::AuthorizedParty)),
        ("azp", json!("another-client"), IdTokenFault::Token(TokenFault::AuthorizedParty)),
        ("iss", json!("https://id.another.example"), IdTokenFault::Issuer),
        ("exp", json!(now - 30), IdTokenFault::Token(TokenFault::Expired)),
        ("iat", json!(now + 31), IdTokenFault::IssuedAt),
        ("iat", json!(now - 32), IdTokenFault::IssuedAt),
        ("auth_time", json!(now + 31), IdTokenFault::AuthTime),
        ("at_hash", json!(""), IdTokenFault::AccessToken),
        ("at_hash", json!(half_hash("another-token")), IdTokenFault::AccessToken),
        ("sub", json!(""), IdTokenFault::Subject),
        ("sub", json!("s".repeat(256)), IdTokenFault::Subject),
        ("sub", json!("line\nbreak"), IdTokenFault::Subject),
    ];
    for (claim, value, expected) in cases {
        let clinic = Clinic::open().await;
        clinic.provider.claim(claim, value.clone());
        assert_eq!(clinic.fault().await, expected, "{claim} {value}");
    }
}

/// `at_hash` of an access token, beside ES256.
fn half_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Digest::of(access_token.as_bytes()).as_bytes()[..16])
}

#[tokio::test]
async fn the_hash_of_the_access_token_that_came_along_holds() {
    let clinic = Clinic::open().await;
    clinic.provider.claim("at_hash", json!(half_hash("access-token")));
    assert_eq!(&*clinic.sign_in(None).await.unwrap().subject.sub, "nurse-7");
}

#[tokio::test]
async fn clocks_may_differ_a_little() {
    let now = "2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap().as_seconds();
    for (claim, value) in [("exp", now - 29), ("iat", now + 30), ("iat", now - 30), ("auth_time", now + 30)] {
        let clinic = Clinic::open().await;
        clinic.provider.claim(claim, json!(value));
        let finished = clinic.sign_in(None).await.unwrap_or_else(|error| panic!("{claim}: {error}"));
        assert!(finished.assurance.auth_time <= clinic.clock.now());
    }
}

#[tokio::test]
async fn a_token_for_several_audiences_holds_if_it_says_that_we_are_meant() {
    let clinic = Clinic::open().await;
    clinic.provider.claim("aud", json!(["another-client", CLIENT_ID]));
    clinic.provider.claim("azp", json!(CLIENT_ID));
    assert!(clinic.sign_in(None).await.is_ok());
}

#[tokio::test]
async fn a_token_that_no_key_of_the_provider_signed_does_not_hold() {
    let cases = [
        (Signing::Unsigned, IdTokenFault::Token(TokenFault::Algorithm)),
        (Signing::Secret, IdTokenFault::Token(TokenFault::Algorithm)),
        (Signing::Forged, IdTokenFault::Token(TokenFault::Signature)),
    ];
    for (signing, expected) in cases {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.signing = signing);
        assert_eq!(clinic.fault().await, expected, "{signing:?}");
    }
}

#[tokio::test]
async fn a_new_key_is_looked_for_once_and_not_too_often() {
    let clinic = Clinic::open().await;
    clinic.sign_in(None).await.unwrap();
    let requests = || clinic.provider.script(|script| script.key_requests);
    assert_eq!(requests(), 1);

    clinic.provider.script(|script| script.key = SigningKey::new("key-2"));
    clinic.sign_in(None).await.unwrap();
    assert_eq!(requests(), 2);
    clinic.sign_in(None).await.unwrap();
    assert_eq!(requests(), 2);

    // A signature that never fits does not make us ask again and again.
    clinic.provider.script(|script| script.signing = Signing::Forged);
    for _ in 0..5 {
        assert_eq!(clinic.fault().await, IdTokenFault::Token(TokenFault::Signature));
    }
    assert_eq!(requests(), 2);
    clinic.advance(Duration::from_secs(11));
    for _ in 0..5 {
        assert_eq!(clinic.fault().await, IdTokenFault::Token(TokenFault::Signature));
    }
    assert_eq!(requests(), 3);
}
