//! Access that outlives its request: a long reply or a WebSocket goes on only as long as the session that
//! opened it stands, and the rules in force would let it be opened.
//!
//! That is asked once a second, at once when a session has been ended, and never for every piece; and by names: a step-up puts another session in the place
//! of one, under the same id; a reload puts other rules in the place of those that it was opened under.
//!
//! A reply is one act, and what is asked is whether it could have been begun as it was, when it was: a step-up that
//! has grown old and a shift that is over do not end it. With a WebSocket somebody goes on acting: for that the
//! present counts.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::bells::Hung;
use super::certificate::Shown;
use super::devices::Seen;
use super::passage::Passage;
use super::refusal::{Challenged, Refusal};
use super::sought::Part;
use super::worker::{Current, Worker};
use super::{program, risk, subject};
use crate::domain::decision::{Challenge, Decision, Denial};
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::domain::patient::PatientDigests;
use crate::domain::reason::Reason;
use crate::domain::risk::Standing as Risks;
use crate::features::policy::decide::Question;
use crate::features::route::settings::{Access as Audience, Unmatched};
use crate::features::route::table::{Application, Route};
use crate::features::session::Session;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;

/// The access that something goes on by.
pub struct Access {
    worker: Rc<Worker>,
    /// None on a public route.
    session: Option<SessionId>,
    application: Arc<Application>,
    /// The request, and those that it holds.
    parts: Vec<Part>,
    client: IpAddr,
    /// What is seen of the device.
    seen: Rc<Seen>,
    /// Its class, and what feeds tell of it, as it was asked last.
    device: (Option<DeviceClass>, Option<Rc<DeviceFacts>>),
    /// The browser, by its name.
    browser: Option<Digest>,
    /// The risks that stood when a reply was asked for.
    risks: Risks,
    /// The patient whose chart is open in an emergency, where it rests on that.
    emergency: Option<PatientDigests>,
    /// The certificate that the device's class or the token may rest on.
    rests_on: Option<Rc<Shown>>,
    /// Whether that is believed.
    is_believed: bool,
    /// When a reply was asked for; none for a WebSocket.
    asked: Option<Timestamp>,
    /// Under what a reply was found to be good. As long as that is so, there is no more to ask.
    good: Option<(Rc<Current>, Standing)>,
    /// When to ask again.
    next: Instant,
    /// Rings when its session was ended.
    bell: Option<Hung>,
    /// Wakes a reply that waits for its application.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// By which versions of what may change something was found to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    session: Option<u64>,
    is_believed: bool,
    directory: u64,
    /// What feeds have told.
    feeds: u64,
}

impl Access {
    /// The access by which a reply goes on.
    pub fn of_reply(passage: &Passage<'_>) -> Self {
        Self { bell: Self::bell(passage), ..Self::of_answer(passage) }
    }

    /// The same, for a reply of which nothing has gone yet.
    fn of_answer(passage: &Passage<'_>) -> Self {
        let (asked, current) = (passage.moment.now, passage.moment.current.clone());
        let access = Self::begin(passage);
        let session = passage.person.known().filter(|_| !passage.public).map(|known| known.session.version);
        let standing = Standing {
            session,
            is_believed: true,
            directory: passage.moment.directory,
            feeds: passage.moment.feeds,
        };
        Self { asked: Some(asked), good: Some((current, standing)), ..access }
    }

    /// The access by which a WebSocket goes on.
    pub fn of_socket(passage: &Passage<'_>) -> Self {
        Self { bell: Self::bell(passage), ..Self::begin(passage) }
    }

    fn bell(passage: &Passage<'_>) -> Option<Hung> {
        let known = passage.person.known().filter(|_| !passage.public)?;
        Some(passage.moment.worker.bells.hang(known.session.id, passage.moment.pulse.clone()))
    }

    fn begin(passage: &Passage<'_>) -> Self {
        let known = passage.person.known().filter(|_| !passage.public);
        // A session that has ended just now rang no bell of ours.
        let wait =
            if known.is_none_or(|known| known.session.is_live()) { ASKED_EVERY } else { Duration::ZERO };
        let moment = passage.moment;
        Self {
            worker: passage.moment.worker.clone(),
            session: known.map(|known| known.session.id),
            application: passage.application.clone(),
            parts: passage.parts().cloned().collect(),
            client: passage.normalized.head.client,
            seen: moment.seen.clone(),
            device: (moment.device.clone(), moment.device_facts.clone()),
            rests_on: moment.shown.clone(),
            is_believed: true,
            browser: risk::browser(moment, passage.manner),
            risks: passage.risks,
            emergency: passage.emergency(),
            asked: None,
            good: None,
            next: Instant::now() + wait,
            bell: None,
            alarm: None,
        }
    }

    /// Why it has ended; none as long as it has not. `by_person` says that there was a sign of the person since,
    /// which keeps the session alive.
    pub fn ended(&mut self, by_person: bool) -> Option<Reason> {
        let ended = self.asked(by_person);
        if let (Some(_), Some(bell)) = (ended, &self.bell) {
            bell.answer();
        }
        ended
    }

    /// Returns when its session was ended; never where it has none.
    pub fn rung(&self) -> impl Future<Output = ()> + use<> {
        let bell = self.bell.as_ref().map(Hung::listener);
        async move {
            match bell {
                Some(bell) => bell.rung().await,
                None => std::future::pending().await,
            }
        }
    }

    /// The class of the device.
    const fn device(&self) -> Option<&DeviceClass> {
        self.device.0.as_ref()
    }

    /// Tells the device anew: a feed may have withdrawn it, and its certificate may be believed no more.
    fn see_device(&mut self, current: &Current, now: Timestamp) {
        let (class, facts) = if self.is_believed {
            current.rules.device(&self.seen, now)
        } else {
            current.rules.device(&self.seen.without_certificate(), now)
        };
        self.device = (class, facts.map(Rc::new));
    }

    fn asked(&mut self, by_person: bool) -> Option<Reason> {
        let now = self.worker.now();
        let tls = &self.worker.shared.tls;
        let is_believed = |shown: &Rc<Shown>| shown.believed(&tls.load(), now).is_some();
        self.is_believed = self.rests_on.as_ref().is_none_or(is_believed);
        let is_believed = self.is_believed;
        let current = self.worker.current();
        self.see_device(&current, self.asked.unwrap_or(now));
        let standing = |session| self.worker.standing(session, &self.application, self.device());
        let session = match self.session.map(standing).transpose() {
            Ok(session) => session,
            Err(reason) => return Some(reason),
        };
        if let Some(reason) = session.as_ref().and_then(|session| program::look_again(&self.worker, session))
        {
            return Some(reason);
        }
        if !is_believed && session.as_ref().is_some_and(|session| session.is_bound_to_certificate()) {
            return Some(Reason::TokenInvalid);
        }
        if let (Some(session), Some(patient)) = (&session, &self.emergency)
            && !self.is_open_in_emergency(session, patient, now)
        {
            return Some(Reason::BreakGlassRequired);
        }
        if let (Some(session), true) = (&session, by_person) {
            self.worker.shared.sessions.touch(session, now);
        }
        let directory = self.worker.shared.people_revision();
        let version = session.as_ref().map(|session| session.version);
        let feeds = current.rules.feeds.revision();
        let standing = Standing { session: version, is_believed, directory, feeds };
        let is_good =
            |(before, known): &(Rc<Current>, Standing)| Rc::ptr_eq(before, &current) && *known == standing;
        if self.asked.is_some() && self.good.as_ref().is_some_and(is_good) {
            return None;
        }
        let refused = self.refused(&current, session.as_ref(), self.asked.unwrap_or(now));
        self.good = refused.is_none().then_some((current, standing));
        refused
    }

    /// Whether the chart is still open. That its time is over ends no reply that was begun before.
    fn is_open_in_emergency(&self, session: &Session, patient: &PatientDigests, now: Timestamp) -> bool {
        let (breaks, person) = (&self.worker.shared.breaks, session.subject.id());
        let at = self.asked.unwrap_or(now);
        breaks.active(&person, session.id, patient, at).is_some()
            || self.asked.is_some() && breaks.ran_out(&person, session.id, patient)
    }

    /// The same, asked only if that was a second ago, or if its session was ended.
    pub fn ended_by_now(&mut self) -> Option<Reason> {
        let now = Instant::now();
        if now < self.next && !self.bell.as_ref().is_some_and(Hung::is_rung) {
            return None;
        }
        self.next = now + ASKED_EVERY;
        self.ended(false)
    }

    /// Has the task woken when it is time to ask again.
    pub fn remind(&mut self, context: &mut Context<'_>) {
        if let Some(bell) = &self.bell {
            bell.wakes(context);
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(self.next)));
        if alarm.deadline() != self.next {
            alarm.as_mut().reset(self.next);
        }
        if alarm.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
    }

    /// Why it would not be given under these rules.
    fn refused(&self, current: &Current, session: Option<&Arc<Session>>, now: Timestamp) -> Option<Reason> {
        let applications = current.rules.routes.applications();
        let Some(application) = applications.iter().find(|known| known.name == self.application.name) else {
            return Some(Reason::RouteNotFound);
        };
        if session.is_some_and(|session| !subject::vouches(session, application)) {
            return Some(Reason::SignInRequired);
        }
        let whence = (self.client, now);
        let stray =
            |it: &Arc<Session>| program::strayed(&current.rules, it, &application.name, &self.parts, whence);
        if let Some(strayed) = session.and_then(stray) {
            return Some(strayed.reason());
        }
        let risks = self.risks(current, session, now);
        self.parts
            .iter()
            .find_map(|part| self.part_refused(part, current, application, (session, risks), now))
    }

    /// The risks that count: for a reply those that stood when it was asked for, for a WebSocket those that stand.
    fn risks(&self, current: &Current, session: Option<&Arc<Session>>, now: Timestamp) -> Risks {
        let Some(session) = session.filter(|_| self.asked.is_none()) else { return self.risks };
        let (device, browser) = (self.device(), self.browser);
        let from = risk::From { device, browser, client: self.client, by_person: false };
        risk::standing_of(&self.worker, current, session, &from, now)
    }

    fn part_refused(
        &self,
        part: &Part,
        current: &Current,
        application: &Application,
        (session, risks): (Option<&Arc<Session>>, Risks),
        now: Timestamp,
    ) -> Option<Reason> {
        let Some(asked) = &part.route else {
            return (application.unmatched == Unmatched::Deny).then_some(Reason::RouteNotFound);
        };
        let mut routes = current.rules.routes.routes().iter();
        let is_it = |it: &&Arc<Route>| it.application == application.index && it.name == asked.name;
        let Some(route) = routes.find(is_it) else { return Some(Reason::RouteNotFound) };
        match route.access {
            Audience::Public => return None,
            Audience::Policy => {}
        }
        let known = match session.map(|session| current.known(session, Some(application))).transpose() {
            Ok(known) => known,
            Err(barred) => return Some(barred),
        };
        let known = if self.emergency.is_some() { known.map(|known| known.in_emergency()) } else { known };
        let identity = known.as_ref().map(|known| &*known.identity);
        let (patient, device) = (part.patient.as_ref(), self.device.1.as_deref());
        let told = current.told(identity, route.index, patient, device, now);
        let question = Question {
            identity,
            application: &application.name,
            route: route.index,
            patient: part.patient.as_ref(),
            client_ip: self.client,
            device: self.device(),
            risks,
            told: &told,
            now,
        };
        match current.rules.policy.decide(&current.memory, &question) {
            // Nothing is taken out of what goes over a WebSocket: it was opened because nothing had to be.
            Decision::Permit(_, grounds)
                if self.asked.is_none() && !grounds.obligations.withheld.is_empty() =>
            {
                Some(Reason::RedactionImpossible)
            }
            Decision::Permit(..) => None,
            Decision::Challenge(challenge, _) => Some(challenge.reason()),
            Decision::Deny(denial, _) => {
                Some(denial.reasons.first().copied().unwrap_or(Reason::NoRuleMatched))
            }
        }
    }
}

impl Passage<'_> {
    /// Whoever has waited long for a reply may have been signed out meanwhile, or the rules may be others: then it
    /// stays here.
    pub fn may_still_have(&self) -> Result<(), Refusal> {
        self.still_stands(true)
    }

    /// So may whoever has waited to ask: then nothing of it leaves.
    pub fn may_still_ask(&self) -> Result<(), Refusal> {
        self.still_stands(false)
    }

    fn still_stands(&self, is_answered: bool) -> Result<(), Refusal> {
        let has_ended = self.person.known().is_some_and(|known| !known.session.is_live());
        let is_of_now = self.moment.worker.now().since(self.moment.now) < ASKED_EVERY;
        if is_of_now && !has_ended {
            return Ok(());
        }
        let Some(reason) = Access::of_answer(self).ended(false) else { return Ok(()) };
        let action = self.part.route.as_ref().map(|route| route.action);
        let signs_in =
            [Reason::SessionRevoked, Reason::SessionExpired, Reason::SessionLocked, Reason::SignInRequired];
        if !signs_in.contains(&reason) {
            return Err(Refusal::Denied(Denial { reasons: vec![reason], ways_on: Vec::new() }, action));
        }
        Err(Refusal::Challenge(Box::new(Challenged {
            step: Challenge::SignIn,
            reason,
            application: self.application.clone(),
            return_to: None,
            known: None,
            action,
            withheld: is_answered.then_some(None),
            held: None,
            has_notice: false,
            asking: None,
        })))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("session", &self.session).finish_non_exhaustive()
    }
}

/// How often it is asked.
const ASKED_EVERY: Duration = Duration::from_secs(1);
