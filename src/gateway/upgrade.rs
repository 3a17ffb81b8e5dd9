//! A WebSocket (RFC 6455): once the application has switched, bytes pass until one side ends or the
//! session does.

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{HeaderMap, Response};
use hyper::upgrade::OnUpgrade;

use super::draft::Draft;
use super::lease::Lease;
use super::normalize::headers::strip_reply;
use crate::domain::event::Outcome;
use crate::domain::reason::Reason;
use crate::features::upstream::tunnel;

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
    caller: OnUpgrade,
    mut reply: Response<B>,
    lease: Option<Lease>,
    draft: Draft,
) -> Response<()> {
    let application = hyper::upgrade::on(&mut reply);
    tokio::task::spawn_local(run(caller, application, lease, draft));
    reply.map(|_| ())
}

async fn run(caller: OnUpgrade, application: OnUpgrade, lease: Option<Lease>, mut draft: Draft) {
    let (caller, application) = match tokio::try_join!(caller, application) {
        Ok(sides) => sides,
        Err(error) => {
            tracing::debug!(error = %error, "a connection was to switch protocols and did not");
            draft.end(|closing| closing.reason = Some(Reason::UpstreamAborted));
            return draft.close(Outcome::Aborted);
        }
    };
    let passed = tunnel::run(caller, application, || lease.as_ref().and_then(Lease::ended)).await;
    draft.end(|closing| {
        closing.bytes_in = passed.bytes_in;
        closing.bytes_out = passed.bytes_out;
        closing.reason = passed.cut;
    });
    draft.close(if passed.cut.is_some() { Outcome::Aborted } else { Outcome::Completed });
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
