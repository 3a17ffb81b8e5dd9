//! A WebSocket (RFC 6455): once the application has switched, bytes pass until one side ends or the
//! session does.

use std::rc::Rc;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Response};
use hyper::upgrade::OnUpgrade;

use super::draft::Draft;
use super::handle::Moment;
use super::normalize::headers::strip_reply;
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

/// Makes the head of a reply that switches safe for the caller: an application may not set our cookies or
/// speak in our name there either.
pub fn switch(headers: &mut HeaderMap) {
    strip_reply(headers);
    ask(headers);
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
    // The connection is not idle for as long as there is a tunnel on it.
    let under_way = moment.pulse.begin();
    tokio::task::spawn_local(async move {
        run(worker, caller, application, session, draft).await;
        drop(under_way);
    });
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

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, SET_COOKIE};

    use super::*;

    #[test]
    fn an_application_that_switches_cannot_set_our_cookies_or_speak_in_our_name() {
        let came = [
            ("connection", "Upgrade, X-Private"),
            ("upgrade", "websocket"),
            ("x-private", "1"),
            ("x-leastway-reason", "rule-matched"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("set-cookie", "__Host-leastway=forged; Path=/; Secure"),
            ("set-cookie", "theirs=1"),
        ];
        let mut headers: HeaderMap = came
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        switch(&mut headers);
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["theirs=1"]);
        assert_eq!(headers.get(CONNECTION).unwrap(), "upgrade");
        assert_eq!(headers.get(UPGRADE).unwrap(), "websocket");
        assert!(headers.contains_key("sec-websocket-accept"));
        assert!(!headers.contains_key("x-private") && !headers.contains_key("x-leastway-reason"));
    }
}
