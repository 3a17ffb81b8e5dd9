//! Access that outlives its request: a long reply or a WebSocket goes on only as long as the session
//! that opened it stands.
//!
//! Whether it does is asked once a second, never for every piece, and by the session's id: a
//! step-up puts another session in its place, under which the access goes on.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::passage::Passage;
use super::refusal::{Challenged, Refusal};
use super::worker::Worker;
use crate::domain::decision::Challenge;
use crate::domain::reason::Reason;
use crate::foundation::id::SessionId;

/// The access that a session gives.
pub struct Lease {
    worker: Rc<Worker>,
    session: SessionId,
    /// When to ask again.
    next: Instant,
    /// Wakes a reply that waits for its application.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Lease {
    /// Access by a session that was good a moment ago.
    pub fn new(worker: Rc<Worker>, session: SessionId) -> Self {
        Self { worker, session, next: Instant::now() + ASKED_EVERY, alarm: None }
    }

    /// Why it has ended, if it has.
    pub fn ended(&self) -> Option<Reason> {
        self.worker.standing(self.session).err()
    }

    /// The same, asked only if that was a second ago.
    pub fn ended_by_now(&mut self) -> Option<Reason> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.next = now + ASKED_EVERY;
        self.ended()
    }

    /// Has the task woken when it is time to ask again.
    pub fn remind(&mut self, context: &mut Context<'_>) {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(self.next)));
        if alarm.deadline() != self.next {
            alarm.as_mut().reset(self.next);
        }
        if alarm.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        }
    }
}

impl Passage<'_> {
    /// How long its reply may go on. On a public route there is no session to end.
    pub fn lease(&self) -> Option<Lease> {
        let known = self.person.known().filter(|_| !self.public)?;
        Some(Lease::new(self.moment.worker.clone(), known.session.id))
    }

    /// Whoever has waited long for the application may have been signed out meanwhile: then the reply stays here.
    pub fn still_stands(&self) -> Result<(), Refusal> {
        let Some(reason) = self.lease().and_then(|lease| lease.ended()) else { return Ok(()) };
        Err(Refusal::Challenge(Box::new(Challenged {
            step: Challenge::SignIn,
            reason,
            application: self.application.clone(),
            known: None,
            action: self.route.as_ref().map(|route| route.action),
            withheld: Some(None),
        })))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("session", &self.session).finish_non_exhaustive()
    }
}

/// How often it is asked.
pub const ASKED_EVERY: Duration = Duration::from_secs(1);
