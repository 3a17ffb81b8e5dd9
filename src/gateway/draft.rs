//! The event of one request, in the making.
//!
//! A draft begins when a request arrives and ends in an opening and a closing entry, whatever
//! happens: dropped without an end, by a panic or because the caller has left, it writes that down.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::domain::confidential::Confidential;
use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::proof::Journaled;
use crate::domain::reason::Reason;
use crate::features::audit::JournalError;
use crate::features::audit::journal::{Desk, Pending};
use crate::features::audit::seal::Sealer;
use crate::features::audit::settings::Fields;
use crate::features::route::settings::Downtime;
use crate::foundation::clock::{Clock, Timestamp};
use crate::foundation::id::RequestId;
use crate::gateway::metrics::WorkerMetrics;

/// What drafts are written with: one per worker.
#[derive(Debug)]
pub struct Scribe {
    /// The worker's desk at the journal.
    pub desk: Desk,
    /// By which events keep what is confidential.
    pub sealer: Sealer,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the worker counts.
    pub metrics: Arc<WorkerMetrics>,
}

/// The event of one request, in the making. What is large about it stays in its place, however often the draft
/// changes hands.
#[derive(Debug)]
pub struct Draft(Box<Sheet>);

#[derive(Debug)]
struct Sheet {
    scribe: Rc<Scribe>,
    started: Instant,
    stage: Stage,
    opening: Opening,
    closing: Closing,
    /// What the opening entry is to tell only under seal.
    confidential: Confidential,
    /// The bytes that have come from the caller, as they come.
    bytes_in: Option<Rc<Cell<u64>>>,
    /// What people do while the application is down.
    downtime: Option<Arc<Downtime>>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The opening entry is still open.
    Begun,
    /// The opening entry was handed to the journal.
    Journaled,
    /// The opening entry could not be written: then there is nothing to close.
    Lost,
    /// No entry can be written, and it goes on without: it is counted, and there is nothing to close.
    InGap,
    /// Nothing is left to be written.
    Ended,
}

/// What becomes of a request whose entry no disk takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutEntry {
    /// It does not go on.
    Refused,
    /// It does, where the settings say so, and is counted.
    Counted,
}

impl Draft {
    /// The event begins.
    pub fn begin(scribe: Rc<Scribe>, event: RequestId, time: Timestamp) -> Self {
        Self(Box::new(Sheet {
            scribe,
            started: Instant::now(),
            stage: Stage::Begun,
            opening: Opening::begin(event, EventKind::Request, time),
            closing: Closing::of(event, time, Outcome::Aborted),
            confidential: Confidential::default(),
            bytes_in: None,
            downtime: None,
        }))
    }

    /// Notes something for the opening entry; too late, and without effect, once it is journaled.
    pub fn open(&mut self, note: impl FnOnce(&mut Opening)) {
        if self.0.stage == Stage::Begun {
            note(&mut self.0.opening);
        }
    }

    /// How it keeps what is confidential.
    pub fn keeps(&self) -> Fields {
        self.0.scribe.sealer.fields()
    }

    /// Notes what the opening entry is to tell only under seal.
    pub fn seal(&mut self, note: impl FnOnce(&mut Confidential)) {
        if self.0.stage == Stage::Begun {
            note(&mut self.0.confidential);
        }
    }

    /// Notes something for the closing entry.
    pub fn end(&mut self, note: impl FnOnce(&mut Closing)) {
        note(&mut self.0.closing);
    }

    /// Notes where the bytes from the caller are counted: they may come until the event ends.
    pub fn count_in(&mut self, bytes_in: Rc<Cell<u64>>) {
        self.0.bytes_in = Some(bytes_in);
    }

    /// Notes what people do while the application is down.
    pub fn stand_by(&mut self, downtime: Option<Arc<Downtime>>) {
        self.0.downtime = downtime;
    }

    /// What people do while the application is down, where that was noted.
    pub fn downtime(&self) -> Option<Arc<Downtime>> {
        self.0.downtime.clone()
    }

    /// The rules that have decided.
    pub fn rules(&self) -> Arc<[Arc<str>]> {
        self.0.opening.rules.clone()
    }

    /// Whether the opening entry has been handed to the journal.
    pub fn is_journaled(&self) -> bool {
        self.0.stage != Stage::Begun
    }

    /// What was decided and why, and hands the opening entry to the journal.
    pub fn journal(
        &mut self,
        verdict: Verdict,
        reasons: &[Reason],
    ) -> Result<(Journaled, Pending), JournalError> {
        self.journal_or(verdict, reasons, WithoutEntry::Refused)
    }

    /// The same; `without` says what becomes of the request where no disk takes its entry.
    pub fn journal_or(
        &mut self,
        verdict: Verdict,
        reasons: &[Reason],
        without: WithoutEntry,
    ) -> Result<(Journaled, Pending), JournalError> {
        let Sheet { scribe, stage, opening, confidential, .. } = &mut *self.0;
        if *stage != Stage::Begun {
            return Err(JournalError::Closed);
        }
        opening.verdict = verdict;
        reasons.clone_into(&mut opening.reasons);
        let reason = reasons.first().copied().unwrap_or(Reason::InternalError);
        let sealed = scribe.sealer.seal(opening.event, confidential).map_err(|_| JournalError::Unsealable);
        let submitted = sealed.and_then(|sealed| {
            opening.sealed = sealed;
            scribe.desk.submit(opening)
        });
        let (submitted, is_in_gap) = match (submitted, without) {
            (Err(JournalError::Failed { why }), WithoutEntry::Counted) => {
                match scribe.desk.pass_in_gap(opening) {
                    Some(passed) => (Ok(passed), true),
                    None => (Err(JournalError::Failed { why }), false),
                }
            }
            (submitted, WithoutEntry::Refused | WithoutEntry::Counted) => (submitted, false),
        };
        *stage = match (&submitted, is_in_gap) {
            (Ok(_), true) => Stage::InGap,
            (Ok(_), false) => Stage::Journaled,
            (Err(_), _) => Stage::Lost,
        };
        let application = opening.application.take();
        let client = opening.subject.as_ref().and_then(|subject| subject.client.as_ref());
        scribe.metrics.count(|counted| {
            *counted.requests.entry((application, verdict, reason)).or_default() += 1;
            if let Some(client) = client {
                *counted.clients.entry((client.name.clone(), verdict, reason)).or_default() += 1;
            }
            for risk in &opening.risks {
                *counted.risks.entry((risk.rule.clone(), risk.step)).or_default() += 1;
            }
            counted.keep_alives_ignored += u64::from(opening.keep_alive_ignored);
            counted.events_lost += u64::from(submitted.is_err());
        });
        submitted
    }

    /// The event ends: writes the closing entry.
    pub fn close(mut self, outcome: Outcome) {
        self.0.write_closing(outcome, None);
    }

    /// The event is not written: its request was refused for its number alone, beyond as many as leave
    /// events. It is counted, here and in the next summary.
    pub fn forgo(mut self, verdict: Verdict, reason: Reason) {
        self.0.stage = Stage::Ended;
        self.0.scribe.metrics.count(|counted| {
            *counted.requests.entry((None, verdict, reason)).or_default() += 1;
            counted.events_forgone += 1;
        });
    }
}

impl Sheet {
    fn write_closing(&mut self, outcome: Outcome, reason: Option<Reason>) {
        let is_lost = match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Begun | Stage::Journaled => false,
            Stage::Lost | Stage::InGap => true,
            Stage::Ended => return,
        };
        let duration = self.started.elapsed();
        let closing = &mut self.closing;
        if let Some(bytes_in) = self.bytes_in.take() {
            closing.bytes_in += bytes_in.get();
        }
        closing.time = self.scribe.clock.now();
        closing.outcome = outcome;
        closing.reason = closing.reason.or(reason);
        closing.duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        if !is_lost {
            self.scribe.desk.close(closing);
        }
        self.scribe.metrics.count(|counted| {
            *counted.events.entry(outcome).or_default() += u64::from(!is_lost);
            counted.duration.observe(duration);
        });
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.0.stage == Stage::Ended {
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
        self.0.write_closing(outcome, Some(reason));
    }
}
