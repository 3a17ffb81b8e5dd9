//! The provider has sent somebody back: a new session, or the one that they had, stepped up or unlocked.

use std::sync::Arc;

use super::challenge::{self, Redirect};
use super::draft::Draft;
use super::handle::{Answer, Moment, note_person};
use super::own_paths::{Asked, lead, with_cookie, with_field};
use super::refusal::Refusal;
use super::subject::{self, Person};
use super::{chooser, device_key, hold, leaving, provisioning, risk, turnstile, unlock};
use crate::domain::application::ProviderName;
use crate::domain::event::LockStep;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Target};
use crate::domain::subject::SubjectId;
use crate::features::authn::{AuthnError, Finished, Previous, ReturnTo};
use crate::features::directory::Known;
use crate::features::risk::Proven;
use crate::features::session::{Found, Locked, NewSession, Renewal, Session, SessionError, SessionToken};
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

pub use crate::domain::own_path::CALLBACK_PATH;

/// The same of one provider, where it has one of its own.
const OWN_CALLBACK: &str = "/.leastway/callback/";

/// Whether people are sent back to this path.
pub fn is_own(path: &str) -> bool {
    path == CALLBACK_PATH
        || path.strip_prefix(OWN_CALLBACK).is_some_and(|name| name.parse::<ProviderName>().is_ok())
}

/// Where a provider sends people back to, with the host. One that has a callback of its own gets nobody else's answers,
/// since a sign-in is finished only where it was begun to be.
pub fn uri(moment: &Moment, provider: &ProviderName, authority: &str) -> String {
    if moment.current.rules.faces.get(provider).is_some_and(|face| face.own_callback) {
        format!("https://{authority}{OWN_CALLBACK}{provider}")
    } else {
        format!("https://{authority}{CALLBACK_PATH}")
    }
}

/// The provider has sent the person back.
pub async fn answer(
    moment: &Moment,
    path: &str,
    asked: &Asked,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    turnstile::sign_in(moment)?;
    let query = asked.head.target().query().unwrap_or_default();
    let redirect_uri = format!("https://{}{path}", asked.manner.authority());
    let binding = asked.manner.binding();
    let authn = &moment.worker.shared.authn;
    let binding = binding.as_ref().map(Secret::reveal);
    let finished = match authn.finish(query, binding, &redirect_uri, moment.now).await {
        Ok(finished) => finished,
        Err(error) => return strayed(moment, asked, error, (query, binding, &redirect_uri)),
    };
    let known = provisioning::admit(moment, &finished)?;
    // Whoever is not let in for a reason of their own is told that.
    if finished.goes_round {
        return Err(challenge::failed(AuthnError::GoesRound, finished.return_to.as_str()));
    }
    let whose = whose(moment, asked);
    let stays = whose.as_ref() == Some(&finished.subject.id());
    let location = hold::after_sign_in(moment, asked, &finished, draft).await;
    let remembered = chooser::remember(moment, asked, finished.return_to.as_str(), &finished.provider);
    let came = Came { moment, asked, location: &location, known: &known };
    let (assurance, authenticated) = (finished.assurance.clone(), finished.authenticated);
    let (session, token) = came.establish(finished, draft).await?;
    let wanted = token.as_ref().and_then(|_| device_key::wanted(moment, &session));
    let set_cookie = token.map(|token| token.set_cookie());
    note_person(draft, &subject::person(moment, &Found::Session(session.clone()), None));
    provisioning::admit_still(moment, &session).await?;
    let proven = Proven { assurance: &assurance, authenticated };
    let browser = risk::came(moment, &asked.manner, (&session, &proven), draft);
    risk::share(moment, &session).await;
    let answer = lead(moment, &Redirect { location, set_cookie });
    let answer = remembered.iter().chain(&browser).fold(answer, |answer, cookie| with_cookie(answer, cookie));
    let ask =
        |answer| wanted.into_iter().fold(answer, |answer, (name, value)| with_field(answer, name, value));
    if stays {
        return Ok(ask(answer));
    }
    // Whatever the applications know of this browser is of whoever was here before.
    let farewell = Box::pin(leaving::hand_over(moment, asked, whose.is_some(), draft)).await?;
    // A browser that is to forget what it has stored would forget the key with it.
    let answer = if farewell.clears() { answer } else { ask(answer) };
    Ok(farewell.on(answer))
}

/// Whose the session is, or was, that the browser has the cookie of; as far as that is remembered.
fn whose(moment: &Moment, asked: &Asked) -> Option<SubjectId> {
    if let Person::Known(known) = &asked.person {
        return Some(known.session.subject.id());
    }
    let token = asked.head.session.value()?;
    moment.worker.shared.sessions.whose(token.reveal(), &asked.head.authority.host)
}

/// A way back that leads to no session. Of somebody who has one meanwhile it is an old tab, and nothing is wrong.
fn strayed(
    moment: &Moment,
    asked: &Asked,
    error: AuthnError,
    (query, binding, redirect_uri): (&str, Option<&str>, &str),
) -> Result<Answer, Refusal> {
    let authn = &moment.worker.shared.authn;
    let led = authn.led(query, binding, moment.now);
    let location = led.as_ref().map_or("/", ReturnTo::as_str);
    let old = if matches!(error, AuthnError::OtherBrowser) {
        // Of tabs that began at once, before the browser had a binding, all but one have lost theirs.
        authn.leads(query, redirect_uri, moment.client).map(|target| target.as_str().to_owned())
    } else {
        matches!(error, AuthnError::UnknownTransaction).then(|| location.to_owned())
    };
    match old.filter(|_| asked.person.known().is_some()) {
        Some(location) => Ok(lead(moment, &Redirect { location, set_cookie: None })),
        None => Err(challenge::failed(error, location)),
    }
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

/// A session, and its cookie if that is a new one.
type Established = (Arc<Session>, Option<SessionToken>);

impl Came<'_> {
    /// A new session, or the old one under a new cookie where the same person has stepped up or unlocked it.
    async fn establish(&self, finished: Finished, draft: &mut Option<Draft>) -> Result<Established, Refusal> {
        match self.previous(&finished) {
            Previous::Same(session) => match self.renew(session, &finished, draft).await {
                // Another tab came back first: the browser has the cookie from there, or is just about to.
                Err(SessionError::Renewed(session)) => return Ok((session, None)),
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
        self.in_place_of_what_is_elsewhere(finished).await
    }

    /// A new session. Where the browser has the cookie of one that it cannot show to be here, that one ends: its person goes on
    /// in this, and so does nobody who has copied it. One that is locked ends only once its person has got past the lock.
    async fn in_place_of_what_is_elsewhere(&self, finished: Finished) -> Result<Established, Refusal> {
        let theirs = |session: &Arc<Session>| {
            session.provider == finished.provider && session.subject.id() == finished.subject.id()
        };
        let found = match &self.asked.person {
            Person::Nobody(Reason::SessionElsewhere) => subject::look_up(self.moment, &self.asked.head),
            Person::Nobody(_) | Person::Known(_) | Person::Locked(_) => Found::None,
        };
        let (before, is_locked) = match found {
            Found::Session(session) => (Some(session).filter(theirs), false),
            Found::Locked(locked) => (Some(locked.session).filter(theirs), true),
            Found::Expired | Found::Ended | Found::Elsewhere | Found::None => (None, false),
        };
        let Some(before) = before else { return self.create(finished).await };
        let end = async || self.moment.revoke(Target::Session(before.id), Cause::Elsewhere, None).await;
        if is_locked {
            let created = self.create(finished).await?;
            end().await?;
            return Ok(created);
        }
        end().await?;
        self.create(finished).await
    }

    /// The session that the browser had when this began; or, where that was none or is over, the one that it has by now,
    /// live or locked: from another tab, as a rule. Beside a second one it would go on without a cookie.
    fn previous(&self, finished: &Finished) -> Previous {
        // What cannot be shown to be here is not renewed here.
        if matches!(
            (&self.asked.person, &finished.previous),
            (Person::Nobody(Reason::SessionElsewhere), Previous::Same(_))
        ) {
            return Previous::None;
        }
        let sessions = &self.moment.worker.shared.sessions;
        let is_over = match finished.previous {
            Previous::None => true,
            Previous::Same(_) => false,
            Previous::OfAnother(session) => !sessions.is_there(session, self.moment.now),
        };
        match self.present().filter(|_| is_over) {
            None => finished.previous,
            Some(session)
                if session.provider == finished.provider && session.subject.id() == finished.subject.id() =>
            {
                Previous::Same(session.id)
            }
            Some(session) => Previous::OfAnother(session.id),
        }
    }

    /// The session that the browser's cookie names.
    fn present(&self) -> Option<&Session> {
        match &self.asked.person {
            Person::Known(known) => Some(&*known.session).filter(|session| session.program.is_none()),
            Person::Locked(Locked { session, .. }) => Some(session),
            Person::Nobody(_) => None,
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
            under: self.under(session).filter(|_| finished.need.is_none()),
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
        renewed.map(|(session, token)| (session, Some(token)))
    }

    /// The session as it is under the cookie that the browser has sent. Of tabs that come back at once only the first
    /// gives another cookie, or the browser would keep whichever comes last, which need not be the one that holds.
    fn under(&self, session: SessionId) -> Option<Arc<Session>> {
        self.asked.person.known().map(|known| &known.session).filter(|it| it.id == session).cloned()
    }

    async fn create(&self, finished: Finished) -> Result<Established, Refusal> {
        let Finished { subject, assurance, authenticated, provider, sid, id_token, begun, .. } = finished;
        let policy = &self.moment.current.rules.policy;
        let groups = self.known.groups.as_ref().unwrap_or(&subject.groups);
        let roles = policy.roles_of(&provider, groups);
        let sessions = &self.moment.worker.shared.sessions;
        let usual = sessions.usual_purpose(&subject.id());
        let usual = usual.filter(|purpose| policy.purposes_of(&roles).contains(purpose));
        let purpose = usual.or_else(|| policy.default_purpose(&roles)).unwrap_or(Purpose::Operations);
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
            bond: sessions.bond(&subject::shows(self.moment, &self.asked.parts.headers)),
        };
        let applications: Vec<_> = subject::applications(self.moment, &new.host).collect();
        sessions.age_beside(&new, &applications, self.moment.now);
        let created = sessions.create(new, self.moment.now).await.map_err(|error| self.unkept(&error))?;
        for oldest in sessions.surplus(&created.0, self.moment.now) {
            // The person is signed in whatever becomes of it; it is told where it was tried.
            let _told = self.moment.revoke(Target::Session(oldest), Cause::TooMany, None).await;
        }
        let (session, token) = created;
        Ok((session, Some(token)))
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
            SessionError::Full => return Refusal::SessionsFull(self.location.to_owned()),
            SessionError::Store(_)
            | SessionError::TooMany
            | SessionError::OtherPerson
            | SessionError::Renewed(_)
            | SessionError::Bound
            | SessionError::Unwritable => {
                tracing::error!(request.id = %self.moment.event, %error, "a session could not be kept");
                return Refusal::StoreUnavailable;
            }
        };
        Refusal::SignInFailed(failed.0, failed.1.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_may_have_a_callback_of_its_own_and_nothing_else_is_one() {
        for (path, is_one) in [
            ("/.leastway/callback", true),
            ("/.leastway/callback/partner", true),
            ("/.leastway/callback/", false),
            ("/.leastway/callback/a/b", false),
            ("/.leastway/callbacks", false),
            ("/.leastway/sign-in", false),
        ] {
            assert_eq!(is_own(path), is_one, "{path}");
        }
    }
}
