//! What comes back with the browser.

use super::*;
use crate::platform::store::{Statement, Store};

#[tokio::test]
async fn a_response_is_good_once() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let (query, binding) = (clinic.provider.authorize(&begun.location), binding_of(&begun));
    clinic.finish(&query, &binding).await.unwrap();
    let again = clinic.finish(&query, &binding).await;
    assert!(matches!(again, Err(AuthnError::UnknownTransaction)), "{again:?}");
}

#[tokio::test]
async fn a_response_is_good_once_at_whichever_of_two_nodes_it_comes() {
    let (clinic, folder) = (Clinic::open().await, tempfile::tempdir().unwrap());
    let stores = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    let [a, b] = stores.clone().map(|store| {
        let settings = settings(&clinic.provider.issuer);
        RelyingParty::new(vec![settings], Arc::new(SeededEntropy::new(7))).unwrap().sharing(store)
    });
    let clinic = Clinic { party: a, ..clinic };
    let begun = clinic.begin(None, None).await.unwrap();
    let (query, binding) = (clinic.provider.authorize(&begun.location), binding_of(&begun));
    // What is in the store names neither where somebody goes nor the secrets of it.
    let kept = stores[0].read(&Statement::new("SELECT text FROM sign_in")).unwrap();
    let text = String::from_utf8_lossy(kept[0].bytes(0).unwrap()).into_owned();
    assert!(!text.contains("/patients/7") && !text.contains("clinic"), "{text}");

    let now = clinic.clock.now();
    let others = "x".repeat(43);
    let strange = b.finish(&query, Some(&others), CALLBACK, now).await;
    assert!(matches!(strange, Err(AuthnError::OtherBrowser)), "{strange:?}");
    b.finish(&query, Some(&binding), CALLBACK, now).await.unwrap();
    for party in [&clinic.party, &b] {
        let again = party.finish(&query, Some(&binding), CALLBACK, now).await;
        assert!(matches!(again, Err(AuthnError::UnknownTransaction)), "{again:?}");
    }
    assert!(stores[0].read(&Statement::new("SELECT state FROM sign_in")).unwrap().is_empty());
}

#[tokio::test]
async fn a_response_is_good_in_the_browser_and_at_the_host_where_it_began() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    let others = binding_of(&clinic.begin(None, None).await.unwrap());
    let now = clinic.clock.now();
    let elsewhere = "https://console.clinic.example/.leastway/callback";
    let own = binding_of(&begun);
    for (binding, place) in [(Some(&*others), CALLBACK), (None, CALLBACK), (Some(&*own), elsewhere)] {
        let result = clinic.party.finish(&query, binding, place, now).await;
        assert!(matches!(result, Err(AuthnError::OtherBrowser)), "{result:?}");
    }
    assert!(clinic.finish(&query, &own).await.is_ok());
}

#[tokio::test]
async fn ten_tabs_sign_in_at_once_under_one_cookie() {
    let clinic = Clinic::open().await;
    let first = clinic.begin(None, None).await.unwrap();
    let binding = binding_of(&first);
    let mut tabs = vec![first];
    for _ in 0..9 {
        let begun = clinic.begin(None, Some(&binding)).await.unwrap();
        assert_eq!(begun.set_cookie, None);
        tabs.push(begun);
    }
    tabs.reverse();
    for tab in tabs {
        let query = clinic.provider.authorize(&tab.location);
        assert!(clinic.finish(&query, &binding).await.is_ok());
    }
}

#[tokio::test]
async fn a_response_with_a_parameter_twice_is_refused() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    for twice in ["code=other", "state=other", "iss=other", "session_state=1&session_state=2"] {
        let result = clinic.finish(&format!("{query}&{twice}"), &binding_of(&begun)).await;
        assert!(matches!(result, Err(AuthnError::Malformed(_))), "{twice}: {result:?}");
    }
}

#[tokio::test]
async fn a_response_of_another_issuer_is_refused() {
    for issuer in [Some("https://id.another.example"), None] {
        let clinic = Clinic::open().await;
        let begun = clinic.begin(None, None).await.unwrap();
        let query = clinic.provider.authorize(&begun.location);
        let mut query = query.split("&iss=").next().unwrap().to_owned();
        if let Some(issuer) = issuer {
            query = format!("{query}&iss={issuer}");
        }
        let result = clinic.finish(&query, &binding_of(&begun)).await;
        assert!(matches!(result, Err(AuthnError::OtherIssuer)), "{result:?}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_promise_iss_need_not_send_it() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.metadata.remove("authorization_response_iss_parameter_supported"));
    let begun = clinic.begin(None, None).await.unwrap();
    let query = clinic.provider.authorize(&begun.location);
    let query = query.split("&iss=").next().unwrap();
    assert!(clinic.finish(query, &binding_of(&begun)).await.is_ok());
}

#[tokio::test]
async fn a_refusal_is_told_apart_from_a_fault() {
    let cases = [
        ("access_denied", Reason::SignInRefused),
        ("login_required", Reason::SignInRefused),
        ("temporarily_unavailable", Reason::ProviderUnavailable),
        ("unauthorized_client", Reason::ProviderUnavailable),
        ("unmet_authentication_requirements", Reason::AssuranceNotProven),
    ];
    for (code, reason) in cases {
        let clinic = Clinic::open().await;
        let begun = clinic.begin(Some(&need("mfa", None)), None).await.unwrap();
        let (state, issuer) = (&asked(&begun)["state"], &clinic.provider.issuer);
        let query = format!("error={code}&error_description=call+me&state={state}&iss={issuer}");
        let error = clinic.finish(&query, &binding_of(&begun)).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{code}");
        assert!(!error.to_string().contains("call"));
    }
}

#[tokio::test]
async fn a_token_endpoint_blames_the_sign_in_for_a_bad_code_alone() {
    let ours = ": it does not accept our client id or secret";
    // By status and error: what is said of the provider; nothing where it is about this sign-in.
    let cases = [
        (400, "invalid_grant", None),
        (403, "invalid_grant", None),
        (400, "invalid_request", None),
        (500, "invalid_grant", Some("500 `invalid_grant`".to_owned())),
        (500, "server_error", Some("500 `server_error`".to_owned())),
        (502, "server_error", Some("502 `server_error`".to_owned())),
        (503, "temporarily_unavailable", Some("503 `temporarily_unavailable`".to_owned())),
        (429, "slow_down_dr_who", Some("429".to_owned())),
        (400, "invalid_scope", Some("400 `invalid_scope`".to_owned())),
        (400, "unauthorized_client", Some(format!("400 `unauthorized_client`{ours}"))),
        (401, "invalid_client", Some(format!("401 `invalid_client`{ours}"))),
        (401, "server_error", Some(format!("401 `server_error`{ours}"))),
    ];
    for (status, code, said) in cases {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.refusal = Some((status, code)));
        let error = clinic.sign_in(None).await.unwrap_err();
        let (reason, text) = match said {
            None => (Reason::SignInInvalid, "the provider did not accept the authorization code".to_owned()),
            Some(said) => (
                Reason::ProviderUnavailable,
                format!("the provider cannot be used: its token endpoint answered {said}"),
            ),
        };
        assert_eq!((error.reason(), error.to_string()), (reason, text), "{status} {code}");
        let printed = format!("{error}{error:?}");
        assert!(!printed.contains("repeated") && !printed.contains("dr_who"), "{printed}");
    }
}

#[tokio::test]
async fn an_old_tab_is_led_to_where_its_sign_in_led_in_the_browser_that_began_it() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let (query, binding) = (clinic.provider.authorize(&begun.location), binding_of(&begun));
    clinic.finish(&query, &binding).await.unwrap();
    let led = |binding: Option<&str>| clinic.party.led(&query, binding, clinic.clock.now());
    assert!(matches!(clinic.finish(&query, &binding).await, Err(AuthnError::UnknownTransaction)));
    assert_eq!(led(Some(&binding)).unwrap().as_str(), "/patients/7");
    let other = binding_of(&clinic.begin(None, None).await.unwrap());
    assert_eq!((led(Some(&other)), led(None)), (None, None));
    clinic.advance(12 * 60 * MINUTE);
    assert_eq!(led(Some(&binding)), None);
}

#[tokio::test]
async fn a_browser_that_goes_round_is_told() {
    let clinic = Clinic::open().await;
    let first = clinic.begin(None, None).await.unwrap();
    let binding = binding_of(&first);
    let round =
        async |begun: Begun| clinic.finish(&clinic.provider.authorize(&begun.location), &binding).await;
    round(first).await.unwrap();
    for _ in 0..2 {
        clinic.advance(Duration::from_secs(1));
        round(clinic.begin(None, Some(&binding)).await.unwrap()).await.unwrap();
    }
    clinic.advance(Duration::from_secs(1));
    assert!(round(clinic.begin(None, Some(&binding)).await.unwrap()).await.unwrap().goes_round);
    // A person who tries again after a while is no loop, and neither is somebody else's browser.
    assert!(!clinic.sign_in(None).await.unwrap().goes_round);
    clinic.advance(Duration::from_secs(10));
    assert!(!round(clinic.begin(None, Some(&binding)).await.unwrap()).await.unwrap().goes_round);
}
