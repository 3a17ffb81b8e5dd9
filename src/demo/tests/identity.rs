//! The provider, as a client and as somebody who means no good meet it.

use super::*;

#[tokio::test]
async fn a_password_gives_a_session_and_a_token_that_says_so() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[])).await.unwrap();
    let back = stage.password(&mut browser, &page, person("registrar")).await;
    assert_eq!(returned(&back, "state"), "the-state");
    assert_eq!(returned(&back, "iss"), stage.issuer());

    let (status, tokens) = stage.redeem(&returned(&back, "code"), &[]).await;
    assert_eq!(status, 200);
    let key_set = browser.once(Caller::Program, &format!("{}/jwks", stage.issuer())).await.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&key_set.body).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let mut expected = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    expected.set_audience(&["leastway"]);
    expected.set_issuer(&[stage.issuer()]);
    let token = jsonwebtoken::decode::<Value>(tokens["id_token"].as_str().unwrap(), &key, &expected).unwrap();
    assert_eq!(token.claims["sub"], "registrar");
    assert_eq!(token.claims["nonce"], "the-nonce");
    assert_eq!(token.claims["acr"], provider::ACR_PASSWORD);
    assert_eq!(token.claims["groups"][0], "clinic-front-desk");
    assert_eq!(token.claims["auth_time"], stage.clock.now().as_seconds());

    let silent = browser.once(Caller::Person, &stage.authorize(&[("prompt", "none")])).await.unwrap();
    assert!(!returned(&silent, "code").is_empty(), "single sign-on");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_proven_and_its_code_is_good_once() {
    let stage = Stage::new().await;
    let analyst = person("analyst");
    let code = analyst.totp(totp_step(stage.clock.now()));

    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[("acr_values", provider::ACR_MFA)])).await.unwrap();
    let page = stage.password(&mut browser, &page, analyst).await;
    let wrong = stage.code(&mut browser, &page, "000000").await;
    assert_eq!(wrong.status, 422);
    let back = stage.code(&mut browser, &wrong, &code).await;
    let claims = stage.claims(&back).await;
    assert_eq!(claims["acr"], provider::ACR_MFA);
    assert_eq!(claims["amr"], serde_json::json!(["pwd", "otp", "mfa"]));

    let mut thief = stage.browser();
    let page = thief.open(&stage.authorize(&[("acr_values", provider::ACR_MFA)])).await.unwrap();
    let page = stage.password(&mut thief, &page, analyst).await;
    let replayed = stage.code(&mut thief, &page, &code).await;
    assert_eq!(replayed.status, 422);
    assert!(replayed.text().contains("used already"));
    let before = stage.code(&mut thief, &page, &analyst.totp(totp_step(stage.clock.now()) - 1)).await;
    assert_eq!(before.status, 422, "nor does an older one pass after a newer one");
    let next = stage.code(&mut thief, &page, &analyst.totp(totp_step(stage.clock.now()) + 1)).await;
    assert!(!returned(&next, "code").is_empty());
}

#[tokio::test]
async fn a_second_factor_grows_old() {
    let stage = Stage::new().await;
    let analyst = person("analyst");
    let ask = [("acr_values", provider::ACR_MFA), ("max_age", "900")];
    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&ask)).await.unwrap();
    let page = stage.password(&mut browser, &page, analyst).await;
    stage.code(&mut browser, &page, &analyst.totp(totp_step(stage.clock.now()))).await;

    stage.clock.advance(Duration::from_secs(900));
    let still_fresh = browser.once(Caller::Person, &stage.authorize(&ask)).await.unwrap();
    assert!(!returned(&still_fresh, "code").is_empty());

    stage.clock.advance(Duration::from_secs(1));
    let page = browser.once(Caller::Person, &stage.authorize(&ask)).await.unwrap();
    assert!(page.text().contains("Password"), "too old: from the beginning");
    let page = stage.password(&mut browser, &page, analyst).await;
    assert!(
        page.text().contains("Code from your authenticator"),
        "the old code does not count for a new password"
    );
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_once_and_not_for_ever() {
    for ask in [("prompt", "login"), ("max_age", "0")] {
        let stage = Stage::new().await;
        let mut browser = stage.browser();
        let page = browser.open(&stage.authorize(&[])).await.unwrap();
        stage.password(&mut browser, &page, person("nurse")).await;
        stage.clock.advance(Duration::from_secs(5));
        let page = browser.once(Caller::Person, &stage.authorize(&[ask])).await.unwrap();
        assert!(page.text().contains("Password"), "{ask:?}");
        let back = stage.password(&mut browser, &page, person("nurse")).await;
        assert_eq!(stage.claims(&back).await["auth_time"], stage.clock.now().as_seconds(), "{ask:?}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_only_for_who_asked() {
    struct Case {
        name: &'static str,
        later: u64,
        changed: &'static [(&'static str, &'static str)],
        error: &'static str,
    }
    let cases = [
        Case { name: "too late", later: 60, changed: &[], error: "invalid_grant" },
        Case {
            name: "another verifier",
            later: 0,
            changed: &[("code_verifier", "another-verifier-of-forty-three-characters-or-more")],
            error: "invalid_grant",
        },
        Case {
            name: "another address",
            later: 0,
            changed: &[("redirect_uri", "https://console.localhost:8443/.leastway/callback")],
            error: "invalid_grant",
        },
        Case {
            name: "another secret",
            later: 0,
            changed: &[("client_secret", "guess")],
            error: "invalid_client",
        },
        Case {
            name: "another grant",
            later: 0,
            changed: &[("grant_type", "password")],
            error: "unsupported_grant_type",
        },
    ];
    let stage = Stage::new().await;
    for case in cases {
        let mut browser = stage.browser();
        let page = browser.open(&stage.authorize(&[])).await.unwrap();
        let back = stage.password(&mut browser, &page, person("nurse")).await;
        stage.clock.advance(Duration::from_secs(case.later));
        let (_, answer) = stage.redeem(&returned(&back, "code"), case.changed).await;
        assert_eq!(answer["error"], case.error, "{}", case.name);
    }

    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[])).await.unwrap();
    let back = stage.password(&mut browser, &page, person("nurse")).await;
    let code = returned(&back, "code");
    assert_eq!(stage.redeem(&code, &[]).await.0, 200);
    assert_eq!(stage.redeem(&code, &[]).await.1["error"], "invalid_grant", "a second time");
}

#[tokio::test]
async fn what_a_client_may_not_ask_is_refused() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    for (name, value) in [("client_id", "other"), ("redirect_uri", "https://evil.example/.leastway/callback")]
    {
        let reply = browser.once(Caller::Person, &stage.authorize(&[(name, value)])).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, ""), "{name}");
    }
    let cases = [
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "profile", "invalid_scope"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("max_age", "soon", "invalid_request"),
        ("prompt", "none", "login_required"),
        ("request", "e30", "request_not_supported"),
    ];
    for (name, value, error) in cases {
        let reply = browser.once(Caller::Person, &stage.authorize(&[(name, value)])).await.unwrap();
        assert_eq!(returned(&reply, "error"), error, "{name}={value}");
        assert_eq!(returned(&reply, "state"), "the-state");
    }
}

#[tokio::test]
async fn nobody_goes_on_with_a_sign_in_that_another_browser_began() {
    let stage = Stage::new().await;
    let page = stage.browser().open(&stage.authorize(&[])).await.unwrap();
    let mut other = stage.browser();
    other.open(&stage.authorize(&[])).await.unwrap();
    assert_eq!(stage.password(&mut other, &page, person("nurse")).await.status, 400);
}

#[tokio::test]
async fn a_sign_in_fails_five_times_and_no_more() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[])).await.unwrap();
    let guess = [("username", "nurse"), ("password", "guess")];
    for _ in 0..4 {
        assert_eq!(stage.post(&mut browser, &page, "/sign-in", &guess).await.status, 422);
    }
    assert_eq!(stage.post(&mut browser, &page, "/sign-in", &guess).await.status, 403);
    assert_eq!(
        stage.password(&mut browser, &page, person("nurse")).await.status,
        400,
        "it has to begin again"
    );
}

#[tokio::test]
async fn sign_out_ends_the_session_and_goes_back_to_the_client_only() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[])).await.unwrap();
    let back = stage.password(&mut browser, &page, person("nurse")).await;
    let (_, tokens) = stage.redeem(&returned(&back, "code"), &[]).await;
    let sign_out = |hint: &str, to: &str| {
        let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", to), ("state", "s")];
        Url::parse_with_params(&format!("{}/sign-out", stage.issuer()), pairs).unwrap().to_string()
    };

    let unasked =
        browser.once(Caller::Person, &sign_out("forged", "https://ehr.localhost:8443/")).await.unwrap();
    assert_eq!((unasked.status.as_u16(), unasked.header("location")), (200, ""));
    let still = browser.once(Caller::Person, &stage.authorize(&[("prompt", "none")])).await.unwrap();
    assert_eq!(returned(&still, "error"), "", "a page alone signs nobody out");

    let hint = tokens["id_token"].as_str().unwrap();
    let elsewhere =
        stage.browser().once(Caller::Person, &sign_out(hint, "https://evil.example/")).await.unwrap();
    assert_eq!(elsewhere.header("location"), "");
    let silent = browser.once(Caller::Person, &stage.authorize(&[("prompt", "none")])).await.unwrap();
    assert_eq!(returned(&silent, "error"), "login_required", "the hint names the session, whoever brings it");
    let out = browser.once(Caller::Person, &sign_out(hint, "https://ehr.localhost:8443/out")).await.unwrap();
    assert_eq!(out.header("location"), "https://ehr.localhost:8443/out?state=s");
}

#[tokio::test]
async fn userinfo_tells_what_the_token_lets_see() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let page = browser.open(&stage.authorize(&[])).await.unwrap();
    let back = stage.password(&mut browser, &page, person("nurse")).await;
    let (_, tokens) = stage.redeem(&returned(&back, "code"), &[]).await;
    let url = format!("{}/userinfo", stage.issuer());
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let reply = browser.once_with(&url, "authorization", &bearer).await.unwrap();
    let claims: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((&claims["sub"], &claims["location"]), (&"nurse".into(), &"ward".into()));
    let refused = browser.once_with(&url, "authorization", "Bearer guess").await.unwrap();
    assert_eq!(refused.status, 401);
}
