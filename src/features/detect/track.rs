//! What one rule has counted of one person: the events of its window.

use std::collections::VecDeque;
use std::time::Duration;

use super::seen::Work;
use super::settings::{DetectionSettings, When};
use super::usual::Usual;
use crate::domain::detection::REQUESTS_MAX;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// What one rule knows of one person.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// In the order of their times; at most [`ENTRIES_MAX`].
    entries: VecDeque<Entry>,
    pub(super) usual: Usual,
    /// Since when the person is there again, and how many days they were not.
    pub(super) woke: Option<(Timestamp, u64)>,
    /// What was found last.
    pub(super) found: Option<Found>,
}

/// What was found last.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// When it began: what comes within the rule's window belongs to it.
    pub(super) began: Timestamp,
    /// Its number; none where the rule is quiet about the person.
    pub(super) count: Option<u64>,
}

/// One event that counts.
#[derive(Clone, Copy, Debug)]
struct Entry {
    time: Timestamp,
    request: RequestId,
    /// What it is about, where that counts once.
    key: u64,
    amount: u64,
}

/// How much an event adds to what a rule counts.
#[derive(Clone, Copy, Debug)]
enum Weight {
    /// So much.
    Amount(u64),
    /// Up to there: the highest counts.
    Height(u64),
    /// One, if nothing else about the same does.
    Once(u64),
    /// One, if nothing else about the same does in this minute.
    OnceAMinute(u64),
}

/// What stands in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// The latest first.
    pub(super) requests: Vec<RequestId>,
}

impl Track {
    /// Takes an event into the window, as far as the rule minds it. Whether it does.
    pub(super) fn put(&mut self, rule: &DetectionSettings, work: &Work) -> bool {
        let mut is_minded = false;
        for weight in weights(&rule.when, work) {
            is_minded = true;
            self.add(rule.within, weight, work);
        }
        is_minded
    }

    /// What stands in the window; of it, after an emergency, what came soon after one.
    pub(super) fn tally(&self, rule: &DetectionSettings, emergencies: &VecDeque<Timestamp>) -> Option<Tally> {
        let counts = |entry: &&Entry| match rule.when {
            When::AfterBreakGlass => {
                emergencies.iter().any(|at| *at <= entry.time && entry.time.since(*at) < rule.within)
            }
            When::Dormant(_) => self.woke.is_some_and(|(woke, _)| entry.time.since(woke) < rule.within),
            When::Elsewhere => self.is_shared(minute(entry.time)),
            When::RecordsTaken
            | When::FilesTaken
            | When::PanelSweep
            | When::ListSweep
            | When::SequentialIds
            | When::OffHours(_)
            | When::Denials
            | When::NothingToDo => true,
        };
        let counted: Vec<&Entry> = self.entries.iter().filter(counts).collect();
        let count = match rule.when {
            When::SequentialIds => counted.iter().map(|entry| entry.amount).max()?,
            When::Elsewhere => {
                let mut minutes: Vec<i64> = counted.iter().map(|entry| minute(entry.time)).collect();
                minutes.dedup();
                minutes.len() as u64
            }
            When::RecordsTaken
            | When::FilesTaken
            | When::PanelSweep
            | When::ListSweep
            | When::OffHours(_)
            | When::Dormant(_)
            | When::Denials
            | When::AfterBreakGlass
            | When::NothingToDo => counted.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.amount)),
        };
        let (since, until) = (counted.first()?.time, counted.last()?.time);
        let mut requests: Vec<RequestId> = Vec::new();
        for entry in counted.iter().rev() {
            if requests.len() < REQUESTS_MAX && !requests.contains(&entry.request) {
                requests.push(entry.request);
            }
        }
        Some(Tally { count, since, until, requests })
    }

    /// Forgets the events, and keeps what is usual.
    pub(super) fn clear(&mut self) {
        self.entries = VecDeque::new();
    }

    fn add(&mut self, within: Duration, weight: Weight, work: &Work) {
        let (key, amount) = match weight {
            Weight::Amount(amount) | Weight::Height(amount) => (0, amount),
            Weight::Once(key) | Weight::OnceAMinute(key) => (key, 1),
        };
        let newest = self.entries.back().map_or(work.time, |last| last.time.max(work.time));
        if newest.since(work.time) >= within {
            return;
        }
        let entry = Entry { time: work.time, request: work.request, key, amount };
        let is_same = |known: &Entry| match weight {
            Weight::Amount(_) | Weight::Height(_) => false,
            Weight::Once(key) => known.key == key,
            Weight::OnceAMinute(key) => known.key == key && minute(known.time) == minute(work.time),
        };
        // The latest counts, in whatever order they come.
        if let Some(place) = self.entries.iter().position(is_same) {
            if self.entries.get(place).is_some_and(|known| known.time >= work.time) {
                return;
            }
            self.entries.remove(place);
        }
        let place = self.entries.iter().rposition(|known| known.time <= work.time).map_or(0, |last| last + 1);
        self.entries.insert(place, entry);
        while self.entries.front().is_some_and(|first| newest.since(first.time) >= within) {
            self.entries.pop_front();
        }
        if self.entries.len() > ENTRIES_MAX {
            let oldest = self.entries.pop_front();
            // Nothing of an amount is lost: it counts for a little longer than it should.
            if let (Weight::Amount(_), Some(oldest), Some(next)) = (weight, oldest, self.entries.front_mut())
            {
                next.amount = next.amount.saturating_add(oldest.amount);
            }
        }
    }

    /// Whether requests came from several networks in this minute.
    fn is_shared(&self, at: i64) -> bool {
        let mut keys = self.entries.iter().filter(|entry| minute(entry.time) == at).map(|entry| entry.key);
        let first = keys.next();
        keys.any(|key| Some(key) != first)
    }
}

/// What an event adds under a rule.
fn weights(when: &When, work: &Work) -> Vec<Weight> {
    let amount = |amount: u64| if amount > 0 { vec![Weight::Amount(amount)] } else { vec![] };
    match when {
        When::RecordsTaken => amount(work.records),
        When::FilesTaken | When::AfterBreakGlass => amount(work.files),
        When::PanelSweep => work.opened.iter().copied().map(Weight::Once).collect(),
        When::ListSweep => {
            // Those of whom an event keeps one digest are more than are told apart here.
            let together = Some(work.listed_together).filter(|number| *number > 0).map(Weight::Amount);
            work.listed.iter().copied().map(Weight::Once).chain(together).collect()
        }
        When::SequentialIds if work.in_steps > 0 => vec![Weight::Height(work.in_steps)],
        // Whether it is outside of the hours is known to whoever knows where that is meant.
        When::OffHours(_) | When::Dormant(_) => amount(u64::from(work.by_person)),
        // What one page asks for when it is opened is denied together, and counts once.
        When::Denials if work.is_denied => {
            vec![Weight::Once(work.time.as_millis().div_euclid(TOGETHER_MILLIS).unsigned_abs())]
        }
        When::SequentialIds | When::Denials => vec![],
        When::Elsewhere => work.network.map(Weight::OnceAMinute).into_iter().collect(),
        When::NothingToDo => amount(u64::from(work.is_out_of_role)),
    }
}

fn minute(time: Timestamp) -> i64 {
    time.as_seconds().div_euclid(60)
}

/// Events in one window.
pub(super) const ENTRIES_MAX: usize = 512;
/// Denials within so long count once.
const TOGETHER_MILLIS: i64 = 2000;
