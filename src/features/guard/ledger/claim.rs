//! What a reply takes of its person's windows while it comes.
//!
//! It is taken piece by piece and before a piece is handed on, so that many small pages add up, and two that come at
//! once do not take the same room. What is withheld is given back.

use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

use super::Ledger;
use super::demand::{Demand, Usage};
use super::entry::Entry;
use super::nodes::{Grant, Refused};
use crate::domain::application::ApplicationName;
use crate::domain::limit::{Exceeded, Limits};
use crate::domain::subject::SubjectId;
use crate::features::guard::count::Named;
use crate::foundation::clock::Timestamp;

/// Room for one reply. Dropped before it is [kept](Self::keep), it is given back.
#[must_use = "a claim that is dropped is given back"]
pub struct Claim {
    ledger: Ledger,
    subject: SubjectId,
    application: ApplicationName,
    limits: Limits,
    time: Timestamp,
    usage: Usage,
    taken: Amounts,
    /// Patients whom no list had named before, by window.
    listed: Vec<Entry>,
    is_kept: bool,
    /// The store is asked for room.
    asking: Option<Asking>,
    /// What there was no room for.
    refused: Option<Demand>,
    /// It passes whatever the windows say: other nodes need not be asked.
    is_free: bool,
}

/// What the store is asked for: up to where the reply has come, and whether it may have that.
struct Asking {
    so_far: Amounts,
    demand: Demand,
    answer: JoinHandle<Result<Grant, Refused>>,
    /// What has come since.
    later: Later,
}

/// What has come while the store is asked: it is asked for afterwards.
#[derive(Default)]
struct Later {
    so_far: Option<Amounts>,
    listed: Vec<u64>,
}

/// What a reply has come to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Records.
    pub records: u64,
    /// Bytes, as they came.
    pub bytes: u64,
}

impl Ledger {
    /// Room for a reply that `subject` gets at `time`; none where no limit asks for that.
    pub fn claim(
        &self,
        subject: &SubjectId,
        application: &ApplicationName,
        limits: &Limits,
        time: Timestamp,
    ) -> Option<Claim> {
        (limits.bound_lists() || limits.bound_exports()).then(|| Claim {
            ledger: self.clone(),
            subject: subject.clone(),
            application: application.clone(),
            limits: *limits,
            time,
            usage: Usage::Looked,
            taken: Amounts::default(),
            listed: Vec::new(),
            is_kept: false,
            asking: None,
            refused: None,
            is_free: false,
        })
    }
}

impl Claim {
    /// The reply is taken away. Comes before it grows.
    pub const fn take_away(&mut self) {
        self.usage = Usage::Taken;
    }

    /// Takes room for what has come since the last time, or says which window has none. `named` are the patients whom
    /// the reply has named since then. A reply that `passes` all the same takes its room also where there is none. For one that
    /// does not, other nodes may have to be asked: until [`poll_asked`](Self::poll_asked) is ready nothing is taken.
    pub fn grow(
        &mut self,
        so_far: Amounts,
        named: &[Named],
        passes: impl Fn(Exceeded) -> bool,
        is_bound: bool,
    ) -> Result<(), Exceeded> {
        let is_listed = self.usage == Usage::Looked;
        let listed = named.iter().filter(|_| is_listed).map(|named| self.hash(*named)).collect();
        let demand = self.demand(so_far, listed);
        if demand.amounts == Amounts::default() && demand.listed.is_empty() {
            return Ok(());
        }
        if is_bound && !self.is_free && self.ledger.is_shared() {
            match &mut self.asking {
                Some(asking) => asking.later.add(so_far, demand.listed),
                None => self.spend_or_ask(demand, so_far),
            }
            return Ok(());
        }
        self.take(&demand, passes)
    }

    /// The reply passes although there is no room for what was asked for: it is taken all the same, and so is what comes.
    pub fn pass_anyway(&mut self) {
        self.is_free = true;
        if let Some(demand) = self.refused.take() {
            // Nothing is refused to whom everything passes.
            let _passed = self.take(&demand, |_| true);
        }
    }

    fn take(&mut self, demand: &Demand, passes: impl Fn(Exceeded) -> bool) -> Result<(), Exceeded> {
        let (ledger, keeps, time) = (self.ledger.clone(), self.ledger.keeps(), self.time);
        let exceeded = ledger.with(&self.subject, |account| {
            let windows = &mut account.windows;
            windows.forget_before(time);
            let exceeded = match self.usage {
                Usage::Looked => windows.would_list(demand.amounts, &demand.listed, &self.limits, time),
                Usage::Taken => windows.would_export(demand.amounts, &self.limits, time),
            };
            if exceeded.is_none_or(&passes) {
                for entry in demand.entries(&self.limits, time) {
                    if account.put(entry, keeps) {
                        self.listed.push(entry);
                    }
                }
                self.taken.records += demand.amounts.records;
                self.taken.bytes += demand.amounts.bytes;
            }
            exceeded
        });
        exceeded.map_or(Ok(()), Err)
    }

    fn spend_or_ask(&mut self, demand: Demand, so_far: Amounts) {
        let ledger = self.ledger.clone();
        let spent = ledger.with(&self.subject, |account| account.spend(&demand, &self.limits, self.time));
        if let Some(first) = spent {
            self.listed.extend(first);
            self.taken = so_far;
        } else {
            let asked = ledger.ask(self.subject.clone(), demand.clone(), Box::new(self.limits), self.time);
            let answer = tokio::spawn(asked);
            self.asking = Some(Asking { so_far, demand, answer, later: Later::default() });
        }
    }

    /// Whether what was asked for has been taken. Ready at once where nothing was.
    pub fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        loop {
            let Some(asking) = &mut self.asking else { return Poll::Ready(Ok(())) };
            let answer = ready!(Pin::new(&mut asking.answer).poll(context));
            let Some(Asking { so_far, demand, later, .. }) = self.asking.take() else {
                return Poll::Ready(Ok(()));
            };
            match answer.unwrap_or(Err(Refused::Unknown)) {
                Ok(grant) => {
                    self.listed.extend(grant.absorb());
                    self.taken = so_far;
                }
                Err(refused) => {
                    let upto = later.so_far.unwrap_or(so_far);
                    self.refused = Some(self.demand(upto, [demand.listed, later.listed].concat()));
                    return Poll::Ready(Err(refused));
                }
            }
            if let Some(so_far) = later.so_far {
                let demand = self.demand(so_far, later.listed);
                self.spend_or_ask(demand, so_far);
            }
        }
    }

    /// What is needed to come so far, with these patients.
    fn demand(&self, so_far: Amounts, mut listed: Vec<u64>) -> Demand {
        listed.sort_unstable();
        listed.dedup();
        let amounts = Amounts {
            records: so_far.records.saturating_sub(self.taken.records),
            bytes: so_far.bytes.saturating_sub(self.taken.bytes),
        };
        Demand { listed, amounts, usage: self.usage, ..Demand::default() }
    }

    /// The reply is released: what it has taken is not given back.
    pub const fn keep(&mut self) {
        self.is_kept = true;
    }

    fn hash(&self, named: Named) -> u64 {
        let mut hasher = self.ledger.names;
        self.application.as_str().hash(&mut hasher);
        hasher.write_u64(named.get());
        hasher.finish()
    }
}

impl Later {
    fn add(&mut self, so_far: Amounts, listed: Vec<u64>) {
        self.so_far = Some(so_far);
        self.listed.extend(listed);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_kept || self.taken == Amounts::default() && self.listed.is_empty() {
            return;
        }
        let bounds = self.usage.bounds(&self.limits);
        let taken = self.usage.entries(self.taken, bounds, self.time).chain(self.listed.iter().copied());
        self.ledger.give_back(&self.subject, taken, self.time);
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("taken", &self.taken).finish_non_exhaustive()
    }
}
