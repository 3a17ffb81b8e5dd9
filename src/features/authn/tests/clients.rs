//! How we show ourselves to a provider, and requests that go to it directly.

use super::super::fake_provider::CLIENT_KEY;
use super::*;

fn by_key(audience: AssertionAudience) -> ClientCredential {
    let key = client::SigningKey::from_pem(CLIENT_KEY.serialize_pem().as_bytes()).unwrap();
    ClientCredential::Key(ClientKey { key, id: Some("k-1".to_owned()), certificate: None, audience })
}

/// A clinic whose provider knows our key.
async fn with_key(audience: AssertionAudience) -> Clinic {
    let clinic = Clinic::with(|settings| settings.credential = by_key(audience)).await;
    let issuer = clinic.provider.issuer.clone();
    clinic.provider.script(|script| {
        script
            .metadata
            .insert("token_endpoint_auth_methods_supported".to_owned(), json!(["private_key_jwt"]));
        script.assertions_for = Some(match audience {
            AssertionAudience::Issuer => issuer,
            AssertionAudience::TokenEndpoint => format!("{issuer}/token"),
        });
    });
    clinic
}

fn offers_pushing(clinic: &Clinic) {
    let endpoint = format!("{}/push", clinic.provider.issuer);
    clinic.provider.script(|script| {
        script.metadata.insert("pushed_authorization_request_endpoint".to_owned(), json!(endpoint));
    });
}

#[tokio::test]
async fn a_key_shows_who_we_are_for_one_audience_and_a_minute() {
    for audience in [AssertionAudience::Issuer, AssertionAudience::TokenEndpoint] {
        let clinic = with_key(audience).await;
        assert_eq!(&*clinic.sign_in(None).await.unwrap().subject.sub, "nurse-7");
        let (header, first) = clinic.provider.script(|script| script.asserted.take()).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (jsonwebtoken::Algorithm::ES256, Some("k-1")));
        let now = clinic.clock.now().as_seconds();
        assert_eq!((&first["iss"], &first["sub"]), (&json!(CLIENT_ID), &json!(CLIENT_ID)));
        assert_eq!((&first["iat"], &first["exp"]), (&json!(now), &json!(now + 60)));
        clinic.sign_in(None).await.unwrap();
        let (_, second) = clinic.provider.script(|script| script.asserted.take()).unwrap();
        assert_ne!(first["jti"], second["jti"], "each is good once");
    }
}

#[tokio::test]
async fn a_provider_that_knows_no_such_way_is_refused() {
    let cases =
        [(json!(["client_secret_basic"]), json!(["ES256"])), (json!(["private_key_jwt"]), json!(["RS256"]))];
    for (methods, algorithms) in cases {
        let clinic = with_key(AssertionAudience::Issuer).await;
        clinic.provider.script(|script| {
            script.metadata.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
            script.metadata.insert("token_endpoint_auth_signing_alg_values_supported".to_owned(), algorithms);
        });
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::Provider(ProviderFault::Lacks { .. }))), "{result:?}");
    }
}

#[tokio::test]
async fn every_kind_of_key_that_signs_is_taken_and_no_other() {
    let kinds = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    for kind in kinds {
        let pem = rcgen::KeyPair::generate_for(kind).unwrap().serialize_pem();
        assert!(client::SigningKey::from_pem(pem.as_bytes()).is_ok(), "{kind:?}");
    }
    let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    for none in ["", "secret", &certificate.cert.pem(), &CLIENT_KEY.public_key_pem()] {
        assert!(client::SigningKey::from_pem(none.as_bytes()).is_err(), "{none}");
    }
    let shown = format!("{:?}", by_key(AssertionAudience::Issuer));
    assert!(shown.contains("redacted"), "{shown}");
}

#[tokio::test]
async fn what_is_asked_goes_to_the_provider_directly_and_the_browser_carries_a_reference() {
    let with_secret = Clinic::open().await;
    for clinic in [with_secret, with_key(AssertionAudience::Issuer).await] {
        offers_pushing(&clinic);
        let wanted = need("mfa", Some(5 * MINUTE));
        clinic.provider.claim("acr", json!("urn:clinic:mfa"));
        let begun = clinic.begin(Some(&wanted), None).await.unwrap();
        let carried = asked(&begun);
        assert!(carried["request_uri"].starts_with("urn:ietf:params:oauth:request_uri:"));
        assert_eq!(carried.len(), 2, "{carried:?}");
        clinic.provider.script(|script| {
            let asked = &script.pushed[&carried["request_uri"]];
            assert_eq!(asked["acr_values"], "urn:clinic:mfa");
            assert_eq!(asked["max_age"], "270");
            assert_eq!(asked["redirect_uri"], CALLBACK);
        });
        let query = clinic.provider.authorize(&begun.location);
        assert!(clinic.finish(&query, &binding_of(&begun)).await.is_ok());
    }
}

#[tokio::test]
async fn requests_are_pushed_where_that_is_demanded_and_not_where_it_is_turned_off() {
    let clinic = Clinic::with(|settings| settings.pushed_requests = false).await;
    offers_pushing(&clinic);
    assert!(asked(&clinic.begin(None, None).await.unwrap()).contains_key("state"));

    let clinic = Clinic::with(|settings| settings.pushed_requests = false).await;
    offers_pushing(&clinic);
    clinic.provider.script(|script| {
        script.metadata.insert("require_pushed_authorization_requests".to_owned(), json!(true));
    });
    assert!(asked(&clinic.begin(None, None).await.unwrap()).contains_key("request_uri"));

    // Demanded, and nowhere to go.
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| {
        script.metadata.insert("require_pushed_authorization_requests".to_owned(), json!(true));
    });
    let result = clinic.begin(None, None).await;
    assert!(matches!(result, Err(AuthnError::Provider(ProviderFault::Lacks { .. }))), "{result:?}");
}

#[tokio::test]
async fn a_refused_push_is_blamed_on_nobody_who_has_not_been_asked_yet() {
    let cases = [
        (500, "server_error", Reason::ProviderUnavailable),
        (503, "temporarily_unavailable", Reason::ProviderUnavailable),
        (400, "temporarily_unavailable", Reason::ProviderUnavailable),
        (429, "slow_down", Reason::ProviderUnavailable),
        (400, "invalid_request", Reason::ProviderUnavailable),
        (400, "invalid_scope", Reason::ProviderUnavailable),
        (401, "invalid_client", Reason::ProviderUnavailable),
        (400, "access_denied", Reason::SignInRefused),
        (403, "access_denied", Reason::SignInRefused),
    ];
    for (status, code, reason) in cases {
        let clinic = Clinic::open().await;
        offers_pushing(&clinic);
        clinic.provider.script(|script| script.push_refusal = Some((status, code)));
        let failure = clinic.begin(None, None).await.unwrap_err();
        assert_eq!(failure.reason(), reason, "{status} {code}: {failure}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_pushed_does_not_go_by_the_browser_instead() {
    let behaviors =
        [Behavior::Silent, Behavior::Huge, Behavior::Redirect, Behavior::Error, Behavior::Nonsense];
    for behavior in behaviors {
        let clinic = Clinic::open().await;
        offers_pushing(&clinic);
        clinic.provider.script(|script| script.pushes = behavior);
        let result = clinic.begin(None, None).await;
        assert!(matches!(result, Err(AuthnError::Provider(_))), "{behavior:?}: {result:?}");
    }
    // It does not know our secret.
    let wrong = |settings: &mut ProviderSettings| {
        settings.credential = ClientCredential::Secret(Secret::new("guess".to_owned()));
    };
    let clinic = Clinic::with(wrong).await;
    offers_pushing(&clinic);
    let result = clinic.begin(None, None).await;
    assert!(matches!(result, Err(AuthnError::Provider(ProviderFault::Credentials))), "{result:?}");

    let clinic = Clinic::open().await;
    clinic.provider.script(|script| {
        let plain = json!("http://id.clinic.example/push");
        script.metadata.insert("pushed_authorization_request_endpoint".to_owned(), plain);
    });
    assert!(matches!(
        clinic.begin(None, None).await,
        Err(AuthnError::Provider(ProviderFault::Endpoint { .. }))
    ));
}
