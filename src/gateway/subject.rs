//! Who asks: the session behind the cookie, and the identity that it gives under the present rules.

use std::rc::Rc;
use std::sync::Arc;

use super::handle::Moment;
use super::normalize::Head;
use crate::domain::event::EventSubject;
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
}

/// The session of a request, if its cookie names one that is good on this host.
pub fn find(moment: &Moment, head: &Head) -> Person {
    let Some(token) = head.session.value() else { return Person::Nobody(Reason::SignInRequired) };
    let worker = &moment.worker;
    let found =
        worker.shared.sessions.find(&worker.sessions, token.reveal(), &head.authority.host, moment.now);
    match found {
        Found::Session(session) => {
            let identity = moment.current.identity(&session, None);
            Person::Known(Known { session, identity })
        }
        Found::Expired => Person::Nobody(Reason::SessionExpired),
        Found::Ended => Person::Nobody(Reason::SessionRevoked),
        Found::None => Person::Nobody(Reason::SignInRequired),
    }
}

/// The person as one application sees them: signed in at its provider, with the reason given for it.
pub fn of_application(moment: &Moment, person: Person, application: &Application) -> Person {
    match person {
        Person::Known(Known { session, .. }) if session.provider == application.provider => {
            let identity = moment.current.identity(&session, Some(application));
            Person::Known(Known { session, identity })
        }
        Person::Known(_) => Person::Nobody(Reason::SignInRequired),
        nobody @ Person::Nobody(_) => nobody,
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
    /// As the event keeps it.
    pub fn in_event(&self) -> EventSubject {
        let Identity { subject, roles, purpose, assurance, .. } = &*self.identity;
        EventSubject {
            issuer: subject.issuer.clone(),
            sub: subject.sub.clone(),
            name: subject.name.clone(),
            roles: roles.clone(),
            purpose: *purpose,
            session: self.session.id,
            acr: assurance.acr.clone(),
            amr: assurance.amr.clone(),
            auth_time: assurance.auth_time,
        }
    }
}
