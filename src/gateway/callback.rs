//! The provider has sent somebody back: a new session, or the one that they had, stepped up or unlocked.

use std::sync::Arc;

use super::challenge::{self, Redirect};
use super::draft::Draft;
use super::handle::{Answer, Moment, note_person};
use super::own_paths::{Asked, lead};
use super::refusal::Refusal;
use super::subject::{self, Person};
use super::{hold, provisioning, turnstile, unlock};
use crate::domain::event::LockStep;
use crate::domain::purpose::Purpose;
use crate::domain::revocation::{Cause, Target};
use crate::features::authn::{AuthnError, Finished, Previous, ReturnTo};
use crate::features::directory::Known;
use crate::features::session::{Found, Locked, NewSession, Renewal, Session, SessionError, SessionToken};
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

/// Where the provider sends people back to, on each host.
pub const CALLBACK_PATH: &str = "/.leastway/callback";

/// The same, with the host.
pub fn uri(authority: &str) -> String {
    format!("https://{authority}{CALLBACK_PATH}")
}

/// The provider has sent the person back.
pub async fn answer(moment: &Moment, asked: &Asked, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
    turnstile::sign_in(moment)?;
    let query = asked.head.target().query().unwrap_or_default();
    let redirect_uri = uri(asked.manner.authority());
    let binding = asked.manner.binding();
    let binding = binding.as_ref().map(Secret::reveal);
    let authn = &moment.worker.shared.authn;
    let finished = match authn.finish(query, binding, &redirect_uri, moment.now).await {
        Ok(finished) => finished,
        Err(error) => {
            let led = authn.led(query, binding, moment.now);
            let location = led.as_ref().map_or("/", ReturnTo::as_str);
            // An old tab of somebody who has signed in meanwhile: nothing is wrong.
            if matches!(error, AuthnError::UnknownTransaction) && asked.person.known().is_some() {
                return Ok(lead(moment, &Redirect { location: location.to_owned(), set_cookie: None }));
            }
            return Err(challenge::failed(error, location));
        }
    };
    let known = provisioning::admit(moment, &finished)?;
    // Whoever is not let in for a reason of their own is told that.
    if finished.goes_round {
        return Err(challenge::failed(AuthnError::GoesRound, finished.return_to.as_str()));
    }
    let location = hold::after_sign_in(moment, asked, &finished, draft).await;
    let came = Came { moment, asked, location: &location, known: &known };
    let (session, token) = came.establish(finished, draft).await?;
    note_person(draft, &subject::person(moment, &Found::Session(session.clone()), None));
    provisioning::admit_still(moment, &session).await?;
    Ok(lead(moment, &Redirect { location, set_cookie: Some(token.set_cookie()) }))
}

/// Somebody who has come back.
struct Came<'a> {
    moment: &'a Moment,
    asked: &'a Asked,
    /// Where they go on.
    location: &'a str,
    /// Who they are to the directory.
    known: &'a Known,
}

type Established = (Arc<Session>, SessionToken);

impl Came<'_> {
    /// A new session, or the old one under a new cookie where the same person has stepped up or unlocked it.
    async fn establish(&self, finished: Finished, draft: &mut Option<Draft>) -> Result<Established, Refusal> {
        match self.previous(&finished) {
            Previous::Same(session) => match self.renew(session, &finished, draft).await {
                // It expired while its person was at the provider: they have signed in anew. One that somebody has
                // ended does not come back by a sign-in that was begun before.
                Err(SessionError::Gone) if matches!(self.found(session), Found::Expired) => {}
                renewed => return renewed.map_err(|error| self.unkept(&error)),
            },
            // Another person at the same browser starts clean.
            Previous::OfAnother(session) => {
                if let Found::Locked(locked) = self.found(session) {
                    unlock::note(draft, &locked, LockStep::OtherPerson);
                }
                self.moment.revoke(Target::Session(session), Cause::OtherPerson, None).await?;
            }
            Previous::None => {}
        }
        self.create(finished).await
    }

    /// The session that the browser had when this began; or that has been locked in it since.
    fn previous(&self, finished: &Finished) -> Previous {
        match (finished.previous, &self.asked.person) {
            (Previous::None, Person::Locked(Locked { session, .. })) => {
                if session.subject.id() == finished.subject.id() {
                    Previous::Same(session.id)
                } else {
                    Previous::OfAnother(session.id)
                }
            }
            (previous, Person::Known(_) | Person::Locked(_) | Person::Nobody(_)) => previous,
        }
    }

    async fn renew(
        &self,
        session: SessionId,
        finished: &Finished,
        draft: &mut Option<Draft>,
    ) -> Result<Established, SessionError> {
        let renewal = Renewal {
            subject: finished.subject.clone(),
            assurance: finished.assurance.clone(),
            authenticated: finished.authenticated,
            provider_sid: finished.sid.clone(),
            id_token: Some(finished.id_token.clone()),
            begun: finished.begun,
        };
        let before = self.found(session);
        let (sessions, device) = (&self.moment.worker.shared.sessions, self.moment.device.as_ref());
        let renewed = sessions.rotate(session, renewal, device, self.moment.now).await;
        if let Found::Locked(locked) = &before {
            match &renewed {
                Ok(_) => unlock::note(draft, locked, LockStep::Unlocked),
                Err(SessionError::NotAnew) => unlock::note(draft, locked, LockStep::Unproven),
                Err(_) => {}
            }
        }
        renewed
    }

    async fn create(&self, finished: Finished) -> Result<Established, Refusal> {
        let Finished { subject, assurance, authenticated, provider, sid, id_token, begun, .. } = finished;
        let policy = &self.moment.current.rules.policy;
        let groups = self.known.groups.as_ref().unwrap_or(&subject.groups);
        let purpose = policy.default_purpose(&policy.roles_of(groups)).unwrap_or(Purpose::Operations);
        let new = NewSession {
            host: self.asked.head.authority.host.as_ref().into(),
            provider,
            subject,
            assurance,
            purpose,
            device: self.moment.device.clone(),
            authenticated,
            provider_sid: sid,
            id_token: Some(id_token),
            begun,
        };
        let sessions = &self.moment.worker.shared.sessions;
        let created = sessions.create(new, self.moment.now).await.map_err(|error| self.unkept(&error))?;
        for oldest in sessions.surplus(&created.0.subject.id()) {
            // The person is signed in whatever becomes of it; it is told where it was tried.
            let _told = self.moment.revoke(Target::Session(oldest), Cause::TooMany, None).await;
        }
        Ok(created)
    }

    fn found(&self, session: SessionId) -> Found {
        let sessions = &self.moment.worker.shared.sessions;
        sessions.current(session, self.moment.device.as_ref(), self.moment.now)
    }

    fn unkept(&self, error: &SessionError) -> Refusal {
        let failed = match error {
            // Its person was signed out everywhere while they came back.
            SessionError::Gone => (AuthnError::UnknownTransaction, "/"),
            SessionError::NotAnew => (AuthnError::NotAnew, self.location),
            SessionError::Store(_)
            | SessionError::TooMany
            | SessionError::OtherPerson
            | SessionError::Unwritable => {
                tracing::error!(request.id = %self.moment.event, %error, "a session could not be kept");
                return Refusal::StoreUnavailable;
            }
        };
        Refusal::SignInFailed(failed.0, failed.1.to_owned())
    }
}
