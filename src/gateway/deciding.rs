//! The policy's answer to a request, and to each of those that its body holds; and what it comes to.

use std::time::{Duration, Instant};

use super::handle::note_part;
use super::passage::{Passage, STEP_UP_LASTS, action};
use super::refusal::{Challenged, Refusal, over};
use super::risk;
use super::sought::Part;
use super::subject::Person;
use crate::domain::action::Action;
use crate::domain::decision::{Challenge, Decision, Denial, Grounds};
use crate::domain::event::{EventJustification, EventShadow};
use crate::domain::patient::PatientRef;
use crate::domain::phi::Phi;
use crate::domain::proof::Permit;
use crate::domain::purpose::{Basis, Purpose};
use crate::domain::reason::Reason;
use crate::domain::told::Told;
use crate::features::audit::settings::KeepJustification;
use crate::features::guard::limit::{Beyond, Terms};
use crate::features::guard::redact::Plans;
use crate::features::policy::decide::Question;
use crate::features::policy::settings::JUSTIFICATION_LASTS;
use crate::features::route::settings::Access;
use crate::features::route::table::Route;
use crate::foundation::clock::Timestamp;
use crate::gateway::draft::Draft;

impl Passage<'_> {
    /// Decides about the request, and about each of those that it holds. One no is a no to all.
    pub(super) fn decide(&self, draft: &mut Option<Draft>) -> Result<(Permit, Grounds, Reason), Refusal> {
        let (permit, mut grounds, reason) = self.decide_part(&self.part, draft)?;
        for (number, entry) in (1..).zip(&self.entries) {
            let (_, more, _) = self.decide_part(entry, draft).map_err(|refusal| {
                note_part(draft, self.moment, self.normalized, entry);
                refusal.of_entry(number)
            })?;
            grounds = grounds.and(&more);
        }
        let weight = |(_, entry): &(u32, &Part)| action(entry).weight();
        if let Some((number, entry)) = (1..).zip(&self.entries).max_by_key(weight) {
            note_part(draft, self.moment, self.normalized, entry);
            self.note_grounds(&grounds, draft);
            if let Some(draft) = draft {
                draft.open(|opening| opening.batch_entry = Some(number));
            }
        }
        Ok((permit, grounds, reason))
    }

    pub(super) fn decide_part(
        &self,
        part: &Part,
        draft: &mut Option<Draft>,
    ) -> Result<(Permit, Grounds, Reason), Refusal> {
        let rules = &self.moment.current.rules;
        let started = Instant::now();
        let mut tried = None;
        let (decision, reason) = match &part.route {
            Some(route) if route.access == Access::Public => (rules.policy.public(), Reason::PublicRoute),
            // Nothing is decided for a purpose that somebody is only taken to have.
            Some(_) | None if self.person.known().is_some_and(|known| known.choice_due) => {
                return Err(self.challenged(Challenge::Purpose(self.purposes()), None, action(part)));
            }
            Some(route) => {
                risk::note(draft, self.moment, route, self.risks);
                let decision = self.ask(route, part.patient.as_ref());
                tried = self.ask_beside(route, part.patient.as_ref(), &decision);
                (decision, Reason::RuleMatched)
            }
            None if self.person.known().is_none() => {
                return Err(self.challenged(Challenge::SignIn, None, action(part)));
            }
            None => (rules.policy.public(), Reason::UnmatchedObserved),
        };
        let took = started.elapsed();
        let (Decision::Permit(_, grounds) | Decision::Challenge(_, grounds) | Decision::Deny(_, grounds)) =
            &decision;
        self.moment.worker.scribe.metrics.count(|counted| {
            counted.decision.observe(took);
            counted.decisions_cached += u64::from(grounds.cached);
            counted.decisions_made += 1;
        });
        self.note_grounds(grounds, draft);
        self.note_shadow(tried, draft);
        self.note_relationships(grounds, part, draft);
        match decision {
            Decision::Permit(permit, grounds) => {
                self.note_disclosure(part, draft);
                Ok((permit, grounds, reason))
            }
            // A program takes no step: it is told that one is missing.
            Decision::Challenge(challenge, _) if self.person.is_program() => {
                let denial = Denial { reasons: vec![challenge.reason()], ways_on: Vec::new() };
                Err(Refusal::Denied(denial, Some(action(part))))
            }
            Decision::Challenge(challenge, _) => Err(self.challenged(challenge, None, action(part))),
            Decision::Deny(denial, _) => {
                risk::denied(self.moment, &self.person, part);
                Err(Refusal::Denied(denial, Some(action(part))))
            }
        }
    }

    /// The purposes that the person may choose from.
    fn purposes(&self) -> Vec<Purpose> {
        let roles = self.person.identity().map(|identity| identity.roles.as_slice());
        self.moment.current.rules.policy.purposes_of(roles.unwrap_or_default())
    }

    pub(super) fn ask(&self, route: &Route, patient: Option<&PatientRef>) -> Decision {
        let current = &self.moment.current;
        let told = self.told(route, patient);
        current.rules.policy.decide(&current.memory, &self.question(route, patient, &told))
    }

    /// What the rules say that are tried beside those that have decided; nothing where none are.
    fn ask_beside(
        &self,
        route: &Route,
        patient: Option<&PatientRef>,
        decision: &Decision,
    ) -> Option<EventShadow> {
        let current = &self.moment.current;
        if !current.rules.policy.tries() {
            return None;
        }
        let told = self.told(route, patient);
        let question = self.question(route, patient, &told);
        current.rules.policy.beside(&current.memory, &question, decision, self.person.is_program())
    }

    /// Of several answers of a batch, the event keeps the first that differs.
    fn note_shadow(&self, tried: Option<EventShadow>, draft: &mut Option<Draft>) {
        let (Some(tried), Some(draft)) = (tried, draft) else { return };
        let key = (self.application.name.clone(), tried.decision, tried.differs);
        self.moment.worker.scribe.metrics.count(|counted| *counted.shadow.entry(key).or_default() += 1);
        draft.open(|opening| {
            if !opening.shadow.as_ref().is_some_and(|before| before.differs) {
                opening.shadow = Some(Box::new(tried));
            }
        });
    }

    /// What feeds tell of the person, the patient and the device, as far as rules ask for it.
    fn told(&self, route: &Route, patient: Option<&PatientRef>) -> Told {
        let device = self.moment.device_facts.as_deref();
        self.moment.current.told(self.person.identity(), route.index, patient, device, self.moment.now)
    }

    fn question<'q>(
        &'q self,
        route: &Route,
        patient: Option<&'q PatientRef>,
        told: &'q Told,
    ) -> Question<'q> {
        Question {
            identity: self.person.identity(),
            application: &self.application.name,
            route: route.index,
            patient,
            client_ip: self.normalized.head.client,
            device: self.moment.device.as_ref(),
            risks: self.risks,
            told,
            now: self.moment.now,
        }
    }

    pub(super) fn note_grounds(&self, grounds: &Grounds, draft: &mut Option<Draft>) {
        let Some(draft) = draft else { return };
        let justification = self.person.identity().and_then(|identity| identity.justification.as_ref());
        let justification = justification.filter(|given| self.still_counts(given.given));
        let keeps = draft.keeps().justification;
        draft.open(|opening| {
            opening.rules = grounds.rules.clone();
            opening.justification = justification.map(|given| EventJustification {
                code: given.code.clone(),
                text: match keeps {
                    KeepJustification::Clear => given.text.clone(),
                    KeepJustification::Sealed => String::new(),
                },
                number: given.number.clone(),
                recipient: given.recipient.clone(),
            });
        });
        let said = justification.filter(|given| keeps == KeepJustification::Sealed && !given.text.is_empty());
        draft.seal(|confidential| {
            confidential.justification = said.map(|given| Phi::new(given.text.clone()));
        });
    }

    /// What an accounting of disclosures has to list: of a batch, if one of its entries is one.
    fn note_disclosure(&self, part: &Part, draft: &mut Option<Draft>) {
        let is_public = part.route.as_ref().is_some_and(|route| route.access == Access::Public);
        let purpose = self.person.identity().filter(|_| !is_public).map(|identity| identity.purpose);
        if let (Some(draft), true) = (draft, purpose.is_some_and(Purpose::is_accounted)) {
            draft.open(|opening| opening.accounted |= action(part).takes_away());
        }
    }

    /// What a permit rests on besides rules: which feed says it, and how old it is.
    fn note_relationships(&self, grounds: &Grounds, part: &Part, draft: &mut Option<Draft>) {
        let (Some(draft), Some(identity)) = (draft, self.person.identity()) else { return };
        if grounds.rested.is_none() {
            return;
        }
        let feeds = &self.moment.current.rules.feeds;
        let rested = feeds.told_by(identity, part.patient.as_ref(), grounds.rested, self.moment.now);
        draft.open(|opening| {
            for relationship in rested {
                if !opening.relationships.contains(&relationship) {
                    opening.relationships.push(relationship);
                }
            }
        });
    }

    pub(super) fn still_counts(&self, given: Timestamp) -> bool {
        self.moment.now.since(given) <= JUSTIFICATION_LASTS
    }

    pub(super) fn terms(&self, grounds: &Grounds, plans: &Plans) -> Terms {
        let identity = self.person.identity();
        let justified = identity.and_then(|identity| identity.justification.as_ref());
        let now = self.moment.now;
        let lasts = self.step_up_lasts();
        Terms {
            limits: grounds.obligations.limits,
            action: self.action(),
            basis: identity.map_or(Basis::Operations, |identity| identity.purpose.basis()),
            redactable: plans.beyond.is_some(),
            truncatable: plans.cut.is_some(),
            justified: justified.is_some_and(|given| self.still_counts(given.given)),
            stepped_up: identity.is_some_and(|identity| {
                identity.assurance.proven.values().any(|proven| now.since(*proven) < lasts)
            }),
        }
    }

    /// How long a step-up lifts a limit, on the device.
    pub(super) fn step_up_lasts(&self) -> Duration {
        let on_device = self.moment.current.rules.policy.proof_lasts(self.moment.device.as_ref());
        on_device.map_or(STEP_UP_LASTS, |lasts| lasts.min(STEP_UP_LASTS))
    }

    pub(super) fn challenged(&self, step: Challenge, beyond: Option<Beyond>, action: Action) -> Refusal {
        let reason = match (beyond, &step, &self.person) {
            (Some(Beyond::Exceeded(exceeded)), ..) => over(exceeded, action),
            (Some(beyond @ (Beyond::CountUnknown(_) | Beyond::WindowUnknown)), ..) => beyond.reason(),
            (None, Challenge::SignIn, Person::Nobody(reason)) => *reason,
            (None, Challenge::SignIn, Person::Locked(_)) => Reason::SessionLocked,
            (None, step, _) => step.reason(),
        };
        Refusal::Challenge(Box::new(Challenged {
            step,
            reason,
            application: self.application.clone(),
            return_to: None,
            known: self.person.known().cloned(),
            action: Some(action),
            withheld: beyond.map(Beyond::exceeded),
            held: None,
            has_notice: self.protection().has_notice(),
            asking: None,
        }))
    }
}
