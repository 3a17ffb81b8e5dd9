//! What would unlock it: the same rules are asked again with something about the person changed.
//!
//! Steps that the person can take now (giving a reason, signing in stronger) come first; if one turns
//! the answer, it is the challenge. What takes longer (other hours, another place, another role) is what
//! a denial offers. What is offered is always verified by asking; nothing is configured.

use std::borrow::Cow;
use std::cell::Cell;
use std::time::Duration;

use super::bundle::Rules;
use super::problem::PolicySource;
use super::reads::Fact;
use super::settings::{MaySettings, RoleSettings};
use super::slice::{RouteRules, Slice, Verdict};
use super::wording;
use super::world::Facts;
use crate::domain::application::RoleName;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::decision::WayOn;
use crate::domain::device::DeviceClass;
use crate::domain::hours::Hours;
use crate::domain::purpose::{Needs, Purpose};

/// Asks again.
pub(super) struct Ladder<'a> {
    rules: &'a Rules,
    route: &'a RouteRules,
    slice: &'a Slice,
    asked: Cell<u32>,
}

/// Steps that together turn the answer.
#[derive(Clone, Debug)]
pub(super) struct Rung {
    pub(super) steps: Vec<Step>,
    /// The rules that then permit.
    pub(super) permits: Vec<usize>,
}

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Justify,
    JustifyWith(Needs),
    Prove(AssuranceNeed),
    BreakGlass,
    Purpose(Purpose),
    Hours(Hours),
    Device(Vec<DeviceClass>),
    Location(Vec<String>),
    Role(RoleName),
}

impl Step {
    /// How much it asks of a person; a sum of cheaper steps is still cheaper than the next dearer one.
    const fn cost(&self) -> u32 {
        match self {
            Self::Justify | Self::JustifyWith(_) => 1,
            Self::Prove(_) => 2,
            Self::BreakGlass => 16,
            Self::Purpose(_) => 32,
            Self::Hours(_) => 64,
            Self::Device(_) => 128,
            Self::Location(_) => 256,
            Self::Role(_) => 512,
        }
    }

    fn apply(&self, facts: &mut Facts<'_>) {
        match self {
            Self::Justify | Self::JustifyWith(_) => facts.justified = true,
            Self::Prove(need) => suppose_age(facts, &need.class, 0),
            Self::BreakGlass => facts.purpose = Purpose::BreakGlass,
            Self::Purpose(purpose) => facts.purpose = *purpose,
            Self::Hours(hours) => facts.minute = hours.from_minute,
            Self::Device(classes) => {
                let class = classes.first().map_or_else(String::new, ToString::to_string);
                facts.device = Cow::Owned(class);
            }
            Self::Location(places) => facts.location = Some(places.first().cloned().into_iter().collect()),
            Self::Role(role) => facts.roles.to_mut().push(role.clone()),
        }
    }

    fn way_on(self) -> WayOn {
        match self {
            Self::Justify => WayOn::Justify,
            Self::JustifyWith(needs) => WayOn::JustifyWith(needs),
            Self::Prove(need) => WayOn::StepUp(need),
            Self::BreakGlass => WayOn::BreakGlass,
            Self::Purpose(purpose) => WayOn::Purpose(vec![purpose]),
            Self::Hours(hours) => WayOn::Hours(hours.to_string()),
            Self::Device(classes) => WayOn::Device(classes),
            Self::Location(places) => WayOn::Location(places),
            Self::Role(role) => WayOn::Role(vec![role]),
        }
    }
}

fn suppose_age(facts: &mut Facts<'_>, class: &AssuranceClass, age: i64) {
    facts.ages.insert(Cow::Owned(class.as_str().to_owned()), age);
}

impl Rung {
    /// No step at all: the rules say yes as it is.
    pub(super) const fn none() -> Self {
        Self { steps: Vec::new(), permits: Vec::new() }
    }

    /// For what the person works once it is taken.
    pub(super) fn purpose(&self, facts: &Facts<'_>) -> Purpose {
        let chosen = self.steps.iter().rev().find_map(|step| match step {
            Step::Purpose(purpose) => Some(*purpose),
            Step::BreakGlass => Some(Purpose::BreakGlass),
            Step::Justify
            | Step::JustifyWith(_)
            | Step::Prove(_)
            | Step::Hours(_)
            | Step::Device(_)
            | Step::Location(_)
            | Step::Role(_) => None,
        });
        chosen.unwrap_or(facts.purpose)
    }

    /// With what the law asks for besides: it is said together with the reason that the rules ask for.
    pub(super) fn and_say(mut self, needs: Needs) -> Self {
        if !needs.is_none() {
            self.steps.retain(|step| *step != Step::Justify);
            self.steps.push(Step::JustifyWith(needs));
        }
        self
    }

    /// With what a risk asks for besides: a step-up that the rules ask for is one to the risk, too.
    pub(super) fn and_prove(mut self, need: Option<&AssuranceNeed>) -> Self {
        let is_proven = |step: &Step| matches!(step, Step::Prove(proven) if need.is_some_and(|need| proven.class == need.class));
        if !self.steps.iter().any(is_proven) {
            self.steps.extend(need.cloned().map(Step::Prove));
        }
        self
    }

    pub(super) fn cost(&self) -> u32 {
        self.steps.iter().map(Step::cost).sum()
    }

    /// Whether the person has only to say that they do other work of theirs: then nothing is overridden.
    pub(super) fn is_of_purpose(&self) -> bool {
        let is_theirs = |step: &Step| matches!(step, Step::Purpose(_) | Step::Justify | Step::Prove(_));
        self.steps.iter().all(is_theirs)
    }
}

impl<'a> Ladder<'a> {
    pub(super) fn new(rules: &'a Rules, route: &'a RouteRules, slice: &'a Slice) -> Self {
        Self { rules, route, slice, asked: Cell::new(0) }
    }

    /// The cheapest that the person can do now.
    pub(super) fn now(&self, facts: &Facts<'_>) -> Option<Rung> {
        let reads = &self.slice.reads;
        let justify = !facts.justified && (reads.has(&Fact::Justified) || facts.would_suppose(reads));
        let classes = self.classes(facts);
        if justify && let Some(permits) = self.turns(facts, &[Step::Justify]) {
            return Some(Rung { steps: vec![Step::Justify], permits });
        }
        let every: Vec<_> = classes.iter().map(|class| vec![class]).collect();
        let together = (classes.len() > 1).then(|| classes.iter().collect());
        let choices = every.iter().chain(together.iter());
        let plain = choices.clone().map(|classes| (classes, false));
        let reasoned = choices.map(|classes| (classes, true)).filter(|_| justify);
        plain.chain(reasoned).find_map(|(classes, justify)| self.stepped_up(facts, classes, justify))
    }

    /// Breaking the glass, where that alone turns it: what has to be proven first, and then that.
    pub(super) fn emergency(&self, facts: &Facts<'_>) -> Option<Rung> {
        let is_of_emergency = |position: &usize| {
            let rule = self.rules.engine.rule(*position);
            rule.is_some_and(|rule| matches!(rule.source, PolicySource::Emergency(..)) && rule.is_held(facts))
        };
        if facts.purpose == Purpose::BreakGlass || !self.slice.rules.iter().any(is_of_emergency) {
            return None;
        }
        let permits = self.turns(facts, &[Step::BreakGlass])?;
        let first = self.rules.unproven_in_emergency(&permits, facts).map(Step::Prove);
        Some(Rung { steps: first.into_iter().chain([Step::BreakGlass]).collect(), permits })
    }

    /// What else would turn it, the cheapest first.
    pub(super) fn later(&self, facts: &Facts<'_>) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = Vec::new();
        for steps in self.proposals(facts) {
            if rungs.iter().any(|rung| rung.steps == steps) {
                continue;
            }
            if let Some(permits) = self.turns(facts, &steps) {
                rungs.push(Rung { steps, permits });
                continue;
            }
            let mut supposed = facts.clone();
            for step in &steps {
                step.apply(&mut supposed);
            }
            if let Some(more) = self.now(&supposed) {
                let steps = steps.into_iter().chain(more.steps).collect();
                rungs.push(Rung { steps, permits: more.permits });
            }
        }
        rungs.sort_by_key(Rung::cost);
        rungs
    }

    /// The classes that the person's provider can prove and that could matter here.
    fn classes(&self, facts: &Facts<'_>) -> Vec<AssuranceClass> {
        let provable = self.rules.catalog.classes.get(&facts.identity.provider);
        provable
            .into_iter()
            .flatten()
            .filter(|class| self.slice.reads.has(&Fact::Assurance(class.as_str().into())))
            .cloned()
            .collect()
    }

    fn stepped_up(&self, facts: &Facts<'_>, classes: &[&AssuranceClass], justify: bool) -> Option<Rung> {
        let mut supposed = facts.clone();
        for class in classes {
            suppose_age(&mut supposed, class, 0);
        }
        supposed.justified |= justify;
        let permits = self.permits(&supposed)?;
        let mut steps: Vec<_> = Vec::new();
        for class in classes {
            let already = facts.ages.get(class.as_str()).copied();
            let need = self.loosest(&supposed, class);
            let met = already.is_some_and(|age| need.fresh.is_none_or(|fresh| within(age, fresh)));
            if !met || classes.len() == 1 {
                steps.push(Step::Prove(need));
            }
        }
        steps.extend(justify.then_some(Step::Justify));
        Some(Rung { steps, permits })
    }

    /// The least that has to be asked of `class`, everything else being as in `facts`.
    fn loosest(&self, facts: &Facts<'_>, class: &AssuranceClass) -> AssuranceNeed {
        let compared = self.slice.reads.thresholds.iter().filter(|(name, _)| name.as_ref() == class.as_str());
        let mut ages: Vec<i64> = compared
            .flat_map(|(_, seconds)| [*seconds, seconds.saturating_sub(1)])
            .filter(|age| *age >= 0)
            .collect();
        ages.sort_unstable();
        let mut supposed = facts.clone();
        let mut permitted_at = |age: i64| {
            suppose_age(&mut supposed, class, age);
            self.permits(&supposed).is_some()
        };
        if permitted_at(AGES_AGO) {
            return AssuranceNeed { class: class.clone(), fresh: None };
        }
        let fresh = ages.into_iter().rev().find(|age| permitted_at(*age)).unwrap_or(0);
        let fresh = Duration::from_secs(u64::try_from(fresh).unwrap_or(0));
        AssuranceNeed { class: class.clone(), fresh: Some(fresh) }
    }

    /// What may be worth asking: every purpose that the person may choose, and for every rule that
    /// permits here, what it says that the person lacks.
    fn proposals(&self, facts: &Facts<'_>) -> Vec<Vec<Step>> {
        let mut proposals = Vec::new();
        if self.slice.reads.has(&Fact::Purpose) {
            let others = self.rules.purposes_of(&facts.identity.roles);
            let others = others.into_iter().filter(|purpose| *purpose != facts.purpose);
            proposals.extend(others.map(|purpose| vec![Step::Purpose(purpose)]));
        }
        let rules = self.slice.rules.iter().filter_map(|position| self.rules.engine.rule(*position));
        for rule in rules.filter(|rule| !matches!(rule.source, PolicySource::Emergency(..))) {
            let held = rule.role.as_ref().is_none_or(|role| facts.roles.contains(role));
            let mut steps = Vec::new();
            if let Some(role) = rule.role.as_ref().filter(|_| !held) {
                // Nobody gets there from here: it is for the people of another provider.
                let is_theirs = |role: &RoleSettings| role.providers.contains(&facts.identity.provider);
                if !self.rules.role(role).is_some_and(is_theirs) {
                    continue;
                }
                steps.push(Step::Role(role.clone()));
            }
            if let PolicySource::May(role, position) = &rule.source
                && let Some((purposes, may)) = self.may(role, *position)
            {
                steps.extend(self.lacking(facts, purposes, may));
            }
            if rule.permits() && !steps.is_empty() {
                proposals.push(steps);
            }
        }
        proposals
    }

    fn may(&self, role: &RoleName, position: usize) -> Option<(&'a [Purpose], &'a MaySettings)> {
        let role = self.rules.role(role)?;
        let may = role.may.get(position.checked_sub(1)?)?;
        Some((wording::purposes(role, may), may))
    }

    fn lacking(&self, facts: &Facts<'_>, purposes: &[Purpose], may: &MaySettings) -> Vec<Step> {
        let when = &may.when;
        let mut steps = Vec::new();
        if !purposes.contains(&facts.purpose) {
            steps.extend(purposes.first().map(|purpose| Step::Purpose(*purpose)));
        }
        if let Some(hours) = when.hours.filter(|hours| !hours.contain(facts.minute)) {
            steps.push(Step::Hours(hours));
        }
        if !when.device.is_empty() && !when.device.iter().any(|class| facts.device == class.as_str()) {
            steps.push(Step::Device(when.device.clone()));
        }
        let location = facts.attribute("location");
        let elsewhere =
            location.is_some_and(|known| !known.iter().any(|place| when.location.contains(place)));
        if !when.location.is_empty() && elsewhere {
            steps.push(Step::Location(when.location.clone()));
        }
        if let Some(need) = &when.assurance
            && self.rules.catalog.proves(&facts.identity.provider, &need.class)
        {
            let age = facts.ages.get(need.class.as_str());
            let met = age.is_some_and(|age| need.fresh.is_none_or(|fresh| within(*age, fresh)));
            steps.extend((!met).then(|| Step::Prove(need.clone())));
        }
        steps.extend((when.justification && !facts.justified).then_some(Step::Justify));
        steps
    }

    fn turns(&self, facts: &Facts<'_>, steps: &[Step]) -> Option<Vec<usize>> {
        let mut supposed = facts.clone();
        for step in steps {
            step.apply(&mut supposed);
        }
        self.permits(&supposed)
    }

    fn permits(&self, facts: &Facts<'_>) -> Option<Vec<usize>> {
        if self.asked.replace(self.asked.get().saturating_add(1)) >= ASKED_AT_MOST {
            return None;
        }
        match self.rules.engine.ask(self.slice, &self.route.entity, facts) {
            Ok(Verdict::Permitted(rules)) => Some(rules),
            Ok(Verdict::Forbidden(_) | Verdict::Failed(_) | Verdict::Unknown(_) | Verdict::Unmatched)
            | Err(_) => None,
        }
    }
}

fn within(age: i64, fresh: Duration) -> bool {
    u64::try_from(age).is_ok_and(|age| age <= fresh.as_secs())
}

/// The rungs, the cheapest first, as a denial offers them: single roles and purposes are gathered.
pub(super) fn ways_on(rungs: Vec<Rung>) -> Vec<WayOn> {
    let mut ways: Vec<WayOn> = Vec::new();
    let mut kept: Vec<Vec<Step>> = Vec::new();
    for rung in rungs {
        // What asks for more than a cheaper way is no way of its own.
        if kept.iter().any(|cheaper| cheaper.iter().all(|step| rung.steps.contains(step))) {
            continue;
        }
        kept.push(rung.steps.clone());
        let mut steps: Vec<_> = rung.steps.into_iter().map(Step::way_on).collect();
        let Some(last) = steps.pop() else { continue };
        let way = if steps.is_empty() {
            last
        } else {
            steps.push(last);
            WayOn::All(steps)
        };
        if !ways.iter_mut().any(|known| gathered(known, &way)) {
            ways.push(way);
        }
    }
    ways.truncate(WAYS_AT_MOST);
    ways
}

/// Whether `way` is the same as `known`, or could be added to it.
fn gathered(known: &mut WayOn, way: &WayOn) -> bool {
    match (known, way) {
        (WayOn::Role(roles), WayOn::Role(more)) => add(roles, more),
        (WayOn::Purpose(purposes), WayOn::Purpose(more)) => add(purposes, more),
        (known, way) => known == way,
    }
}

fn add<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) -> bool {
    for one in more {
        if !known.contains(one) {
            known.push(one.clone());
        }
    }
    true
}

/// Longer ago than any freshness that a rule asks for, in seconds: a century.
const AGES_AGO: i64 = 100 * 366 * 86_400;
/// How often the rules are asked for one denial at the most.
const ASKED_AT_MOST: u32 = 96;
/// How many ways on a denial offers at the most.
const WAYS_AT_MOST: usize = 6;
