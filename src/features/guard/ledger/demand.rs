//! What one request, or one piece of a reply, asks of its person's windows.

use super::claim::Amounts;
use super::entry::{Entry, Kind};
use crate::domain::limit::{Limits, Measure, PerWindow, Window};
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

/// Up to where amounts may sum up in each window. `None`: as far as they want.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) records: PerWindow<Option<u64>>,
    pub(super) bytes: PerWindow<Option<u64>>,
}

impl Demand {
    /// Whether it asks for amounts, of which nodes take some ahead.
    pub(super) fn asks_for_amounts(&self) -> bool {
        self.amounts != Amounts::default()
    }

    /// What it takes, at `time`, in the windows that `limits` bound.
    pub(super) fn entries(&self, limits: &Limits, time: Timestamp) -> impl Iterator<Item = Entry> {
        let export = Entry { amount: i64::from(self.exports), ..Entry::export(time) };
        let opened = self.opened.iter().map(move |patient| Entry::seen(Kind::Opened, *patient, time));
        std::iter::once(export)
            .chain(opened)
            .chain(self.named(limits, time))
            .chain(self.usage.entries(self.amounts, self.usage.bounds(limits), time))
            .filter(|entry| entry.amount != 0)
    }

    /// The patients whom a list names, in each window that is kept.
    pub(super) fn named(&self, limits: &Limits, time: Timestamp) -> impl Iterator<Item = Entry> {
        let windows = kept(limits.numbers(Measure::Listed), Window::Hour);
        windows.flat_map(move |window| {
            self.listed.iter().map(move |patient| Entry::seen(Kind::Listed(window), *patient, time))
        })
    }
}

impl Usage {
    /// The amounts, as the windows know them that are kept under `bounds`.
    pub(super) fn entries(
        self,
        amounts: Amounts,
        bounds: Bounds,
        time: Timestamp,
    ) -> impl Iterator<Item = Entry> {
        let usual = self.usual();
        let records = kept(bounds.records, usual).map(move |window| {
            let kind = match self {
                Self::Looked => Kind::Records(window),
                Self::Taken => Kind::Exported(window),
            };
            Entry::sum(kind, amounts.records, time)
        });
        let bytes = kept(bounds.bytes, usual)
            .filter(move |_| self == Self::Taken)
            .map(move |window| Entry::sum(Kind::Bytes(window), amounts.bytes, time));
        records.chain(bytes).filter(|entry| entry.amount != 0)
    }

    /// What bounds them.
    pub(super) fn bounds(self, limits: &Limits) -> Bounds {
        match self {
            Self::Looked => Bounds { records: limits.numbers(Measure::Records), ..Bounds::default() },
            Self::Taken => {
                Bounds { records: limits.numbers(Measure::Exported), bytes: limits.numbers(Measure::Bytes) }
            }
        }
    }

    /// The window that is kept whether it is bounded or not.
    const fn usual(self) -> Window {
        match self {
            Self::Looked => Window::Hour,
            Self::Taken => Window::Day,
        }
    }
}

impl Bounds {
    /// Of whom nobody knows what bounds them: every window is kept.
    pub(super) fn unknown() -> Self {
        let every = PerWindow::of(|_| Some(u64::MAX));
        Self { records: every, bytes: every }
    }
}

/// The windows that are kept: those that have a number, and the `usual` one.
fn kept(numbers: PerWindow<Option<u64>>, usual: Window) -> impl Iterator<Item = Window> {
    let is_kept = move |window: &Window| *window == usual || numbers.get(*window).is_some();
    Window::ALL.iter().copied().filter(is_kept)
}
