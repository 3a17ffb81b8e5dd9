//! The event of one request, in the making.
//!
//! A draft begins when a request arrives and ends in an opening and a closing entry, whatever
//! happens: dropped without an end, by a panic or because the caller has left, it writes that down.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::proof::Journaled;
use crate::domain::reason::Reason;
use crate::features::audit::JournalError;
use crate::features::audit::journal::{Desk, Pending};
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::id::RequestId;
use crate::gateway::metrics::WorkerMetrics;

/// What drafts are written with: one per worker.
#[derive(Debug)]
pub struct Scribe {
    /// The worker's desk at the journal.
    pub desk: Desk,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the worker counts.
    pub metrics: Arc<WorkerMetrics>,
}

/// The event of one request, in the making.
#[derive(Debug)]
pub struct Draft {
    scribe: Rc<Scribe>,
    started: Instant,
    /// Until it is journaled.
    opening: Option<Box<Opening>>,
    /// Until it is closed.
    closing: Option<Closing>,
    /// The bytes that have come from the caller, as they come.
    bytes_in: Option<Rc<Cell<u64>>>,
    /// Whether the opening entry could not be written: then there is nothing to close.
    lost: bool,
}

impl Draft {
    /// The event begins.
    pub fn begin(scribe: Rc<Scribe>, event: RequestId, time: Timestamp) -> Self {
        let opening = Opening::begin(event, EventKind::Request, time);
        let closing = Closing::of(event, time, Outcome::Aborted);
        Self {
            scribe,
            started: Instant::now(),
            opening: Some(Box::new(opening)),
            closing: Some(closing),
            bytes_in: None,
            lost: false,
        }
    }

    /// Notes something for the opening entry; too late, and without effect, once it is journaled.
    pub fn open(&mut self, note: impl FnOnce(&mut Opening)) {
        if let Some(opening) = &mut self.opening {
            note(opening);
        }
    }

    /// Notes something for the closing entry.
    pub fn end(&mut self, note: impl FnOnce(&mut Closing)) {
        if let Some(closing) = &mut self.closing {
            note(closing);
        }
    }

    /// Notes where the bytes from the caller are counted: they may come until the event ends.
    pub fn count_in(&mut self, bytes_in: Rc<Cell<u64>>) {
        self.bytes_in = Some(bytes_in);
    }

    /// Whether the opening entry has been handed to the journal.
    pub const fn is_journaled(&self) -> bool {
        self.opening.is_none()
    }

    /// What was decided and why, and hands the opening entry to the journal.
    pub fn journal(
        &mut self,
        verdict: Verdict,
        reasons: &[Reason],
    ) -> Result<(Journaled, Pending), JournalError> {
        let Some(mut opening) = self.opening.take() else { return Err(JournalError::Closed) };
        opening.verdict = verdict;
        reasons.clone_into(&mut opening.reasons);
        let reason = reasons.first().copied().unwrap_or(Reason::InternalError);
        let submitted = self.scribe.desk.submit(&opening);
        self.lost = submitted.is_err();
        let application = opening.application;
        self.scribe.metrics.count(|counted| {
            *counted.requests.entry((application, verdict, reason)).or_default() += 1;
            counted.events_lost += u64::from(self.lost);
        });
        submitted
    }

    /// The event ends: writes the closing entry.
    pub fn close(mut self, outcome: Outcome) {
        self.write_closing(outcome, None);
    }

    /// The event is not written: its request was refused for its number alone, beyond as many as leave
    /// events. It is counted, here and in the next summary.
    pub fn forgo(mut self, verdict: Verdict, reason: Reason) {
        self.opening = None;
        self.closing = None;
        self.scribe.metrics.count(|counted| {
            *counted.requests.entry((None, verdict, reason)).or_default() += 1;
            counted.events_forgone += 1;
        });
    }

    fn write_closing(&mut self, outcome: Outcome, reason: Option<Reason>) {
        let Some(mut closing) = self.closing.take() else { return };
        let duration = self.started.elapsed();
        if let Some(bytes_in) = self.bytes_in.take() {
            closing.bytes_in += bytes_in.get();
        }
        closing.time = self.scribe.clock.now();
        closing.outcome = outcome;
        closing.reason = closing.reason.or(reason);
        closing.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if !self.lost {
            self.scribe.desk.close(&closing);
        }
        self.scribe.metrics.count(|counted| {
            *counted.events.entry(outcome).or_default() += u64::from(!self.lost);
            counted.duration.observe(duration);
        });
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.closing.is_none() {
            return;
        }
        let (outcome, reason) = if std::thread::panicking() {
            (Outcome::Failed, Reason::InternalError)
        } else {
            (Outcome::Aborted, Reason::CallerLeft)
        };
        if !self.is_journaled()
            && let Err(error) = self.journal(Verdict::Deny, &[reason])
        {
            tracing::error!(error = %error, "an event could not be journaled");
        }
        self.write_closing(outcome, Some(reason));
    }
}
