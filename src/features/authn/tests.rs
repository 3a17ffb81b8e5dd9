use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::fake_provider::{Behavior, CLIENT_ID, CLIENT_SECRET, FakeProvider, Signing, SigningKey, TIMEOUT};
use super::settings::{Ask, ClassSettings, Proof, ProviderSettings};
use super::*;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::reason::Reason;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::{Clock as _, TestClock};
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

const CALLBACK: &str = "https://ehr.clinic.example/.leastway/callback";
const MINUTE: Duration = Duration::from_secs(60);

/// A browser with one cookie, a relying party, and the provider between which it goes.
struct Clinic {
    provider: FakeProvider,
    party: RelyingParty,
    clock: TestClock,
}

impl Clinic {
    async fn open() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let clock = TestClock::at("2026-03-01T08:00:00Z".parse().unwrap());
        let provider = FakeProvider::start(clock.now()).await;
        let mut settings = settings(&provider.issuer);
        change(&mut settings);
        let party = RelyingParty::new(vec![settings], Arc::new(SeededEntropy::new(7))).unwrap();
        Self { provider, party, clock }
    }

    fn advance(&self, duration: Duration) {
        self.clock.advance(duration);
        self.provider.script(|script| script.now = self.clock.now());
    }

    async fn begin(&self, need: Option<&AssuranceNeed>, binding: Option<&str>) -> Result<Begun, AuthnError> {
        self.begin_as(need, binding, None).await
    }

    async fn begin_as(
        &self,
        need: Option<&AssuranceNeed>,
        binding: Option<&str>,
        current: Option<Current>,
    ) -> Result<Begun, AuthnError> {
        let sign_in = SignIn {
            provider: &"clinic".parse().unwrap(),
            redirect_uri: CALLBACK,
            return_to: ReturnTo::new("/patients/7"),
            need,
            current,
            binding,
        };
        self.party.begin(sign_in, self.clock.now()).await
    }

    async fn finish(&self, query: &str, binding: &str) -> Result<Finished, AuthnError> {
        self.party.finish(query, Some(binding), CALLBACK, self.clock.now()).await
    }

    /// A whole sign-in by a browser that has no cookie yet.
    async fn sign_in(&self, need: Option<&AssuranceNeed>) -> Result<Finished, AuthnError> {
        let begun = self.begin(need, None).await?;
        let query = self.provider.authorize(&begun.location);
        self.finish(&query, &binding_of(&begun)).await
    }

    async fn fault(&self) -> IdTokenFault {
        match self.sign_in(None).await {
            Err(AuthnError::IdToken(fault)) => fault,
            other => panic!("the ID token held, or something else went wrong: {other:?}"),
        }
    }
}

fn settings(issuer: &str) -> ProviderSettings {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mfa = ClassSettings {
        ask: Ask { acr_values: texts(&["urn:clinic:mfa"]), max_age: true, ..Ask::default() },
        proof: Proof { acr: texts(&["urn:clinic:mfa"]), amr: texts(&["otp"]), ..Proof::default() },
    };
    let by_scope = ClassSettings {
        ask: Ask { scope: texts(&["phi_export"]), prompt: Some("login".to_owned()), ..Ask::default() },
        proof: Proof { scope: texts(&["phi_export"]), ..Proof::default() },
    };
    let certificate = rcgen::generate_simple_self_signed(["id.localhost".to_owned()]).unwrap();
    ProviderSettings {
        name: "clinic".parse().unwrap(),
        issuer: issuer.into(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Secret::new(CLIENT_SECRET.to_owned()),
        scopes: texts(&["openid", "profile"]),
        claims: BTreeMap::from([("groups".to_owned(), "groups".to_owned())]),
        assurance: BTreeMap::from([("mfa".parse().unwrap(), mfa), ("export".parse().unwrap(), by_scope)]),
        authorities: Some(certificate.cert.pem().into_bytes().into()),
        clock_skew: Duration::from_secs(30),
        timeout: TIMEOUT,
        connect_to: None,
    }
}

fn need(class: &str, fresh: Option<Duration>) -> AssuranceNeed {
    AssuranceNeed { class: class.parse().unwrap(), fresh }
}

fn binding_of(begun: &Begun) -> String {
    begun.set_cookie.as_deref().unwrap().split(['=', ';']).nth(1).unwrap().to_owned()
}

fn asked(begun: &Begun) -> HashMap<String, String> {
    url::Url::parse(&begun.location).unwrap().query_pairs().into_owned().collect()
}

fn is_not_proven<T>(result: &Result<T, AuthnError>) -> bool {
    matches!(result, Err(error) if error.reason() == Reason::AssuranceNotProven)
}

#[tokio::test]
async fn a_person_signs_in() {
    let clinic = Clinic::open().await;
    clinic.provider.claim("amr", json!(["pwd", "otp"]));
    clinic.provider.claim("acr", json!("urn:clinic:mfa"));
    let finished = clinic.sign_in(None).await.unwrap();
    assert_eq!(&*finished.subject.sub, "nurse-7");
    assert_eq!(&*finished.subject.issuer, clinic.provider.issuer);
    assert_eq!(&*finished.subject.name, "Nadia Nurse");
    assert_eq!(finished.subject.groups, ["EHR-Nurses", "Ward-7"]);
    assert_eq!(finished.return_to.as_str(), "/patients/7");
    assert_eq!(finished.sid.as_deref(), Some("provider-session"));
    assert_eq!(finished.previous, Previous::None);
    assert_eq!(finished.assurance.amr, ["pwd", "otp"]);
    // Not asked for, and recorded all the same.
    assert!(finished.assurance.meets(&need("mfa", Some(MINUTE)), clinic.clock.now()));
    assert!(!finished.assurance.meets(&need("export", None), clinic.clock.now()));
    assert_eq!(clinic.provider.script(|script| script.userinfo_requests), 0);
}

#[tokio::test]
async fn the_cookie_is_bound_and_the_url_asks_for_no_more_than_it_must() {
    let clinic = Clinic::open().await;
    let begun = clinic.begin(None, None).await.unwrap();
    let cookie = begun.set_cookie.clone().unwrap();
    assert!(cookie.starts_with("__Host-leastway-b="));
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
    let asked = asked(&begun);
    assert_eq!(asked["scope"], "openid profile");
    assert_eq!(asked["redirect_uri"], CALLBACK);
    for absent in ["acr_values", "max_age", "claims", "prompt"] {
        assert!(!asked.contains_key(absent), "{absent}");
    }
    assert!(!begun.location.contains("patients"), "where someone wants to go stays here");
}

#[tokio::test]
async fn each_check_of_the_id_token_refuses() {
    let now = "2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap().as_seconds();
    let cases: [(&str, Value, IdTokenFault); 16] = [
        ("nonce", json!("another"), IdTokenFault::Nonce),
        ("nonce", Value::Null, IdTokenFault::Nonce),
        ("aud", json!("another-client"), IdTokenFault::Audience),
        ("aud", json!([]), IdTokenFault::Audience),
        ("aud", json!([CLIENT_ID, "another-client"]), IdTokenFault::AuthorizedParty),
        ("azp", json!("another-client"), IdTokenFault::AuthorizedParty),
        ("iss", json!("https://id.another.example"), IdTokenFault::Issuer),
        ("exp", json!(now - 30), IdTokenFault::Expired),
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
async fn a_provider_that_does_not_list_its_challenge_methods_is_sent_one_all_the_same() {
    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.metadata.remove("code_challenge_methods_supported"));
    // The fake provider checks that the challenge is there, and that the verifier fits.
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
        (Signing::Unsigned, IdTokenFault::Algorithm),
        (Signing::Secret, IdTokenFault::Algorithm),
        (Signing::Forged, IdTokenFault::Signature),
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
        assert_eq!(clinic.fault().await, IdTokenFault::Signature);
    }
    assert_eq!(requests(), 2);
    clinic.advance(Duration::from_secs(11));
    for _ in 0..5 {
        assert_eq!(clinic.fault().await, IdTokenFault::Signature);
    }
    assert_eq!(requests(), 3);
}

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
    assert_eq!(clinic.party.readiness(), [("clinic".parse().unwrap(), false)]);

    clinic.provider.script(|script| script.discovery = Behavior::Normal);
    clinic.advance(Duration::from_secs(3));
    let many = futures_util::future::join_all((0..20).map(|_| clinic.begin(None, None))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(requests(), 2);
    assert_eq!(clinic.party.readiness(), [("clinic".parse().unwrap(), true)]);
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
    for (code, reason) in
        [("invalid_grant", Reason::SignInInvalid), ("invalid_client", Reason::ProviderUnavailable)]
    {
        let clinic = Clinic::open().await;
        clinic.provider.script(|script| script.refusal = Some(code));
        let error = clinic.sign_in(None).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{code}");
        assert!(!format!("{error}{error:?}").contains("repeated"));
    }
}

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
        ("a weaker acr", json!({ "acr": "urn:clinic:password" }), need("mfa", None)),
        ("no acr", json!({}), need("mfa", None)),
        ("an acr that only looks alike", json!({ "acr": "urn:clinic:mfa " }), need("mfa", None)),
        (
            "an old sign-in",
            json!({ "acr": "urn:clinic:mfa", "auth_time": old }),
            need("mfa", Some(15 * MINUTE)),
        ),
        (
            "no auth_time",
            json!({ "acr": "urn:clinic:mfa", "auth_time": null }),
            need("mfa", Some(15 * MINUTE)),
        ),
        ("a scope that was not granted", json!({ "acr": "urn:clinic:mfa" }), need("export", None)),
    ];
    for (name, claims, need) in cases {
        let clinic = Clinic::open().await;
        for (claim, value) in claims.as_object().unwrap() {
            clinic.provider.claim(claim, value.clone());
        }
        let result = clinic.sign_in(Some(&need)).await;
        assert!(is_not_proven(&result), "{name}: {result:?}");
        let Err(AuthnError::AssuranceNotProven { class, return_to }) = result else { panic!("{name}") };
        assert_eq!((class, return_to.as_str()), (need.class, "/patients/7"), "{name}");
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
    for (sub, expected) in
        [("nurse-7", Previous::Same(session)), ("registrar-2", Previous::OfAnother(session))]
    {
        let subject = SubjectId { issuer: issuer.clone(), sub: sub.into() };
        let current = Some(Current { session, subject });
        let begun = clinic.begin_as(Some(&need("mfa", None)), None, current).await.unwrap();
        let query = clinic.provider.authorize(&begun.location);
        let finished = clinic.finish(&query, &binding_of(&begun)).await.unwrap();
        assert_eq!(finished.previous, expected);
    }
}

#[tokio::test]
async fn what_the_id_token_lacks_is_asked_of_userinfo() {
    let clinic = Clinic::with(|settings| {
        settings.claims.insert("location".to_owned(), "ward".to_owned());
        settings.claims.insert("roles".to_owned(), "realm_access.roles".to_owned());
        settings.claims.insert("shift".to_owned(), "shift".to_owned());
    })
    .await;
    clinic.provider.claim("groups", Value::Null);
    clinic.provider.claim("name", Value::Null);
    let userinfo = json!({
        "sub": "nurse-7", "name": "Nadia N. Nurse", "groups": "EHR-Nurses", "ward": ["7", 8],
        "realm_access": { "roles": ["clinical"] }, "acr": "urn:clinic:mfa", "iss": "https://id.another.example",
    });
    clinic.provider.script(|script| script.userinfo = userinfo.as_object().unwrap().clone());
    let finished = clinic.sign_in(None).await.unwrap();
    let subject = &finished.subject;
    assert_eq!(&*subject.name, "Nadia N. Nurse");
    assert_eq!(subject.groups, ["EHR-Nurses"]);
    assert_eq!(subject.attributes["location"], ["7", "8"]);
    assert_eq!(subject.attributes["roles"], ["clinical"]);
    assert!(!subject.attributes.contains_key("shift"), "unknown is not empty");
    assert_eq!(finished.assurance.acr, None, "userinfo proves no assurance");
    assert_eq!(clinic.provider.script(|script| script.userinfo_requests), 1);
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    for userinfo in
        [json!({ "sub": "registrar-2", "groups": ["EHR-Admins"] }), json!({ "groups": ["EHR-Admins"] })]
    {
        let clinic = Clinic::open().await;
        clinic.provider.claim("groups", Value::Null);
        clinic.provider.script(|script| script.userinfo = userinfo.as_object().unwrap().clone());
        let result = clinic.sign_in(None).await;
        assert!(matches!(result, Err(AuthnError::OtherSubject)), "{result:?}");
    }
}

#[tokio::test]
async fn a_pointer_to_the_groups_is_not_the_groups() {
    for (claim, value) in [
        ("_claim_names", json!({ "groups": "src1" })),
        ("hasgroups", json!(true)),
        ("groups", json!({ "too": "odd" })),
    ] {
        let clinic = Clinic::open().await;
        clinic.provider.claim("groups", Value::Null);
        clinic.provider.claim(claim, value);
        clinic.provider.script(|script| script.userinfo.insert("sub".to_owned(), json!("nurse-7")));
        let error = clinic.sign_in(None).await.unwrap_err();
        assert_eq!(error.reason(), Reason::GroupsIncomplete, "{claim}");
    }
}

#[tokio::test]
async fn four_hundred_groups_are_groups() {
    let clinic = Clinic::open().await;
    let groups: Vec<_> = (0..400).map(|number| format!("EHR-Group-{number:04}")).collect();
    clinic.provider.claim("groups", json!(groups));
    assert_eq!(clinic.sign_in(None).await.unwrap().subject.groups, groups);
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
async fn the_sign_out_at_the_provider_shows_who_and_where_to_go() {
    let clinic = Clinic::open().await;
    let name = "clinic".parse().unwrap();
    let hint = Secret::new("header.payload.signature".to_owned());
    let back = "https://ehr.clinic.example/.leastway/signed-out";
    let url = clinic.party.sign_out_url(&name, Some(&hint), back, clinic.clock.now()).await.unwrap();
    let url = url::Url::parse(&url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/sign-out");
    assert_eq!(query["theme"], "clinic");
    assert_eq!(query["id_token_hint"], hint.reveal());
    assert_eq!(query["post_logout_redirect_uri"], back);
    assert_eq!(query["client_id"], CLIENT_ID);

    // What is too long for a URL stays away.
    let long = Secret::new("x".repeat(9_700));
    let url = clinic.party.sign_out_url(&name, Some(&long), back, clinic.clock.now()).await.unwrap();
    assert!(!url.contains("id_token_hint"));

    let clinic = Clinic::open().await;
    clinic.provider.script(|script| script.metadata.remove("end_session_endpoint"));
    assert_eq!(clinic.party.sign_out_url(&name, Some(&hint), back, clinic.clock.now()).await, None);
}

#[test]
fn futures_may_be_sent_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let party = RelyingParty::new(Vec::new(), Arc::new(SeededEntropy::new(1))).unwrap();
    let now = Timestamp::default();
    is_send(&party.finish("", None, CALLBACK, now));
    is_send(&party.warm_up(now));
    is_send(&party.begin(
        SignIn {
            provider: &"clinic".parse().unwrap(),
            redirect_uri: CALLBACK,
            return_to: ReturnTo::new("/"),
            need: None,
            current: None,
            binding: None,
        },
        now,
    ));
}
