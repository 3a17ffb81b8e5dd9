//! Decides recorded requests again: what would have been, had other rules been in force.
//!
//! Takes events one by one and keeps no more than what it has to tell: each change with how often, for how many people, and
//! a few references to look up. No patient and no value of a query is told. What an event does not hold cannot be decided
//! again; that is counted, with why.

mod people;
mod recorded;
mod tell;
mod windows;

use std::collections::BTreeMap;

use serde::Serialize;

pub use recorded::Undecidable;

use super::bundle::Rules;
use super::memory::Memory;
use crate::domain::decision::{Decision, Grounds};
use crate::domain::event::{Closing, Opening, Verdict};
use crate::domain::limit::{LimitName, OnExceed};
use crate::domain::reason::Reason;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use people::People;
use windows::{Beyond, Windows};

pub(super) use recorded::{Asked, ask};

/// Decides recorded requests again under `rules`.
#[derive(Debug)]
pub struct Replay<'r> {
    rules: &'r Rules,
    memory: Memory,
    windows: Windows,
    report: Report,
    changes: BTreeMap<ChangeKey, Seen>,
    limits: BTreeMap<LimitKey, (Seen, u64)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The digest of the rules that were tried, first 16 digits.
    pub rules: String,
    /// When the first of the events began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// When the last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Events that were read.
    pub events: u64,
    /// Those about which no rules are asked: sign-ins, our own paths, what was malformed or too much.
    pub not_by_rules: u64,
    /// Those that were decided again.
    pub decided: u64,
    /// Of these, those with another answer.
    pub changed: u64,
    /// Of those that were decided, how many by the roles of then, since the groups are not recorded.
    pub by_roles_of_then: u64,
    /// Those that could not be decided again, and why.
    pub undecidable: BTreeMap<Undecidable, u64>,
    /// Each kind of change, the most frequent first.
    pub changes: Vec<Change>,
    /// What would be beyond a limit now and was not, or the other way round, the most frequent first.
    pub limits: Vec<LimitChange>,
    /// Replies that could not be compared with a limit: how many records they held is not known that far.
    pub uncounted: u64,
    /// Changes of kinds beyond those that are listed ([`KINDS_MAX`]).
    pub unlisted: u64,
}

/// One kind of change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is.
    #[serde(flatten)]
    pub kind: ChangeKey,
    /// How often, by whom, and which.
    #[serde(flatten)]
    pub seen: Told,
}

/// What makes changes alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChangeKey {
    /// The application.
    pub application: String,
    /// The route.
    pub route: String,
    /// The roles under the rules that were tried.
    pub roles: Vec<String>,
    /// What was decided.
    pub from: Verdict,
    /// What would have been.
    pub to: Verdict,
    /// Why.
    pub reason: Reason,
    /// The rules that decided then.
    pub rules_then: Vec<String>,
    /// The rules that would have decided.
    pub rules: Vec<String>,
}

/// One kind of change at a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitChange {
    /// What it is.
    #[serde(flatten)]
    pub kind: LimitKey,
    /// How often, by whom, and which.
    #[serde(flatten)]
    pub seen: Told,
    /// The largest number that was met.
    pub largest: u64,
}

/// What makes changes at a limit alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LimitKey {
    /// The application.
    pub application: String,
    /// The route.
    pub route: String,
    /// The roles under the rules that were tried.
    pub roles: Vec<String>,
    /// Which limit; none: that the records cannot be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitName>,
    /// The number that would be allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<u64>,
    /// Whether it would be beyond; else it was.
    pub beyond: bool,
    /// What would come of it, or did.
    pub then: OnExceed,
}

/// How often something was met, by whom, and where to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// How often.
    pub times: u64,
    /// By how many people.
    pub people: u64,
    /// Whether there were more people than were counted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub and_more_people: bool,
    /// A few of the events.
    pub examples: Vec<RequestId>,
}

#[derive(Debug, Default)]
struct Seen {
    times: u64,
    people: People,
    examples: Vec<RequestId>,
}

impl<'r> Replay<'r> {
    /// Under these rules, with nothing decided yet.
    pub fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            memory: Memory::default(),
            windows: Windows::default(),
            report: Report { rules: rules.version().short(), ..Report::default() },
            changes: BTreeMap::new(),
            limits: BTreeMap::new(),
        }
    }

    /// Decides one event again.
    pub fn add(&mut self, opening: &Opening, closing: Option<&Closing>) {
        let report = &mut self.report;
        report.events += 1;
        report.first = report.first.min(Some(opening.time)).or(Some(opening.time));
        report.last = report.last.max(Some(opening.time));
        match ask(self.rules, &self.memory, opening) {
            Asked::NotByRules => report.not_by_rules += 1,
            Asked::Undecidable(why) => *report.undecidable.entry(why).or_default() += 1,
            Asked::Decided { was, decision, roles, by_roles_of_then } => {
                report.decided += 1;
                report.by_roles_of_then += u64::from(by_roles_of_then);
                self.compare(opening, closing, was, &decision, roles);
            }
        }
    }

    /// All of it.
    pub fn report(mut self) -> Report {
        let changes = std::mem::take(&mut self.changes).into_iter();
        let mut changes: Vec<_> = changes.map(|(kind, seen)| Change { kind, seen: seen.told() }).collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.seen.times));
        let limits = std::mem::take(&mut self.limits).into_iter();
        let mut limits: Vec<_> =
            limits.map(|(kind, (seen, largest))| LimitChange { kind, seen: seen.told(), largest }).collect();
        limits.sort_by_key(|change| std::cmp::Reverse(change.seen.times));
        Report { changes, limits, ..self.report }
    }

    fn compare(
        &mut self,
        opening: &Opening,
        closing: Option<&Closing>,
        was: Verdict,
        decision: &Decision,
        roles: Vec<String>,
    ) {
        let (now, reason, grounds) = summed_up(decision, is_program(opening));
        if was == now {
            if now == Verdict::Permit {
                self.compare_limits(opening, closing, grounds, &roles);
            }
            return;
        }
        self.report.changed += 1;
        let listed = |rules: &[std::sync::Arc<str>]| rules.iter().map(ToString::to_string).collect();
        let key = ChangeKey {
            application: opening.application.as_ref().map(ToString::to_string).unwrap_or_default(),
            route: opening.route.as_ref().map(ToString::to_string).unwrap_or_default(),
            roles,
            from: was,
            to: now,
            reason,
            rules_then: listed(&opening.rules),
            rules: listed(&grounds.rules),
        };
        if self.changes.len() >= KINDS_MAX && !self.changes.contains_key(&key) {
            self.report.unlisted += 1;
            return;
        }
        self.changes.entry(key).or_default().add(opening);
    }

    fn compare_limits(
        &mut self,
        opening: &Opening,
        closing: Option<&Closing>,
        grounds: &Grounds,
        roles: &[String],
    ) {
        let found = self.windows.measure(opening, closing, &grounds.obligations.limits);
        self.report.uncounted += u64::from(found.uncounted);
        for Beyond { limit, allowed, actual, is_over, then } in found.changes {
            let key = LimitKey {
                application: opening.application.as_ref().map(ToString::to_string).unwrap_or_default(),
                route: opening.route.as_ref().map(ToString::to_string).unwrap_or_default(),
                roles: roles.to_vec(),
                limit,
                allowed,
                beyond: is_over,
                then,
            };
            if self.limits.len() >= KINDS_MAX && !self.limits.contains_key(&key) {
                self.report.unlisted += 1;
                continue;
            }
            let (seen, largest) = self.limits.entry(key).or_default();
            seen.add(opening);
            *largest = actual.max(*largest);
        }
    }
}

impl Report {
    /// Whether every answer that could be found again is the same, and every limit met as it was.
    pub fn changes_nothing(&self) -> bool {
        self.changed == 0 && self.limits.is_empty() && self.unlisted == 0
    }
}

impl Seen {
    fn add(&mut self, opening: &Opening) {
        self.times += 1;
        if let Some(subject) = &opening.subject {
            self.people.add(&subject.issuer, &subject.sub);
        }
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(opening.event);
        }
    }

    fn told(self) -> Told {
        Told {
            times: self.times,
            people: self.people.len(),
            and_more_people: self.people.is_full(),
            examples: self.examples,
        }
    }
}

/// A program takes no step: one that is missing is a no.
fn summed_up(decision: &Decision, program: bool) -> (Verdict, Reason, &Grounds) {
    match decision {
        Decision::Permit(_, grounds) => (Verdict::Permit, Reason::RuleMatched, grounds),
        Decision::Challenge(challenge, grounds) if program => (Verdict::Deny, challenge.reason(), grounds),
        Decision::Challenge(challenge, grounds) => (Verdict::Challenge, challenge.reason(), grounds),
        Decision::Deny(denial, grounds) => {
            (Verdict::Deny, denial.reasons.first().copied().unwrap_or(Reason::NoRuleMatched), grounds)
        }
    }
}

fn is_program(opening: &Opening) -> bool {
    opening.subject.as_ref().is_some_and(|subject| subject.client.is_some())
}

/// As many kinds of changes are listed.
pub const KINDS_MAX: usize = 10_000;
/// As many events are named for each.
const EXAMPLES_MAX: usize = 3;
