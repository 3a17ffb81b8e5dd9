//! The decision, and the only place where a [`Permit`] is made.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::bundle::Rules;
use super::ladder::{Ladder, Rung, Step, ways_on};
use super::memory::{Answer, Asked, Key, Memory, Outcome};
use super::reads::Fact;
use super::reasons;
use super::slice::{RouteRules, Slice, Verdict};
use super::validity::holds_until;
use super::world::{Facts, Networks, WorldError};
use crate::domain::application::ApplicationName;
use crate::domain::decision::{Challenge, Decision, Denial, Obligations};
use crate::domain::device::DeviceClass;
use crate::domain::limit::{Limits, OnExceed};
use crate::domain::patient::PatientRef;
use crate::domain::proof::Permit;
use crate::domain::reason::Reason;
use crate::domain::risk::Standing;
use crate::domain::subject::Identity;
use crate::domain::told::{Marks, Told};
use crate::foundation::clock::Timestamp;

/// May this be done, by this person, now?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks; absent if nobody is signed in.
    pub identity: Option<&'a Identity>,
    /// Of which application.
    pub application: &'a ApplicationName,
    /// For which route: its position in the catalog.
    pub route: usize,
    /// The patient whom the request names.
    pub patient: Option<&'a PatientRef>,
    /// From where.
    pub client_ip: IpAddr,
    /// The class of the device there.
    pub device: Option<&'a DeviceClass>,
    /// The risks that stand.
    pub risks: Standing,
    /// What feeds tell of them.
    pub told: &'a Told,
    /// When.
    pub now: Timestamp,
}

impl Rules {
    /// Decides. What the rules answer to the same question is remembered in `memory` for as long as it holds; what the risks
    /// ask for besides is looked up each time.
    pub fn decide(&self, memory: &Memory, question: &Question<'_>) -> Decision {
        let (outcome, cached) = self.outcome(memory, question);
        outcome.into_decision(cached)
    }

    /// The answer, and whether it was remembered.
    pub(super) fn outcome(&self, memory: &Memory, question: &Question<'_>) -> (Outcome, bool) {
        let Some((route, slice)) = self.concerned(question) else { return (Outcome::failed(), false) };
        let Some(identity) = question.identity else { return (self.unknown_person(slice), false) };
        let key = Key { generation: self.generation, question: self.asked(slice, question) };
        if let Some(outcome) = memory.recall(identity, &key, question.now) {
            return (self.raised(outcome, question), true);
        }
        let facts = self.facts(identity, question);
        // A question that cannot be put is not remembered, and is no.
        let Ok(outcome) = self.settle(route, slice, &facts) else { return (Outcome::failed(), false) };
        let until = holds_until(&slice.reads, identity, question.now, outcome.lasts_at_most());
        let until = self.proof_until(identity, question.device, question.now, until);
        memory.keep(identity, key, outcome.clone(), question.now, until);
        (self.raised(outcome, question), false)
    }

    /// What no rule is asked about: a public route, or a request that no route matches while its
    /// application is being observed.
    pub fn public(&self) -> Decision {
        Outcome {
            answer: Answer::Permit,
            rules: empty(),
            obligations: Obligations::none(),
            rested: Marks::NONE,
        }
        .into_decision(false)
    }

    /// Whether the rules of a route mind what feeds tell: else there is nothing to be looked up for it.
    pub fn minds_feeds(&self, route: usize) -> bool {
        let slice = self.routes.get(route).and_then(|route| route.slice.as_ref());
        let is_minded = slice.is_some_and(|slice| !slice.minds.is_nothing());
        is_minded || self.shadowed().is_some_and(|shadow| shadow.rules.minds_feeds(route))
    }

    /// The route and its rules; nothing if the question is about a route that the rules do not know,
    /// or that is public.
    pub(super) fn concerned(&self, question: &Question<'_>) -> Option<(&RouteRules, &Arc<Slice>)> {
        let known = self.catalog.routes.get(question.route)?;
        let route = self.routes.get(question.route).filter(|_| known.application == *question.application)?;
        route.slice.as_ref().map(|slice| (route, slice))
    }

    /// What is known of `identity` for this question.
    pub(super) fn facts<'q>(&'q self, identity: &'q Identity, question: &Question<'q>) -> Facts<'q> {
        Facts {
            networks: Networks::of(question.client_ip),
            device: question.device.map_or_else(Cow::default, |class| Cow::Borrowed(class.as_str())),
            one_patient: question.patient.is_some(),
            action: self.catalog.routes.get(question.route).map(|route| route.action),
            ..Facts::of(
                identity,
                question.application,
                (question.told, &self.catalog.facts),
                question.now,
                &self.zone,
            )
        }
        .with_proofs_of(self.proof_lasts(question.device))
    }

    /// Nobody is signed in: signing in is the first step, unless no one at all may do this.
    pub(super) fn unknown_person(&self, slice: &Slice) -> Outcome {
        let permits = |position: &usize| self.engine.rule(*position).is_some_and(super::rule::Rule::permits);
        if slice.rules.iter().any(permits) {
            return Outcome {
                answer: Answer::Challenge(Challenge::SignIn),
                rules: empty(),
                obligations: Obligations::none(),
                rested: Marks::NONE,
            };
        }
        Outcome::denied(vec![Reason::NoRuleMatched], Vec::new(), empty())
    }

    /// Asks the rules, and on a no, what would unlock it.
    pub(super) fn settle(
        &self,
        route: &RouteRules,
        slice: &Slice,
        facts: &Facts<'_>,
    ) -> Result<Outcome, WorldError> {
        let verdict = self.engine.ask(slice, &route.entity, facts)?;
        if let Verdict::Permitted(rules) = &verdict {
            let withheld = self.withheld(route, rules, facts);
            let obligations = Obligations { limits: self.limits(rules, facts), withheld };
            // Where the law opens notes to who wrote them, it rests on that, too.
            let by_law = slice.rules.iter().filter(|position| self.is_of_law(**position));
            let rested = rules.iter().chain(by_law).filter_map(|position| self.engine.rule(*position));
            let rested = rested.map(|rule| facts.rested(&rule.reads)).fold(Marks::NONE, Marks::or);
            return Ok(Outcome { answer: Answer::Permit, rules: self.ids(rules), obligations, rested });
        }
        let ladder = Ladder::new(self, route, slice);
        // What failed is not to be stepped around.
        let failed = matches!(verdict, Verdict::Failed(_));
        if let Some(rung) = (!failed).then(|| ladder.now(facts)).flatten()
            && let Some(challenge) = challenge(&rung, facts)
        {
            let rules = self.ids(&rung.permits);
            let answer = Answer::Challenge(challenge);
            return Ok(Outcome { answer, rules, obligations: Obligations::none(), rested: Marks::NONE });
        }
        let emergency = (!failed).then(|| ladder.emergency(facts)).flatten();
        let later = if failed { Vec::new() } else { ladder.later(facts) };
        if let Some(rung) = emergency.filter(|_| !later.iter().any(Rung::is_of_purpose))
            && let Some(challenge) = challenge(&rung, facts)
        {
            let (answer, rules) = (Answer::Challenge(challenge), self.ids(&rung.permits));
            return Ok(Outcome { answer, rules, obligations: Obligations::none(), rested: Marks::NONE });
        }
        let (reasons, rules) = reasons::of(&self.engine, route, slice, facts, &verdict)?;
        let ways = ways_on(later);
        Ok(Outcome::denied(reasons, ways, self.ids(&rules)))
    }

    /// The question, reduced to what the rules of its route can tell apart.
    fn asked(&self, slice: &Slice, question: &Question<'_>) -> Asked {
        let minds =
            |class: &&DeviceClass| slice.reads.has(&Fact::Device) || self.proof_lasts(Some(class)).is_some();
        Asked {
            route: question.route,
            networks: slice.reads.has(&Fact::Networks).then(|| Networks::of(question.client_ip)),
            device: question.device.filter(minds).cloned(),
            one_patient: slice.reads.has(&Fact::OnePatient) && question.patient.is_some(),
            told: slice.minds.reduce(question.told),
        }
    }

    pub(super) fn ids(&self, rules: &[usize]) -> Arc<[Arc<str>]> {
        rules.iter().filter_map(|position| self.engine.rule(*position)).map(|rule| rule.id.clone()).collect()
    }

    /// The strictest numbers of the roles whose rules permit. A rule that is for no single role takes
    /// the numbers of every role that the person holds.
    fn limits(&self, rules: &[usize], facts: &Facts<'_>) -> Limits {
        let mut limits: Option<Limits> = None;
        let mut also = |more: Limits| limits = Some(limits.map_or(more, |limits| limits.strictest(more)));
        for rule in rules.iter().filter_map(|position| self.engine.rule(*position)) {
            let roles = match &rule.role {
                Some(role) => std::slice::from_ref(role),
                None => facts.roles.as_ref(),
            };
            roles.iter().filter_map(|role| self.role(role)).for_each(|role| also(role.limits));
        }
        // Someone without any role has no numbers; what cannot be counted is then not taken away.
        limits.unwrap_or(Limits { on_unknown_count: OnExceed::Block, ..Limits::NONE })
    }
}

impl Outcome {
    fn denied(
        reasons: Vec<Reason>,
        ways_on: Vec<crate::domain::decision::WayOn>,
        rules: Arc<[Arc<str>]>,
    ) -> Self {
        let denial = Arc::new(Denial { reasons, ways_on });
        Self { answer: Answer::Deny(denial), rules, obligations: Obligations::none(), rested: Marks::NONE }
    }

    /// The question cannot be put to the rules.
    pub(super) fn failed() -> Self {
        Self::denied(vec![Reason::PolicyError], Vec::new(), empty())
    }

    fn lasts_at_most(&self) -> Duration {
        match self.answer {
            Answer::Permit => PERMIT_LASTS,
            Answer::Challenge(_) | Answer::Deny(_) => REFUSAL_LASTS,
        }
    }

    pub(super) fn into_decision(self, cached: bool) -> Decision {
        self.refusal(cached).unwrap_or_else(|| Decision::Permit(Permit::assertion(), self.grounds(cached)))
    }
}

/// The first of the steps; the others follow when it has been taken.
fn challenge(rung: &Rung, facts: &Facts<'_>) -> Option<Challenge> {
    rung.steps.iter().find_map(|step| match step {
        Step::Prove(need) => {
            let proven = facts.identity.assurance.proven.contains_key(&need.class);
            let reason = if proven { Reason::AuthTooOld } else { Reason::AcrInsufficient };
            Some(Challenge::StepUp(facts.asked_for(need), reason))
        }
        Step::Justify | Step::JustifyWith(_) => Some(Challenge::Justify),
        Step::BreakGlass => Some(Challenge::BreakGlass),
        Step::Purpose(_) | Step::Hours(_) | Step::Device(_) | Step::Location(_) | Step::Role(_) => None,
    })
}

fn empty() -> Arc<[Arc<str>]> {
    Arc::default()
}

/// How long a permit is remembered at the most.
const PERMIT_LASTS: Duration = Duration::from_secs(30);
/// How long a refusal is remembered at the most: enough to blunt a flood.
const REFUSAL_LASTS: Duration = Duration::from_secs(2);
