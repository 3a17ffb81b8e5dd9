//! An application with accounts whose secrets can be changed, and troubles of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// What happens when a secret comes for the given time, counted from 1.
type Hook = Box<dyn Fn(&Hospital, &str, usize) + Send + Sync>;

/// The application.
#[derive(Clone)]
pub(crate) struct Hospital {
    pub(crate) address: SocketAddr,
    known: Arc<Mutex<Known>>,
    hook: Arc<Mutex<Hook>>,
}

#[derive(Default)]
struct Known {
    /// Secrets that are accepted.
    accepted: Vec<String>,
    /// Secrets that came, in order.
    came: Vec<String>,
    /// For each session, by its number, the secret that opened it.
    sessions: Vec<String>,
    /// A secret for which no answer comes, from this many times on.
    stalls: Option<(String, usize)>,
    /// A secret whose account it has locked.
    locked: Option<String>,
    /// Whether it answers that it cannot serve.
    is_unwell: bool,
    serving: Option<AbortHandle>,
}

impl Hospital {
    pub(crate) async fn open(accepted: &[&str]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hook: Hook = Box::new(|_, _, _| {});
        let hospital = Self { address, known: Arc::default(), hook: Arc::new(Mutex::new(hook)) };
        hospital.accept(accepted);
        let router = Router::new()
            .route("/login", get(async || "<form id=sign-in>").post(sign_in))
            .fallback(anything)
            .with_state(hospital.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        hospital.known.lock().unwrap().serving = Some(serving.abort_handle());
        hospital
    }

    /// Its administrator sets what is accepted from now on.
    pub(crate) fn accept(&self, accepted: &[&str]) {
        self.known.lock().unwrap().accepted = accepted.iter().map(|secret| (*secret).to_owned()).collect();
    }

    /// It takes no further connection.
    pub(crate) fn fall(&self) {
        self.known.lock().unwrap().serving.take().unwrap().abort();
    }

    /// It answers nothing any more when `secret` comes for the given time.
    pub(crate) fn stall(&self, secret: &str, from: usize) {
        self.known.lock().unwrap().stalls = Some((secret.to_owned(), from));
    }

    /// It answers 503, until it recovers.
    pub(crate) fn ail(&self) {
        self.known.lock().unwrap().is_unwell = true;
    }

    /// It answers 423 to this secret.
    pub(crate) fn lock(&self, secret: &str) {
        self.known.lock().unwrap().locked = Some(secret.to_owned());
    }

    pub(crate) fn recover(&self) {
        let mut known = self.known.lock().unwrap();
        (known.stalls, known.locked, known.is_unwell) = (None, None, false);
    }

    pub(crate) fn on(&self, hook: impl Fn(&Self, &str, usize) + Send + Sync + 'static) {
        *self.hook.lock().unwrap() = Box::new(hook);
    }

    /// The secrets that came, in order.
    pub(crate) fn came(&self) -> Vec<String> {
        self.known.lock().unwrap().came.clone()
    }

    /// Whether this secret is accepted; everything that is to happen with it happens.
    async fn is_accepted(&self, secret: &str) -> bool {
        let (times, accepted, stalls) = {
            let mut known = self.known.lock().unwrap();
            known.came.push(secret.to_owned());
            let times = known.came.iter().filter(|came| *came == secret).count();
            let stalls =
                known.stalls.as_ref().is_some_and(|(stalls, from)| stalls == secret && times >= *from);
            (times, known.accepted.iter().any(|accepted| accepted == secret), stalls)
        };
        if stalls {
            std::future::pending::<()>().await;
        }
        self.hook.lock().unwrap()(self, secret, times);
        accepted
    }
}

/// Tells whoever has an account by which secret they came; turns away all others.
async fn anything(State(hospital): State<Hospital>, headers: HeaderMap) -> Response {
    if hospital.known.lock().unwrap().is_unwell {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    if let Some(cookies) = said(COOKIE.as_str()).filter(|cookies| cookies.contains("SID=")) {
        let number = cookies.split("SID=").nth(1).unwrap().split(';').next().unwrap();
        let number: usize = number.parse().unwrap();
        return hospital.known.lock().unwrap().sessions[number].clone().into_response();
    }
    let basic = |said: &str| {
        let pair = String::from_utf8(STANDARD.decode(said.strip_prefix("Basic ")?).ok()?).ok()?;
        pair.strip_prefix("leastway:").map(str::to_owned)
    };
    let bearer = |said: &str| said.strip_prefix("Bearer ").map(str::to_owned);
    let authorization = said(AUTHORIZATION.as_str());
    let secret = said("x-api-key").or(authorization.and_then(|said| basic(&said).or_else(|| bearer(&said))));
    if secret.is_some() && secret == hospital.known.lock().unwrap().locked {
        return StatusCode::LOCKED.into_response();
    }
    match secret {
        Some(secret) if hospital.is_accepted(&secret).await => secret.into_response(),
        Some(_) | None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn sign_in(State(hospital): State<Hospital>, Form(form): Form<Vec<(String, String)>>) -> Response {
    let field = |name: &str| form.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(field("username"), "leastway");
    let secret = field("password");
    if !hospital.is_accepted(&secret).await {
        return Redirect::to("/login?again").into_response();
    }
    let mut known = hospital.known.lock().unwrap();
    known.sessions.push(secret);
    let cookie = format!("SID={}; Path=/; HttpOnly", known.sessions.len() - 1);
    ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}
