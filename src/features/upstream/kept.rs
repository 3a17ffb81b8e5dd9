//! An application's cookies of each person, kept on our side where it is declared so: the browser gets none of its
//! sessions, another person at the same browser starts without them, and its person goes on with them.
//!
//! Kept is what the page's scripts could not see anyway (`HttpOnly`), and only for whoever is signed in here.

use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};

use super::bond::Errand;
use super::error::UpstreamError;
use super::jar::PersonJar;
use super::pool::Pool;
use super::send::{ReplyBody, RequestBody, send};
use super::servers::Upstream;
use super::settings::Cookies;
use crate::domain::proof::{Journaled, Permit};
use crate::foundation::id::SessionId;

impl Upstream {
    /// Whether a session of the application is kept for this one of ours.
    pub fn keeps(&self, session: SessionId) -> bool {
        self.kept.find(session).is_some_and(|jar| !jar.is_empty())
    }

    fn jar(&self, session: Option<SessionId>) -> Option<Arc<PersonJar>> {
        match self.settings.cookies {
            Cookies::Browser => None,
            Cookies::Keep => session.map(|session| self.kept.of(session)),
        }
    }
}

/// Sends as [`send`] does, with the cookies that are kept for whoever asks.
pub(super) async fn send_with_kept(
    pool: &Rc<Pool>,
    request: &mut Request<RequestBody>,
    errand: &Errand,
    permit: &Permit,
    journaled: &Journaled,
) -> Result<Response<ReplyBody>, UpstreamError> {
    let Some(jar) = pool.upstream().jar(errand.session) else {
        return send(pool, request, errand, permit, journaled).await;
    };
    let path = request.uri().path().to_owned();
    jar.write_over(request.headers_mut(), &path);
    let mut reply = send(pool, request, errand, permit, journaled).await?;
    jar.take_hidden(reply.headers_mut(), &path);
    Ok(reply)
}
