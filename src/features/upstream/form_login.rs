//! Signing in at an application by its own form, on a person's behalf: the browser never sees the
//! password, nor the session cookie that comes of it.
//!
//! Each person (session) has a jar of cookies on our side. When the application answers as it does to
//! strangers, the sign-in is repeated once, and the request with it: it has not been acted on. Where that
//! does not help, nobody signs in there for a while, so that a wrong password does not lock the account.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, LOCATION, ORIGIN};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use tokio::time::Instant;

use super::bond::Errand;
use super::error::UpstreamError;
use super::form_page::hidden_fields;
use super::jar::{Jar, Jars, PersonJar};
use super::pool::Pool;
use super::send::{ReplyBody, RequestBody, send};
use super::settings::{StatusSet, Sticky};
use crate::domain::application::CredentialName;
use crate::domain::proof::{Journaled, Permit};
use crate::foundation::secret::Secret;
use crate::platform::http::body::{Full, ReadBodyError, read_bounded};

/// How one signs in, and how the application answers whoever has not.
#[derive(Clone, Debug)]
pub struct FormLogin {
    /// The page with the form; asked for first, for its cookies and hidden fields. `None`: it is not needed.
    pub page: Option<PathAndQuery>,
    /// Where the form is sent to.
    pub action: PathAndQuery,
    /// The field for the name, and the name.
    pub user: (String, String),
    /// The field for the password, and the password.
    pub secret: (String, Secret),
    /// Further fields.
    pub fields: Vec<(String, String)>,
    /// Statuses that strangers get.
    pub expired_status: StatusSet,
    /// Where strangers are redirected to.
    pub expired_location: String,
    /// What stands in the page that strangers get, within its first 64 KiB.
    pub expired_marker: Option<String>,
    /// Cookies of the application that are the browser's own.
    pub browser_cookies: Vec<String>,
}

/// Why somebody could not be signed in at the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInFault {
    /// The application still takes us for a stranger.
    #[error("the application does not accept the account: see its password there and here")]
    Refused,
    /// It did not accept us a moment ago.
    #[error("the application did not accept the account a moment ago, so it is not tried again yet")]
    Waiting,
    /// We were signed in again, but the request's body is gone.
    #[error("the application's session had expired, and the request's body cannot be sent twice")]
    Expired,
}

/// What has come of an account's sign-ins, as long as its name and its password stay what they are: with
/// either, it begins anew, so that whoever still signs in with what was before leaves nothing behind.
#[derive(Debug, Default)]
pub(super) struct SignedIn {
    /// The application's cookies, person by person.
    pub(super) jars: Jars,
    /// Until when it is left alone, since the application has refused it.
    refused: Mutex<Option<Instant>>,
}

impl SignedIn {
    fn is_waiting(&self) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|until| Instant::now() < until)
    }

    fn refuse(&self) -> UpstreamError {
        let until = Instant::now() + LEFT_ALONE;
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        UpstreamError::SignIn(SignInFault::Refused)
    }
}

/// What a sign-in needs beside the request.
#[derive(Clone, Copy)]
struct SignIn<'a> {
    pool: &'a Rc<Pool>,
    errand: &'a Errand,
    signed_in: &'a SignedIn,
    form: &'a FormLogin,
    permit: &'a Permit,
    journaled: &'a Journaled,
}

/// How the application takes a form.
pub(super) enum Entered {
    /// With these cookies, from the server at this position.
    In(Jar, usize),
    /// It does not; with this status.
    Refused(StatusCode),
}

/// Sends as [`send`] does, signed in by a form.
pub(super) async fn send_signed_in(
    pool: &Rc<Pool>,
    request: &mut Request<RequestBody>,
    errand: &Errand,
    (account, form): (&CredentialName, &Arc<FormLogin>),
    permit: &Permit,
    journaled: &Journaled,
) -> Result<Response<ReplyBody>, UpstreamError> {
    // Without a session there is no person whose jar it could be: then as a stranger.
    let signed_in = errand.session.zip(pool.upstream().signed_in.get(account));
    let Some((session, signed_in)) = signed_in else {
        return send(pool, request, errand, permit, journaled).await;
    };
    let jar = signed_in.jars.of(session);
    let it = SignIn { pool, errand, signed_in, form, permit, journaled };
    it.sign_in(&jar, 0, request.headers()).await?;
    let times = jar.times();
    let again = held(request);
    let mut reply = it.send_with(&jar, request).await?;
    if !form.is_to_a_stranger(&mut reply).await {
        return Ok(reply);
    }
    drop(reply);
    let Some(mut again) = again else {
        // Whoever asks the next time is not a stranger any more.
        jar.expire();
        return Err(UpstreamError::SignIn(SignInFault::Expired));
    };
    it.sign_in(&jar, times, again.headers()).await?;
    let mut reply = it.send_with(&jar, &mut again).await?;
    if form.is_to_a_stranger(&mut reply).await {
        return Err(signed_in.refuse());
    }
    Ok(reply)
}

/// A copy of a request whose body is in memory.
fn held(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let body = match request.body() {
        RequestBody::Held(full) => RequestBody::Held(Full::new(full.bytes())),
        RequestBody::Streaming(..) => return None,
    };
    let mut copy = Request::new(body);
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    request.headers().clone_into(copy.headers_mut());
    Some(copy)
}

impl SignIn<'_> {
    async fn send_with(
        self,
        jar: &PersonJar,
        request: &mut Request<RequestBody>,
    ) -> Result<Response<ReplyBody>, UpstreamError> {
        let path = request.uri().path().to_owned();
        jar.write(request.headers_mut(), &path, &self.form.browser_cookies);
        if self.form.expired_marker.is_some() {
            // What is looked into has to be readable.
            request.headers_mut().remove(http::header::ACCEPT_ENCODING);
        }
        let errand = Errand { server: self.server(jar), ..*self.errand };
        let mut reply = send(self.pool, request, &errand, self.permit, self.journaled).await?;
        jar.take(reply.headers_mut(), &path, &self.form.browser_cookies);
        Ok(reply)
    }

    /// The server that knows the jar's cookies, where servers are told apart.
    fn server(self, jar: &PersonJar) -> Option<usize> {
        match self.pool.settings().balance.sticky {
            Sticky::No => self.errand.server,
            Sticky::OwnCookie | Sticky::ApplicationCookie(_) => jar.server().or(self.errand.server),
        }
    }

    /// Signs in, unless somebody has done so since it was done `times` times.
    async fn sign_in(self, jar: &PersonJar, times: u64, model: &HeaderMap) -> Result<(), UpstreamError> {
        if jar.times() > times {
            return Ok(());
        }
        let _turn = jar.signing_in.lock().await;
        if jar.times() > times {
            return Ok(());
        }
        if self.signed_in.is_waiting() {
            return Err(UpstreamError::SignIn(SignInFault::Waiting));
        }
        let ask =
            async |mut request| send(self.pool, &mut request, self.errand, self.permit, self.journaled).await;
        match self.form.enter(model, ask).await? {
            Entered::In(cookies, server) => jar.renew(cookies, server),
            Entered::Refused(_) => return Err(self.signed_in.refuse()),
        }
        Ok(())
    }
}

impl FormLogin {
    /// Signs in by `ask`: the page with the form, where that is needed, then the form.
    pub(super) async fn enter<A>(&self, model: &HeaderMap, ask: A) -> Result<Entered, UpstreamError>
    where
        A: AsyncFn(Request<RequestBody>) -> Result<Response<ReplyBody>, UpstreamError>,
    {
        let mut cookies = Jar::default();
        let mut fields = self.fields.clone();
        if let Some(page) = &self.page {
            let asked = ours(Method::GET, page, model, Bytes::new());
            let (_, text, _) = self.ask_with(&mut cookies, asked, &ask).await?;
            fields.extend(hidden_fields(&text));
        }
        let sent = ours(Method::POST, &self.action, model, self.encoded(&fields));
        let (head, text, server) = self.ask_with(&mut cookies, sent, &ask).await?;
        let is_refused = head.status.is_client_error()
            || head.status.is_server_error()
            || self.is_sent_to_sign_in(&head)
            || self.has_marker(&text);
        Ok(if is_refused { Entered::Refused(head.status) } else { Entered::In(cookies, server) })
    }

    async fn ask_with<A>(
        &self,
        cookies: &mut Jar,
        mut request: Request<RequestBody>,
        ask: &A,
    ) -> Result<(http::response::Parts, Bytes, usize), UpstreamError>
    where
        A: AsyncFn(Request<RequestBody>) -> Result<Response<ReplyBody>, UpstreamError>,
    {
        let path = request.uri().path().to_owned();
        cookies.write(request.headers_mut(), &path, &[]);
        let reply = ask(request).await?;
        let server = reply.body().server();
        let (mut head, body) = reply.into_parts();
        cookies.take(&mut head.headers, &path, &self.browser_cookies);
        let text = read_bounded(body, PAGE_BYTES_MAX).await.map_err(|error| match error {
            ReadBodyError::Broken(error) => UpstreamError::of_held(error),
            ReadBodyError::TooLarge { .. } => UpstreamError::BrokeOff(error.into()),
        })?;
        Ok((head, text, server))
    }

    /// Whether it signs in as the same account with the same password.
    pub(super) fn is_same_account(&self, other: &Self) -> bool {
        let is_same_secret = self.secret.1.is(other.secret.1.reveal());
        self.user == other.user && self.action == other.action && is_same_secret
    }

    /// The form, with the name and the password last: no hidden field takes their place.
    fn encoded(&self, fields: &[(String, String)]) -> Bytes {
        let ours = [&self.user.0, &self.secret.0];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields.iter().filter(|(name, _)| !ours.contains(&name)) {
            body.append_pair(name, value);
        }
        body.append_pair(&self.user.0, &self.user.1);
        body.append_pair(&self.secret.0, self.secret.1.reveal());
        Bytes::from(body.finish())
    }

    /// Whether this is what the application answers whoever is not signed in.
    pub(super) async fn is_to_a_stranger(&self, reply: &mut Response<ReplyBody>) -> bool {
        if self.expired_status.has(reply.status()) {
            return true;
        }
        let location = reply.headers().get(LOCATION).filter(|_| reply.status().is_redirection());
        if location.is_some_and(|location| self.leads_to_sign_in(location)) {
            return true;
        }
        let html = reply.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            kind.as_bytes().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/html"))
        });
        match &self.expired_marker {
            Some(_) if html => {
                let begun = reply.body_mut().peek(MARKER_WITHIN_BYTES).await;
                self.has_marker(&begun)
            }
            Some(_) | None => false,
        }
    }

    fn is_sent_to_sign_in(&self, head: &http::response::Parts) -> bool {
        let location = head.headers.get(LOCATION).filter(|_| head.status.is_redirection());
        location.is_some_and(|location| self.leads_to_sign_in(location))
    }

    fn leads_to_sign_in(&self, location: &HeaderValue) -> bool {
        let Ok(location) = location.to_str() else { return false };
        let path = match location.parse::<Uri>() {
            Ok(uri) => uri.path().to_owned(),
            Err(_) => location.split(['?', '#']).next().unwrap_or_default().to_owned(),
        };
        let wanted = self.expired_location.trim_start_matches('/');
        path.trim_start_matches('/')
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';', '?']))
    }

    fn has_marker(&self, text: &[u8]) -> bool {
        let marker = self.expired_marker.as_ref();
        marker.is_some_and(|marker| memchr::memmem::find(text, marker.as_bytes()).is_some())
    }
}

/// A request of our own, which tells the application about itself what `model` tells of the person's.
fn ours(method: Method, target: &PathAndQuery, model: &HeaderMap, body: Bytes) -> Request<RequestBody> {
    let told = |name: &HeaderName| {
        let name = name.as_str();
        matches!(name, "host" | "user-agent" | "x-request-id" | "traceparent" | "authorization")
            || ["x-forwarded-", "x-leastway-", "remote-"].iter().any(|family| name.starts_with(family))
    };
    let mut request = Request::new(RequestBody::Held(Full::new(body)));
    *request.uri_mut() = Uri::from(target.clone());
    let headers = request.headers_mut();
    headers.extend(
        model.iter().filter(|(name, _)| told(name)).map(|(name, value)| (name.clone(), value.clone())),
    );
    if method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let host = model.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        // Some applications take a form only from a page of their own.
        if let Ok(origin) = HeaderValue::from_str(&format!("https://{host}")) {
            headers.insert(ORIGIN, origin);
        }
    }
    *request.method_mut() = method;
    request
}

const PAGE_BYTES_MAX: usize = 1024 * 1024;
const MARKER_WITHIN_BYTES: usize = 64 * 1024;
/// How long an account that was refused is left alone: applications lock accounts after a few attempts.
const LEFT_ALONE: Duration = Duration::from_secs(30);
