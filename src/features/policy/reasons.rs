//! Why the answer is no, the most telling reason first.

use super::condition::{Test, Truth};
use super::problem::PolicySource;
use super::reads::Fact;
use super::rule::Rule;
use super::slice::{Engine, RouteRules, Slice, Verdict};
use super::world::{Facts, World, WorldError};
use crate::domain::law::Opens;
use crate::domain::reason::Reason;

/// Why the rules did not permit, and which rules said so.
pub(super) fn of(
    engine: &Engine,
    route: &RouteRules,
    slice: &Slice,
    facts: &Facts<'_>,
    verdict: &Verdict,
) -> Result<(Vec<Reason>, Vec<usize>), WorldError> {
    match verdict {
        Verdict::Permitted(rules) => Ok((vec![Reason::RuleMatched], rules.clone())),
        Verdict::Forbidden(rules) => Ok((forbidden(engine, rules, facts), rules.clone())),
        Verdict::Failed(rule) => Ok((vec![Reason::PolicyError], vec![*rule])),
        Verdict::Unknown(position) => {
            let facts_read = engine.rule(*position).into_iter().flat_map(|rule| &rule.reads.facts);
            Ok((vec![unknown(facts_read, facts)], vec![*position]))
        }
        Verdict::Unmatched => {
            let world = World::new(&engine.vocabulary, facts, &route.entity, &slice.reads)?;
            Ok((near_misses(engine, slice, &world), Vec::new()))
        }
    }
}

/// Why rules forbid, the law of a kind of data first: where it depends on what is unknown, that is told, too.
fn forbidden(engine: &Engine, rules: &[usize], facts: &Facts<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |reason: Reason| {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    let rules = || rules.iter().filter_map(|position| engine.rule(*position));
    let by_law = |rule: &Rule| match rule.source {
        PolicySource::Law(_, law) => Some(law),
        PolicySource::Role(_)
        | PolicySource::May(..)
        | PolicySource::Emergency(..)
        | PolicySource::File { .. }
        | PolicySource::TimeZone
        | PolicySource::Rules => None,
    };
    rules().filter_map(by_law).for_each(|law| add(law.reason()));
    for rule in rules() {
        match by_law(rule).map(|law| law.opens(facts.purpose)) {
            Some(Opens::ToOriginator | Opens::WithConsent) if rule.reads_unknown(facts) => {
                add(unknown(rule.reads.facts.iter(), facts));
            }
            Some(Opens::ToOriginator | Opens::WithConsent | Opens::ToAll | Opens::ToNobody) => {}
            None => add(Reason::DeniedByRule),
        }
    }
    reasons
}

/// What is missing for the rules that come closest: those for this person that fail only for reasons
/// that have a name.
fn near_misses(engine: &Engine, slice: &Slice, world: &World<'_>) -> Vec<Reason> {
    let mut misses: Vec<Vec<Reason>> = slice
        .rules
        .iter()
        .filter_map(|position| engine.rule(*position))
        .filter(|rule| rule.permits() && rule.is_for(world.facts, &engine.vocabulary))
        // What an emergency would open is no rule that anybody comes close to.
        .filter(|rule| !matches!(rule.source, PolicySource::Emergency(..)))
        .filter_map(|rule| missing(rule, world))
        .collect();
    misses.sort_by_key(Vec::len);
    let mut reasons = Vec::new();
    for reason in misses.into_iter().flatten() {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(Reason::NoRuleMatched);
    }
    reasons
}

/// What a rule misses, or nothing if it misses something that has no name of its own.
fn missing(rule: &Rule, world: &World<'_>) -> Option<Vec<Reason>> {
    let mut unmet = Vec::new();
    for condition in &rule.conditions {
        condition.unmet(world, &mut unmet);
    }
    let mut reasons = Vec::new();
    for (test, truth) in unmet {
        let reason = reason(test, truth, world.facts)?;
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    Some(reasons)
}

/// The reason that a failing test stands for.
pub(super) fn reason(test: &Test, truth: Truth, facts: &Facts<'_>) -> Option<Reason> {
    match truth {
        Truth::True => None,
        Truth::Unknown => Some(unknown(test.reads.facts.iter(), facts)),
        Truth::Failed => Some(Reason::PolicyError),
        Truth::False => test.reads.facts.iter().find_map(|fact| match fact {
            Fact::Minute | Fact::Weekday | Fact::OnShift => Some(Reason::OutsideShift),
            Fact::Attribute(name) if PLACES.contains(&name.as_ref()) => Some(Reason::LocationMismatch),
            Fact::OwnChart => Some(Reason::OwnChart),
            Fact::Device | Fact::DevicePlace(_) => Some(Reason::DeviceMismatch),
            Fact::Purpose => Some(Reason::PurposeMismatch),
            Fact::Justified => Some(Reason::JustificationRequired),
            Fact::Relationship(_) => Some(Reason::NotOnPanel),
            Fact::Assurance(class) if facts.ages.contains_key(class.as_ref()) => Some(Reason::AuthTooOld),
            Fact::Assurance(_) => Some(Reason::AcrInsufficient),
            Fact::Attribute(_)
            | Fact::Person
            | Fact::Networks
            | Fact::OnePatient
            | Fact::PatientFlags
            | Fact::Action
            | Fact::Everything => None,
        }),
    }
}

/// The reason for what is unknown among these: whoever tells it is late, or nobody has told it.
fn unknown<'f>(read: impl Iterator<Item = &'f Fact>, facts: &Facts<'_>) -> Reason {
    let mut unknown = read.filter(|fact| fact.can_be_unknown() && !facts.knows(fact));
    if unknown.any(|fact| facts.is_aged(fact)) {
        Reason::AttributeStale
    } else {
        Reason::AttributeUnavailable
    }
}

/// Attributes that say where somebody works.
const PLACES: [&str; 3] = ["location", "department", "facility"];
