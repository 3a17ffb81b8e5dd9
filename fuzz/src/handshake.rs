//! What an application answers to a request for a WebSocket: it switches only if it says once that it does, to what,
//! and by the proof of the key that was sent; and over HTTP/2 no other success passes for a socket.

use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{Request, Response, StatusCode, Version};
use leastway::gateway::upgrade;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (choice, status) = (input.byte(), [101, 200, 204, 302, 426, 500][usize::from(input.byte()) % 6]);
    let key = HeaderValue::from_bytes(input.line());
    let sent: HeaderMap = key.into_iter().map(|key| (SEC_WEBSOCKET_KEY, key)).collect();
    let proof = upgrade::proof(&sent);
    assert_eq!(proof.is_some(), !sent.is_empty());

    let mut reply = Response::new(());
    *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
    *reply.headers_mut() = input.headers();
    for value in reply.headers_mut().values_mut() {
        if let (b"proof", Some(proof)) = (value.as_bytes(), &proof) {
            value.clone_from(proof);
        }
    }
    let mut asked = Request::new(());
    *asked.version_mut() = if choice & 1 == 1 { Version::HTTP_2 } else { Version::HTTP_11 };
    asked.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    let upgrading = upgrade::begin(&mut asked).expect("it asks for another protocol");

    let passes = upgrade::check(&reply, proof.as_ref(), Some(&upgrading)).is_ok();
    let said = |name| reply.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    let (protocols, proofs) = (said(UPGRADE), said(SEC_WEBSOCKET_ACCEPT));
    let is_websocket = matches!(protocols[..], [protocol] if protocol.eq_ignore_ascii_case(b"websocket"));
    let is_proven = proof.is_some_and(|proof| proofs == [proof.as_bytes()]);
    assert_eq!(
        passes,
        match status {
            101 => is_websocket && is_proven,
            200..300 => choice & 1 == 0,
            _ => true,
        }
    );
}
