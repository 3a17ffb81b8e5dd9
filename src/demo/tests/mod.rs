//! The clinic as its people and programs meet it: over its own ports, with its own certificates.

mod applications;
mod directory;
mod identity;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;

use super::browser::{Browser, Caller, Reply, form_fields};
use super::people::{Person, totp_step};
use super::*;
use crate::foundation::clock::TestClock;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;

const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
const CALLBACK: &str = "https://ehr.localhost:8443/.leastway/callback";

/// An open clinic on ports of its own, with a clock that stands still.
struct Stage {
    directory: WorkDirectory,
    clinic: Clinic,
    clock: Arc<TestClock>,
    entropy: Arc<dyn Entropy>,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The certificates are checked against the machine's clock, so the stage begins there.
        let clock = Arc::new(TestClock::at(crate::foundation::clock::SystemClock.now()));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let directory = WorkDirectory::prepare(folder.path(), &*clock, &*entropy).unwrap();
        let ports = Ports { provider: 0, ehr: 0, console: 0, ..Ports::SHIPPED };
        let dynamic: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let clinic = Clinic::open(&directory, ports, dynamic, Arc::clone(&entropy)).await.unwrap();
        Self { directory, clinic, clock, entropy, _folder: folder }
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.directory, Arc::clone(&self.entropy)).unwrap()
    }

    fn issuer(&self) -> String {
        format!("https://id.localhost:{}", self.clinic.provider().port())
    }

    fn ehr(&self, path: &str) -> String {
        format!("http://{}{path}", self.clinic.ehr())
    }

    fn authorize(&self, more: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(VERIFIER.as_bytes()).as_bytes());
        let mut url = Url::parse(&format!("{}/authorize", self.issuer())).unwrap();
        let defaults = [
            ("client_id", "leastway"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile groups"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let kept = defaults.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        url.query_pairs_mut()
            .extend_pairs(kept)
            .extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
        url.to_string()
    }

    async fn password(&self, browser: &mut Browser, page: &Reply, person: &Person) -> Reply {
        self.post(browser, page, "/sign-in", &[("username", person.username), ("password", person.password)])
            .await
    }

    async fn code(&self, browser: &mut Browser, page: &Reply, code: &str) -> Reply {
        self.post(browser, page, "/second-factor", &[("code", code)]).await
    }

    async fn post(
        &self,
        browser: &mut Browser,
        page: &Reply,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Reply {
        let ticket = form_fields(&page.text(), action).expect("the form")["ticket"].clone();
        let fields: Vec<_> = fields.iter().copied().chain([("ticket", ticket.as_str())]).collect();
        browser.submit_once(&format!("{}{action}", self.issuer()), &fields).await.unwrap()
    }

    async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let secret = self.directory.client_secret().unwrap();
        let defaults = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", "leastway"),
            ("client_secret", secret.reveal()),
        ];
        let kept = defaults.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let fields: Vec<_> = kept.chain(more.iter().copied()).collect();
        let reply = self.browser().submit_once(&format!("{}/token", self.issuer()), &fields).await.unwrap();
        (reply.status.as_u16(), serde_json::from_slice(&reply.body).unwrap())
    }

    async fn claims(&self, back: &Reply) -> Value {
        let (status, tokens) = self.redeem(&returned(back, "code"), &[]).await;
        assert_eq!(status, 200, "{tokens}");
        let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }
}

/// A parameter of the redirect back to the client; empty if it is not there.
fn returned(reply: &Reply, name: &str) -> String {
    let Ok(back) = Url::parse(reply.header("location")) else { return String::new() };
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn person(username: &str) -> &'static Person {
    Person::named(username).unwrap()
}
