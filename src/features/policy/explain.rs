//! Explains a decision: every rule that could concern the person or the route as hit, miss or unknown,
//! with what it missed, and the ladder of what would unlock it. The same question gives the same text.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::bundle::Rules;
use super::condition::{Test, Truth};
use super::decide::Question;
use super::ladder::{Ladder, Rung, ways_on};
use super::lawful;
use super::memory::{Answer, Outcome};
use super::problem::PolicySource;
use super::rule::Rule;
use super::slice::{RouteRules, Slice};
use super::world::{Facts, World};
use crate::domain::application::RoleName;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::category::Sensitivity;
use crate::domain::decision::{Challenge, WayOn};
use crate::domain::device::DeviceClass;
use crate::domain::event::Verdict;
use crate::domain::field::FieldName;
use crate::domain::law::Law;
use crate::domain::limit::{LimitName, Limits, Window};
use crate::domain::purpose::{Basis, Purpose};
use crate::domain::reason::Reason;
use crate::domain::risk::{RiskName, Sign};

/// A decision, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The application.
    pub application: String,
    /// The route.
    pub route: String,
    /// What the route does.
    pub action: String,
    /// To which kinds of data.
    pub categories: Vec<String>,
    /// How sensitive they are (HL7 v3 `ActCode`).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub sensitivity: Arc<[Sensitivity]>,
    /// The laws of their own that they have.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub laws: Arc<[Law]>,
    /// The roles that the person holds.
    pub roles: Vec<String>,
    /// Why they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The legal basis of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// What was decided.
    pub decision: Verdict,
    /// Why, the most telling first.
    pub reasons: Vec<Reason>,
    /// The rules that decided.
    pub decided_by: Vec<String>,
    /// The numbers that hold if it is permitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The fields of the reply that are withheld if it is permitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<FieldName>,
    /// The rules, in order.
    pub rules: Vec<RuleExplanation>,
    /// What feeds tell, as far as the rules of the route mind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactExplanation>,
    /// The risks that were supposed to stand, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<RiskExplanation>,
    /// What the route asks for besides, once it is permitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<String>,
    /// What would unlock it, the cheapest first.
    pub ladder: Vec<WayOn>,
}

/// One risk, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskExplanation {
    /// Its id.
    pub risk: String,
    /// What it is told by.
    pub sign: Sign,
    /// Whether it counts on the route.
    pub counts: bool,
    /// What it asks for; absent where it is only noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_up: Option<AssuranceNeed>,
}

/// What feeds tell of one fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactExplanation {
    /// Which.
    pub fact: String,
    /// `yes`, `no`, `too old` or `unknown`; of what has several values, these.
    pub told: String,
}

/// One rule, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleExplanation {
    /// Its stable id.
    pub rule: String,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// What came out.
    pub answer: RuleAnswer,
    /// What it missed, or what is unknown; empty for a hit.
    pub because: Vec<String>,
}

/// What came out of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleAnswer {
    /// It applies.
    Hit,
    /// It does not apply.
    Miss,
    /// It depends on what nobody has told us.
    Unknown,
    /// It could not be evaluated.
    Failed,
}

impl Rules {
    /// Explains what [`Rules::decide`] answers, and remembers nothing. Absent if the question is about a
    /// route that the rules do not know.
    pub fn explain(&self, question: &Question<'_>) -> Option<Explanation> {
        let known = self.catalog.routes.get(question.route)?;
        if known.application != *question.application {
            return None;
        }
        let mut explanation = Explanation {
            application: known.application.to_string(),
            route: known.route.to_string(),
            action: known.action.to_string(),
            categories: known.categories.iter().map(ToString::to_string).collect(),
            sensitivity: known.protection.sensitivity.clone(),
            laws: known.protection.laws.clone(),
            roles: question.identity.iter().flat_map(|who| &who.roles).map(ToString::to_string).collect(),
            purpose: question.identity.map(|who| who.purpose),
            basis: question.identity.map(|who| who.purpose.basis()),
            decision: Verdict::Permit,
            reasons: vec![Reason::PublicRoute],
            decided_by: Vec::new(),
            limits: None,
            withheld: Vec::new(),
            rules: Vec::new(),
            facts: Vec::new(),
            risks: self.supposed(question),
            besides: known.besides.clone(),
            ladder: Vec::new(),
        };
        if known.public {
            return Some(explanation);
        }
        let (route, slice) = self.concerned(question)?;
        let Some(identity) = question.identity else {
            explanation.take(&self.unknown_person(slice));
            return Some(explanation);
        };
        let facts = self.facts(identity, question);
        let settled = self.settle(route, slice, &facts).unwrap_or_else(|_| Outcome::failed());
        let is_yes = matches!(settled.answer, Answer::Permit);
        explanation.take(&self.raised(settled, question));
        explanation.rules = self.explained(route, slice, &facts);
        explanation.facts = slice.reads.facts.iter().filter_map(|fact| facts.shown(fact)).collect();
        if explanation.decision != Verdict::Permit && !explanation.reasons.contains(&Reason::PolicyError) {
            let rungs = rungs(|| Ladder::new(self, route, slice), &facts, is_yes);
            explanation.ladder.extend(ways_on(self.whole(rungs, question, &facts)));
        }
        Some(explanation)
    }

    /// Each rung with what is asked for once the rules say yes, by the law under its purpose and then by risks; the cheapest first.
    fn whole(&self, rungs: Vec<Rung>, question: &Question<'_>, facts: &Facts<'_>) -> Vec<Rung> {
        let risk = self.risks_on(question.route, question.risks).find_map(|risk| risk.need.as_ref());
        let besides = |rung: Rung| {
            let owed = self.owed(question, rung.purpose(facts));
            rung.and_say(owed).and_prove(risk)
        };
        let mut rungs: Vec<_> =
            rungs.into_iter().map(besides).filter(|rung| !rung.steps.is_empty()).collect();
        rungs.sort_by_key(Rung::cost);
        rungs
    }

    /// The risks that the question supposes.
    fn supposed(&self, question: &Question<'_>) -> Vec<RiskExplanation> {
        let standing = question.risks.positions().filter_map(|position| self.risks().get(position));
        let counts =
            |name: &RiskName| self.risks_on(question.route, question.risks).any(|risk| risk.name == *name);
        standing
            .map(|risk| RiskExplanation {
                risk: risk.id(),
                sign: risk.sign,
                counts: counts(&risk.name),
                step_up: risk.need.clone(),
            })
            .collect()
    }

    /// The rules of the person's roles, those of no role, and those that have a say on the route.
    fn explained(&self, route: &RouteRules, slice: &Slice, facts: &Facts<'_>) -> Vec<RuleExplanation> {
        let concerns = |position: usize, rule: &Rule| {
            slice.rules.binary_search(&position).is_ok()
                || !matches!(rule.source, PolicySource::Law(..))
                    && rule.role.as_ref().is_none_or(|role| facts.roles.contains(role))
        };
        let rules = self.engine.rules.iter().enumerate();
        rules
            .filter(|(position, rule)| concerns(*position, rule))
            .map(|(_, rule)| {
                let (answer, because) = self.judged(rule, route, facts);
                RuleExplanation { rule: rule.id.to_string(), permits: rule.permits(), answer, because }
            })
            .collect()
    }

    fn judged(&self, rule: &Rule, route: &RouteRules, facts: &Facts<'_>) -> (RuleAnswer, Vec<String>) {
        let vocabulary = &self.engine.vocabulary;
        let mut because = Vec::new();
        if !rule.is_for(facts, vocabulary) {
            because.push(match &rule.role {
                Some(role) => format!("it is for the role {role}"),
                None => "it is for somebody else".to_owned(),
            });
        }
        if !rule.is_for_action(&route.entity.action) {
            because.push("it is for other actions".to_owned());
        }
        if !rule.is_for_route(&route.entity, vocabulary) {
            because.push("it is for other routes".to_owned());
        }
        if !because.is_empty() {
            return (RuleAnswer::Miss, because);
        }
        let Ok(world) = World::new(vocabulary, facts, &route.entity, &rule.reads) else {
            return (RuleAnswer::Failed, because);
        };
        let answer = match rule.judge(&world) {
            Truth::True => return (RuleAnswer::Hit, because),
            Truth::False => RuleAnswer::Miss,
            Truth::Unknown => RuleAnswer::Unknown,
            Truth::Failed => RuleAnswer::Failed,
        };
        let mut unmet = Vec::new();
        for condition in &rule.conditions {
            condition.unmet(&world, &mut unmet);
        }
        because.extend(unmet.into_iter().map(|(test, truth)| told(test, truth, &world)));
        because.dedup();
        (answer, because)
    }
}

/// What would make the rules say yes. Where they do already (`is_yes`), no step does, or other work of theirs, of which
/// the law may ask for less.
fn rungs<'a>(ladder: impl Fn() -> Ladder<'a>, facts: &Facts<'_>, is_yes: bool) -> Vec<Rung> {
    let later = ladder().later(facts);
    if is_yes {
        let of_purpose = later.into_iter().filter(|rung| rung.purpose(facts) != facts.purpose);
        return std::iter::once(Rung::none()).chain(of_purpose).collect();
    }
    let ladder = ladder();
    ladder.now(facts).into_iter().chain(ladder.emergency(facts)).chain(later).collect()
}

fn told(test: &Test, truth: Truth, world: &World<'_>) -> String {
    match (truth, test.unknown(world)) {
        (Truth::Unknown, Some(fact)) => format!("{} is unknown", fact.name()),
        (Truth::Failed, _) => format!("cannot be evaluated: {}", test.text),
        (Truth::True | Truth::False | Truth::Unknown, _) => {
            match super::reasons::reason(test, truth, world.facts) {
                Some(reason) => format!("{reason}: {}", test.text),
                None => test.text.clone(),
            }
        }
    }
}

impl Explanation {
    fn take(&mut self, outcome: &Outcome) {
        self.decided_by = outcome.rules.iter().map(ToString::to_string).collect();
        (self.decision, self.reasons) = match &outcome.answer {
            Answer::Permit => (Verdict::Permit, vec![Reason::RuleMatched]),
            Answer::Challenge(challenge) => {
                if *challenge == Challenge::SignIn {
                    self.ladder.push(WayOn::SignIn);
                }
                (Verdict::Challenge, vec![challenge.reason()])
            }
            Answer::Deny(denial) => (Verdict::Deny, denial.reasons.clone()),
        };
        self.limits = matches!(outcome.answer, Answer::Permit).then_some(outcome.obligations.limits);
        self.withheld = outcome.obligations.withheld.to_vec();
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<_> = self.reasons.iter().map(|reason| reason.as_str()).collect();
        writeln!(f, "{}  {}", self.decision, reasons.join(", "))?;
        let categories =
            if self.categories.is_empty() { "none".to_owned() } else { self.categories.join(", ") };
        writeln!(f, "route      {} / {}", self.application, self.route)?;
        writeln!(f, "action     {}, categories: {categories}", self.action)?;
        if !self.sensitivity.is_empty() {
            let codes: Vec<_> = self.sensitivity.iter().map(|code| code.as_str()).collect();
            writeln!(f, "sensitive  {}", codes.join(", "))?;
        }
        if !self.laws.is_empty() {
            let laws: Vec<_> = self.laws.iter().map(|law| law.reference()).collect();
            writeln!(f, "law        {}", laws.join(", "))?;
        }
        let roles = if self.roles.is_empty() { "none".to_owned() } else { self.roles.join(", ") };
        writeln!(f, "roles      {roles}")?;
        if let Some(purpose) = self.purpose {
            writeln!(f, "purpose    {}", lawful::told(purpose))?;
        }
        if !self.decided_by.is_empty() {
            writeln!(f, "decided by {}", self.decided_by.join(", "))?;
        }
        if let Some(limits) = &self.limits {
            writeln!(f, "limits     {}", limits_text(limits))?;
        }
        if !self.withheld.is_empty() {
            let names: Vec<_> = self.withheld.iter().map(FieldName::as_str).collect();
            writeln!(f, "withheld   {}", names.join(", "))?;
        }
        if !self.rules.is_empty() {
            writeln!(f, "\nrules")?;
        }
        let width = self.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0);
        for rule in &self.rules {
            let effect = if rule.permits { "permit" } else { "forbid" };
            let line = format!(
                "  {:<8} {effect}  {:<width$}  {}",
                rule.answer.as_str(),
                rule.rule,
                rule.because.join("; ")
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        if !self.besides.is_empty() {
            writeln!(f, "\nbesides, once permitted")?;
        }
        for line in &self.besides {
            writeln!(f, "  {line}")?;
        }
        if !self.facts.is_empty() {
            writeln!(f, "\nwhat feeds tell")?;
        }
        for FactExplanation { fact, told } in &self.facts {
            writeln!(f, "  {fact}: {told}")?;
        }
        if !self.risks.is_empty() {
            writeln!(f, "\nrisks that stand")?;
        }
        for risk in &self.risks {
            let what = match (&risk.step_up, risk.counts) {
                (_, false) => "does not count here".to_owned(),
                (None, true) => "is noted".to_owned(),
                (Some(need), true) => way_text(&WayOn::StepUp(need.clone())),
            };
            writeln!(f, "  {}  {}: {what}", risk.risk, risk.sign)?;
        }
        if !self.ladder.is_empty() {
            writeln!(f, "\nwhat would unlock it, the cheapest first")?;
        }
        for (index, way) in self.ladder.iter().enumerate() {
            writeln!(f, "  {}. {}", index + 1, way_text(way))?;
        }
        Ok(())
    }
}

impl RuleAnswer {
    /// Its spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
        }
    }
}

fn limits_text(limits: &Limits) -> String {
    let numbers = [
        ("records per reply", limits.records_per_response),
        ("patients per reply", limits.patients_per_response),
        ("records per export", limits.records_per_export),
        ("patients per export", limits.patients_per_export),
        ("bytes per export", limits.bytes_per_export),
    ];
    let windows = LimitName::of_windows().map(|(name, measure, window)| {
        let over = match window {
            Window::Hour => "an hour",
            Window::Shift => "a shift",
            Window::Day => "a day",
        };
        limits.number(name).map(|number| format!("{number} {measure} {over}"))
    });
    let numbers: Vec<_> = numbers
        .into_iter()
        .map(|(name, number)| number.map(|number| format!("{number} {name}")))
        .chain(windows)
        .flatten()
        .collect();
    let asked = [
        limits.records_per_response_at_most.map(|most| format!("never more than {most} records per reply")),
        limits.records_per_export_at_most.map(|most| format!("never more than {most} records per export")),
        limits.page_size.map(|size| format!("pages of at most {size}")),
        limits.days_back.map(|days| format!("at most {days} days back")),
        limits.formats.map(|formats| format!("as {}", formats.words().join(" or "))),
    ];
    let asked = asked.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let counted = format!("{}; beyond that: {}", numbers.join(", "), limits.on_exceed);
    match (numbers.is_empty(), asked.is_empty()) {
        (true, true) => "none".to_owned(),
        (true, false) => asked,
        (false, true) => counted,
        (false, false) => format!("{asked}, {counted}"),
    }
}

/// A way on, in words.
pub(super) fn way_text(way: &WayOn) -> String {
    match way {
        WayOn::SignIn => "sign in".to_owned(),
        WayOn::StepUp(need) => match need.fresh {
            None => format!("step up to {}", need.class),
            Some(fresh) => format!("step up to {}, at most {} s ago", need.class, fresh.as_secs()),
        },
        WayOn::Justify => "give a reason".to_owned(),
        WayOn::JustifyWith(needs) => format!("give a reason with {needs}"),
        WayOn::BreakGlass => "break the glass".to_owned(),
        WayOn::All(ways) => ways.iter().map(way_text).collect::<Vec<_>>().join(" and "),
        WayOn::Hours(hours) => format!("come within {hours}"),
        WayOn::Device(classes) => {
            let classes: Vec<_> = classes.iter().map(DeviceClass::as_str).collect();
            format!("use a device of class {}", classes.join(" or "))
        }
        WayOn::Location(places) => format!("work at {}", places.join(" or ")),
        WayOn::Role(roles) => {
            let roles: Vec<_> = roles.iter().map(RoleName::as_str).collect();
            format!("hold the role {}", roles.join(" or "))
        }
        WayOn::Purpose(purposes) => {
            let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.as_str()).collect();
            format!("work for {}", purposes.join(" or "))
        }
    }
}
