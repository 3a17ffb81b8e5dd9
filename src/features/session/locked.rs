//! A session whose person has been away for a while: it stands, but nothing is decided under it until they have come
//! back. Also, whose a session was that is locked or over: what they had typed is kept for them and for nobody else.
//!
//! That somebody has come back is proven by what the provider says of when they authenticated, never by their having
//! been asked to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::change::CHANGE_ATTEMPTS;
use super::session::{NewSession, Renewal, Session, State, merged};
use super::sessions::{SessionError, Sessions};
use super::standing::Found;
use super::token::SessionToken;
use crate::domain::application::ApplicationName;
use crate::domain::device::{DeviceClass, Resume};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// A session that is locked.
#[derive(Clone, Debug)]
pub struct Locked {
    /// Which.
    pub session: Arc<Session>,
    /// Since when.
    pub since: Timestamp,
    /// What unlocks it.
    pub resume: Resume,
}

impl Locked {
    /// Whether its person has come back: they authenticated after it was locked. `authenticated` is when they did by the
    /// provider's word, as late as the clocks allow; none where the provider does not say.
    pub(super) fn opens(&self, authenticated: Option<Timestamp>) -> bool {
        match self.resume {
            Resume::Sso => true,
            Resume::Login => authenticated.is_some_and(|moment| moment > self.since),
        }
    }
}

impl Renewal {
    /// Whether the session has got another cookie since its person came back.
    fn has_come_after(&self, session: &Session) -> bool {
        self.under.as_ref().is_some_and(|under| under.digest != session.digest)
    }
}

impl Sessions {
    /// Whose session the cookie `token` stands for on `host`, live, locked, or over and not yet forgotten. It says nothing of
    /// who asks now: nobody may be shown anything for it.
    pub fn whose(&self, token: &str, host: &str) -> Option<SubjectId> {
        let session = self.table.find(&SessionToken::digest_of(token)?)?;
        (*session.host == *host).then(|| session.subject.id())
    }

    /// After a step-up, when a locked session is unlocked from a device of this class, or when somebody who is here signs
    /// in once more: the same session under a new token. The old token is nothing any more. A session that is locked stays so unless its person has authenticated
    /// since.
    pub async fn rotate(
        &self,
        id: SessionId,
        renewal: Renewal,
        device: Option<&DeviceClass>,
        now: Timestamp,
    ) -> Result<(Arc<Session>, SessionToken), SessionError> {
        let (token, begun) = (SessionToken::generate(&*self.entropy), renewal.begun);
        let session = self.renew(id, &renewal, &token, device, now).await?;
        // What it rests on at the provider now may have ended before it did.
        self.unless_ended(&session, begun, now).await?;
        Ok((session, token))
    }

    async fn renew(
        &self,
        id: SessionId,
        renewal: &Renewal,
        token: &SessionToken,
        device: Option<&DeviceClass>,
        now: Timestamp,
    ) -> Result<Arc<Session>, SessionError> {
        let _turn = self.turn(id).lock().await;
        for _ in 0..CHANGE_ATTEMPTS {
            let (before, from) = match self.current(id, device, now) {
                // A program takes no step.
                Found::Session(session) if session.program.is_some() => return Err(SessionError::Gone),
                Found::Session(session) if renewal.has_come_after(&session) => {
                    return Err(SessionError::Renewed(session));
                }
                Found::Session(session) => (session, State::Live),
                Found::Locked(locked) if renewal.subject.id() != locked.session.subject.id() => {
                    return Err(SessionError::OtherPerson);
                }
                Found::Locked(locked) if !locked.opens(renewal.authenticated) => {
                    return Err(SessionError::NotAnew);
                }
                Found::Locked(locked) => (locked.session, State::Locked),
                Found::Expired | Found::Ended | Found::Elsewhere | Found::None => {
                    return Err(SessionError::Gone);
                }
            };
            let after = self.renewed(&before, renewal, token)?;
            if from == State::Locked {
                after.last_seen.store(now.as_millis(), Ordering::SeqCst);
            }
            if let Some(after) = self.put(&before, from, after, now).await? {
                return Ok(after);
            }
        }
        Err(SessionError::Gone)
    }

    fn renewed(
        &self,
        before: &Session,
        renewal: &Renewal,
        token: &SessionToken,
    ) -> Result<Session, SessionError> {
        if renewal.subject.id() != before.subject.id() {
            return Err(SessionError::OtherPerson);
        }
        let mut after = before.successor(token.digest(), self.next_version());
        after.assurance = merged(&before.assurance, renewal.assurance.clone());
        after.subject = Arc::new(renewal.subject.clone());
        after.provider_sid = renewal.provider_sid.clone().or(after.provider_sid);
        // What was sealed by the cookie before opens by this one no more.
        after.id_token = self.sealed(renewal.id_token.as_ref(), after.id, token)?;
        Ok(after)
    }

    /// Looks, by the times of the host's applications, at what rests on the same session at the provider: what nobody has
    /// asked for since may be locked.
    pub fn age_beside(&self, new: &NewSession, applications: &[&ApplicationName], now: Timestamp) {
        let Some(sid) = &new.provider_sid else { return };
        for other in self.table.of_provider_sid(&new.subject.issuer, sid) {
            if other.host == new.host && other.program.is_none() {
                let device = other.device.clone();
                drop(self.judge_at(applications.iter().copied(), other, device.as_ref(), now));
            }
        }
    }

    /// Whether a new session would only get around a lock: on the same host one is locked that rests on the same session
    /// at the provider, so it is the same browser, which has lost the cookie; and nobody has authenticated since.
    pub(super) fn goes_around(
        &self,
        new: &Session,
        authenticated: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let Some(sid) = &new.provider_sid else { return false };
        let beside = self.table.of_provider_sid(&new.subject.issuer, sid);
        let mut locked = beside.into_iter().filter(|other| other.host == new.host).filter_map(|other| {
            match self.at_rest(other, now) {
                Found::Locked(locked) => Some(locked),
                Found::Session(_) | Found::Expired | Found::Ended | Found::Elsewhere | Found::None => None,
            }
        });
        locked.any(|locked| !locked.opens(authenticated))
    }
}
