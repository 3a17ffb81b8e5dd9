//! What goes on while nothing can be written, if anything does: counted in bounded memory, and told by the first entry that
//! can be written again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::event::Opening;
use crate::domain::gap::{Gap, GapRule, GapShare};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// Counts what is let through in a gap.
#[derive(Debug)]
pub(super) struct GapBook {
    rule: GapRule,
    tally: Mutex<Option<Tally>>,
    /// Since the journal was opened.
    requests: AtomicU64,
}

#[derive(Debug)]
struct Tally {
    why: Arc<str>,
    since: Timestamp,
    times: Option<(Timestamp, Timestamp)>,
    requests: u64,
    shares: BTreeMap<(SubjectId, Option<ApplicationName>, Option<RouteName>), u64>,
    others: u64,
}

impl GapBook {
    pub(super) fn new(rule: GapRule) -> Self {
        Self { rule, tally: Mutex::new(None), requests: AtomicU64::new(0) }
    }

    /// Nothing can be written from now on. Where a gap is open already, it goes on.
    pub(super) fn open(&self, why: &Arc<str>, since: Timestamp) {
        match self.rule {
            GapRule::Never => {}
            GapRule::TreatmentReads => {
                self.tally().get_or_insert_with(|| Tally::new(why.clone(), since));
            }
        }
    }

    /// Counts a request that goes on without an entry, and gives its number; `None` where none may: nobody is known to ask,
    /// or no gap is open.
    pub(super) fn pass(&self, opening: &Opening) -> Option<u64> {
        let subject = opening.subject.as_deref()?;
        let mut tally = self.tally();
        let tally = tally.as_mut()?;
        let person = SubjectId { issuer: subject.issuer.clone(), sub: subject.sub.clone() };
        tally.count((person, opening.application.clone(), opening.route.clone()), opening.time);
        Some(self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1))
    }

    /// Entries can be written again: nothing goes on without one. What was counted, if anything was.
    pub(super) fn close(&self) -> Option<Gap> {
        self.tally().take()?.told()
    }

    /// Whether requests go on without an entry now.
    pub(super) fn is_open(&self) -> bool {
        self.tally().is_some()
    }

    /// Requests let through since the journal was opened.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn tally(&self) -> MutexGuard<'_, Option<Tally>> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    const fn new(why: Arc<str>, since: Timestamp) -> Self {
        Self { why, since, times: None, requests: 0, shares: BTreeMap::new(), others: 0 }
    }

    fn count(&mut self, whose: (SubjectId, Option<ApplicationName>, Option<RouteName>), time: Timestamp) {
        let (from, to) = self.times.unwrap_or((time, time));
        self.times = Some((from.min(time), to.max(time)));
        self.requests = self.requests.saturating_add(1);
        if self.shares.len() < SHARES_MAX || self.shares.contains_key(&whose) {
            let share = self.shares.entry(whose).or_default();
            *share = share.saturating_add(1);
        } else {
            self.others = self.others.saturating_add(1);
        }
    }

    fn told(self) -> Option<Gap> {
        let (from, to) = self.times?;
        let share =
            |((person, application, route), requests)| GapShare { person, application, route, requests };
        Some(Gap {
            why: self.why.to_string(),
            since: self.since,
            requests: self.requests,
            from,
            to,
            shares: self.shares.into_iter().map(share).collect(),
            others: self.others,
        })
    }
}

/// Who and where is kept of so many: the entry that tells them has to fit into a segment.
const SHARES_MAX: usize = 256;
