//! A provider that does as a test tells it, on loopback: discovery, keys, tokens, userinfo.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

pub(super) const CLIENT_ID: &str = "leastway";
pub(super) const CLIENT_SECRET: &str = "s3cret/of:us";

/// Our key, for providers that know its public half.
pub(super) static CLIENT_KEY: LazyLock<rcgen::KeyPair> =
    LazyLock::new(|| rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap());

/// How one endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    Normal,
    Silent,
    Huge,
    Redirect,
    Error,
    Nonsense,
}

/// How the provider signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    Es256,
    /// `alg: none`.
    Unsigned,
    /// HS256 with the client's secret.
    Secret,
    /// ES256 under the right key id, by a key that nobody knows.
    Forged,
}

/// What a test may change.
pub(super) struct Script {
    pub(super) now: Timestamp,
    pub(super) metadata: Map<String, Value>,
    pub(super) discovery: Behavior,
    pub(super) keys: Behavior,
    pub(super) tokens: Behavior,
    pub(super) pushes: Behavior,
    /// The status and the error by which pushed requests are refused.
    pub(super) push_refusal: Option<(u16, &'static str)>,
    /// The audience of assertions that are believed, instead of the client's secret.
    pub(super) assertions_for: Option<String>,
    /// The header and claims of the last assertion.
    pub(super) asserted: Option<(jsonwebtoken::Header, Value)>,
    /// The requests that were pushed, by reference.
    pub(super) pushed: HashMap<String, HashMap<String, String>>,
    pub(super) signing: Signing,
    /// Claims put into the ID token, over the usual ones; null takes one away.
    pub(super) claims: Map<String, Value>,
    pub(super) userinfo: Map<String, Value>,
    /// The token response's `scope`.
    pub(super) scope: Option<String>,
    /// The status and the error by which the token endpoint refuses.
    pub(super) refusal: Option<(u16, &'static str)>,
    pub(super) key: SigningKey,
    /// The keys that it publishes beside one of a kind that nobody knows; its own where none are named.
    pub(super) published: Option<Vec<Value>>,
    codes: HashMap<String, Grant>,
    pub(super) key_requests: usize,
    pub(super) discovery_requests: usize,
    pub(super) userinfo_requests: usize,
    pub(super) introspection: Behavior,
    /// What introspection answers about every token.
    pub(super) answer: Value,
    /// The forms that introspection was asked with.
    pub(super) introspected: Vec<HashMap<String, String>>,
}

/// What the authorization endpoint was asked, remembered under the code that it gave.
struct Grant {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

#[derive(Clone)]
pub(super) struct SigningKey {
    id: String,
    pair: Arc<rcgen::KeyPair>,
}

impl SigningKey {
    pub(super) fn new(id: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self { id: id.to_owned(), pair: Arc::new(pair) }
    }

    pub(super) fn jwk(&self) -> Value {
        let point = self.pair.public_key_raw();
        let coordinate = |range| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": coordinate(1..33), "y": coordinate(33..65),
        })
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        self.sign_as(Some("JWT"), claims)
    }

    pub(super) fn sign_as(&self, kind: Option<&str>, claims: &Map<String, Value>) -> String {
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = kind.map(str::to_owned);
        header.kid = Some(self.id.clone());
        let key = jsonwebtoken::EncodingKey::from_ec_der(self.pair.serialized_der());
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    }
}

#[derive(Clone)]
pub(super) struct FakeProvider {
    pub(super) issuer: String,
    script: Arc<Mutex<Script>>,
}

impl FakeProvider {
    pub(super) async fn start(now: Timestamp) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://id.localhost:{}", listener.local_addr().unwrap().port());
        let script = Script {
            now,
            metadata: metadata(&issuer),
            discovery: Behavior::Normal,
            keys: Behavior::Normal,
            tokens: Behavior::Normal,
            pushes: Behavior::Normal,
            push_refusal: None,
            assertions_for: None,
            asserted: None,
            pushed: HashMap::new(),
            signing: Signing::Es256,
            claims: Map::new(),
            userinfo: Map::new(),
            scope: Some("openid profile".to_owned()),
            refusal: None,
            key: SigningKey::new("key-1"),
            published: None,
            codes: HashMap::new(),
            key_requests: 0,
            discovery_requests: 0,
            userinfo_requests: 0,
            introspection: Behavior::Normal,
            answer: json!({ "active": false }),
            introspected: Vec::new(),
        };
        let fake = Self { issuer, script: Arc::new(Mutex::new(script)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .route("/introspect", post(introspect))
            .route("/push", post(push))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// Reads or changes the script.
    pub(super) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap())
    }

    /// Puts a claim into the ID tokens to come; null takes one away.
    pub(super) fn claim(&self, name: &str, value: Value) {
        self.script(|script| script.claims.insert(name.to_owned(), value));
    }

    /// The person signs in: what the provider's authorization endpoint sends the browser back with.
    pub(super) fn authorize(&self, location: &str) -> String {
        let asked = url::Url::parse(location).unwrap();
        assert!(location.starts_with(&format!("{}/authorize?", self.issuer)), "{location}");
        let asked: HashMap<String, String> = asked.query_pairs().into_owned().collect();
        assert_eq!(asked["client_id"], CLIENT_ID);
        let asked = match asked.get("request_uri") {
            Some(reference) => {
                assert_eq!(asked.len(), 2, "a reference and nothing beside it");
                self.script(|script| script.pushed.remove(reference)).unwrap()
            }
            None => asked,
        };
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = format!("code-{}", asked["state"]);
        let grant = Grant {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
        };
        self.script(|script| script.codes.insert(code.clone(), grant));
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", &self.issuer)
            .finish()
    }
}

fn metadata(issuer: &str) -> Map<String, Value> {
    let metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/sign-out?theme=clinic"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "HS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
    });
    metadata.as_object().unwrap().clone()
}

async fn behave(behavior: Behavior, normal: impl FnOnce() -> Response) -> Response {
    match behavior {
        Behavior::Normal => normal(),
        Behavior::Silent => std::future::pending().await,
        Behavior::Huge => "x".repeat(2 * 1024 * 1024).into_response(),
        Behavior::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1:1/")], "").into_response()
        }
        // Glewlwyd answers so to a refresh that was used twice: 400 and nothing.
        Behavior::Error => StatusCode::BAD_REQUEST.into_response(),
        Behavior::Nonsense => json_reply(&json!({ "surprise": true })),
    }
}

fn json_reply(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn discovery(State(fake): State<FakeProvider>) -> Response {
    let (behavior, metadata) = fake.script(|script| {
        script.discovery_requests += 1;
        (script.discovery, Value::Object(script.metadata.clone()))
    });
    behave(behavior, || json_reply(&metadata)).await
}

async fn keys(State(fake): State<FakeProvider>) -> Response {
    let (behavior, published) = fake.script(|script| {
        script.key_requests += 1;
        (script.keys, script.published.clone().unwrap_or_else(|| vec![script.key.jwk()]))
    });
    // A key of a kind that nobody knows yet must not spoil the others.
    let keys = [vec![json!({ "kty": "LATTICE", "kid": "pq-1" })], published].concat();
    behave(behavior, || json_reply(&json!({ "keys": keys }))).await
}

async fn token(
    State(fake): State<FakeProvider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let behavior = fake.script(|script| script.tokens);
    behave(behavior, || fake.script(|script| exchange(script, &fake.issuer, &headers, &form))).await
}

fn exchange(
    script: &mut Script,
    issuer: &str,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Response {
    let error = |status: u16, code: &str| {
        let body = json!({ "error": code, "error_description": "a text that must not be repeated" });
        (StatusCode::from_u16(status).unwrap(), json_reply(&body)).into_response()
    };
    if !is_our_client(script, headers, form) {
        return error(401, "invalid_client");
    }
    if let Some((status, code)) = script.refusal {
        return error(status, code);
    }
    let Some(grant) = script.codes.remove(&form["code"]) else { return error(400, "invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Digest::of(form["code_verifier"].as_bytes()).as_bytes());
    if challenge != grant.challenge || form["redirect_uri"] != grant.redirect_uri {
        return error(400, "invalid_grant");
    }
    let mut reply = json!({
        "access_token": "access-token", "token_type": "Bearer", "expires_in": 300,
        "id_token": id_token(script, issuer, &grant.nonce),
    });
    if let Some(scope) = &script.scope {
        reply["scope"] = scope.clone().into();
    }
    json_reply(&reply)
}

/// By the client's secret, or by its key.
fn is_our_client(script: &mut Script, headers: &HeaderMap, form: &HashMap<String, String>) -> bool {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(audience) = &script.assertions_for else {
        // RFC 6749, 2.3.1: both are form-encoded before they go into the header.
        let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:s3cret%2Fof%3Aus")));
        return authorization == Some(&*expected);
    };
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!((authorization, &*form["client_id"], form.get("client_secret")), (None, CLIENT_ID, None));
    let key = jsonwebtoken::DecodingKey::from_ec_der(CLIENT_KEY.public_key_raw());
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&[audience]);
    // The clock of tests is another than the machine's: the test looks at the times.
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let Ok(read) = jsonwebtoken::decode::<Value>(&form["client_assertion"], &key, &validation) else {
        return false;
    };
    script.asserted = Some((read.header, read.claims));
    true
}

async fn push(
    State(fake): State<FakeProvider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let behavior = fake.script(|script| script.pushes);
    behave(behavior, || {
        fake.script(|script| {
            if !is_our_client(script, &headers, &form) {
                return (StatusCode::UNAUTHORIZED, json_reply(&json!({ "error": "invalid_client" })))
                    .into_response();
            }
            if let Some((status, code)) = script.push_refusal {
                let status = StatusCode::from_u16(status).unwrap();
                return (status, json_reply(&json!({ "error": code }))).into_response();
            }
            let reference = format!("urn:ietf:params:oauth:request_uri:{}", form["state"]);
            script.pushed.insert(reference.clone(), form.clone());
            (StatusCode::CREATED, json_reply(&json!({ "request_uri": reference, "expires_in": 60 })))
                .into_response()
        })
    })
    .await
}

fn id_token(script: &Script, issuer: &str, nonce: &str) -> String {
    let now = script.now.as_seconds();
    let usual = json!({
        "iss": issuer, "aud": CLIENT_ID, "sub": "nurse-7", "nonce": nonce, "iat": now, "exp": now + 300,
        "auth_time": now, "name": "Nadia Nurse", "groups": ["EHR-Nurses", "Ward-7"], "sid": "provider-session",
    });
    let mut claims = usual.as_object().unwrap().clone();
    for (name, value) in &script.claims {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    match script.signing {
        Signing::Es256 => script.key.sign(&claims),
        Signing::Forged => SigningKey::new(&script.key.id).sign(&claims),
        Signing::Secret => {
            let key = jsonwebtoken::EncodingKey::from_secret(CLIENT_SECRET.as_bytes());
            jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256), &claims, &key)
                .unwrap()
        }
        Signing::Unsigned => {
            let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            format!("{}.{}.", encode(&json!({ "alg": "none", "typ": "JWT" })), encode(&Value::Object(claims)))
        }
    }
}

async fn userinfo(State(fake): State<FakeProvider>, headers: HeaderMap) -> Response {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access-token");
    fake.script(|script| {
        script.userinfo_requests += 1;
        json_reply(&Value::Object(script.userinfo.clone()))
    })
}

async fn introspect(
    State(fake): State<FakeProvider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:s3cret%2Fof%3Aus")));
    let by_header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) == Some(&*basic);
    let by_form = form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET);
    let (behavior, answer) = fake.script(|script| {
        script.introspected.push(form);
        (script.introspection, script.answer.clone())
    });
    if by_header == by_form {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    behave(behavior, || json_reply(&answer)).await
}

/// Longer than a test's provider may take.
pub(super) const TIMEOUT: Duration = Duration::from_millis(300);
