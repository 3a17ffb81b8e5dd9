//! Trials of an account: whether one server of an application accepts it, before it is in force or after.
//!
//! A trial is a request of ours alone, for what the account's `test` names: written, connected and signed in
//! as the gateway does it, on a connection of its own, for nobody, and read no further than its status needs.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;

use http::header::{ACCEPT, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};

use super::bond::Errand;
use super::credential::Credential;
use super::error::UpstreamError;
use super::form_login::Entered;
use super::headers::{Facts, write};
use super::pool::Pool;
use super::send::{ReplyBody, RequestBody, dispatch};
use super::servers::Upstream;
use super::settings::{Connections, UpstreamSettings};
use crate::domain::patience::Patience;
use crate::foundation::id::RequestId;
use crate::platform::tls::client::TlsClientError;

/// What a server says to an account; in this order, from no to yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It takes us for a stranger: 401, 403, a redirect; by a form, whatever strangers get.
    Refused,
    /// Neither: it is overloaded or broken, has locked the account, or does not know what is tested.
    Unclear(StatusCode),
    /// It is the account's: 200 to 299.
    Accepted,
}

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The TLS client cannot be made.
    #[error("the TLS settings cannot be used")]
    Tls(#[from] TlsClientError),
    /// It did not answer.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// What every trial of an account has in common.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// How the application is reached.
    pub settings: &'a UpstreamSettings,
    /// What is asked for: something that strangers do not get.
    pub test: &'a PathAndQuery,
    /// The host under which callers reach the application.
    pub host: &'a str,
}

impl Trial<'_> {
    /// What the server at this position answers to whoever has no account; by `account` it is known how it
    /// tells strangers.
    pub async fn ask_as_stranger(
        &self,
        server: usize,
        account: &Credential,
        request: RequestId,
    ) -> Result<Answer, TrialError> {
        let pool = self.pool(server)?;
        let reply = dispatch(&pool, &mut self.request(&pool, request), &ERRAND).await?;
        Ok(answer(reply, account).await)
    }

    /// What it answers to `account`.
    pub async fn ask_as(
        &self,
        server: usize,
        account: &Credential,
        request: RequestId,
    ) -> Result<Answer, TrialError> {
        let pool = self.pool(server)?;
        let mut asked = self.request(&pool, request);
        match account {
            Credential::Header { name, value } => {
                // That it can be a header was seen when the configuration was read.
                if let Ok(mut value) = HeaderValue::from_str(value.reveal()) {
                    value.set_sensitive(true);
                    asked.headers_mut().insert(name, value);
                }
            }
            Credential::Form(form) => {
                let ask = async |mut request| dispatch(&pool, &mut request, &ERRAND).await;
                match form.enter(asked.headers(), ask).await? {
                    Entered::In(jar, _) => jar.write(asked.headers_mut(), self.test.path(), &[]),
                    Entered::Refused(status) => return Ok(refused_by_form(status)),
                }
            }
        }
        let reply = dispatch(&pool, &mut asked, &ERRAND).await?;
        Ok(answer(reply, account).await)
    }

    /// A pool that leads to this server alone, as if nothing were known of how it stands.
    fn pool(&self, server: usize) -> Result<Rc<Pool>, TlsClientError> {
        let mut settings = self.settings.clone();
        settings.servers = settings.servers.into_iter().skip(server).take(1).collect();
        settings.connections = Connections::PerPerson;
        settings.health.check = None;
        Ok(Pool::new(Arc::new(Upstream::new(settings)?)))
    }

    fn request(&self, pool: &Pool, request: RequestId) -> Request<RequestBody> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("Leastway"));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let facts = Facts { request, client, authority: self.host, identity: None, assertion: None };
        let own_host = pool.settings().servers.first().filter(|_| !self.settings.preserve_host);
        write(&mut headers, &facts, &[], own_host);
        let mut asked = Request::new(RequestBody::default());
        *asked.uri_mut() = Uri::from(self.test.clone());
        *asked.headers_mut() = headers;
        asked
    }
}

async fn answer(mut reply: Response<ReplyBody>, account: &Credential) -> Answer {
    let status = reply.status();
    let is_to_a_stranger = match account {
        Credential::Form(form) => form.is_to_a_stranger(&mut reply).await,
        Credential::Header { .. } => false,
    };
    let turns_away = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if is_to_a_stranger || turns_away || status.is_redirection() {
        Answer::Refused
    } else if status.is_success() {
        Answer::Accepted
    } else {
        Answer::Unclear(status)
    }
}

/// A form that was not taken: refused, unless the application says that it is something else.
fn refused_by_form(status: StatusCode) -> Answer {
    let is_something_else = status.is_server_error()
        || matches!(
            status,
            StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::LOCKED
                | StatusCode::TOO_MANY_REQUESTS
        );
    if is_something_else { Answer::Unclear(status) } else { Answer::Refused }
}

/// On nobody's behalf.
const ERRAND: Errand = Errand {
    session: None,
    line: std::net::SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
    server: None,
    patience: Patience { head: None, silence: None },
};
