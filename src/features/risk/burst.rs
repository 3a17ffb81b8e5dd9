//! Denials of one person, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use super::settings::{RiskSettings, When};
use crate::domain::risk::RiskName;
use crate::foundation::clock::Timestamp;

/// The denials of one person in the last hour, and what has come of them.
#[derive(Debug, Default)]
pub(super) struct Bursts {
    /// The latest last.
    denials: VecDeque<Timestamp>,
    raised: Vec<Raised>,
}

/// A risk that stands since there were so many.
#[derive(Debug)]
struct Raised {
    rule: RiskName,
    since: Timestamp,
    until: Timestamp,
}

impl Bursts {
    /// Takes note of a denial, and says whether a risk stands since that did not before. What one page asks for when it is
    /// opened is denied together, and counts once.
    pub(super) fn denied(&mut self, rules: &[RiskSettings], now: Timestamp) -> bool {
        self.raised.retain(|raised| now < raised.until);
        if self.denials.back().is_some_and(|last| now.since(*last) < TOGETHER) {
            return false;
        }
        self.denials.retain(|moment| now.since(*moment) < KEPT);
        while self.denials.len() >= DENIALS_MAX {
            self.denials.pop_front();
        }
        self.denials.push_back(now);
        let mut is_new = false;
        for rule in rules {
            let When::Denials { more_than, within, lasts } = rule.when else { continue };
            let since = self.since(&rule.name, now).map(|(since, _)| since);
            // Those that have raised it once do not do so again.
            let counts = |moment: &&Timestamp| {
                now.since(**moment) < within && since.is_none_or(|since| **moment > since)
            };
            if self.denials.iter().filter(counts).count() > usize::from(more_than) {
                self.raised.retain(|raised| raised.rule != rule.name);
                self.raised.push(Raised { rule: rule.name.clone(), since: now, until: now.plus(lasts) });
                is_new = true;
            }
        }
        is_new
    }

    /// Since when a risk stands, and until when.
    pub(super) fn since(&self, rule: &RiskName, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let stands = |raised: &&Raised| raised.rule == *rule && now < raised.until;
        self.raised.iter().find(stands).map(|raised| (raised.since, raised.until))
    }

    /// Whether there is nothing left to remember.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.raised.iter().all(|raised| now >= raised.until)
            && self.denials.iter().all(|moment| now.since(*moment) >= KEPT)
    }
}

/// As many as a risk can ask for, and one.
const DENIALS_MAX: usize = 101;
/// After one that counts, so long no other does.
const TOGETHER: Duration = Duration::from_secs(2);
/// The longest time within which they are counted.
const KEPT: Duration = Duration::from_secs(60 * 60);
