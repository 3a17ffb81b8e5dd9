//! The key that a browser keeps in the device for a session (W3C, Device Bound Session Credentials).
//!
//! After a sign-in the browser is asked for one. It answers with the public half and a proof that it has the other, and
//! gets a cookie that is good for a few minutes; before that has ended it proves it again. So whoever has copied all cookies
//! has something for minutes, and whoever has copied the session's alone has nothing.
//!
//! Nothing is kept of what was asked: a challenge and a cookie say themselves, under the gateway's key, for which session they
//! are and until when. A proof counts once: a challenge that is not later than the one proven last does not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use openidconnect::core::CoreJsonWebKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::signed_token::Signed;

/// What the name of the cookie begins with that says that the device has lately proven to have a session's key; the session's
/// id follows. Browsers keep what they know of a session for longer than its cookie, so that each needs one of its own.
pub const DEVICE_COOKIE: &str = "__Host-leastway-k-";
/// What else the cookie has, as `Set-Cookie` writes it; the browser is told the same.
pub const DEVICE_COOKIE_ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The public half of a device's key.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeviceKey {
    /// As a JSON Web Key (RFC 7517): the members that say which it is, and no other.
    public: Map<String, Value>,
    /// Since when the session is bound to it.
    since: Timestamp,
    /// The moment of the challenge that was proven last, in milliseconds.
    #[serde(skip)]
    proven: AtomicI64,
}

impl PartialEq for DeviceKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for DeviceKey {}

/// What is known of a device whose session is bound to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// It has lately proven to have it.
    HasKey,
    /// The session was bound a moment ago: what the browser had under way then comes without a word of it.
    NotYet,
    /// It is not known to have it.
    Not,
}

/// Why a proof is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFault {
    /// It is none, or for something else.
    #[error("it is no proof that a device has a key")]
    Malformed,
    /// The key is of a kind that is not taken.
    #[error("its key is neither on the curve P-256 nor an RSA key of 2048 to 4096 bits")]
    Key,
    /// It is not signed by the key.
    #[error("it is not signed by the key")]
    Signature,
    /// What it answers was not asked by us, or for another session.
    #[error("it does not answer what was asked")]
    Challenge,
    /// What it answers was asked too long ago, or has been answered.
    #[error("it answers what was asked too long ago, or before")]
    Stale,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
}

/// When that was asked which a proof answers.
#[derive(Clone, Copy, Debug)]
pub struct DeviceProofMoment(pub(super) Timestamp);

/// A proof that a browser has sent: a signed token. Nothing of it is believed yet.
#[derive(Debug)]
pub struct DeviceProof<'t>(Signed<'t, Claims>);

impl<'t> DeviceProof<'t> {
    /// Takes apart what a browser has sent: a string of structured fields (RFC 9651 section 3.3.3), or the token alone.
    pub fn read(sent: &'t str) -> Result<Self, DeviceFault> {
        let bare = sent.trim();
        let token = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
        let signed = Signed::parse(token, |kind| kind == Some("dbsc+jwt"));
        signed.map(Self).map_err(|_| DeviceFault::Malformed)
    }

    /// The session for which it answers what was asked at its sign-in.
    pub fn begins(&self, key: &DigestKey, now: Timestamp) -> Result<SessionId, DeviceFault> {
        let (session, asked) = Asked::At(Step::Begin).read(key, &self.0.claims.jti)?;
        if now.since(asked) > BEGIN_LASTS { Err(DeviceFault::Stale) } else { Ok(session) }
    }

    /// The key that it shows, and is signed by.
    pub fn shown(&self, now: Timestamp) -> Result<DeviceKey, DeviceFault> {
        let public = public(self.0.shown.as_ref().ok_or(DeviceFault::Key)?).ok_or(DeviceFault::Key)?;
        let key = DeviceKey { public, since: now, proven: AtomicI64::new(0) };
        self.is_signed_by(&key).map(|()| key)
    }

    fn is_signed_by(&self, key: &DeviceKey) -> Result<(), DeviceFault> {
        let public: CoreJsonWebKey =
            serde_json::from_value(Value::Object(key.public.clone())).map_err(|_| DeviceFault::Key)?;
        self.0.is_signed_with(&public).map_err(|_| DeviceFault::Signature)
    }
}

impl DeviceKey {
    /// Whether a proof is by this key and answers what was asked of this session last; and when that was asked.
    pub fn proves(
        &self,
        proof: &DeviceProof<'_>,
        session: SessionId,
        key: &DigestKey,
        now: Timestamp,
    ) -> Result<DeviceProofMoment, DeviceFault> {
        let (meant, asked) = Asked::At(Step::Again).read(key, &proof.0.claims.jti)?;
        if meant != session {
            return Err(DeviceFault::Challenge);
        }
        let is_old =
            now.since(asked) > AGAIN_LASTS || asked.as_millis() <= self.proven.load(Ordering::Acquire);
        if is_old {
            return Err(DeviceFault::Stale);
        }
        proof.is_signed_by(self)?;
        let before = self.proven.fetch_max(asked.as_millis(), Ordering::AcqRel);
        if before < asked.as_millis() { Ok(DeviceProofMoment(asked)) } else { Err(DeviceFault::Stale) }
    }

    /// What it is asked to answer before the cookie has ended: later than what was answered last, also by a clock that
    /// has been put back.
    pub fn next_challenge(&self, session: SessionId, key: &DigestKey, now: Timestamp) -> String {
        let after = Timestamp::from_millis(self.proven.load(Ordering::Acquire).saturating_add(1));
        Asked::At(Step::Again).write(key, session, now.max(after))
    }

    /// What the cookie that a request brings says of the device.
    pub fn vouched(
        &self,
        session: SessionId,
        brought: Option<&str>,
        key: &DigestKey,
        now: Timestamp,
    ) -> Vouched {
        let holds = |brought| {
            let word = Asked::Until.read(key, brought);
            word.is_ok_and(|(meant, until)| meant == session && now < until.plus(UNDER_WAY))
        };
        if brought.is_some_and(holds) {
            return Vouched::HasKey;
        }
        let is_new = now >= self.since && now.since(self.since) < UNDER_WAY;
        if is_new { Vouched::NotYet } else { Vouched::Not }
    }
}

/// What the browser is asked right after a sign-in, to bind its session to a key.
pub fn first_challenge(key: &DigestKey, session: SessionId, now: Timestamp) -> String {
    Asked::At(Step::Begin).write(key, session, now)
}

/// The name of a session's cookie.
pub fn device_cookie_name(session: SessionId) -> String {
    format!("{DEVICE_COOKIE}{session}")
}

/// The value for `Set-Cookie` by which a browser is believed to have the key for as long as this.
pub fn device_cookie(key: &DigestKey, session: SessionId, now: Timestamp, lasts: Duration) -> String {
    let (word, seconds) = (Asked::Until.write(key, session, now.plus(lasts)), lasts.as_secs());
    let name = device_cookie_name(session);
    format!("{name}={word}; {DEVICE_COOKIE_ATTRIBUTES}; Max-Age={seconds}")
}

/// What a text of ours says of a session and a moment.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// A challenge of that moment.
    At(Step),
    /// A word that is good until then.
    Until,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Again,
}

impl Asked {
    /// The session, the moment in milliseconds, and by what both are known to be from us.
    fn write(self, key: &DigestKey, session: SessionId, moment: Timestamp) -> String {
        let said = format!("{session}.{}", moment.as_millis());
        format!("{said}.{}", self.seal(key, &said))
    }

    fn read(self, key: &DigestKey, text: &str) -> Result<(SessionId, Timestamp), DeviceFault> {
        let (said, seal) = text.rsplit_once('.').ok_or(DeviceFault::Challenge)?;
        if said.len() > SAID_BYTES_MAX || !Secret::new(self.seal(key, said)).is(seal) {
            return Err(DeviceFault::Challenge);
        }
        let (session, moment) = said.split_once('.').ok_or(DeviceFault::Challenge)?;
        let session = session.parse().map_err(|_| DeviceFault::Challenge)?;
        let moment = moment.parse().map_err(|_| DeviceFault::Challenge)?;
        Ok((session, Timestamp::from_millis(moment)))
    }

    fn seal(self, key: &DigestKey, said: &str) -> String {
        let what: &[u8] = match self {
            Self::At(Step::Begin) => b"device key, first challenge",
            Self::At(Step::Again) => b"device key, challenge",
            Self::Until => b"device key, proven",
        };
        key.digest(&[what, said.as_bytes()]).to_string()
    }
}

/// The public members of a key of a kind that devices keep; none of another.
fn public(shown: &Map<String, Value>) -> Option<Map<String, Value>> {
    let text = |name: &str| shown.get(name).and_then(Value::as_str);
    let members: &[&str] = match text("kty")? {
        "EC" if text("crv")? == "P-256" => &["kty", "crv", "x", "y"],
        "RSA" if text("e")? == "AQAB" && RSA_DIGITS.contains(&text("n")?.len()) => &["kty", "n", "e"],
        _ => return None,
    };
    members.iter().map(|name| Some(((*name).to_owned(), Value::from(text(name)?)))).collect()
}

/// How long what was under way on the old terms may take to come.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// How long a browser may take to make a key.
const BEGIN_LASTS: Duration = Duration::from_secs(5 * 60);
/// A browser keeps a challenge from one proof to the next, and sleeps in between.
const AGAIN_LASTS: Duration = Duration::from_secs(2 * 60 * 60);
/// Of 2048 to 4096 bits, as base64url.
const RSA_DIGITS: std::ops::RangeInclusive<usize> = 342..=683;
/// A session's id and a moment.
const SAID_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::entropy::SeededEntropy;

    #[test]
    fn a_clock_that_is_put_back_neither_stops_proofs_nor_opens_a_door() {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let back = now.minus(Duration::from_secs(600));
        let (key, session) = (DigestKey::from_bytes(&[7; 32]), SessionId::new(now, &SeededEntropy::new(1)));
        let proven = AtomicI64::new(now.as_millis());
        let device = DeviceKey { public: Map::new(), since: now, proven };
        let asked = Asked::At(Step::Again).read(&key, &device.next_challenge(session, &key, back)).unwrap();
        assert_eq!((asked.0, asked.1 > now), (session, true), "later than what was answered last");
        assert_eq!(device.vouched(session, None, &key, now), Vouched::NotYet);
        assert_eq!(device.vouched(session, None, &key, back), Vouched::Not);
    }

    #[test]
    fn what_is_said_of_one_step_or_session_says_nothing_of_another() {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let entropy = SeededEntropy::new(1);
        let (key, other) = (DigestKey::from_bytes(&[7; 32]), DigestKey::from_bytes(&[8; 32]));
        let (session, another) = (SessionId::new(now, &entropy), SessionId::new(now, &entropy));
        let device = DeviceKey { public: Map::new(), since: Timestamp::default(), proven: AtomicI64::new(0) };
        let cookie = device_cookie(&key, session, now, Duration::from_secs(600));
        let word = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
        let vouched = |session, word, key, now| device.vouched(session, Some(word), key, now);
        assert_eq!(vouched(session, word, &key, now), Vouched::HasKey);
        assert_eq!(vouched(another, word, &key, now), Vouched::Not);
        assert_eq!(vouched(session, word, &other, now), Vouched::Not);
        let over = now.plus(Duration::from_secs(660));
        assert_eq!(vouched(session, word, &key, over), Vouched::Not);
        for asked in [first_challenge(&key, session, now), device.next_challenge(session, &key, now)] {
            assert_eq!(device.vouched(session, Some(&asked), &key, now), Vouched::Not);
        }
    }
}
