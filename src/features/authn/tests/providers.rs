//! Providers that lack something, are down, or change.

use super::*;

#[tokio::test]
async fn a_provider_that_does_not_list_its_challenge_methods_is_sent_one_all_the_same() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.metadata.remove("code_challenge_methods_supported"));
    // The fake provider checks that the challenge is there, and that the verifier fits.
    assert_eq!(&*clinic.sign_in(None).await.unwrap().subject.sub, "nurse-7");
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.metadata.insert("issuer".to_owned(), json!("https://id.example")));
    let result = clinic.sign_in(None).await;
    assert!(matches!(result, Err(AuthnError::Provider(ProviderFault::Issuer))), "{result:?}");
}

#[tokio::test]
async fn a_provider_that_lacks_what_we_need_is_refused() {
    let cases = [
        ("code_challenge_methods_supported", json!(["plain"])),
        ("code_challenge_methods_supported", json!([])),
        ("id_token_signing_alg_values_supported", json!(["HS256", "none"])),
        ("token_endpoint_auth_methods_supported", json!(["private_key_jwt"])),
        ("token_endpoint", json!("http://id.clinic.example/token")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("jwks_uri", json!("http://169.254.169.254/keys")),
    ];
    for (member, value) in cases {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.metadata.insert(member.to_owned(), value));
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::Provider(_))), "{member}: {result:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_out_of_order_gives_one_error() {
    let behaviors =
        [Behavior::Silent, Behavior::Huge, Behavior::Redirect, Behavior::Error, Behavior::Nonsense];
    for behavior in behaviors {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.discovery = behavior);
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::Provider(_))), "discovery {behavior:?}: {result:?}");

        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.tokens = behavior);
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::Provider(_))), "token {behavior:?}: {result:?}");

        if behavior != Behavior::Nonsense {
            let clinic = Clinic::open().await;
            clinic.provider.script(|script| script.keys = behavior);
            let result = clinic.sign_in(None).await;
            assert!(matches!(result, Err(AuthnError::Provider(_))), "keys {behavior:?}: {result:?}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_comes_up_later_is_found_and_not_asked_by_everyone_at_once() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.discovery = Behavior::Error);
    let requests = || clinic.provider.script(|script| script.discovery_requests);
    assert!(matches!(clinic.party.warm_up(clinic.clock.now()).await.as_slice(), [(_, Err(_))]));
    for _ in 0..5 {
        assert!(clinic.begin(None, None).await.is_err());
    }
    assert_eq!(requests(), 1);
    let [standing] = &clinic.party.standing()[..] else { panic!("one provider") };
    assert_eq!((&*standing.issuer, standing.is_usable), (&*clinic.provider.issuer, false));

    clinic.provider.script(|script| script.discovery = Behavior::Normal);
    clinic.advance(Duration::from_secs(3));
    let many = futures_util::future::join_all((0..20).map(|_| clinic.begin(None, None))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(requests(), 2);
    assert!(clinic.party.standing()[0].is_usable);
}

#[tokio::test]
async fn what_is_known_serves_while_the_provider_is_down_but_not_for_ever() {
    let clinic = Clinic::open().await;
    clinic.sign_in(None).await.unwrap();
    clinic.provider.script(|script| script.discovery = Behavior::Error);
    clinic.advance(2 * 60 * MINUTE);
    clinic.sign_in(None).await.unwrap();
    clinic.advance(23 * 60 * MINUTE);
    assert!(clinic.sign_in(None).await.is_err());
}

#[tokio::test]
async fn new_settings_may_take_a_provider_away_or_give_its_name_to_another() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    let other = FakeProvider::start(clinic.clock.now()).await;
    clinic.party.apply(vec![settings(&other.issuer)]).unwrap();
    let result = clinic.finish(&query, &binding_of(&begun)).await;
    assert!(matches!(result, Err(AuthnError::OtherIssuer)), "{result:?}");

    clinic.party.apply(Vec::new()).unwrap();
    assert!(matches!(clinic.begin(None, None).await, Err(AuthnError::UnknownProvider)));
}

#[tokio::test]
async fn a_clock_that_goes_wrong_is_told_of_whether_its_tokens_hold_or_not() {
    let clinic = Clinic::open().await;
    let now = clinic.clock.now().as_seconds();
    let offset = || clinic.party.standing()[0].clock_offset;
    assert_eq!(offset(), None);
    for (ahead, holds) in [(0, true), (20, true), (-9, true), (-3600, false), (86_400, false)] {
        clinic.provider.claim("iat", json!(now + ahead));
        assert_eq!(clinic.sign_in(None).await.is_ok(), holds, "{ahead}");
        assert_eq!(offset(), Some(ahead));
    }
    for odd in [json!("soon"), json!(-1), json!(1e300)] {
        clinic.provider.claim("iat", odd);
        assert!(clinic.sign_in(None).await.is_err());
        assert_eq!(offset(), Some(86_400));
    }
}

/// Key sets by which nobody's signature can be checked: with nothing, for other uses, in other ways.
fn keyless(key: &SigningKey) -> [Vec<Value>; 4] {
    let with = |member: &str, value: &str| {
        let mut key = key.jwk();
        key[member] = value.into();
        vec![key]
    };
    let shared = json!({ "kty": "oct", "kid": "key-1", "k": "c2hhcmVk" });
    [Vec::new(), with("use", "enc"), with("alg", "ES512"), vec![shared]]
}

#[tokio::test]
async fn a_provider_without_a_key_to_check_by_is_not_usable_and_nobody_is_sent_there() {
    let no_key = |error: &AuthnError| matches!(error, AuthnError::Provider(ProviderFault::NoKey));
    for published in keyless(&SigningKey::new("key-1")) {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.published = Some(published.clone()));
        let failure = clinic.begin(None, None).await.unwrap_err();
        assert!(no_key(&failure), "{published:?}: {failure:?}");
        assert_eq!(failure.reason(), Reason::ProviderUnavailable);
        assert!(!clinic.party.standing()[0].is_usable, "{published:?}");

        // It is back as soon as there is one, without waiting for what was known to become old.
        clinic.provider.script(|script| script.published = None);
        clinic.advance(Duration::from_secs(3));
        clinic.sign_in(None).await.unwrap();
        assert!(clinic.party.standing()[0].is_usable);
    }
}

#[tokio::test]
async fn a_provider_that_withdraws_its_keys_is_not_usable_and_they_count_no_more() {
    let clinic = Clinic::open().await;
    clinic.sign_in(None).await.unwrap();
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    clinic.provider.script(|script| script.published = Some(Vec::new()));
    clinic.party.look(clinic.clock.now()).await;
    assert!(!clinic.party.standing()[0].is_usable);
    let failure = clinic.finish(&query, &binding_of(&begun)).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::ProviderUnavailable, "{failure:?}");

    // Also where that shows only when its tokens are signed by a key that is not there.
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    clinic.provider.script(|script| {
        script.key = SigningKey::new("key-2");
        script.published = Some(Vec::new());
    });
    let failure = clinic.finish(&query, &binding_of(&begun)).await.unwrap_err();
    assert_eq!(failure.reason(), Reason::ProviderUnavailable, "{failure:?}");
    assert!(!clinic.party.standing()[0].is_usable);
}
