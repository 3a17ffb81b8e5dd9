//! What goes on on one worker by which session, so that it can be told at once when that has ended.
//!
//! A reply or a WebSocket hangs a [`Bell`] here while it lasts. Nobody looks at a bell but whoever goes on by it, and all
//! are this worker's own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

use super::pulse::Pulse;
use crate::features::session::Session;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::id::SessionId;

/// The bells of one worker.
#[derive(Debug, Default)]
pub struct Bells {
    hung: RefCell<BTreeMap<(SessionId, u64), Rc<Bell>>>,
    next: Cell<u64>,
}

/// Sessions were ended.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Which.
    pub sessions: Arc<[Arc<Session>]>,
    /// Where it is told what was cut. When nobody holds it any more, there is nothing left to cut.
    pub signs: UnboundedSender<Sign>,
}

/// What is told while things are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// So many are told to end.
    Told(usize),
    /// One of them has ended: nothing more passes from this moment on.
    Cut(Timestamp),
}

/// Rings when the session has ended by which something goes on.
#[derive(Debug)]
pub struct Bell {
    waker: RefCell<Option<Waker>>,
    rung: RefCell<Option<Promise>>,
    pulse: Arc<Pulse>,
}

/// A bell in its place, until what it is for is over.
pub struct Hung {
    bells: Rc<Bells>,
    key: (SessionId, u64),
    bell: Rc<Bell>,
}

/// Tells when something has ended: when it says so, or is gone.
#[derive(Debug)]
struct Promise {
    signs: UnboundedSender<Sign>,
    clock: Arc<dyn Clock>,
}

impl Bells {
    /// Hangs a bell for something that goes on by this session, on the connection with this pulse.
    pub fn hang(self: &Rc<Self>, session: SessionId, pulse: Arc<Pulse>) -> Hung {
        let key = (session, self.next.get());
        self.next.set(key.1.wrapping_add(1));
        let bell = Rc::new(Bell { waker: RefCell::default(), rung: RefCell::default(), pulse });
        self.hung.borrow_mut().insert(key, bell.clone());
        Hung { bells: self.clone(), key, bell }
    }

    /// Rings the bells of the sessions that were ended. Whoever does not answer in time cannot be woken, since their caller takes
    /// nothing: their connection is cut, so that what was given to it and has not left stays here.
    pub fn ring(&self, notice: &Notice, clock: &Arc<dyn Clock>) {
        let hung = self.hung.borrow();
        let of = |session: &Arc<Session>| hung.range((session.id, 0)..=(session.id, u64::MAX));
        let bells: Vec<Rc<Bell>> =
            notice.sessions.iter().flat_map(of).map(|(_, bell)| bell.clone()).collect();
        drop(hung);
        // Whoever asked has stopped listening: what has to end ends all the same.
        let _nobody_listens = notice.signs.send(Sign::Told(bells.len()));
        for bell in &bells {
            bell.ring(Promise { signs: notice.signs.clone(), clock: clock.clone() });
        }
        // What ends meanwhile has to be gone.
        let rung: Vec<Weak<Bell>> = bells.iter().map(Rc::downgrade).collect();
        if !rung.is_empty() {
            tokio::task::spawn_local(async move {
                sleep(ANSWERED_WITHIN).await;
                let unanswered = rung.iter().filter_map(Weak::upgrade).filter(|bell| bell.is_rung());
                unanswered.for_each(|bell| bell.pulse.cut());
            });
        }
    }
}

impl Bell {
    fn ring(&self, promise: Promise) {
        self.rung.replace(Some(promise));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn is_rung(&self) -> bool {
        self.rung.borrow().is_some()
    }

    fn wakes(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(known) => known.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }

    /// Returns when it rings.
    pub async fn rung(&self) {
        poll_fn(|context| {
            if self.is_rung() {
                return Poll::Ready(());
            }
            self.wakes(context);
            Poll::Pending
        })
        .await;
    }
}

impl Hung {
    /// Whether it has rung, and what it rang for has not ended yet.
    pub fn is_rung(&self) -> bool {
        self.bell.is_rung()
    }

    /// Has the task woken when it rings.
    pub fn wakes(&self, context: &Context<'_>) {
        self.bell.wakes(context);
    }

    /// To wait for it.
    pub fn listener(&self) -> Rc<Bell> {
        self.bell.clone()
    }

    /// What it rang for has ended.
    pub fn answer(&self) {
        drop(self.bell.rung.take());
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        self.bells.hung.borrow_mut().remove(&self.key);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let _nobody_listens = self.signs.send(Sign::Cut(self.clock.now()));
    }
}

/// What can be woken answers at its next turn.
const ANSWERED_WITHIN: Duration = Duration::from_millis(250);

impl fmt::Debug for Hung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hung").field("session", &self.key.0).finish_non_exhaustive()
    }
}
