//! Who asks: the session behind the cookie, and the identity that it gives under the present rules.

use std::rc::Rc;
use std::sync::Arc;

use super::handle::Moment;
use super::normalize::Head;
use crate::domain::event::EventSubject;
use crate::domain::kept::Kept;
use crate::domain::reason::Reason;
use crate::domain::subject::Identity;
use crate::features::route::table::Application;
use crate::features::session::{Found, Session};

/// Who asks.
#[derive(Clone, Debug)]
pub enum Person {
    /// Somebody who is signed in.
    Known(Known),
    /// Nobody, and why: `sign-in-required`, `session-expired` or `session-revoked`.
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
}

/// The person behind a request, if its cookie names a session that is good on this host: for one
/// application as that sees them, signed in at its provider and with the reason that they gave for it.
pub fn find(moment: &Moment, head: &Head, application: Option<&Application>) -> Person {
    let Some(token) = head.session.value() else { return Person::Nobody(Reason::SignInRequired) };
    let worker = &moment.worker;
    let found =
        worker.shared.sessions.find(&worker.sessions, token.reveal(), &head.authority.host, moment.now);
    match found {
        Found::Session(session) if application.is_some_and(|it| it.provider != session.provider) => {
            Person::Nobody(Reason::SignInRequired)
        }
        Found::Session(session) => Person::Known(moment.current.known(&session, application)),
        Found::Expired => Person::Nobody(Reason::SessionExpired),
        Found::Ended => Person::Nobody(Reason::SessionRevoked),
        Found::None => Person::Nobody(Reason::SignInRequired),
    }
}

impl Person {
    /// The identity, if somebody is signed in.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Known(known) => Some(&known.identity),
            Self::Nobody(_) => None,
        }
    }

    /// The person, if somebody is signed in.
    pub const fn known(&self) -> Option<&Known> {
        match self {
            Self::Known(known) => Some(known),
            Self::Nobody(_) => None,
        }
    }
}

impl Known {
    /// Somebody whose session this is.
    pub fn new(session: Arc<Session>, identity: Identity) -> Self {
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
        }));
        Self { session, identity: Rc::new(identity), in_event }
    }
}
