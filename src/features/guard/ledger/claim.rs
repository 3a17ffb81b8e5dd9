//! What a reply takes of its person's windows while it comes.
//!
//! It is taken piece by piece and before a piece is handed on, so that many small pages add up, and two that come at
//! once do not take the same room. What is withheld is given back.

use std::fmt;
use std::hash::BuildHasher as _;

use super::Ledger;
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
    is_taken_away: bool,
    taken: Amounts,
    /// Patients whom no list had named before.
    listed: Vec<u64>,
    is_kept: bool,
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
            is_taken_away: false,
            taken: Amounts::default(),
            listed: Vec::new(),
            is_kept: false,
        })
    }
}

impl Claim {
    /// The reply is taken away. Comes before it grows.
    pub const fn take_away(&mut self) {
        self.is_taken_away = true;
    }

    /// Takes room for what has come since the last time, or says which window has none. `named` are the patients whom
    /// the reply has named since then. A reply that `passes` all the same takes its room also where there is none.
    pub fn grow(
        &mut self,
        so_far: Amounts,
        named: &[Named],
        passes: impl Fn(Exceeded) -> bool,
    ) -> Result<(), Exceeded> {
        let more = Amounts {
            records: so_far.records.saturating_sub(self.taken.records),
            bytes: so_far.bytes.saturating_sub(self.taken.bytes),
        };
        let named: Vec<u64> =
            named.iter().filter(|_| !self.is_taken_away).map(|named| self.hash(*named)).collect();
        if more == Amounts::default() && named.is_empty() {
            return Ok(());
        }
        let ledger = self.ledger.clone();
        let exceeded = ledger.with(&self.subject, |windows| {
            windows.forget_before(self.time);
            let exceeded = if self.is_taken_away {
                windows.would_export(more, &self.limits, self.time)
            } else {
                windows.would_list(more, &named, &self.limits, self.time)
            };
            if exceeded.is_none_or(&passes) {
                if self.is_taken_away {
                    windows.export_amounts(more, self.time);
                } else {
                    self.listed.extend(windows.list(more, &named, self.time));
                }
                self.taken.records += more.records;
                self.taken.bytes += more.bytes;
            }
            exceeded
        });
        exceeded.map_or(Ok(()), Err)
    }

    /// The reply is released: what it has taken is not given back.
    pub const fn keep(&mut self) {
        self.is_kept = true;
    }

    fn hash(&self, named: Named) -> u64 {
        self.ledger.key.hash_one((self.application.as_str(), named))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_kept || self.taken == Amounts::default() && self.listed.is_empty() {
            return;
        }
        self.ledger.with(&self.subject, |windows| {
            if self.is_taken_away {
                windows.take_back_exported(self.taken, self.time);
            } else {
                windows.take_back_listed(self.taken, &self.listed, self.time);
            }
        });
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("taken", &self.taken).finish_non_exhaustive()
    }
}
