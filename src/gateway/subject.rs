//! Who asks: the session behind the cookie (or behind the access token: `program/`), and the identity that it gives under the present rules.

use std::rc::Rc;
use std::sync::Arc;

use http::HeaderMap;
use http::header::USER_AGENT;

use super::draft::Draft;
use super::handle::Moment;
use super::manner::Manner;
use super::normalize::Head;
use super::refusal::Refusal;
use super::turnstile;
use crate::domain::application::ApplicationName;
use crate::domain::device::BoundTo;
use crate::domain::event::{EventClient, EventStanding, EventSubject};
use crate::domain::kept::Kept;
use crate::domain::reason::Reason;
use crate::domain::subject::{Identity, Justification};
use crate::features::route::table::Application;
use crate::features::session::device_key::DeviceKey;
use crate::features::session::{Ends, Found, Locked, Session, Shows};
use crate::foundation::secret::Secret;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Person {
    /// Somebody who is signed in.
    Known(Known),
    /// Nobody, as long as the session that the browser has is locked.
    Locked(Locked),
    /// Nobody, and why: `sign-in-required`, `session-expired`, `session-revoked`, `account-disabled` or `account-unknown`.
    Nobody(Reason),
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Known {
    /// Their session.
    pub session: Arc<Session>,
    /// Who they are under these rules.
    pub identity: Rc<Identity>,
    /// The same, as events keep it.
    pub in_event: Arc<Kept<EventSubject>>,
    /// Whether they have to say first for which of their purposes they work.
    pub choice_due: bool,
}

/// The session that a request's cookie names, if it is good on this host.
pub fn look_up(moment: &Moment, head: &Head) -> Found {
    let Some(token) = head.session.value() else { return Found::None };
    let worker = &moment.worker;
    let (host, device) = (&*head.authority.host, moment.device.as_ref());
    worker.shared.sessions.find(&worker.sessions, token.reveal(), host, device, moment.now)
}

/// Has the session that a request's cookie names known here, where another node has made it a moment ago. Whoever comes with
/// something else is measured as a stranger before the store is asked.
pub async fn meet(moment: &Moment, head: &Head) -> Result<(), Refusal> {
    let sessions = &moment.worker.shared.sessions;
    let Some(token) = head.session.value().filter(|_| sessions.are_shared()) else { return Ok(()) };
    if !moment.is_in_touch || !sessions.is_new_here(token.reveal(), moment.now) {
        return Ok(());
    }
    turnstile::stranger(moment)?;
    Box::pin(sessions.look_up(token.reveal(), moment.now)).await.map_err(|error| {
        tracing::error!(request.id = %moment.event, %error, "a session could not be looked up");
        Refusal::StoreUnavailable
    })
}

/// What was found, if the request shows what that session is bound to.
pub fn here(
    moment: &Moment,
    found: Found,
    fields: &HeaderMap,
    manner: &Manner,
    draft: &mut Option<Draft>,
) -> Found {
    let (Found::Session(session) | Found::Locked(Locked { session, .. })) = &found else { return found };
    let Some(missing) = missing(moment, session, fields, manner) else { return found };
    if let Some(draft) = draft {
        let note = format!("session {} is bound to what was not shown: {missing}", session.id);
        draft.open(|opening| opening.note = Some(note));
    }
    Found::Elsewhere
}

/// What a session is bound to that a request does not show.
fn missing(moment: &Moment, session: &Session, fields: &HeaderMap, manner: &Manner) -> Option<BoundTo> {
    let vouched = |device_key: &DeviceKey| {
        let (brought, key) = (manner.device(session.id), &moment.worker.shared.words);
        device_key.vouched(session.id, brought.as_ref().map(Secret::reveal), key, moment.now)
    };
    session.bond.misses(&shows(moment, fields), vouched)
}

/// What a request shows of where it comes from.
pub fn shows<'r>(moment: &'r Moment, fields: &'r HeaderMap) -> Shows<'r> {
    Shows {
        certificate: moment.certificate.as_ref().map(|certificate| &*certificate.thumbprint),
        browser: fields.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
        client: moment.client,
    }
}

/// What was found, as it stands by now: the session may have ended since.
pub fn again(moment: &Moment, found: Found) -> Found {
    let worker = &moment.worker;
    match found {
        Found::Session(session) => {
            worker.shared.sessions.judge(session, moment.device.as_ref(), worker.now())
        }
        other @ (Found::Locked(_) | Found::Expired | Found::Ended | Found::Elsewhere | Found::None) => other,
    }
}

/// What was found, as it stands at one application: that may ask for shorter sessions than others.
pub fn at(moment: &Moment, found: Found, application: &Application) -> Found {
    match found {
        Found::Session(session) if session.program.is_none() => moment.worker.shared.sessions.judge_at(
            [&application.name],
            session,
            moment.device.as_ref(),
            moment.now,
        ),
        other @ (Found::Session(_)
        | Found::Locked(_)
        | Found::Expired
        | Found::Ended
        | Found::Elsewhere
        | Found::None) => other,
    }
}

/// What was found, as it stands on our own paths of a host: what the strictest of its applications asks for holds there.
pub fn at_host(moment: &Moment, found: Found, host: &str) -> Found {
    match found {
        Found::Session(session) if session.program.is_none() => moment.worker.shared.sessions.judge_at(
            applications(moment, host),
            session,
            moment.device.as_ref(),
            moment.now,
        ),
        other @ (Found::Session(_)
        | Found::Locked(_)
        | Found::Expired
        | Found::Ended
        | Found::Elsewhere
        | Found::None) => other,
    }
}

/// When a session is locked and ends, by the same.
pub fn ends(moment: &Moment, session: &Session) -> Ends {
    let sessions = &moment.worker.shared.sessions;
    sessions.ends_at(applications(moment, &session.host), session, moment.device.as_ref())
}

/// The applications of a host.
pub fn applications<'m>(moment: &'m Moment, host: &str) -> impl Iterator<Item = &'m ApplicationName> {
    moment.current.rules.routes.at(host).map(|application| &application.name)
}

/// The person whose session was found: for one application as that sees them, signed in at its provider and
/// with the reason that they gave for it.
pub fn person(moment: &Moment, found: &Found, application: Option<&Application>) -> Person {
    match found {
        Found::Session(session) | Found::Locked(Locked { session, .. })
            if application.is_some_and(|it| !vouches(session, it)) =>
        {
            Person::Nobody(Reason::SignInRequired)
        }
        Found::Locked(locked) => Person::Locked(locked.clone()),
        Found::Session(session) => match moment.current.known(session, application) {
            Ok(known) => Person::Known(known),
            Err(barred) => Person::Nobody(barred),
        },
        Found::Expired => Person::Nobody(Reason::SessionExpired),
        Found::Ended => Person::Nobody(Reason::SessionRevoked),
        Found::Elsewhere => Person::Nobody(Reason::SessionElsewhere),
        Found::None => Person::Nobody(Reason::SignInRequired),
    }
}

/// Whether the application takes the word of the session's provider. A program's bounds say where it may come to.
pub fn vouches(session: &Session, application: &Application) -> bool {
    session.program.is_some() || application.admits(&session.provider)
}

impl Person {
    /// The identity, if somebody is signed in.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Known(known) => Some(&known.identity),
            Self::Locked(_) | Self::Nobody(_) => None,
        }
    }

    /// Whether it is a program that acts for itself.
    pub fn is_program(&self) -> bool {
        self.known().is_some_and(|known| known.session.program.is_some())
    }

    /// The person, if somebody is signed in.
    pub const fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Locked(_) | Self::Nobody(_) => None,
        }
    }
}

impl Known {
    /// The same, with the reason that they gave for an application.
    #[must_use]
    pub fn to(self, application: &Application) -> Self {
        let given = self.session.justification(&application.name).cloned();
        self.justified(given)
    }

    /// The same, with a reason, if there is one.
    #[must_use]
    pub fn justified(self, given: Option<Justification>) -> Self {
        if given.is_none() {
            return self;
        }
        let identity = Identity { justification: given, ..Identity::clone(&self.identity) };
        Self { identity: Rc::new(identity), ..self }
    }

    /// Somebody whose session this is; of a program, with who answers for it.
    pub fn new(session: Arc<Session>, identity: Identity, owner: Option<&Arc<str>>) -> Self {
        let Identity { subject, roles, purpose, assurance, .. } = &identity;
        let in_event = Arc::new(Kept::new(EventSubject {
            issuer: subject.issuer.clone(),
            sub: subject.sub.clone(),
            name: subject.name.clone(),
            roles: roles.clone(),
            purpose: *purpose,
            session: session.id,
            acr: assurance.acr.clone(),
            amr: assurance.amr.clone(),
            auth_time: assurance.auth_time,
            client: session.program.as_ref().map(|program| EventClient {
                name: program.client.clone(),
                client_id: program.client_id.clone(),
                owner: owner.cloned().unwrap_or_default(),
                token: program.id,
            }),
            standing: Some(EventStanding::of(&identity)),
        }));
        Self { session, identity: Rc::new(identity), in_event, choice_due: false }
    }

    /// The same, who has to say first why they work.
    #[must_use]
    pub fn choosing(self, choice_due: bool) -> Self {
        Self { choice_due, ..self }
    }
}
