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
use super::entry::{Entry, Kind};
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
    /// Patients whom no list had named before.
    listed: Vec<u64>,
    is_kept: bool,
    /// The store is asked for room.
    asking: Option<Asking>,
}

/// What the store is asked for: up to where the reply has come, and whether it may have that.
struct Asking {
    so_far: Amounts,
    answer: JoinHandle<Result<Grant, Refused>>,
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
        let more = Amounts {
            records: so_far.records.saturating_sub(self.taken.records),
            bytes: so_far.bytes.saturating_sub(self.taken.bytes),
        };
        let is_listed = self.usage == Usage::Looked;
        let mut listed: Vec<u64> =
            named.iter().filter(|_| is_listed).map(|named| self.hash(*named)).collect();
        if more == Amounts::default() && listed.is_empty() {
            return Ok(());
        }
        listed.sort_unstable();
        listed.dedup();
        let demand = Demand { listed, amounts: more, usage: self.usage, ..Demand::default() };
        if is_bound && self.ledger.is_shared() {
            self.spend_or_ask(demand, so_far);
            return Ok(());
        }
        self.take(&demand, passes)
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
                for entry in demand.entries(time) {
                    if account.put(entry, keeps) {
                        self.listed.push(entry.key);
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
            let asked = ledger.ask(self.subject.clone(), demand, self.limits, self.time);
            self.asking = Some(Asking { so_far, answer: tokio::spawn(asked) });
        }
    }

    /// Whether what was asked for has been taken. Ready at once where nothing was.
    pub fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        let Some(asking) = &mut self.asking else { return Poll::Ready(Ok(())) };
        let answer = ready!(Pin::new(&mut asking.answer).poll(context));
        let so_far = asking.so_far;
        self.asking = None;
        Poll::Ready(answer.unwrap_or(Err(Refused::Unknown)).map(|grant| {
            self.listed.extend(grant.absorb());
            self.taken = so_far;
        }))
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

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_kept || self.taken == Amounts::default() && self.listed.is_empty() {
            return;
        }
        let keeps = self.ledger.keeps();
        let listed = self.listed.iter().map(|patient| Entry::seen(Kind::Listed, *patient, self.time));
        self.ledger.with(&self.subject, |account| {
            for entry in self.usage.entries(self.taken, self.time).chain(listed) {
                account.put(entry.back(), keeps);
            }
        });
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("taken", &self.taken).finish_non_exhaustive()
    }
}
