//! The provider of the machines: keys, signed tokens, and what it says of tokens that say nothing themselves.

use leastway::foundation::clock::{Clock as _, SystemClock};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use leastway::foundation::digest::Digest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The provider; it ends with the test.
#[derive(Clone)]
pub(super) struct Machines {
    pub(super) issuer: String,
    key: Arc<rcgen::KeyPair>,
    state: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    /// What is answered about each token; about others, that they are not active.
    about: HashMap<String, Value>,
    asked: usize,
    is_down: bool,
}

impl Machines {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let issuer = format!("http://machines.localhost:{}", listener.local_addr().unwrap().port());
        let key = Arc::new(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap());
        let machines = Self { issuer, key, state: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/introspect", post(introspect))
            .with_state(machines.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        machines
    }

    /// A signed token with these claims over the usual ones; `null` takes one away.
    pub(super) fn sign(&self, now: i64, kind: &str, changes: Value) -> String {
        let mut claims = json!({
            "iss": self.issuer, "aud": "urn:ehr", "sub": "billing-export", "client_id": "billing-export",
            "iat": now, "exp": now + 300, "jti": format!("marker-jti-{now}"),
        });
        let Value::Object(changes) = changes else { panic!("members") };
        for (name, value) in changes {
            claims[name] = value;
        }
        let claims: serde_json::Map<String, Value> =
            claims.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some(kind.to_owned());
        header.kid = Some("machines-1".to_owned());
        let key = jsonwebtoken::EncodingKey::from_ec_der(self.key.serialized_der());
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }

    /// What it says of a token from now on.
    pub(super) fn vouch(&self, token: &str, mut answer: Value) {
        answer.as_object_mut().unwrap().entry("iat").or_insert(SystemClock.now().as_seconds().into());
        self.state.lock().unwrap().about.insert(token.to_owned(), answer);
    }

    pub(super) fn is_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// How often it was asked about a token.
    pub(super) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

/// A program that holds a key (RFC 9449).
pub(super) struct Holder(rcgen::KeyPair);

impl Holder {
    pub(super) fn new() -> Self {
        Self(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
    }

    pub(super) fn thumbprint(&self) -> String {
        let [x, y] = coordinates(&self.0);
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Digest::of(text.as_bytes()).as_bytes())
    }

    /// The proof for a GET.
    pub(super) fn proof(&self, token: &str, url: &str, jti: &str, now: i64) -> String {
        let ath = URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes());
        let [x, y] = coordinates(&self.0);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(serde_json::from_value(jwk).unwrap());
        let claims = json!({ "htm": "GET", "htu": url, "iat": now, "jti": jti, "ath": ath });
        let key = jsonwebtoken::EncodingKey::from_ec_der(self.0.serialized_der());
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }
}

fn coordinates(key: &rcgen::KeyPair) -> [String; 2] {
    let point = key.public_key_raw();
    [URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65])]
}

async fn discovery(State(machines): State<Machines>) -> Json<Value> {
    let issuer = &machines.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(machines): State<Machines>) -> Json<Value> {
    let [x, y] = coordinates(&machines.key);
    Json(json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "machines-1",
        "x": x, "y": y,
    }] }))
}

async fn introspect(State(machines): State<Machines>, Form(form): Form<HashMap<String, String>>) -> Response {
    let (answer, is_down) = {
        let mut told = machines.state.lock().unwrap();
        told.asked += 1;
        (told.about.get(&form["token"]).cloned(), told.is_down)
    };
    // Long enough for those who ask at the same time to be there.
    tokio::time::sleep(Duration::from_millis(50)).await;
    if is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    Json(answer.unwrap_or(json!({ "active": false }))).into_response()
}
