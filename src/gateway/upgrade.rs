//! A WebSocket (RFC 6455): once the application has switched, bytes pass until one side ends or the
//! session does.

use std::rc::Rc;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Response};
use hyper::upgrade::OnUpgrade;

use super::draft::Draft;
use super::handle::Moment;
use super::subject::Known;
use super::worker::Worker;
use crate::domain::event::Outcome;
use crate::domain::reason::Reason;
use crate::features::session::Found;
use crate::features::upstream::tunnel;
use crate::foundation::id::SessionId;

/// Puts back what makes a request a WebSocket's, after everything hop-by-hop was removed.
pub fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Joins both sides, and ends the event when they have parted.
pub fn join<B>(
    moment: &Moment,
    caller: OnUpgrade,
    mut reply: Response<B>,
    known: Option<&Known>,
    draft: Draft,
) -> Response<()> {
    let application = hyper::upgrade::on(&mut reply);
    let session = known.map(|known| known.session.id);
    let worker = moment.worker.clone();
    tokio::task::spawn_local(run(worker, caller, application, session, draft));
    reply.map(|_| ())
}

async fn run(
    worker: Rc<Worker>,
    caller: OnUpgrade,
    application: OnUpgrade,
    session: Option<SessionId>,
    mut draft: Draft,
) {
    let (caller, application) = match tokio::try_join!(caller, application) {
        Ok(sides) => sides,
        Err(error) => {
            tracing::debug!(error = %error, "a connection was to switch protocols and did not");
            draft.end(|closing| closing.reason = Some(Reason::UpstreamAborted));
            return draft.close(Outcome::Aborted);
        }
    };
    let passed = tunnel::run(caller, application, || is_good(&worker, session)).await;
    draft.end(|closing| {
        closing.bytes_in = passed.bytes_in;
        closing.bytes_out = passed.bytes_out;
        closing.reason = passed.revoked.then_some(Reason::SessionRevoked);
    });
    draft.close(if passed.revoked { Outcome::Aborted } else { Outcome::Completed });
}

/// Whether the session that opened it is still good; on a public route there is none to end.
fn is_good(worker: &Worker, session: Option<SessionId>) -> bool {
    session.is_none_or(|id| match worker.shared.sessions.current(id, worker.now()) {
        Found::Session(_) => true,
        Found::Expired | Found::Ended | Found::None => false,
    })
}
