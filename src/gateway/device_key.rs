//! The path by which browsers bind a session to a key of their device, and prove from time to time that they have it
//! (W3C, Device Bound Session Credentials).
//!
//! The browser asks by itself, often on behalf of a page of another site, so that our other cookies need not come along. What
//! counts is the proof that it brings, for a challenge of ours that names the session.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::draft::Draft;
use super::handle::{Answer, Moment, note_person};
use super::own_paths::Asked;
use super::refusal::Refusal;
use super::reply::own_head;
use super::subject;
use crate::domain::event::Outcome;
use crate::features::session::device_key::{
    DEVICE_COOKIE_ATTRIBUTES, DeviceFault, DeviceKey, DeviceProof, device_cookie, device_cookie_name,
    first_challenge,
};
use crate::features::session::{Found, Session, SessionError};
use crate::foundation::digest::DigestKey;
use crate::foundation::id::SessionId;

/// Where browsers ask.
pub const DEVICE_KEY_PATH: &str = "/.leastway/device-key";

/// What asks the browser for a key, on the reply that gives it the session's cookie.
pub fn wanted(moment: &Moment, session: &Session) -> Option<(HeaderName, HeaderValue)> {
    if !moment.worker.shared.sessions.wants_key(session) {
        return None;
    }
    let challenge = first_challenge(key(moment), session.id, moment.now);
    let text = format!("(ES256 RS256);path=\"{DEVICE_KEY_PATH}\";challenge=\"{challenge}\"");
    Some((REGISTRATION, HeaderValue::from_str(&text).ok()?))
}

/// A browser has made a key, or is to prove that it has one.
pub async fn answer(moment: &Moment, asked: &Asked, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
    let field = |name| asked.parts.headers.get(name).and_then(|value| value.to_str().ok());
    let answered = match (field(SESSION_ID), field(RESPONSE)) {
        (None, Some(proof)) => bind(moment, asked, proof, draft).await,
        (Some(session), proof) => prove(moment, asked, session, proof, draft).await,
        (None, None) => Err(DeviceFault::Malformed.into()),
    };
    answered.map_err(|failed| match failed {
        Failed::Proof(fault) => {
            if let Some(draft) = draft {
                draft.open(|opening| opening.note = Some(fault.to_string()));
            }
            Refusal::DeviceNotProven
        }
        Failed::Store => Refusal::StoreUnavailable,
    })
}

enum Failed {
    Proof(DeviceFault),
    Store,
}

impl From<DeviceFault> for Failed {
    fn from(fault: DeviceFault) -> Self {
        Self::Proof(fault)
    }
}

/// Binds the session that the proof answers for.
async fn bind(
    moment: &Moment,
    asked: &Asked,
    sent: &str,
    draft: &mut Option<Draft>,
) -> Result<Answer, Failed> {
    let proof = DeviceProof::read(sent)?;
    let session = proof.begins(key(moment), moment.now)?;
    let device_key = proof.shown(moment.now)?;
    let bound = moment.worker.shared.sessions.bind(session, device_key, moment.now).await;
    let session = bound.map_err(|error| match error {
        SessionError::Gone | SessionError::Bound => Failed::Proof(DeviceFault::Stale),
        SessionError::Store(_)
        | SessionError::TooMany
        | SessionError::Full
        | SessionError::Renewed(_)
        | SessionError::OtherPerson
        | SessionError::NotAnew
        | SessionError::Unwritable => {
            tracing::error!(request.id = %moment.event, %error, "a session could not be bound to a key of its device");
            Failed::Store
        }
    })?;
    note(moment, &session, draft);
    let device_key = session.bond.key().ok_or(DeviceFault::Stale)?;
    Ok(vouched(moment, asked, session.id, device_key))
}

/// Asks for a proof, or takes it.
async fn prove(
    moment: &Moment,
    asked: &Asked,
    session: &str,
    sent: Option<&str>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Failed> {
    let id: SessionId = session.trim().trim_matches('"').parse().map_err(|_| DeviceFault::Malformed)?;
    let found = moment.worker.shared.sessions.current(id, None, moment.now);
    let session = match found {
        Found::Session(session) => session,
        Found::Locked(locked) => locked.session,
        Found::Expired | Found::Ended | Found::Elsewhere | Found::None => return Ok(over(moment)),
    };
    let Some(device_key) = session.bond.key() else { return Ok(over(moment)) };
    let Some(sent) = sent else { return Ok(challenge(moment, id, device_key)) };
    match device_key.proves(&DeviceProof::read(sent)?, id, key(moment), moment.now) {
        Ok(proven) => {
            // It may have been shown to another node before.
            let sessions = &moment.worker.shared.sessions;
            if !sessions.is_first_proof(id, proven).await.map_err(|_| Failed::Store)? {
                return Ok(challenge(moment, id, device_key));
            }
            note(moment, &session, draft);
            Ok(vouched(moment, asked, id, device_key))
        }
        // Nothing is wrong with a browser that was asleep, nor with one that keeps what we asked under another key.
        Err(DeviceFault::Stale | DeviceFault::Challenge) => Ok(challenge(moment, id, device_key)),
        Err(fault) => Err(fault.into()),
    }
}

/// Whose session it is, where a key has proven that; the cookie need not have come along.
fn note(moment: &Moment, session: &std::sync::Arc<Session>, draft: &mut Option<Draft>) {
    note_person(draft, &subject::person(moment, &Found::Session(session.clone()), None));
}

/// The cookie, for how it is to be renewed, and what is to be answered then.
fn vouched(moment: &Moment, asked: &Asked, session: SessionId, device_key: &DeviceKey) -> Answer {
    let instructions = json!({
        "session_identifier": session,
        "refresh_url": DEVICE_KEY_PATH,
        "scope": { "origin": format!("https://{}", asked.manner.authority()), "include_site": false },
        "credentials": [{ "type": "cookie", "name": device_cookie_name(session), "attributes": DEVICE_COOKIE_ATTRIBUTES }],
        // Who comes from elsewhere, from the provider above all, needs the cookie as well.
        "allowed_refresh_initiators": ["*"],
    });
    let next = device_key.next_challenge(session, key(moment), moment.now);
    let lasts = moment.worker.shared.sessions.device_proof();
    let fields = [
        (SET_COOKIE, device_cookie(key(moment), session, moment.now, lasts)),
        (CHALLENGE, format!("\"{next}\";id=\"{session}\"")),
    ];
    told(moment, StatusCode::OK, &instructions, fields)
}

/// The browser is to prove it now.
fn challenge(moment: &Moment, session: SessionId, device_key: &DeviceKey) -> Answer {
    let next = device_key.next_challenge(session, key(moment), moment.now);
    told(moment, StatusCode::FORBIDDEN, &json!({}), [(CHALLENGE, format!("\"{next}\";id=\"{session}\""))])
}

/// The session is over, and the browser need not ask for it any more.
fn over(moment: &Moment) -> Answer {
    told(moment, StatusCode::OK, &json!({ "continue": false }), [])
}

fn told<const N: usize>(
    moment: &Moment,
    status: StatusCode,
    body: &serde_json::Value,
    fields: [(HeaderName, String); N],
) -> Answer {
    let mut reply = own_head(status, None, moment.event).map(|()| Bytes::from(body.to_string()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers_mut().append(name, value);
        }
    }
    Answer::Own(reply, Outcome::Completed)
}

fn key(moment: &Moment) -> &DigestKey {
    &moment.worker.shared.words
}

const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
const RESPONSE: HeaderName = HeaderName::from_static("secure-session-response");
const SESSION_ID: HeaderName = HeaderName::from_static("sec-secure-session-id");
