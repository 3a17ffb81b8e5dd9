//! One change of one window: the same in memory and, where it is kept, as a row of the store.

use std::collections::HashMap;
use std::time::Duration;

use super::DAY;
use crate::domain::limit::Window;
use crate::domain::rolling::slot_of;
use crate::foundation::clock::Timestamp;

/// What a window is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Exports: when each was.
    Exports,
    /// Patients whose records were opened: when each was last.
    Opened,
    /// Patients whom lists have named: when each was last.
    Listed(Window),
    /// Records that were looked at.
    Records(Window),
    /// Records that were taken away.
    Exported(Window),
    /// Bytes that were taken away.
    Bytes(Window),
}

/// So much was taken at `time`, or, below zero, given back of what was taken then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Which patient, which moment, or which slot of the window.
    pub(super) key: u64,
    pub(super) time: Timestamp,
    pub(super) amount: i64,
}

/// Changes that the store does not know yet. Those of one thing are one.
#[derive(Debug, Default)]
pub(super) struct Behind(HashMap<(Kind, u64), (Timestamp, i64)>);

/// Changes that one statement makes: they differ in their keys alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) kind: Kind,
    pub(super) time: Timestamp,
    pub(super) amount: i64,
    pub(super) keys: Vec<u64>,
}

impl Kind {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let in_each: [fn(Window) -> Self; 4] = [Self::Listed, Self::Records, Self::Exported, Self::Bytes];
        let in_each =
            in_each.into_iter().flat_map(|kind| Window::ALL.iter().map(move |window| kind(*window)));
        [Self::Exports, Self::Opened].into_iter().chain(in_each)
    }

    /// Its name in the store. The window that is always kept has none of its own.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Exports => "exports",
            Self::Opened => "opened",
            Self::Listed(Window::Hour) => "listed",
            Self::Listed(Window::Shift) => "listed_shift",
            Self::Listed(Window::Day) => "listed_day",
            Self::Records(Window::Hour) => "records",
            Self::Records(Window::Shift) => "records_shift",
            Self::Records(Window::Day) => "records_day",
            Self::Exported(Window::Hour) => "exported_hour",
            Self::Exported(Window::Shift) => "exported_shift",
            Self::Exported(Window::Day) => "exported",
            Self::Bytes(Window::Hour) => "bytes_hour",
            Self::Bytes(Window::Shift) => "bytes_shift",
            Self::Bytes(Window::Day) => "bytes",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// For how long something counts.
    pub(super) const fn lasts(self) -> Duration {
        match self {
            Self::Exports | Self::Opened => DAY,
            Self::Listed(window) | Self::Records(window) | Self::Exported(window) | Self::Bytes(window) => {
                window.lasts()
            }
        }
    }

    /// Whether it is of things that count once each.
    pub(super) const fn is_set(self) -> bool {
        match self {
            Self::Opened | Self::Listed(_) => true,
            Self::Exports | Self::Records(_) | Self::Exported(_) | Self::Bytes(_) => false,
        }
    }

    /// The slot in which an amount at `time` is summed up.
    pub(super) fn slot(self, time: Timestamp) -> u64 {
        slot_of(self.lasts(), time).cast_unsigned()
    }
}

impl Entry {
    /// An amount, of a window that sums up.
    pub(super) fn sum(kind: Kind, amount: u64, time: Timestamp) -> Self {
        Self { kind, key: kind.slot(time), time, amount: i64::try_from(amount).unwrap_or(i64::MAX) }
    }

    /// Something that counts once.
    pub(super) const fn seen(kind: Kind, what: u64, time: Timestamp) -> Self {
        Self { kind, key: what, time, amount: 1 }
    }

    /// An export.
    pub(super) const fn export(time: Timestamp) -> Self {
        Self { kind: Kind::Exports, key: time.as_millis().cast_unsigned(), time, amount: 1 }
    }

    /// What gives it back.
    pub(super) const fn back(self) -> Self {
        Self { amount: self.amount.saturating_neg(), ..self }
    }
}

impl Behind {
    /// Whether the store knows all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps it for the store.
    pub(super) fn note(&mut self, entry: Entry) {
        let (time, amount) = self.0.entry((entry.kind, entry.key)).or_insert((entry.time, 0));
        *time = entry.time.max(*time);
        *amount = if entry.kind.is_set() { entry.amount } else { amount.saturating_add(entry.amount) };
    }

    /// Keeps again what the store has not taken.
    pub(super) fn put_back(&mut self, earlier: Self) {
        for ((kind, key), (time, amount)) in earlier.0 {
            // Of what counts once, the later word holds.
            if !(kind.is_set() && self.0.contains_key(&(kind, key))) {
                self.note(Entry { kind, key, time, amount });
            }
        }
    }

    /// All of them.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.0.iter().map(|((kind, key), (time, amount))| Entry {
            kind: *kind,
            key: *key,
            time: *time,
            amount: *amount,
        })
    }
}

/// Those that differ in their keys alone go together, not too many at once. Each key is there once.
pub(super) fn bundle(entries: impl IntoIterator<Item = Entry>) -> Vec<Bundle> {
    let mut bundles: HashMap<(Kind, Timestamp, i64), Vec<u64>> = HashMap::new();
    // No statement changes one row twice.
    let mut together = Behind::default();
    entries.into_iter().for_each(|entry| together.note(entry));
    for entry in together.entries().filter(|entry| entry.amount != 0) {
        bundles.entry((entry.kind, entry.time, entry.amount)).or_default().push(entry.key);
    }
    let pieces = |((kind, time, amount), keys): ((Kind, Timestamp, i64), Vec<u64>)| {
        let bundle = |keys: &[u64]| Bundle { kind, time, amount, keys: keys.to_vec() };
        keys.chunks(KEYS_MAX).map(bundle).collect::<Vec<_>>()
    };
    bundles.into_iter().flat_map(pieces).collect()
}

/// The most keys of one statement: it cuts its text once for each, from the beginning.
const KEYS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_in_statements_of_bounded_length() {
        let now = Timestamp::from_seconds(1_795_903_200);
        let bundles = bundle((0..1_234).map(|patient| Entry::seen(Kind::Listed(Window::Hour), patient, now)));
        let mut lengths: Vec<_> = bundles.iter().map(|bundle| bundle.keys.len()).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [234, 500, 500]);
        let mut keys: Vec<_> = bundles.into_iter().flat_map(|bundle| bundle.keys).collect();
        keys.sort_unstable();
        assert!(keys.into_iter().eq(0..1_234));
    }

    #[test]
    fn what_is_of_one_row_is_changed_once() {
        let now = Timestamp::from_seconds(1_795_903_200);
        let twice = [
            Entry::sum(Kind::Records(Window::Hour), 100, now),
            Entry::sum(Kind::Records(Window::Hour), 100, now),
        ];
        let seen = [
            Entry::seen(Kind::Listed(Window::Hour), 7, now),
            Entry::seen(Kind::Listed(Window::Hour), 8, now),
        ];
        let mut bundles = bundle(twice.into_iter().chain(seen));
        bundles.sort_by_key(|bundle| bundle.kind);
        bundles[0].keys.sort_unstable();
        let listed = Bundle { kind: Kind::Listed(Window::Hour), time: now, amount: 1, keys: vec![7, 8] };
        let records = Bundle {
            kind: Kind::Records(Window::Hour),
            time: now,
            amount: 200,
            keys: vec![Kind::Records(Window::Hour).slot(now)],
        };
        assert_eq!(bundles, [listed, records]);
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), 14);
        assert!(Kind::all().all(|kind| Kind::named(kind.name()) == Some(kind)));
    }
}
