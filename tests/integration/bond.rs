//! What a session is bound to beside its cookie: a copy of the cookie is worth nothing where that is not shown.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leastway::demo::browser::Browser;
use leastway::domain::device::BoundTo;
use leastway::domain::event::Event;
use leastway::domain::revocation::{Cause, Target};
use leastway::features::session::device_key::first_challenge;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use leastway::foundation::entropy::SystemEntropy;
use leastway::foundation::id::SessionId;
use serde_json::{Value, json};

use crate::house::{House, Neighbors, edit};
use crate::line::{Came, Line, Protocol};

const PATH: &str = "/.leastway/device-key";
const PAGE: &str = "/patients/100001";
const MINUTE: Duration = Duration::from_secs(60);
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A browser as far as this is about it: a line, cookies, and a key that does not leave it.
struct Device {
    line: Line,
    cookies: Vec<String>,
    key: rcgen::KeyPair,
}

impl Device {
    async fn new(house: &House, session: &str) -> Self {
        let line = house.line("ehr.localhost", Protocol::Http1).await;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { line, cookies: vec![session.to_owned()], key }
    }

    async fn page(&mut self) -> (u16, String) {
        let cookies = self.cookies.join("; ");
        let came = self.line.ask(PAGE, &[("cookie", &*cookies)]).await;
        (came.status.as_u16(), came.reason().to_owned())
    }

    /// Posts to the path for keys, and keeps the cookie that comes back.
    async fn post(&mut self, fields: &[(&str, &str)]) -> Came {
        let came = self.line.post(PATH, fields, b"").await;
        if let Some(cookie) = came.headers.get("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            assert!(pair.starts_with("__Host-leastway-k-"), "{pair}");
            self.cookies.truncate(1);
            self.cookies.push(pair.to_owned());
        }
        came
    }

    fn proof(&self, challenge: &str) -> String {
        sign(&self.key, challenge, true)
    }

    async fn bind(&mut self, challenge: &str) -> Came {
        let proof = format!("\"{}\"", self.proof(challenge));
        self.post(&[("secure-session-response", &proof), ("origin", "https://id.clinic.example")]).await
    }

    async fn prove(&mut self, session: &str, challenge: &str) -> Came {
        let (named, proof) = (format!("\"{session}\""), sign(&self.key, challenge, false));
        self.post(&[("sec-secure-session-id", &named), ("secure-session-response", &proof)]).await
    }
}

fn sign(key: &rcgen::KeyPair, challenge: &str, shows: bool) -> String {
    let point = key.public_key_raw();
    let [x, y] = [&point[1..33], &point[33..65]].map(|half| URL_SAFE_NO_PAD.encode(half));
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.typ = Some("dbsc+jwt".to_owned());
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    header.jwk = shows.then(|| serde_json::from_value(jwk).unwrap());
    let key = jsonwebtoken::EncodingKey::from_ec_der(key.serialized_der());
    jsonwebtoken::encode(&header, &json!({ "jti": challenge }), &key).unwrap()
}

fn field<'c>(came: &'c Came, name: &str) -> &'c str {
    came.headers[name].to_str().unwrap()
}

/// What stands in quotes after `name`, or first.
fn quoted<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("{name}\"")).unwrap();
    rest.split('"').next().unwrap()
}

async fn open() -> (House, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    (House::open_at(clock.clone(), Neighbors::All, |_| {}).await, clock)
}

/// The cookie of somebody who is signed in, and what their browser is asked.
async fn signed_in(house: &House, clock: &TestClock) -> (String, String) {
    let cookie = house.cookie_of("nurse").await;
    let shared = &house.running.shared;
    let session = shared.sessions.list(1, clock.now())[0].id;
    (cookie, first_challenge(&shared.words, session, clock.now()))
}

fn notes(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| event.opening.note.as_deref()).collect()
}

#[tokio::test]
async fn a_session_that_is_bound_to_a_key_is_nothing_without_it() {
    let (house, clock) = open().await;
    let (cookie, challenge) = signed_in(&house, &clock).await;
    let mut device = Device::new(&house, &cookie).await;
    let mut thief = Device::new(&house, &cookie).await;

    let bound = device.bind(&challenge).await;
    assert_eq!(bound.status, 200, "{}", bound.text);
    let told: Value = serde_json::from_str(&bound.text).unwrap();
    let session = told["session_identifier"].as_str().unwrap().to_owned();
    let listed = house.running.shared.sessions.list(1, clock.now());
    assert_eq!((&*session, &*listed[0].bound_to), (&*listed[0].id.to_string(), &[BoundTo::DeviceKey][..]));
    assert_eq!(told["credentials"][0]["name"], format!("__Host-leastway-k-{session}"));
    // What was under way comes without, from the same browser.
    assert_eq!(thief.page().await.0, 200);
    let other = thief.line.ask(PAGE, &[("cookie", &cookie), ("user-agent", FIREFOX)]).await;
    assert_eq!((other.status.as_u16(), other.reason()), (401, "session-elsewhere"));

    clock.advance(2 * MINUTE);
    assert_eq!(device.page().await.0, 200);
    assert_eq!(thief.page().await, (401, "session-elsewhere".to_owned()));
    let again = thief.bind(&challenge).await;
    assert_eq!((again.status.as_u16(), again.reason()), (400, "session-elsewhere"), "bound once and for all");

    // The cookie ends; the key gives another.
    clock.advance(10 * MINUTE);
    assert_eq!(device.page().await.1, "session-elsewhere");
    let next = quoted(field(&bound, "secure-session-challenge"), "").to_owned();
    assert_eq!(thief.prove(&session, &next).await.status, 400, "by another key");
    let renewed = device.prove(&session, &next).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    assert_eq!(device.page().await.0, 200);
    assert_eq!(device.prove(&session, &next).await.status, 403, "a challenge counts once");

    let events = house.stop().await;
    let notes = notes(&events);
    assert!(notes.iter().any(|note| note.contains("not signed by the key")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains(&session) && note.ends_with("device_key")), "{notes:?}");
}

#[tokio::test]
async fn a_session_that_is_bound_to_a_key_goes_on_while_patients_get_another_name() {
    let (house, clock) = open().await;
    let (cookie, challenge) = signed_in(&house, &clock).await;
    let mut device = Device::new(&house, &cookie).await;
    let bound = device.bind(&challenge).await;
    let told: Value = serde_json::from_str(&bound.text).unwrap();
    let session = told["session_identifier"].as_str().unwrap().to_owned();
    clock.advance(2 * MINUTE);
    assert_eq!(device.page().await.0, 200);
    let before = house.running.shared.journal.patient_key().digest(&[b"a patient"]);
    drop(device.line);

    house.running.shared.journal.renew_patient_key(&SystemEntropy).unwrap();
    let house = house.restart().await;
    let after = house.running.shared.journal.patient_key().digest(&[b"a patient"]);
    assert_ne!(before, after, "they have");
    device.line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(device.page().await, (200, String::new()), "by the cookie from before");
    clock.advance(10 * MINUTE);
    assert_eq!(device.page().await.1, "session-elsewhere");
    let next = quoted(field(&bound, "secure-session-challenge"), "").to_owned();
    assert_eq!(device.prove(&session, &next).await.status, 200, "and by the challenge");
    assert_eq!(device.page().await.0, 200);
    drop(device);
    house.stop().await;
}

#[tokio::test]
async fn a_browser_that_slept_is_asked_again_and_one_whose_session_is_over_is_told() {
    let (house, clock) = open().await;
    let (cookie, challenge) = signed_in(&house, &clock).await;
    let mut device = Device::new(&house, &cookie).await;
    let bound = device.bind(&challenge).await;
    let told: Value = serde_json::from_str(&bound.text).unwrap();
    let session = told["session_identifier"].as_str().unwrap().to_owned();
    let old = quoted(field(&bound, "secure-session-challenge"), "").to_owned();

    clock.advance(121 * MINUTE);
    let stale = device.prove(&session, &old).await;
    assert_eq!(stale.status, 403);
    let field = field(&stale, "secure-session-challenge").to_owned();
    assert_eq!(quoted(&field, "id="), session);
    assert_eq!(device.prove(&session, quoted(&field, "")).await.status, 200, "also while it is locked");

    house.sign_out(&cookie).await;
    let over = device.post(&[("sec-secure-session-id", &format!("\"{session}\""))]).await;
    assert_eq!((over.status.as_u16(), &*over.text), (200, "{\"continue\":false}"));
    house.stop().await;
}

/// A browser that does not have the key to which its session is bound, after a while.
async fn without_its_key(house: &House, clock: &TestClock, wait: Duration) -> (Browser, SessionId) {
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/", house.ehr())).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "nurse").await.status, 200);
    let shared = &house.running.shared;
    let session = shared.sessions.list(1, clock.now())[0].id;
    let challenge = first_challenge(&shared.words, session, clock.now());
    assert_eq!(Device::new(house, "").await.bind(&challenge).await.status, 200);
    clock.advance(wait);
    (browser, session)
}

#[tokio::test]
async fn whoever_signs_in_where_the_session_cannot_be_shown_goes_on_in_another_and_that_one_ends() {
    let (house, clock) = open().await;
    let (mut browser, before) = without_its_key(&house, &clock, 2 * MINUTE).await;
    let page = browser.open(&format!("{}{PAGE}", house.ehr())).await.unwrap();
    assert_eq!(page.status, 200, "the provider knows them: {}", page.text());
    let listed = house.running.shared.sessions.list(9, clock.now());
    assert_eq!(listed.len(), 1, "none is left beside");
    assert_ne!(listed[0].id, before);
    let events = house.stop().await;
    let ended = events.iter().filter_map(|event| event.opening.revocation.as_ref());
    let causes: Vec<_> = ended.map(|it| (it.cause, it.target.clone())).collect();
    assert_eq!(causes, [(Cause::Elsewhere, Target::Session(before))]);
}

#[tokio::test]
async fn that_a_session_cannot_be_shown_gets_nobody_around_its_lock() {
    let (house, clock) = open().await;
    let (mut browser, locked) = without_its_key(&house, &clock, 20 * MINUTE).await;
    let page = browser.open(&format!("{}{PAGE}", house.ehr())).await.unwrap();
    assert_eq!((page.status.as_u16(), page.header("x-leastway-reason")), (403, "auth-too-old"));
    let listed = house.running.shared.sessions.list(9, clock.now());
    assert_eq!(listed.iter().map(|it| (it.id, it.locked)).collect::<Vec<_>>(), [(locked, true)]);
    house.stop().await;
}

#[tokio::test]
async fn what_we_did_not_ask_binds_nothing() {
    let (house, clock) = open().await;
    let (cookie, challenge) = signed_in(&house, &clock).await;
    let mut device = Device::new(&house, &cookie).await;
    let (mut other, mut shorter) = (challenge.clone(), challenge.clone());
    shorter.pop();
    other.replace_range(..1, if challenge.starts_with('0') { "1" } else { "0" });
    for text in ["", "x", "a.b.c", &*other, &*shorter] {
        assert_eq!(device.bind(text).await.status, 400, "{text}");
    }
    let unsigned = device.proof(&challenge);
    let (said, _) = unsigned.rsplit_once('.').unwrap();
    for sent in ["", "\"\"", "x.y.z", said, &format!("{said}.AAAA"), &sign(&device.key, &challenge, false)] {
        assert_eq!(device.post(&[("secure-session-response", sent)]).await.status, 400, "{sent}");
    }
    assert_eq!(device.post(&[]).await.status, 400);
    assert_eq!(device.post(&[("sec-secure-session-id", "\"none\"")]).await.status, 400);
    clock.advance(6 * MINUTE);
    assert_eq!(device.bind(&challenge).await.status, 400, "too late");
    assert_eq!(device.page().await.0, 200, "it is not bound to a key");
    house.stop().await;
}

#[tokio::test]
async fn without_a_key_the_browser_has_to_be_the_same() {
    let house = House::furnish(Neighbors::All, |clinic| {
        edit(&clinic.configuration(), "[session]", "[session]\nbound_to = [\"browser\"]");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let sessions = &house.running.shared.sessions;
    assert_eq!(sessions.list(1, SystemClock.now())[0].bound_to, [BoundTo::Browser]);
    let mut device = Device::new(&house, &cookie).await;
    assert_eq!(device.page().await.0, 200);
    let came = device.line.ask(PAGE, &[("cookie", &cookie), ("user-agent", FIREFOX)]).await;
    assert_eq!((came.status.as_u16(), came.reason()), (401, "session-elsewhere"));
    assert_eq!(device.page().await.0, 200, "the session goes on where it is");
    let events = house.stop().await;
    assert!(notes(&events).iter().any(|note| note.ends_with("not shown: browser")));
}
