//! Steps up, proven by what comes back.

use super::*;

#[tokio::test]
async fn a_step_up_is_asked_for_in_every_way_the_provider_knows() {
    let clinic = Clinic::open().await;
    let mfa = asked(&clinic.begin(Some(&need("mfa", Some(15 * MINUTE))), None).await.unwrap());
    assert_eq!(mfa["acr_values"], "urn:clinic:mfa");
    assert_eq!(mfa["max_age"], "870");
    let claims: Value = serde_json::from_str(&mfa["claims"]).unwrap();
    assert_eq!(claims["id_token"]["acr"], json!({ "essential": true, "values": ["urn:clinic:mfa"] }));

    let export = asked(&clinic.begin(Some(&need("export", Some(15 * MINUTE))), None).await.unwrap());
    assert_eq!(export["scope"], "openid profile phi_export");
    assert_eq!(export["prompt"], "login");
    assert!(!export.contains_key("max_age") && !export.contains_key("acr_values"));
}

#[tokio::test]
async fn a_step_up_is_proven_by_what_comes_back() {
    let fresh = need("mfa", Some(15 * MINUTE));
    let clinic = Clinic::open().await;
    clinic.provider.claim("acr", json!("urn:clinic:mfa"));
    let finished = clinic.sign_in(Some(&fresh)).await.unwrap();
    assert_eq!(finished.need.as_ref(), Some(&fresh));
    assert!(finished.assurance.meets(&fresh, clinic.clock.now()));
}

#[tokio::test]
async fn below_the_bar_is_one_error() {
    let old = "2026-03-01T07:44:59Z".parse::<Timestamp>().unwrap().as_seconds();
    // What came back, and what it is too little for.
    let cases = [
        ("a weaker acr", json!({ "acr": "urn:clinic:password" }), need("mfa", None), Lack::Proof),
        (
            "a weaker acr where it has to be fresh",
            json!({ "acr": "urn:clinic:password" }),
            need("mfa", Some(15 * MINUTE)),
            Lack::Proof,
        ),
        ("no acr", json!({}), need("mfa", None), Lack::Proof),
        ("an acr that only looks alike", json!({ "acr": "urn:clinic:mfa " }), need("mfa", None), Lack::Proof),
        (
            "an old sign-in",
            json!({ "acr": "urn:clinic:mfa", "auth_time": old }),
            need("mfa", Some(15 * MINUTE)),
            Lack::Freshness,
        ),
        (
            "no auth_time",
            json!({ "acr": "urn:clinic:mfa", "auth_time": null }),
            need("mfa", Some(15 * MINUTE)),
            Lack::Freshness,
        ),
        (
            "a scope that was not granted",
            json!({ "acr": "urn:clinic:mfa" }),
            need("export", None),
            Lack::Proof,
        ),
    ];
    for (name, claims, need, lack) in cases {
        let clinic = Clinic::open().await;
        for (claim, value) in claims.as_object().unwrap() {
            clinic.provider.claim(claim, value.clone());
        }
        let result = clinic.sign_in(Some(&need)).await;
        assert!(is_not_proven(&result), "{name}: {result:?}");
        let Err(AuthnError::AssuranceNotProven { unproven, return_to }) = result else { panic!("{name}") };
        assert_eq!((unproven.need, return_to.as_str()), (need, "/patients/7"), "{name}");
        assert_eq!(unproven.lack, lack, "{name}");
    }
}

#[tokio::test]
async fn a_class_that_the_provider_cannot_prove_is_not_even_asked_for() {
    let clinic = Clinic::open().await;
    assert!(is_not_proven(&clinic.begin(Some(&need("phishing_resistant", None)), None).await));
}

#[tokio::test]
async fn without_an_auth_time_a_class_is_proven_but_never_fresh() {
    let clinic = Clinic::open().await;
    clinic.provider.claim("acr", json!("urn:clinic:mfa"));
    clinic.provider.claim("auth_time", Value::Null);
    let finished = clinic.sign_in(Some(&need("mfa", None))).await.unwrap();
    let now = clinic.clock.now();
    assert_eq!(finished.assurance.auth_time, now);
    assert!(finished.assurance.meets(&need("mfa", None), now));
    assert!(!finished.assurance.meets(&need("mfa", Some(24 * 60 * MINUTE)), now));
}

#[tokio::test]
async fn an_auth_time_with_a_fraction_is_read() {
    let clinic = Clinic::open().await;
    let moment = clinic.clock.now().as_seconds();
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    clinic.provider.claim("auth_time", json!(moment as f64 - 9.5));
    let finished = clinic.sign_in(None).await.unwrap();
    assert_eq!(clinic.clock.now().since(finished.assurance.auth_time), Duration::from_millis(9_500));
}

#[tokio::test]
async fn a_scope_bound_to_a_second_factor_proves_when_this_very_sign_in_asked_for_it() {
    let export = need("export", Some(5 * MINUTE));
    let clinic = Clinic::open().await;
    // As Glewlwyd does: the scope is granted, `auth_time` is not raised, and there is no `acr`.
    let signed_in = clinic.clock.now().as_seconds() - 3 * 60 * 60;
    clinic.provider.claim("auth_time", json!(signed_in));
    clinic.provider.script(|script| script.scope = Some("openid profile phi_export".to_owned()));
    let finished = clinic.sign_in(Some(&export)).await.unwrap();
    assert!(finished.assurance.meets(&export, clinic.clock.now()));
    assert_eq!(finished.assurance.auth_time.as_seconds(), signed_in);

    // The same answer to a sign-in that did not ask proves the class, but as old as it is.
    let unasked = clinic.sign_in(None).await.unwrap();
    assert!(unasked.assurance.meets(&need("export", None), clinic.clock.now()));
    assert!(!unasked.assurance.meets(&export, clinic.clock.now()));

    // Not said is not granted.
    clinic.provider.script(|script| script.scope = None);
    assert!(is_not_proven(&clinic.sign_in(Some(&export)).await));
}

#[tokio::test]
async fn a_step_up_knows_whose_session_it_was() {
    let clinic = Clinic::open().await;
    clinic.provider.claim("acr", json!("urn:clinic:mfa"));
    let session = SessionId::new(clinic.clock.now(), &SeededEntropy::new(3));
    let issuer: Arc<str> = clinic.provider.issuer.as_str().into();
    for (sub, provider, expected) in [
        ("nurse-7", "clinic", Previous::Same(session)),
        ("nurse-7", "partner", Previous::OfAnother(session)),
        ("registrar-2", "clinic", Previous::OfAnother(session)),
    ] {
        let subject = SubjectId { issuer: issuer.clone(), sub: sub.into() };
        let current = Some(Current { session, provider: provider.parse().unwrap(), subject });
        let begun = clinic.begin_as(Some(&need("mfa", None)), None, current).await.unwrap();
        let query = clinic.provider.authorize(&begun.location);
        let finished = clinic.finish(&query, &binding_of(&begun)).await.unwrap();
        assert_eq!(finished.previous, expected);
    }
}
