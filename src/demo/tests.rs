//! The clinic as its people and programs meet it: over its own ports, with its own certificates.

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

#[tokio::test]
async fn every_export_has_the_records_that_it_says() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let report = stage.ehr("/reports/patients");

    let posted = browser.submit(&report, &[("ward", ""), ("export", "csv")]).await.unwrap();
    let linked = browser.open(&format!("{report}?export=csv")).await.unwrap();
    assert_eq!(posted.header("content-encoding"), "gzip");
    assert_eq!(posted.body, linked.body);
    let records = csv::Reader::from_reader(&*posted.body).into_records().map(Result::unwrap).count();
    assert_eq!(records, patients::PATIENTS);
    assert!(posted.text().lines().count() > patients::PATIENTS + 1, "some records have two lines");

    let east = browser.submit(&report, &[("ward", "East"), ("export", "csv")]).await.unwrap();
    let records: Vec<_> = csv::Reader::from_reader(&*east.body).into_records().map(Result::unwrap).collect();
    assert!(!records.is_empty() && records.iter().all(|record| &record[3] == "East"));

    for (url, pointer, count) in [
        ("/api/patients.json?limit=700", "/patients", 700),
        ("/api/patients.json", "/patients", 100),
        ("/fhir/Patient?_count=30", "/entry", 31),
        ("/fhir/Observation?_count=12", "/entry", 13),
        ("/fhir/Observation?patient=100001", "/entry", 4),
    ] {
        let reply = browser.open(&stage.ehr(url)).await.unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body.pointer(pointer).unwrap().as_array().unwrap().len(), count, "{url}");
    }

    for (export, member) in [("zip", "patients.csv"), ("xlsx", "xl/worksheets/sheet1.xml")] {
        let reply = browser.submit(&report, &[("export", export)]).await.unwrap();
        let mut archive = zip::ZipArchive::new(io::Cursor::new(reply.body)).unwrap();
        let text = io::read_to_string(archive.by_name(member).unwrap()).unwrap();
        let records =
            if export == "zip" { text.matches("\r\n").count() } else { text.matches("<row>").count() };
        assert_eq!(records, patients::PATIENTS + 1, "{export}");
    }
}

#[tokio::test]
async fn a_note_is_posted_and_shown_and_cannot_become_markup() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let note = [("text", "slept well <script>alert(1)</script>")];
    let chart = browser.submit(&stage.ehr("/patients/100001/notes"), &note).await.unwrap();
    assert_eq!(chart.url.path(), "/patients/100001/chart");
    assert!(chart.text().contains("slept well &lt;script&gt;"));
    assert!(!chart.text().contains("<script>"));
    assert!(chart.text().contains("Opened without Leastway"));
}

#[tokio::test]
async fn the_console_echoes_deletes_and_gives_its_configuration() {
    let stage = Stage::new().await;
    let mut browser = stage.browser();
    let console = |path: &str| format!("http://{}{path}", stage.clinic.console());
    let echo = browser.converse(&console("/live/socket"), "hello", "echo: ").await.unwrap().unwrap();
    assert_eq!(echo, "echo: hello");

    let all = browser.open(&console("/messages.csv")).await.unwrap();
    assert_eq!(all.text().matches("\r\n").count(), 1 + 140);
    browser.submit(&console("/queues/radiology/delete"), &[]).await.unwrap();
    let fewer = browser.open(&console("/messages.csv")).await.unwrap();
    assert_eq!(fewer.text().matches("\r\n").count(), 1 + 87);
    assert_eq!(browser.submit(&console("/queues/none/delete"), &[]).await.unwrap().status, 404);

    let configuration = browser.open(&console("/configuration.json")).await.unwrap();
    let configuration: Value = serde_json::from_slice(&configuration.body).unwrap();
    assert_eq!(configuration["channels"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = listen("the EHR", port).await.unwrap_err().to_string();
    assert!(error.contains("the EHR") && error.contains(&port.to_string()), "{error}");
}

#[test]
fn what_is_in_the_work_directory_stays_and_secrets_are_for_the_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(crate::foundation::clock::SystemClock.now());
    let entropy = SeededEntropy::new(1);
    let directory = WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    let authority = std::fs::read(directory.authority()).unwrap();
    std::fs::write(folder.path().join("roles.toml"), "# mine").unwrap();

    WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("roles.toml")).unwrap(), "# mine");
    assert_eq!(std::fs::read(directory.authority()).unwrap(), authority);

    clock.advance(Duration::from_secs(301 * 24 * 60 * 60));
    WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    assert_ne!(std::fs::read(directory.authority()).unwrap(), authority, "old certificates are made anew");

    #[cfg(unix)]
    for name in ["certs/gateway.key", "certs/provider.key", "secrets/client-secret", "secrets/control-token"]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn the_shipped_configuration_is_all_embedded() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut folders = vec![shipped.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(&shipped).unwrap().to_str().unwrap().to_owned();
            assert!(work_directory::CONFIGURATION.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_tour_through_nothing_says_that_it_failed() {
    let stage = Stage::new().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let ports = Ports { gateway: closed, ..Ports::SHIPPED };
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&stage.clock);
    let mut out = Vec::new();
    let mut tour =
        tour::Tour::new(&stage.directory, &stage.clinic, ports, clock, Arc::clone(&stage.entropy), &mut out);
    tour.visit().await.unwrap();
    assert!(matches!(tour.prove().unwrap(), tour::Verdict::Failed { steps } if steps > 5));
    assert!(!String::from_utf8(out).unwrap().contains("OK    "));
}
