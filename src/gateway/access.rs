//! What lives longer than a request goes on only as long as the access that opened it: its session, and what
//! the policy in force says of it now. A step-up that has grown old, a shift that is over and a role that was
//! taken away end it as a sign-out does.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::passage::Passage;
use super::worker::{Current, Worker};
use crate::domain::decision::Decision;
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::features::policy::decide::Question;
use crate::features::route::settings::Access as Audience;
use crate::features::route::table::{Application, Route};
use crate::features::session::Session;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// The access that something goes on by.
#[derive(Debug)]
pub struct Access {
    worker: Rc<Worker>,
    /// None on a public route: there is nothing to end.
    given: Option<Given>,
}

/// To whom it was given, and for what.
#[derive(Debug)]
struct Given {
    session: SessionId,
    application: Arc<Application>,
    /// None where the application is being observed and no route matched.
    route: Option<Arc<Route>>,
    patient: Option<PatientRef>,
    client: IpAddr,
}

impl Access {
    /// The access by which a request passes.
    pub fn of(passage: &Passage<'_>) -> Self {
        let known = passage.person.known().filter(|_| !passage.public);
        let given = known.map(|known| Given {
            session: known.session.id,
            application: passage.application.clone(),
            route: passage.route.clone(),
            patient: passage.patient.clone(),
            client: passage.normalized.head.client,
        });
        Self { worker: passage.moment.worker.clone(), given }
    }

    /// Why it has ended; none as long as it has not. `by_person` says that there was a sign of the person since,
    /// which keeps the session alive.
    pub fn ended(&self, by_person: bool) -> Option<Reason> {
        let given = self.given.as_ref()?;
        let now = self.worker.now();
        let session = match self.worker.standing(given.session) {
            Ok(session) => session,
            Err(reason) => return Some(reason),
        };
        if by_person {
            self.worker.shared.sessions.touch(&session, now);
        }
        given.refused(&self.worker.current(), &session, now)
    }
}

impl Given {
    /// Why the policy would not give it now.
    fn refused(&self, current: &Current, session: &Arc<Session>, now: Timestamp) -> Option<Reason> {
        let asked = self.route.as_ref()?;
        // The rules may be others than those that it was opened under: they are asked about what has its names.
        let routes = &current.rules.routes;
        let application = routes.applications().iter().find(|known| known.name == self.application.name);
        let route = application.and_then(|application| {
            routes.routes().iter().find(|it| it.application == application.index && it.name == asked.name)
        });
        let (Some(application), Some(route)) = (application, route) else {
            return Some(Reason::RouteNotFound);
        };
        match route.access {
            Audience::Public => return None,
            Audience::Policy => {}
        }
        if session.provider != application.provider {
            return Some(Reason::SignInRequired);
        }
        let known = current.known(session, Some(application));
        let question = Question {
            identity: Some(&known.identity),
            application: &application.name,
            route: route.index,
            patient: self.patient.as_ref(),
            client_ip: self.client,
            now,
        };
        match current.rules.policy.decide(&current.memory, &question) {
            Decision::Permit(..) => None,
            Decision::Challenge(challenge, _) => Some(challenge.reason()),
            Decision::Deny(denial, _) => {
                Some(denial.reasons.first().copied().unwrap_or(Reason::NoRuleMatched))
            }
        }
    }
}
