//! Where it is written down what a task does that a request has asked for, and that goes on without it: in the request's
//! event, as long as its caller waits, or in an event of its own. Nothing is done unrecorded because somebody has left.

use std::net::IpAddr;

use tokio::sync::oneshot;

use super::draft::Draft;
use super::handle::Moment;
use super::respond;
use super::rules::Shared;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// What can be written down.
pub trait Told: Clone + Send {
    /// What its event says of it, and why.
    fn verdict(&self) -> (Verdict, Reason);
    /// Says it in an event, and of which kind that is.
    fn note(self, opening: &mut Opening);
}

/// The request by which something is asked.
#[derive(Debug)]
pub struct Requester<T> {
    event: RequestId,
    client: IpAddr,
    /// Gone: its caller has left.
    to_write: oneshot::Sender<ToWrite<T>>,
}

/// Where a request waits for what is to be written down in its event.
#[derive(Debug)]
pub struct Waiting<T>(oneshot::Receiver<ToWrite<T>>);

#[derive(Debug)]
struct ToWrite<T> {
    told: T,
    /// Told when it is on the disk, or cannot be; dropped where the request leaves no event.
    written: oneshot::Sender<bool>,
}

impl<T> Requester<T> {
    /// The request of this moment, and where it waits.
    pub fn of(moment: &Moment) -> (Self, Waiting<T>) {
        let (to_write, waiting) = oneshot::channel();
        (Self { event: moment.event, client: moment.client, to_write }, Waiting(waiting))
    }
}

impl<T: Told> Waiting<T> {
    /// Writes down in the request's event what is done by it, when that is known.
    pub async fn write_down(self, draft: &mut Option<Draft>) {
        let Ok(ToWrite { told, written }) = self.0.await else { return };
        let Some(draft) = draft else { return };
        let (verdict, reason) = told.verdict();
        draft.open(|opening| told.note(opening));
        let is_written = respond::journaled(draft, verdict, &[reason]).await.is_ok();
        // Whoever does it may be gone by a mistake of ours only; then that is what is answered.
        let _told = written.send(is_written);
    }
}

/// Where one thing is written down.
#[derive(Debug)]
pub struct Minutes<'s, T> {
    shared: &'s Shared,
    received: Timestamp,
    /// The request's event, or its own.
    event: RequestId,
    client: Option<IpAddr>,
    requester: Option<Requester<T>>,
    is_own: bool,
}

impl<'s, T: Told> Minutes<'s, T> {
    /// Begins with what has come now, by a request or otherwise.
    pub fn begin(shared: &'s Shared, requester: Option<Requester<T>>) -> Self {
        let received = shared.clock.now();
        let own = || RequestId::new(received, &*shared.entropy);
        let event = requester.as_ref().map_or_else(own, |requester| requester.event);
        let client = requester.as_ref().map(|requester| requester.client);
        Self { shared, received, event, client, requester, is_own: false }
    }

    /// When it came.
    pub const fn received(&self) -> Timestamp {
        self.received
    }

    /// The event that tells of it.
    pub const fn event(&self) -> RequestId {
        self.event
    }

    /// Writes it down, on the disk. False: that cannot be.
    pub async fn write(&mut self, told: T) -> bool {
        let mut left = None;
        if let Some(Requester { event, to_write, .. }) = self.requester.take() {
            let (written, is_written) = oneshot::channel();
            let handed = to_write.send(ToWrite { told: told.clone(), written }).is_ok();
            if handed && let Ok(is_written) = is_written.await {
                return is_written;
            }
            left = Some(event);
        }
        self.write_here(left, told).await
    }

    async fn write_here(&mut self, left: Option<RequestId>, told: T) -> bool {
        if left.is_some() {
            self.event = RequestId::new(self.shared.clock.now(), &*self.shared.entropy);
        }
        let (verdict, reason) = told.verdict();
        let mut opening = Opening {
            client_ip: self.client,
            verdict,
            reasons: vec![reason],
            note: left.map(|request| format!("asked by request {request}, whose caller has left")),
            ..Opening::begin(self.event, EventKind::Administration, self.received)
        };
        told.note(&mut opening);
        let written = self.shared.journal.record(&opening, None).await.inspect_err(|error| {
            tracing::error!(request.id = %self.event, %error, "what was done could not be journaled");
        });
        self.is_own = written.is_ok();
        self.is_own
    }

    /// Says how it ended, where no request does.
    pub fn close(&self, outcome: Outcome) {
        if !self.is_own {
            return;
        }
        let closing = Closing::of(self.event, self.shared.clock.now(), outcome);
        if let Err(error) = self.shared.journal.close_event(&closing) {
            tracing::error!(request.id = %self.event, %error, "an event could not be closed");
        }
    }
}
