//! A WebSocket (RFC 6455), asked for by an upgrade or, over HTTP/2, by an extended CONNECT (RFC 8441):
//! once the application has switched, frames pass until one side ends or the session does.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{
    CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::access::Access;
use super::draft::Draft;
use super::normalize::headers::strip_reply;
use super::pulse::UnderWay;
use crate::domain::event::Outcome;
use crate::domain::reason::Reason;
use crate::domain::websocket::WebSocketBounds;
use crate::features::upstream::error::UpstreamError;
use crate::features::upstream::frames::Side;
use crate::features::upstream::send::ReplyBody;
use crate::features::upstream::tunnel::{self, Ended, Terms};
use crate::foundation::entropy::{Entropy, random};

/// The caller's side of a connection that may switch.
#[derive(Debug)]
pub struct Upgrading {
    caller: OnUpgrade,
    version: Version,
}

/// Takes the caller's side of a request that asks for another protocol.
pub fn begin<B>(request: &mut Request<B>) -> Option<Upgrading> {
    let asks = request.headers().contains_key(UPGRADE)
        || request.extensions().get::<hyper::ext::Protocol>().is_some();
    let version = request.version();
    asks.then(|| Upgrading { caller: hyper::upgrade::on(request), version })
}

/// Puts back what makes a request a WebSocket's, after everything hop-by-hop was removed. HTTP/2 has no
/// key of the caller's.
pub fn ask(headers: &mut HeaderMap, entropy: &dyn Entropy) {
    switching(headers);
    if !headers.contains_key(SEC_WEBSOCKET_KEY)
        && let Ok(key) = HeaderValue::from_str(&BASE64.encode(random::<16>(entropy)))
    {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
    headers.entry(SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static("13"));
}

/// What proves that the other side means a WebSocket when it switches (RFC 6455 4.2.2).
pub fn proof(request: &HeaderMap) -> Option<HeaderValue> {
    let mut text = request.get(SEC_WEBSOCKET_KEY)?.as_bytes().to_vec();
    text.extend_from_slice(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    HeaderValue::from_str(&BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &text))).ok()
}

/// Refuses a reply that switches to anything but the WebSocket that was asked for. Over HTTP/2 success means
/// that the stream is the socket, so that no other success may come back there.
pub fn check<B>(
    reply: &Response<B>,
    proof: Option<&HeaderValue>,
    upgrading: Option<&Upgrading>,
) -> Result<(), UpstreamError> {
    let is_switched = reply.status() == StatusCode::SWITCHING_PROTOCOLS;
    if is_switched && !is_proven(reply.headers(), proof) {
        return Err(UpstreamError::UnaskedUpgrade);
    }
    let is_stream = upgrading.is_some_and(|upgrading| upgrading.version == Version::HTTP_2);
    if is_stream && reply.status().is_success() {
        return Err(UpstreamError::NotSwitched);
    }
    Ok(())
}

fn is_proven(reply: &HeaderMap, proof: Option<&HeaderValue>) -> bool {
    let is_websocket = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    said_once(reply, &UPGRADE).is_some_and(is_websocket)
        && proof.is_some()
        && said_once(reply, &SEC_WEBSOCKET_ACCEPT) == proof
}

/// The value of a header that comes once: of two, the caller might believe the other.
fn said_once<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Makes the head of a reply that switches safe for the caller: an application may not set our cookies or
/// speak in our name there either. Over HTTP/2 the stream is the socket, and 200 says so (RFC 8441 5).
fn switch(reply: &mut Response<()>, version: Version) {
    strip_reply(reply.headers_mut());
    if version == Version::HTTP_2 {
        reply.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
        *reply.status_mut() = StatusCode::OK;
    } else {
        switching(reply.headers_mut());
    }
}

fn switching(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Joins both sides for as long as `access` goes on, and ends the event when they have parted.
pub fn join(
    upgrading: Upgrading,
    reply: Response<ReplyBody>,
    access: Access,
    bounds: WebSocketBounds,
    (mut draft, entropy): (Draft, &dyn Entropy),
    under_way: UnderWay,
) -> Response<()> {
    let Upgrading { caller, version } = upgrading;
    let is_extended = reply.headers().contains_key(SEC_WEBSOCKET_EXTENSIONS);
    let terms = Terms { bounds, is_extended, mask: random(entropy) };
    let (head, body) = reply.into_parts();
    let mut reply = Response::from_parts(head, ());
    switch(&mut reply, version);
    let status = reply.status().as_u16();
    draft.end(|closing| closing.status = Some(status));
    tokio::task::spawn_local(async move {
        // Meanwhile the connection is not idle, and the tunnel counts among the requests at its server.
        let _under_way = under_way;
        run(caller, body, access, terms, draft).await;
    });
    reply
}

async fn run(caller: OnUpgrade, reply: ReplyBody, access: Access, terms: Terms, mut draft: Draft) {
    let caller = caller.await.inspect_err(|error| {
        tracing::debug!(error = %error, "a connection was to switch protocols and did not");
    });
    let (Ok(caller), Some((application, _seat))) = (caller, reply.into_socket()) else {
        draft.end(|closing| closing.reason = Some(Reason::UpstreamAborted));
        return draft.close(Outcome::Aborted);
    };
    let (caller, application) = (Box::new(TokioIo::new(caller)), Box::new(application));
    let keeps_session = terms.bounds.keeps_session;
    let mut access = access;
    let rung = access.rung();
    let ended = |by_caller: bool| access.ended(by_caller && keeps_session);
    let passed = tunnel::run(caller, application, &terms, ended, rung).await;
    let reason = match passed.ended {
        Ended::Parted => None,
        Ended::Revoked(reason) => Some(reason),
        Ended::Idle | Ended::Expired => Some(Reason::RequestTimeout),
        Ended::Broken(Side::Caller, _) => Some(Reason::RequestMalformed),
        Ended::Broken(Side::Application, _) => Some(Reason::UpstreamMalformed),
    };
    if let Ended::Broken(side, fault) = passed.ended {
        tracing::debug!(side = ?side, error = %fault, "a WebSocket was ended");
    }
    draft.end(|closing| {
        closing.bytes_in = passed.bytes_in;
        closing.bytes_out = passed.bytes_out;
        closing.reason = reason;
    });
    draft.close(if reason.is_some() { Outcome::Aborted } else { Outcome::Completed });
}

#[cfg(test)]
mod tests {
    use http::header::SET_COOKIE;

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
        let headers: HeaderMap = came
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let mut reply = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).body(()).unwrap();
        *reply.headers_mut() = headers;
        let mut over_http2 = reply.clone();
        switch(&mut over_http2, Version::HTTP_2);
        assert_eq!(over_http2.status(), StatusCode::OK);
        assert!(
            !over_http2.headers().contains_key(CONNECTION) && !over_http2.headers().contains_key(UPGRADE)
        );
        switch(&mut reply, Version::HTTP_11);
        let headers = reply.headers();
        let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["theirs=1"]);
        assert_eq!(headers.get(CONNECTION).unwrap(), "upgrade");
        assert_eq!(headers.get(UPGRADE).unwrap(), "websocket");
        assert!(headers.contains_key("sec-websocket-accept"));
        assert!(!headers.contains_key("x-private") && !headers.contains_key("x-leastway-reason"));
    }

    #[test]
    fn only_the_proof_of_the_key_that_was_sent_switches() {
        let header =
            |name: HeaderName, value| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        let proof = proof(&header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")).unwrap();
        assert_eq!(proof, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "the example of RFC 6455 1.3");
        let mut reply = header(SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!is_proven(&reply, Some(&proof)), "to what it switches is not said");
        reply.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        assert!(is_proven(&reply, Some(&proof)));
        assert!(!is_proven(&reply, None));
        for name in [UPGRADE, SEC_WEBSOCKET_ACCEPT] {
            let mut twice = reply.clone();
            twice.append(name, HeaderValue::from_static("other"));
            assert!(!is_proven(&twice, Some(&proof)), "it says two things");
        }
        reply.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static("x"));
        assert!(!is_proven(&reply, Some(&proof)));
        reply.remove(SEC_WEBSOCKET_ACCEPT);
        assert!(!is_proven(&reply, Some(&proof)));
    }
}
