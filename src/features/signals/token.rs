//! The security event token (RFC 8417), by the rules of SSF 1.0: of its own type, for us, one event, no `sub`.
//!
//! Nothing of it is believed before its signature holds by a key of the transmitter. It never expires: old ones are
//! told by `iat`.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::SetFault;
use super::settings::SignalSettings;
use super::signal::{Call, call, happened, kind};
use super::subject::Whom;
use crate::domain::application::ProviderName;
use crate::domain::signal::SignalKind;
use crate::domain::subject::identifier;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::platform::signed_token::{Audiences, Moment, Signed, is_there};

/// A token, taken apart. What it says is not believed yet.
pub struct Token<'t>(pub(super) Signed<'t, Claims>);

/// Nothing of what it says.
impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[derive(Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: Audiences,
    iat: Moment,
    jti: String,
    events: Map<String, Value>,
    toe: Option<Moment>,
    sub_id: Option<Value>,
    #[serde(default, deserialize_with = "is_there")]
    sub: bool,
}

/// What a token says, once it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Set {
    /// What its transmitter calls it.
    pub id: String,
    /// The same, with the transmitter and whose people it is about: no other has it.
    pub digest: Digest,
    /// When it was signed.
    pub issued: Timestamp,
    /// When what it tells of happened, by the transmitter's clock.
    pub happened: Timestamp,
    /// What has happened.
    pub kind: SignalKind,
    /// What that calls for.
    pub call: Call,
    /// Whom it is about.
    pub whom: Whom,
}

/// Whom it is about is nobody's business in a log.
impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<'t> Token<'t> {
    /// Takes a token apart: at most 8 KiB of it.
    pub fn parse(token: &'t str) -> Result<Self, SetFault> {
        let token = Self(Signed::parse(token, |kind| kind == Some("secevent+jwt"))?);
        if token.0.claims.sub { Err(SetFault::Type) } else { Ok(token) }
    }

    /// What it says to the receiver of this provider's signals. It has to be signed by whom `issuer` names, and is not by
    /// this alone.
    pub fn set(&self, provider: &ProviderName) -> Result<Set, SetFault> {
        let claims = &self.0.claims;
        let mut events = claims.events.iter();
        let (Some((event_type, said)), None) = (events.next(), events.next()) else {
            return Err(SetFault::Events);
        };
        let said = said.as_object().ok_or(SetFault::Events)?;
        let kind = kind(event_type);
        let issued = claims.iat.0;
        let id = identifier(&claims.jti).ok_or(SetFault::Identifier)?;
        // In drafts the subject was within the event.
        let subject = claims.sub_id.as_ref().or_else(|| said.get("subject"));
        let (call, whom) = (call(kind, said), subject.map(Whom::read).unwrap_or_default());
        let of_whom = [provider.as_str().as_bytes(), b"\0", claims.iss.as_bytes(), b"\0", id.as_bytes()];
        Ok(Set {
            digest: Digest::of_parts(&of_whom),
            id: id.to_string(),
            issued,
            happened: happened(said).or(claims.toe.map(|moment| moment.0)).unwrap_or(issued),
            kind,
            whom: if matches!(call, Call::EndSession(_)) { whom.of_session() } else { whom },
            call,
        })
    }

    /// Whether it says that it is from this transmitter, for us, and of the last days.
    pub(super) fn is_meant(&self, settings: &SignalSettings, now: Timestamp) -> Result<(), SetFault> {
        let claims = &self.0.claims;
        if claims.iss != settings.issuer {
            return Err(SetFault::Issuer);
        }
        if !claims.aud.0.iter().any(|audience| settings.audience.contains(audience)) {
            return Err(SetFault::Audience);
        }
        let iat = claims.iat.0;
        let is_of_now = iat <= now.plus(settings.clock_skew) && iat >= now.minus(GOOD_FOR);
        if is_of_now { Ok(()) } else { Err(SetFault::IssuedAt) }
    }
}

/// How long after it was signed a token may come, and so come again: as long as transmitters keep what was not taken,
/// over an outage of ours.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
