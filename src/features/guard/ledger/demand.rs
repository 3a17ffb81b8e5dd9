//! What one request, or one piece of a reply, asks of its person's windows.

use super::claim::Amounts;
use super::entry::{Entry, Kind};
use crate::domain::limit::Limits;
use crate::foundation::clock::Timestamp;

/// All of it is taken, or nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Demand {
    pub(super) exports: u32,
    /// Patients whose records are opened, each once.
    pub(super) opened: Vec<u64>,
    /// Patients whom a list names, each once.
    pub(super) listed: Vec<u64>,
    pub(super) amounts: Amounts,
    pub(super) usage: Usage,
}

/// What is done with amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// They are looked at: their records count.
    #[default]
    Looked,
    /// They are taken away: records and bytes count.
    Taken,
}

/// Up to where amounts may sum up. `None`: as far as they want.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) records: Option<u64>,
    pub(super) bytes: Option<u64>,
}

impl Demand {
    /// Whether it asks for amounts, of which nodes take some ahead.
    pub(super) fn asks_for_amounts(&self) -> bool {
        self.amounts != Amounts::default()
    }

    /// What it takes, at `time`.
    pub(super) fn entries(&self, time: Timestamp) -> impl Iterator<Item = Entry> {
        let export = Entry { amount: i64::from(self.exports), ..Entry::export(time) };
        let opened = self.opened.iter().map(move |patient| Entry::seen(Kind::Opened, *patient, time));
        std::iter::once(export)
            .chain(opened)
            .chain(self.named(time))
            .chain(self.usage.entries(self.amounts, time))
            .filter(|entry| entry.amount != 0)
    }

    /// The patients whom a list names.
    pub(super) fn named(&self, time: Timestamp) -> impl Iterator<Item = Entry> {
        self.listed.iter().map(move |patient| Entry::seen(Kind::Listed, *patient, time))
    }
}

impl Usage {
    /// The amounts, as the windows know them.
    pub(super) fn entries(self, amounts: Amounts, time: Timestamp) -> impl Iterator<Item = Entry> {
        let (records, bytes) = match self {
            Self::Looked => (Entry::sum(Kind::Records, amounts.records, time), None),
            Self::Taken => (
                Entry::sum(Kind::Exported, amounts.records, time),
                Some(Entry::sum(Kind::Bytes, amounts.bytes, time)),
            ),
        };
        std::iter::once(records).chain(bytes).filter(|entry| entry.amount != 0)
    }

    /// What bounds them.
    pub(super) const fn bounds(self, limits: &Limits) -> Bounds {
        match self {
            Self::Looked => Bounds { records: limits.records_per_hour, bytes: None },
            Self::Taken => {
                Bounds { records: limits.records_exported_per_day, bytes: limits.bytes_exported_per_day }
            }
        }
    }

    /// The slot of its windows.
    pub(super) fn slot(self, time: Timestamp) -> u64 {
        match self {
            Self::Looked => Kind::Records.slot(time),
            Self::Taken => Kind::Exported.slot(time),
        }
    }
}
