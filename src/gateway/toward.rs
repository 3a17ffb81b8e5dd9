//! What goes with a request towards its application beside what it says: on whose behalf it is sent, to
//! which server the caller is bound, under which account.

use std::net::SocketAddr;

use http::header::HeaderMap;
use http::{HeaderValue, Response};

use super::normalize::Normalized;
use super::normalize::cookies::{SERVER_COOKIE, server_of};
use super::subject::Person;
use crate::domain::application::CredentialName;
use crate::features::route::table::Route;
use crate::features::upstream::bond::Errand;
use crate::features::upstream::pool::Pool;
use crate::features::upstream::send::ReplyBody;

/// What goes with a request.
#[derive(Debug)]
pub struct Toward<'p> {
    /// On whose behalf, and where to.
    pub errand: Errand,
    application: &'p str,
    /// The value of our cookie that binds the caller to a server.
    bound: Option<String>,
}

impl<'p> Toward<'p> {
    /// What goes with a request whose head is `headers`.
    pub fn new(
        pool: &Pool,
        normalized: &'p Normalized,
        (person, line): (&Person, SocketAddr),
        headers: &HeaderMap,
        route: Option<&Route>,
    ) -> Self {
        let application = normalized.application.name.as_str();
        let bound = server_of(&normalized.head.servers, application);
        let errand = Errand {
            session: person.known().map(|known| known.session.id),
            line,
            server: pool.upstream().bound_to(bound.as_deref(), headers),
            patience: route.map(|route| route.patience).unwrap_or_default(),
        };
        Self { errand, application, bound }
    }

    /// The cookie that binds the caller to the server that has answered, if it is to be set.
    pub fn cookie(&self, pool: &Pool, reply: &Response<ReplyBody>) -> Option<HeaderValue> {
        let tag = pool.upstream().binds_to(reply.body().server(), self.bound.as_deref())?;
        let application = self.application;
        let cookie = format!("{SERVER_COOKIE}{application}={tag}; Path=/; Secure; HttpOnly; SameSite=Lax");
        HeaderValue::from_str(&cookie).ok()
    }
}

/// The account under which the application is asked: none for everybody's routes.
pub fn credential<'p>(
    pool: &'p Pool,
    public: bool,
    route: Option<&Route>,
    rules: &[std::sync::Arc<str>],
) -> Option<&'p CredentialName> {
    if public { None } else { pool.settings().credentials.choose(route.map(|route| &route.name), rules) }
}
