//! A person, their browser and a provider that does as a test tells it.

mod access_tokens;
mod clients;
mod id_tokens;
mod logout_tokens;
mod people;
mod proofs;
mod providers;
mod responses;
mod step_up;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::client::{AssertionAudience, ClientCredential, ClientKey};
use super::fake_provider::{Behavior, CLIENT_ID, CLIENT_SECRET, FakeProvider, Signing, SigningKey, TIMEOUT};
use super::settings::{AccessTokenType, Ask, ClassSettings, LoginAgain, Proof, ProviderSettings};
use super::*;
use crate::domain::assurance::{AssuranceNeed, Lack};
use crate::domain::reason::Reason;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::{Clock as _, TestClock};
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::signed_token::TokenFault;

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
            again: Again::No,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            binding,
            held: None,
            login_hint: None,
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
        title: "Clinic".to_owned(),
        domains: Vec::new(),
        issuer: issuer.into(),
        client_id: CLIENT_ID.to_owned(),
        credential: ClientCredential::Secret(Secret::new(CLIENT_SECRET.to_owned())),
        pushed_requests: true,
        own_callback: false,
        scopes: texts(&["openid", "profile"]),
        claims: BTreeMap::from([("groups".to_owned(), "groups".to_owned())]),
        has_directory_groups: false,
        access_token_type: AccessTokenType::AtJwt,
        assurance: BTreeMap::from([("mfa".parse().unwrap(), mfa), ("export".parse().unwrap(), by_scope)]),
        login_again: LoginAgain::Both,
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

/// What is asked of the provider of somebody who has to authenticate again.
async fn asked_again(
    login_again: LoginAgain,
    need: Option<&AssuranceNeed>,
    again: Again,
) -> (Option<String>, Option<String>) {
    let clinic = Clinic::with(|settings| settings.login_again = login_again).await;
    let sign_in = SignIn {
        provider: &"clinic".parse().unwrap(),
        redirect_uri: CALLBACK,
        return_to: ReturnTo::new("/"),
        need,
        current: None,
        again,
        client: std::net::Ipv4Addr::LOCALHOST.into(),
        binding: None,
        held: None,
        login_hint: None,
    };
    let begun = clinic.party.begin(sign_in, clinic.clock.now()).await.unwrap();
    let mut asked = asked(&begun);
    (asked.remove("prompt"), asked.remove("max_age"))
}

#[tokio::test]
async fn a_fresh_sign_in_is_asked_for_as_the_provider_needs_it() {
    use LoginAgain::{Both, MaxAge, Prompt};
    type Case = (LoginAgain, Again, Option<&'static str>, Option<&'static str>);
    let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    let locked = Again::Since(now.minus(5 * MINUTE));
    let cases: [Case; 8] = [
        (Both, Again::No, None, None),
        (Both, locked, Some("login"), Some("300")),
        (MaxAge, locked, None, Some("300")),
        (Prompt, locked, Some("login"), None),
        (Both, Again::Since(now), Some("login"), Some("1")),
        (Both, Again::Always, Some("login"), Some("1")),
        (MaxAge, Again::Always, None, Some("1")),
        (Prompt, Again::Always, Some("login"), None),
    ];
    for (login_again, again, prompt, max_age) in cases {
        let asked = asked_again(login_again, None, again).await;
        assert_eq!((asked.0.as_deref(), asked.1.as_deref()), (prompt, max_age), "{login_again} {again:?}");
    }
    // A step-up under a lock: the fresher of both, and `prompt` once.
    let (_, max_age) = asked_again(Both, Some(&need("mfa", Some(2 * MINUTE))), locked).await;
    assert_eq!(max_age.as_deref(), Some("90"), "less by what the clocks may differ");
    let (prompt, _) = asked_again(Both, Some(&need("export", None)), locked).await;
    assert_eq!(prompt.as_deref(), Some("login"));
}

#[tokio::test]
async fn when_somebody_authenticated_is_told_as_late_as_the_clocks_allow_or_not_at_all() {
    let clinic = Clinic::open().await;
    let told = clinic.clock.now().minus(10 * MINUTE);
    clinic.provider.claim("auth_time", json!(told.as_seconds()));
    let finished = clinic.sign_in(None).await.unwrap();
    assert_eq!(finished.authenticated, Some(told.plus(Duration::from_secs(30))));
    clinic.provider.claim("auth_time", Value::Null);
    assert_eq!(clinic.sign_in(None).await.unwrap().authenticated, None);
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
            again: Again::No,
            client: std::net::Ipv4Addr::LOCALHOST.into(),
            binding: None,
            held: None,
            login_hint: None,
        },
        now,
    ));
}
