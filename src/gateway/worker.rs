//! One worker: a thread with a runtime of its own. What it needs on a request's way belongs to it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderMap, HeaderValue};

use super::bells::Bells;
use super::draft::Scribe;
use super::metrics::WorkerMetrics;
use super::metronome::Metronomes;
use super::revocation;
use super::room::Room;
use super::rules::{Rules, Shared};
use super::subject::Known;
use super::unread::Unread;
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::domain::subject::{Identity, Justification, Subject, SubjectId};
use crate::domain::told::Told;
use crate::features::audit::seal::Sealer;
use crate::features::client::settings::StandingReason;
use crate::features::directory;
use crate::features::policy::memory::Memory;
use crate::features::risk::RiskDesk;
use crate::features::route::table::Application;
use crate::features::session::{Found, Program, Session, SessionDesk};
use crate::features::upstream::assertion::Assertions;
use crate::features::upstream::pool::Pool;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Buffered;
use crate::foundation::id::SessionId;

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// What drafts are written with.
    pub scribe: Rc<Scribe>,
    /// The sessions that this worker has met.
    pub sessions: SessionDesk,
    /// What goes on by which session.
    pub bells: Rc<Bells>,
    /// The assertions that are still good.
    pub assertions: Assertions,
    /// Pages that ask by themselves.
    pub metronomes: Metronomes,
    /// What came and was no request.
    pub unread: Unread,
    /// Requests at once.
    pub room: Arc<Room>,
    /// Chance for identifiers.
    pub chance: Buffered,
    /// What replies say of TLS. A worker's own, since what workers share and count is slow.
    hsts: Option<HeaderValue>,
    current: RefCell<Rc<Current>>,
}

/// The rules in force, with what this worker keeps as long as they are.
#[derive(Debug)]
pub struct Current {
    /// The rules.
    pub rules: Arc<Rules>,
    /// Decisions that are remembered.
    pub memory: Memory,
    /// Risks that were looked for.
    pub risk: RiskDesk,
    /// Connections to applications, by the application's index.
    pub pools: Vec<Rc<Pool>>,
    shared: Arc<Shared>,
    known: RefCell<People>,
}

/// Who a session's person is, for each application.
type People = HashMap<(SessionId, Option<usize>), Seen>;

/// Who a session's person was found to be.
#[derive(Debug)]
struct Seen {
    /// That; or why they are nobody here.
    known: Result<Known, Reason>,
    /// By the session as it was then.
    session: u64,
    /// By the directory as it was then.
    directory: u64,
}

impl Worker {
    /// A worker on this thread, inside its `LocalSet`.
    pub fn new(shared: Arc<Shared>, metrics: Arc<WorkerMetrics>) -> Rc<Self> {
        let (desk, sealer) = (shared.journal.desk(), Sealer::new(shared.seals.clone()));
        let scribe = Rc::new(Scribe { desk, sealer, clock: shared.clock.clone(), metrics });
        let sessions = shared.sessions.desk();
        let current = RefCell::new(Rc::new(Current::new(shared.rules.load_full(), shared.clone())));
        let room = Room::new(shared.settings.requests);
        let chance = Buffered::new(shared.entropy.clone());
        let unread = Unread::new(scribe.clone(), shared.entropy.clone());
        let (assertions, bells) = (Assertions::default(), Rc::default());
        let hsts =
            shared.settings.hsts.and_then(|time| format!("max-age={}", time.as_secs()).try_into().ok());
        let worker = Rc::new(Self {
            shared,
            scribe,
            sessions,
            bells,
            assertions,
            metronomes: Metronomes::default(),
            unread,
            room,
            chance,
            hsts,
            current,
        });
        revocation::heed(&worker);
        tokio::task::spawn_local(sweep(Rc::downgrade(&worker)));
        worker
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The session of this id, for what lives longer than a request to an application from a device of this class; or why it
    /// stands no more.
    pub fn standing(
        &self,
        session: SessionId,
        application: &Application,
        device: Option<&DeviceClass>,
    ) -> Result<Arc<Session>, Reason> {
        if !self.shared.is_in_touch() {
            return Err(Reason::StoreUnavailable);
        }
        let (sessions, now) = (&self.shared.sessions, self.now());
        let found = match sessions.current(session, device, now) {
            Found::Session(session) if session.program.is_none() => {
                sessions.judge_at([&application.name], session, device, now)
            }
            other @ (Found::Session(_)
            | Found::Locked(_)
            | Found::Expired
            | Found::Ended
            | Found::Elsewhere
            | Found::None) => other,
        };
        match found {
            Found::Session(session) => Ok(session),
            Found::Locked(_) => Err(Reason::SessionLocked),
            Found::Expired => Err(Reason::SessionExpired),
            Found::Ended | Found::Elsewhere | Found::None => Err(Reason::SessionRevoked),
        }
    }

    /// Forgets every decision about a person.
    pub fn forget(&self, person: &SubjectId) {
        self.current.borrow().memory.forget(person);
    }

    /// Says on a reply, whoever made it, that browsers are to come by TLS only (RFC 6797 section 7.1).
    pub fn insist(&self, headers: &mut HeaderMap) {
        if let Some(hsts) = &self.hsts {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }

    /// The rules in force now, for one request from start to end.
    pub fn current(&self) -> Rc<Current> {
        let mut current = self.current.borrow_mut();
        let newest = self.shared.rules.load();
        if !Arc::ptr_eq(&current.rules, &newest) {
            *current = Rc::new(Current::new(newest.clone(), self.shared.clone()));
        }
        current.clone()
    }
}

impl Current {
    fn new(rules: Arc<Rules>, shared: Arc<Shared>) -> Self {
        let pools = rules.upstreams.iter().cloned().map(Pool::new).collect();
        Self {
            rules,
            memory: Memory::default(),
            risk: RiskDesk::default(),
            pools,
            shared,
            known: RefCell::default(),
        }
    }

    /// Who a session's person is under these rules, with the reason that they gave for `application`; or why nothing is
    /// decided for them. Somebody without a role of ours has no rule that permits anything.
    pub fn known(&self, session: &Arc<Session>, application: Option<&Application>) -> Result<Known, Reason> {
        let key = (session.id, application.map(|application| application.index));
        // First this: a change that comes while we look makes us look again.
        let directory = self.shared.people_revision();
        let before = {
            let people = self.known.borrow();
            match people.get(&key).filter(|seen| seen.session == session.version) {
                Some(seen) if seen.directory == directory => return seen.known.clone(),
                Some(seen) => seen.known.clone().ok(),
                None => None,
            }
        };
        let known = match (application, &session.program) {
            (None, None) => self.look_up(session, before),
            (None, Some(program)) => Ok(self.declared(session, program)),
            (Some(application), None) => self.known(session, None).map(|known| known.to(application)),
            (Some(application), Some(program)) => {
                let standing = self.standing_reason(session, program, application);
                self.known(session, None).map(|known| known.justified(standing))
            }
        };
        let mut people = self.known.borrow_mut();
        if people.len() >= PEOPLE_MAX {
            people.clear();
        }
        people.insert(key, Seen { known: known.clone(), session: session.version, directory });
        known
    }

    /// What feeds tell of a person, of a patient with them and of the device, and what a directory has told of the person too
    /// long ago, as far as the rules of a route mind it.
    pub fn told(
        &self,
        identity: Option<&Identity>,
        route: usize,
        patient: Option<&PatientRef>,
        device: Option<&DeviceFacts>,
        now: Timestamp,
    ) -> Told {
        match identity {
            Some(identity) if self.rules.policy.minds_feeds(route) => {
                let (provider, subject) = (&identity.provider, &identity.subject);
                let aged_attributes = self.shared.directory.aged_attributes(provider, subject, now);
                Told { aged_attributes, ..self.rules.feeds.about(identity, patient, device, now) }
            }
            Some(_) | None => Told::default(),
        }
    }

    /// What is declared of a program, which cannot be asked: it counts as long as its token is good.
    fn standing_reason(
        &self,
        session: &Session,
        program: &Program,
        application: &Application,
    ) -> Option<Justification> {
        let StandingReason { number, recipient } = &self.rules.clients.named(&program.client)?.standing;
        (number.is_some() || recipient.is_some()).then(|| Justification {
            code: DECLARED.to_owned(),
            text: String::new(),
            application: application.name.clone(),
            given: session.absolute_end,
            number: number.clone(),
            recipient: recipient.clone(),
        })
    }

    /// A program as the configuration says it is now; no directory keeps programs.
    fn declared(&self, session: &Arc<Session>, program: &Program) -> Known {
        let policy = &self.rules.policy;
        let client = self.rules.clients.named(&program.client);
        let mut subject = session.subject.clone();
        if let Some(client) = client.filter(|client| client.groups != subject.groups) {
            Arc::make_mut(&mut subject).groups.clone_from(&client.groups);
        }
        let roles = policy.roles_of(&session.provider, &subject.groups);
        let purpose = client.and_then(|client| client.purpose.or_else(|| policy.default_purpose(&roles)));
        let identity = Identity {
            subject,
            provider: session.provider.clone(),
            roles,
            purpose: purpose.unwrap_or(session.purpose),
            assurance: session.assurance.clone(),
            justification: None,
            version: session.version,
        };
        Known::new(session.clone(), identity, client.map(|client| &client.owner))
    }

    /// The same for no application, by the directory as it is now; `before` is who they were.
    fn look_up(&self, session: &Arc<Session>, before: Option<Known>) -> Result<Known, Reason> {
        let directory::Known { barred, groups, are_all: _, attributes } =
            self.shared.look_up(&session.provider, &session.subject);
        if let Some(barred) = barred {
            return Err(barred);
        }
        let told = (!attributes.is_empty()).then(|| {
            let mut all = session.subject.attributes.clone();
            all.extend(attributes);
            all
        });
        let is_as_before = |known: &Known| {
            let (subject, of_token) = (&known.identity.subject, &session.subject);
            subject.groups == *groups.as_ref().unwrap_or(&of_token.groups)
                && subject.attributes == *told.as_ref().unwrap_or(&of_token.attributes)
        };
        if let Some(known) = before.filter(is_as_before) {
            return Ok(known);
        }
        let policy = &self.rules.policy;
        let (subject, version) = match (groups, told) {
            (None, None) => (session.subject.clone(), session.version),
            // What was decided, or signed, for them with other groups is not what counts now.
            (groups, told) => {
                let mut subject = Subject::clone(&session.subject);
                subject.groups = groups.unwrap_or(subject.groups);
                subject.attributes = told.unwrap_or(subject.attributes);
                (Arc::new(subject), self.shared.sessions.next_version())
            }
        };
        let roles = policy.roles_of(&session.provider, &subject.groups);
        let purposes = policy.purposes_of(&roles);
        // What they said counts as long as one of their roles knows it.
        let known = Some(session.purpose).filter(|purpose| purposes.contains(purpose));
        let choice_due = purposes.len() > 1 && !(session.purpose_chosen && known.is_some());
        let purpose = known.or(purposes.first().copied()).unwrap_or(session.purpose);
        let identity = Identity {
            roles,
            subject,
            provider: session.provider.clone(),
            purpose,
            assurance: session.assurance.clone(),
            justification: None,
            version,
        };
        Ok(Known::new(session.clone(), identity, None).choosing(choice_due))
    }
}

/// Closes connections to applications that have lain unused, and tells of what came and was no request.
async fn sweep(worker: std::rc::Weak<Worker>) {
    let mut tick = tokio::time::interval(SWEPT_EVERY);
    loop {
        tick.tick().await;
        let Some(worker) = worker.upgrade() else { return };
        let current = worker.current.borrow().clone();
        current.pools.iter().for_each(|pool| pool.sweep());
        worker.unread.settle();
    }
}

/// The code of a reason that nobody was asked for.
const DECLARED: &str = "declared";
const PEOPLE_MAX: usize = 100_000;
const SWEPT_EVERY: Duration = Duration::from_secs(5);
