//! One person's account: their windows as this node knows them, what the store does not know yet and, where nodes share a
//! store, what this node has taken ahead.

use std::collections::HashSet;
use std::sync::Arc;

use super::claim::Amounts;
use super::demand::{Bounds, Demand, Usage};
use super::entry::{Behind, Entry, Kind};
use super::person::{Sums, Windows};
use super::telling::Unsure;
use crate::domain::limit::{Exceeded, Limits, Measure, PerWindow, Window};
use crate::domain::rolling::slot_of;
use crate::foundation::clock::Timestamp;

/// Which changes go to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// None: memory is all there is.
    Nothing,
    /// Those of patients whom lists have named: the journal tells of all others.
    Listed,
    /// All, since other nodes have to know them.
    All,
}

#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) windows: Windows,
    pub(super) behind: Behind,
    /// The change that the windows are of, where nodes share a store; none where another node may have changed them since.
    pub(super) turn: Option<i64>,
    /// The windows were used although another node may have changed them.
    pub(super) is_wanted: bool,
    /// A write of which it is not known whether it stands: it is settled before anything else is written.
    pub(super) unsure: Option<Unsure>,
    /// Whether the store says that this node has taken something ahead.
    pub(super) is_told_ahead: bool,
    /// The turn after which other nodes have given nothing back, although they were asked.
    pub(super) called_in_vain: Option<i64>,
    /// Held by whoever asks the store about this person.
    pub(super) asking: Arc<tokio::sync::Mutex<()>>,
    /// Taken ahead, of what is looked at and of what is taken away.
    looked: Slice,
    taken: Slice,
}

/// Room that was taken ahead of its use, so that not each page asks the store. It belongs to a slot of its window.
#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    left: Amounts,
    /// Within which numbers it was taken: who may have less does not live on it.
    within: Bounds,
    time: Timestamp,
    /// Since it was looked after last.
    is_used: bool,
}

/// What a demand comes to where the windows have room.
#[derive(Debug)]
pub(super) struct Plan {
    /// What it takes, and what it takes ahead.
    entries: Vec<Entry>,
    /// Patients whom no list had named before, by window.
    pub(super) first: Vec<Entry>,
    slice: Option<(Usage, Slice)>,
    /// What was taken ahead before: it is given back with this.
    held: Option<(Usage, Slice)>,
}

/// Of what is left of a window, so much is taken ahead: an eighth. So what one node may hold unused grows small near the
/// line, where another may need it.
const AHEAD: u64 = 8;

impl Keeps {
    const fn has(self, kind: Kind) -> bool {
        match self {
            Self::Nothing => false,
            Self::Listed => matches!(kind, Kind::Listed(_)),
            Self::All => true,
        }
    }
}

impl Account {
    /// Makes a change, which the store is told of by and by. Whether it is the first time that something is remembered.
    pub(super) fn put(&mut self, entry: Entry, keeps: Keeps) -> bool {
        if entry.amount == 0 {
            return false;
        }
        self.is_wanted |= keeps == Keeps::All && self.turn.is_none();
        let is_first = self.windows.put(entry);
        if keeps.has(entry.kind) && self.windows.has_room_for(entry) {
            self.behind.note(entry);
        }
        is_first
    }

    /// Whether it may be forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.windows.is_empty() && !self.is_untidy() && Arc::strong_count(&self.asking) == 1
    }

    /// Whether there is something to tell the store, or to ask it.
    pub(super) fn is_untidy(&self) -> bool {
        self.has_news() || self.is_wanted || self.unsure.is_some() || self.is_ahead()
    }

    /// Whether there is something to tell the store.
    pub(super) fn has_news(&self) -> bool {
        !self.behind.is_empty() || self.is_told_ahead != self.is_ahead()
    }

    /// Whether nothing has changed since other nodes were asked in vain.
    pub(super) fn was_called_in_vain(&self) -> bool {
        self.called_in_vain.is_some() && self.called_in_vain == self.turn
    }

    /// Whether something was taken ahead and is not used yet.
    pub(super) fn is_ahead(&self) -> bool {
        self.looked.is_left() || self.taken.is_left()
    }

    /// Takes what the store need not be asked for: amounts that were taken ahead, or that nothing bounds, and patients who
    /// are known. Gives the patients whom no list had named, by window; none, and takes nothing, where there is not enough.
    pub(super) fn spend(&mut self, demand: &Demand, limits: &Limits, time: Timestamp) -> Option<Vec<Entry>> {
        self.windows.forget_before(time);
        let first = self.first(demand, limits, time);
        if limits.bound(Measure::Listed) && !first.is_empty() {
            return None;
        }
        let Demand { amounts, usage, .. } = demand;
        let bounds = usage.bounds(limits);
        if !self.slice(*usage).has(*amounts, bounds, time) {
            return None;
        }
        self.slice(*usage).spend(*amounts, bounds);
        let unbounded = usage.entries(bounds.unbounded(*amounts), bounds, time);
        for entry in unbounded.chain(demand.named(limits, time)) {
            self.put(entry, Keeps::All);
        }
        Some(first)
    }

    /// What the demand takes, or the window that has no room for it. What was taken ahead before is room, too: it goes with it.
    pub(super) fn plan(
        &mut self,
        demand: &Demand,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Plan, Exceeded> {
        let held =
            demand.asks_for_amounts().then(|| (demand.usage, std::mem::take(self.slice(demand.usage))));
        for entry in entries_of(held) {
            self.windows.put(entry.back());
        }
        let plan = self.plan_within(demand, limits, now);
        // The windows stay as the store has them until it has taken this.
        for entry in entries_of(held) {
            self.windows.put(entry);
        }
        if plan.is_err() {
            self.hold_again(held);
        }
        plan.map(|plan| Plan { held, ..plan })
    }

    fn plan_within(&mut self, demand: &Demand, limits: &Limits, now: Timestamp) -> Result<Plan, Exceeded> {
        self.windows.forget_before(now);
        if let Some(exceeded) = self.exceeded(demand, limits, now) {
            return Err(exceeded);
        }
        let first = self.first(demand, limits, now);
        let mut entries: Vec<_> = demand.entries(limits, now).collect();
        let slice = demand.asks_for_amounts().then(|| {
            let slice = self.ahead(demand, limits, now);
            entries.extend(slice.entries(demand.usage));
            (demand.usage, slice)
        });
        Ok(Plan { entries, first, slice, held: None })
    }

    /// What was planned has been taken.
    pub(super) fn took(&mut self, plan: &Plan) {
        for entry in plan.changes() {
            self.windows.put(entry);
        }
        if let Some((usage, slice)) = plan.slice {
            *self.slice(usage) = slice;
        }
    }

    /// What was planned has not been taken, for sure.
    pub(super) fn did_not_take(&mut self, plan: &Plan) {
        self.hold_again(plan.held);
    }

    fn hold_again(&mut self, held: Option<(Usage, Slice)>) {
        if let Some((usage, slice)) = held {
            *self.slice(usage) = slice;
        }
    }

    /// Gives back what was taken ahead and nobody has used since this was asked last; at the end, all.
    pub(super) fn look_after_slices(&mut self, gives_all: bool) {
        for usage in [Usage::Looked, Usage::Taken] {
            let is_used = std::mem::take(&mut self.slice(usage).is_used);
            if gives_all || !is_used {
                self.give_back_slice(usage);
            }
        }
    }

    fn exceeded(&mut self, demand: &Demand, limits: &Limits, now: Timestamp) -> Option<Exceeded> {
        let Demand { exports, opened, listed, amounts, usage } = demand;
        let windows = &mut self.windows;
        if let Some(exceeded) = windows.would_take(u64::from(*exports), limits, now) {
            return Some(exceeded);
        }
        if !opened.is_empty()
            && let (_, Some(exceeded)) = windows.would_open(opened, limits, now)
        {
            return Some(exceeded);
        }
        if listed.is_empty() && *amounts == Amounts::default() {
            return None;
        }
        match usage {
            Usage::Looked => windows.would_list(*amounts, listed, limits, now),
            Usage::Taken => windows.would_export(*amounts, limits, now),
        }
    }

    fn ahead(&mut self, demand: &Demand, limits: &Limits, now: Timestamp) -> Slice {
        let within = demand.usage.bounds(limits);
        let Windows { records, exported, bytes, .. } = &mut self.windows;
        let records = match demand.usage {
            Usage::Looked => records,
            Usage::Taken => exported,
        };
        let rest = |numbers: PerWindow<Option<u64>>, sums: &mut Sums, more: u64| {
            let rest = sums.each_mut().filter_map(|(window, sum)| {
                numbers.get(window).map(|number| number.saturating_sub(sum.sum(now)).saturating_sub(more))
            });
            rest.min().unwrap_or(0) / AHEAD
        };
        let left = Amounts {
            records: rest(within.records, records, demand.amounts.records),
            bytes: rest(within.bytes, bytes, demand.amounts.bytes),
        };
        Slice { left, within, time: now, is_used: true }
    }

    fn first(&self, demand: &Demand, limits: &Limits, time: Timestamp) -> Vec<Entry> {
        let is_known = |entry: &Entry| match entry.kind {
            Kind::Listed(window) => self.windows.listed.get(window).contains_key(&entry.key),
            Kind::Exports | Kind::Opened | Kind::Records(_) | Kind::Exported(_) | Kind::Bytes(_) => true,
        };
        demand.named(limits, time).filter(|entry| !is_known(entry)).collect()
    }

    fn give_back_slice(&mut self, usage: Usage) {
        let slice = std::mem::take(self.slice(usage));
        for entry in slice.entries(usage) {
            self.put(entry.back(), Keeps::All);
        }
    }

    const fn slice(&mut self, usage: Usage) -> &mut Slice {
        match usage {
            Usage::Looked => &mut self.looked,
            Usage::Taken => &mut self.taken,
        }
    }
}

impl Plan {
    /// All changes that it makes.
    pub(super) fn changes(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied().chain(self.given_back())
    }

    /// What it gives back of what was taken ahead before.
    pub(super) fn given_back(&self) -> impl Iterator<Item = Entry> + use<> {
        entries_of(self.held).into_iter().map(Entry::back)
    }

    /// What has to be given back where it turns out that it was taken for nothing. Whom a list or a record has named before
    /// stays named; what was opened is never given back.
    pub(super) fn in_vain(&self) -> Vec<Entry> {
        let first: HashSet<(Kind, u64)> = self.first.iter().map(|entry| (entry.kind, entry.key)).collect();
        let is_given_back = |entry: &&Entry| match entry.kind {
            Kind::Opened => false,
            Kind::Listed(_) => first.contains(&(entry.kind, entry.key)),
            Kind::Exports | Kind::Records(_) | Kind::Exported(_) | Kind::Bytes(_) => true,
        };
        self.entries.iter().filter(is_given_back).copied().collect()
    }

    /// Whether it takes something ahead.
    pub(super) fn takes_ahead(&self) -> bool {
        self.slice.is_some_and(|(_, slice)| slice.is_left())
    }
}

impl Slice {
    fn is_left(&self) -> bool {
        self.left != Amounts::default()
    }

    /// What is left of it, as the windows have it.
    fn entries(&self, usage: Usage) -> Vec<Entry> {
        usage.entries(self.left, self.within, self.time).collect()
    }

    /// Whether there is enough of it, in the slots in which it was taken.
    fn has(&self, more: Amounts, bounds: Bounds, time: Timestamp) -> bool {
        let is_of_now = |window: Window| slot_of(window.lasts(), time) == slot_of(window.lasts(), self.time);
        let has = |more: u64, bounds: PerWindow<Option<u64>>, left: u64, within: PerWindow<Option<u64>>| {
            let mut bounded =
                bounds.each().filter_map(|(window, bound)| Some((window, (*bound)?))).peekable();
            let is_there = bounded.peek().is_none() || more <= left;
            let is_within = |(window, bound): (Window, u64)| {
                is_of_now(window) && within.get(window).is_some_and(|within| within <= bound)
            };
            more == 0 || is_there && bounded.all(is_within)
        };
        has(more.records, bounds.records, self.left.records, self.within.records)
            && has(more.bytes, bounds.bytes, self.left.bytes, self.within.bytes)
    }

    fn spend(&mut self, more: Amounts, bounds: Bounds) {
        let Amounts { records, bytes } = bounds.unbounded(more);
        self.left.records = self.left.records.saturating_sub(more.records - records);
        self.left.bytes = self.left.bytes.saturating_sub(more.bytes - bytes);
        self.is_used = true;
    }
}

/// What is left of a slice, as the windows have it.
fn entries_of(held: Option<(Usage, Slice)>) -> Vec<Entry> {
    held.map(|(usage, slice)| slice.entries(usage)).unwrap_or_default()
}

impl Bounds {
    /// What nothing bounds of these amounts.
    fn unbounded(self, amounts: Amounts) -> Amounts {
        let is_bounded = |numbers: PerWindow<Option<u64>>| numbers.each().any(|(_, number)| number.is_some());
        Amounts {
            records: if is_bounded(self.records) { 0 } else { amounts.records },
            bytes: if is_bounded(self.bytes) { 0 } else { amounts.bytes },
        }
    }
}
