//! Who signals: metadata, keys, signed tokens, and a queue that is polled (RFC 8936). It ends with the test.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use leastway::foundation::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What it is asked with.
pub(super) const OUR_TOKEN: &str = "what the gateway brings to the transmitter";
pub(super) const AUDIENCE: &str = "https://ehr.clinic.example";

#[derive(Clone)]
pub(super) struct Transmitter {
    pub(super) address: String,
    /// What its tokens and metadata say that it is.
    pub(super) issuer: Arc<Mutex<String>>,
    key: Arc<Mutex<(usize, Arc<rcgen::KeyPair>)>>,
    made: Arc<AtomicUsize>,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    told: Mutex<Told>,
    has_come: Notify,
}

#[derive(Default)]
struct Told {
    waiting: BTreeMap<String, String>,
    done: Vec<String>,
    refused: BTreeMap<String, String>,
    polls: usize,
    under_way: usize,
    most_under_way: usize,
    is_down: bool,
    /// Whether it goes on sending what was acknowledged.
    is_deaf: bool,
    /// How long it takes to give its keys.
    keys_after: Duration,
    /// What it was asked to verify: stream and state.
    verify: Vec<(String, String)>,
}

impl Transmitter {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://signals.localhost:{}", listener.local_addr().unwrap().port());
        let it = Self {
            issuer: Arc::new(Mutex::new(address.clone())),
            address,
            key: Arc::new(Mutex::new((1, new_key()))),
            made: Arc::default(),
            queue: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/ssf-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/verify", post(verify))
            .route("/poll", post(poll))
            .with_state(it.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        it
    }

    /// A token of this event about somebody, with claims over the usual ones.
    pub(super) fn sign(&self, event_type: &str, said: Value, subject: Value, changes: Value) -> String {
        let (id, key) = self.key.lock().unwrap().clone();
        self.sign_by(&key, &format!("signals-{id}"), "secevent+jwt", event_type, said, subject, changes)
    }

    /// The same by a key that nobody knows, under the name of one that is known.
    pub(super) fn forge(&self, event_type: &str, subject: Value) -> String {
        let id = self.key.lock().unwrap().0;
        let name = format!("signals-{id}");
        self.sign_by(&new_key(), &name, "secevent+jwt", event_type, json!({}), subject, json!({}))
    }

    /// The same as a token of another kind.
    pub(super) fn sign_as(&self, kind: &str, event_type: &str, subject: Value) -> String {
        let (id, key) = self.key.lock().unwrap().clone();
        self.sign_by(&key, &format!("signals-{id}"), kind, event_type, json!({}), subject, json!({}))
    }

    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "what makes a token, as it is written"
    )]
    fn sign_by(
        &self,
        key: &rcgen::KeyPair,
        name: &str,
        kind: &str,
        event_type: &str,
        said: Value,
        subject: Value,
        changes: Value,
    ) -> String {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let mut claims = json!({
            "iss": *self.issuer.lock().unwrap(), "aud": AUDIENCE, "iat": SystemClock.now().as_seconds(),
            "jti": format!("set-{number}"), "sub_id": subject, "events": { event_type: said },
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        (header.typ, header.kid) = (Some(kind.to_owned()), Some(name.to_owned()));
        let key = jsonwebtoken::EncodingKey::from_ec_der(key.serialized_der());
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }

    /// Signs by another key from now on.
    pub(super) fn rotate(&self) {
        let mut key = self.key.lock().unwrap();
        *key = (key.0 + 1, new_key());
    }

    /// Keeps a token until it is asked for, under its own name or another.
    pub(super) fn keep(&self, token: &str, name: Option<&str>) {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let name = name.unwrap_or_else(|| claims["jti"].as_str().unwrap());
        self.told().waiting.insert(name.to_owned(), token.to_owned());
        self.queue.has_come.notify_waiters();
    }

    /// Waits until nothing is kept any more; gives what was acknowledged, and what was not taken and why.
    pub(super) async fn emptied(&self) -> (Vec<String>, BTreeMap<String, String>) {
        for _ in 0..200 {
            {
                let told = self.told();
                if told.waiting.is_empty() {
                    return (told.done.clone(), told.refused.clone());
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("still waiting: {:?}", self.told().waiting.keys());
    }

    pub(super) fn is_down(&self, is_down: bool) {
        self.told().is_down = is_down;
    }

    pub(super) fn is_deaf(&self, is_deaf: bool) {
        self.told().is_deaf = is_deaf;
    }

    pub(super) fn keys_after(&self, wait: Duration) {
        self.told().keys_after = wait;
    }

    pub(super) fn polls(&self) -> usize {
        self.told().polls
    }

    pub(super) fn most_under_way(&self) -> usize {
        self.told().most_under_way
    }

    pub(super) fn asked_to_verify(&self) -> Vec<(String, String)> {
        self.told().verify.clone()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.queue.told.lock().unwrap()
    }
}

fn new_key() -> Arc<rcgen::KeyPair> {
    Arc::new(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
}

async fn metadata(State(it): State<Transmitter>) -> Json<Value> {
    let address = &it.address;
    Json(json!({
        "spec_version": "1_0", "issuer": *it.issuer.lock().unwrap(), "jwks_uri": format!("{address}/keys"),
        "verification_endpoint": format!("{address}/verify"),
    }))
}

async fn keys(State(it): State<Transmitter>) -> Json<Value> {
    let wait = it.told().keys_after;
    tokio::time::sleep(wait).await;
    let (id, key) = it.key.lock().unwrap().clone();
    let point = key.public_key_raw();
    let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": format!("signals-{id}"),
        "x": coordinate(1..33), "y": coordinate(33..65),
    }] }))
}

fn is_ours(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|brought| brought == &format!("Bearer {OUR_TOKEN}"))
}

async fn verify(State(it): State<Transmitter>, headers: HeaderMap, Json(asked): Json<Value>) -> StatusCode {
    if !is_ours(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    let text = |name: &str| asked[name].as_str().unwrap().to_owned();
    it.told().verify.push((text("stream_id"), text("state")));
    StatusCode::NO_CONTENT
}

async fn poll(State(it): State<Transmitter>, headers: HeaderMap, Json(asked): Json<Value>) -> Response {
    if !is_ours(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    {
        let mut told = it.told();
        told.polls += 1;
        if told.is_down {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        told.under_way += 1;
        told.most_under_way = told.most_under_way.max(told.under_way);
        for id in asked["ack"].as_array().into_iter().flatten() {
            let id = id.as_str().unwrap().to_owned();
            if !told.is_deaf {
                told.waiting.remove(&id);
            }
            told.done.push(id);
        }
        for (id, why) in asked["setErrs"].as_object().into_iter().flatten() {
            told.waiting.remove(id);
            told.refused.insert(id.clone(), why["err"].as_str().unwrap().to_owned());
        }
    }
    let has_come = it.queue.has_come.notified();
    if it.told().waiting.is_empty() && asked["returnImmediately"] == json!(false) {
        let _come = tokio::time::timeout(Duration::from_secs(20), has_come).await;
    }
    let mut told = it.told();
    told.under_way -= 1;
    Json(json!({ "sets": told.waiting, "moreAvailable": false })).into_response()
}
