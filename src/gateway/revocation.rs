//! How sessions end before their time: the one way, whoever asks.
//!
//! In this order: they are ended in memory, so that no request is decided under them any more; every worker forgets
//! what it remembers of their people and cuts what goes on by them; they are taken out of the store; one event says
//! what was asked, by whom and when, and what came of it. It is a task of its own: whoever asked may leave, and it
//! is done all the same. Where journal or store do not answer, what has ended stays ended, and whoever asked is told.

use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use super::bells::{Notice, Sign};
use super::handle::Moment;
use super::hold;
use super::rules::Shared;
use super::subject::Known;
use super::worker::Worker;
use crate::domain::event::{Closing, EventKind, EventSubject, HoldStep, Opening, Outcome, Verdict};
use crate::domain::kept::Kept;
use crate::domain::measure::Histogram;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Revocation, Revoked, Target};
use crate::domain::subject::SubjectId;
use crate::features::audit::JournalError;
use crate::features::given::table::Owner;
use crate::features::session::{Session, SessionError};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::store::Change;

/// Where workers are told of endings, and how long these took.
#[derive(Debug, Default)]
pub struct Revocations {
    workers: Mutex<Vec<UnboundedSender<Notice>>>,
    taken: Mutex<Histogram>,
    relayed: Mutex<Histogram>,
}

/// Why a revocation is not complete. The sessions that were meant are ended in any case.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RevocationError {
    /// They may come back with a restart, until the store answers.
    #[error("the sessions are ended, but still in the store: {0}")]
    Store(#[from] SessionError),
    /// Nobody can read of it.
    #[error("the sessions are ended, but their event cannot be written: {0}")]
    Journal(#[from] JournalError),
    /// A mistake of ours.
    #[error("the revocation broke off")]
    Broken,
}

impl RevocationError {
    /// Why, in the words of events and pages.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Store(_) => Reason::StoreUnavailable,
            Self::Journal(_) => Reason::AuditUnavailable,
            Self::Broken => Reason::InternalError,
        }
    }
}

impl Revocations {
    /// From when an ending was here until the last of it was done.
    pub fn taken(&self) -> Histogram {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From when an ending was at another node, by its clock, until the last of it was done here, by ours.
    pub fn relayed(&self) -> Histogram {
        *self.relayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enlist(&self) -> UnboundedReceiver<Notice> {
        // Not bounded: a worker takes each at once, and whoever revokes waits for all of them.
        let (worker, notices) = unbounded_channel();
        self.workers().push(worker);
        notices
    }

    /// Tells every worker. What they tell back ends when there is no more to be cut.
    fn tell(&self, sessions: Vec<Arc<Session>>) -> UnboundedReceiver<Sign> {
        let (signs, told) = unbounded_channel();
        let notice = Notice { sessions: sessions.into(), signs };
        self.workers().retain(|worker| worker.send(notice.clone()).is_ok());
        told
    }

    fn observe(&self, taken: Duration, revocation: Option<&Revocation>, now: Timestamp) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).observe(taken);
        if let Some(relayed) = revocation.filter(|revocation| revocation.relayed.is_some()) {
            let since = now.since(relayed.received);
            self.relayed.lock().unwrap_or_else(PoisonError::into_inner).observe(since);
        }
    }

    fn workers(&self) -> std::sync::MutexGuard<'_, Vec<UnboundedSender<Notice>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Ends sessions, everywhere. `person` is who asked, where that is one of those who are signed in.
    pub async fn revoke(
        self: &Arc<Self>,
        revocation: Revocation,
        person: Option<Arc<Kept<EventSubject>>>,
    ) -> Result<Revoked, RevocationError> {
        self.begin_revoking(revocation, person).await.unwrap_or(Err(RevocationError::Broken))
    }

    /// Does what another node has told. The sessions are ended when this returns; what else belongs to it goes on by itself.
    pub fn relay(self: &Arc<Self>, revocation: Revocation) {
        drop(self.begin_revoking(revocation, None));
    }

    fn begin_revoking(
        self: &Arc<Self>,
        revocation: Revocation,
        person: Option<Arc<Kept<EventSubject>>>,
    ) -> JoinHandle<Result<Revoked, RevocationError>> {
        let (begun, now) = (Instant::now(), self.clock.now());
        let ended = self.sessions.end(&revocation.target, now);
        forget(self, &ended, leaver(&revocation).as_ref());
        let told = (told_of(&ended), self.revocations.tell(ended));
        let opening = opening(self, revocation, person);
        self.tell_nodes(&opening);
        tokio::spawn(run(self.clone(), begun, opening, told))
    }

    /// Cuts what goes on by sessions that were found to have ended at another node.
    pub fn cut_off(&self, gone: Vec<Arc<Session>>) {
        if !gone.is_empty() {
            forget(self, &gone, None);
            // How long it takes is measured by the revocation that is told of beside.
            drop(self.revocations.tell(gone));
        }
    }

    /// Every node that shares our store does the same.
    fn tell_nodes(&self, opening: &Opening) {
        let told = opening.revocation.as_deref().filter(|revocation| revocation.relayed.is_none());
        let told = told.filter(|_| self.sessions.are_shared());
        let relayed = told.map(|told| Revocation { relayed: Some(opening.event), ..told.clone() });
        match relayed.as_ref().map(serde_json::to_string) {
            Some(Ok(told)) => self.sessions.tell(Change::new(REVOCATION_PART, told)),
            Some(Err(error)) => tracing::error!(%error, "a revocation cannot be told to other nodes"),
            None => {}
        }
    }
}

impl Moment {
    /// Ends sessions because of this request. `person` is who asks, where they ask for it themselves.
    pub async fn revoke(
        &self,
        target: Target,
        cause: Cause,
        person: Option<&Known>,
    ) -> Result<Revoked, RevocationError> {
        let (asked, received, request) = (self.now, self.now, Some(self.event));
        let revocation = Revocation { target, cause, why: None, request, asked, received, relayed: None };
        self.worker.shared.revoke(revocation, person.map(|known| known.in_event.clone())).await
    }
}

async fn run(
    shared: Arc<Shared>,
    begun: Instant,
    opening: Opening,
    (mut revoked, signs): (Revoked, UnboundedReceiver<Sign>),
) -> Result<Revoked, RevocationError> {
    // The node that was asked sees to it, and tells the others what is gone.
    let asked_here = opening.revocation.as_deref().filter(|revocation| revocation.relayed.is_none());
    let leaver = asked_here.and_then(leaver);
    let stored = async { shared.sessions.settle(shared.clock.now()).await.map(|()| shared.clock.now()) };
    let forgotten = async {
        if let Some(person) = leaver {
            let theirs = shared.holds.leave_of(&person, shared.clock.now());
            hold::throw_away(&shared, &theirs, HoldStep::Discarded).await;
        }
    };
    let (cut, stored, opened, ()) =
        tokio::join!(cut(signs, begun), stored, shared.journal.record(&opening, None), forgotten);
    (revoked.streams, revoked.cut, revoked.waiting) = (cut.told, cut.last, cut.waiting());
    revoked.stored = stored.as_ref().ok().copied();
    let taken = begun.elapsed();
    shared.revocations.observe(taken, opening.revocation.as_deref(), shared.clock.now());
    if let Err(error) = &stored {
        tracing::error!(request.id = %opening.event, %error, "ended sessions are still in the store");
    }
    let reason = stored.as_ref().err().map(|_| Reason::StoreUnavailable);
    let outcome = if reason.is_some() { Outcome::Failed } else { Outcome::Completed };
    let closing = Closing {
        reason,
        duration_us: u64::try_from(taken.as_micros()).unwrap_or(u64::MAX),
        revoked: Some(Box::new(revoked.clone())),
        ..Closing::of(opening.event, shared.clock.now(), outcome)
    };
    opened.and_then(|()| shared.journal.close_event(&closing)).inspect_err(|error| {
        tracing::error!(request.id = %opening.event, %error, "a revocation could not be journaled");
    })?;
    stored?;
    Ok(revoked)
}

/// Whoever an administrator, the directory or a signal of the account's end signs out everywhere is not expected back: what they have typed is not kept
/// for them.
fn leaver(revocation: &Revocation) -> Option<SubjectId> {
    match (&revocation.target, revocation.cause) {
        (
            Target::Person(person),
            Cause::Administrator
            | Cause::Scim
            | Cause::AccountDisabled
            | Cause::AccountPurged
            | Cause::CredentialCompromise,
        ) => Some(person.clone()),
        _ => None,
    }
}

/// What was given to the sessions, and whose records they have open; of whoever is not expected back, all.
fn forget(shared: &Shared, ended: &[Arc<Session>], leaver: Option<&SubjectId>) {
    for session in ended {
        shared.given.forget(&Owner::Session(session.id));
        shared.contexts.forget(session.id);
    }
    if let Some(person) = leaver {
        shared.given.forget(&Owner::Person(person.clone()));
    }
}

fn told_of(ended: &[Arc<Session>]) -> Revoked {
    Revoked {
        sessions: ended.len() as u64,
        listed: ended.iter().take(Revoked::LISTED_MAX).map(|session| session.id).collect(),
        person: ended.first().map(|session| session.subject.id()),
        ..Revoked::default()
    }
}

fn opening(shared: &Shared, revocation: Revocation, person: Option<Arc<Kept<EventSubject>>>) -> Opening {
    let received = revocation.received;
    Opening {
        subject: person,
        verdict: Verdict::Permit,
        reasons: vec![Reason::SessionRevoked],
        revocation: Some(Box::new(revocation)),
        ..Opening::begin(RequestId::new(received, &*shared.entropy), EventKind::Revocation, received)
    }
}

/// What was cut.
#[derive(Debug, Default)]
struct Cut {
    told: u64,
    ended: u64,
    last: Option<Timestamp>,
}

impl Cut {
    const fn waiting(&self) -> u64 {
        self.told.saturating_sub(self.ended)
    }
}

/// Waits until everything that was told to end has ended, for as long as that may take.
async fn cut(mut signs: UnboundedReceiver<Sign>, begun: Instant) -> Cut {
    let mut cut = Cut::default();
    let deadline = tokio::time::Instant::from_std(begun) + CUT_WITHIN;
    // An end of signs: there is nothing left. No sign in time: whatever is left cannot be woken.
    while let Ok(Some(sign)) = timeout_at(deadline, signs.recv()).await {
        match sign {
            Sign::Told(number) => cut.told += number as u64,
            Sign::Cut(moment) => {
                cut.ended += 1;
                cut.last = cut.last.max(Some(moment));
            }
        }
    }
    cut
}

/// Does a worker's part as long as there is the worker.
pub fn heed(worker: &Rc<Worker>) {
    let (worker, mut notices) = (Rc::downgrade(worker), worker.shared.revocations.enlist());
    tokio::task::spawn_local(async move {
        while let Some(notice) = notices.recv().await {
            let Some(worker) = Weak::upgrade(&worker) else { return };
            for session in notice.sessions.iter() {
                worker.forget(&session.subject.id());
            }
            worker.bells.ring(&notice, &worker.shared.clock);
        }
    });
}

/// What nodes tell one another of revocations: the order, in JSON.
pub const REVOCATION_PART: &str = "revocation";
/// The goal for the last byte, and the longest that whoever asks waits for callers that take nothing.
const CUT_WITHIN: Duration = Duration::from_secs(1);
