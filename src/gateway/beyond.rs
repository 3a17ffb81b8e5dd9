//! What a request uses of the windows, and what being beyond a limit comes to: a step, a block, or advice.

use std::convert::Infallible;

use super::draft::Draft;
use super::passage::{Passage, action};
use super::refusal::Refusal;
use super::sought::Part;
use crate::domain::action::Action;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::decision::{Challenge, Denial};
use crate::domain::event::Taken;
use crate::domain::reason::Reason;
use crate::features::guard::count::Tally;
use crate::features::guard::ledger::{Claim, ExportSlot};
use crate::features::guard::limit::{self, Beyond, Step, Terms};
use crate::features::guard::release::{Cause, Withheld};
use crate::features::upstream::error::UpstreamError;
use crate::foundation::digest::DigestKey;

/// How a reply passes that is allowed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// As ever.
    Whole,
    /// Without what tells whom its records are about.
    Redacted,
}

impl Passage<'_> {
    /// Takes what this request uses of the windows, before the application is asked.
    pub(super) async fn windows(
        &self,
        terms: &Terms,
        draft: &mut Option<Draft>,
    ) -> Result<(Vec<ExportSlot>, Then), Refusal> {
        if self.person.known().is_none() {
            return Ok((Vec::new(), Then::Whole));
        }
        let shared = &self.moment.worker.shared;
        let own = shared.journal.patient_key();
        let with = |key| if self.public { Taken::default() } else { self.takes(key) };
        let taken = with(own);
        // The journal's key is this node's alone.
        let (slots, then) = match shared.ledger.patient_key() {
            Some(key) => self.take_windows(&with(key), terms, draft, |verdict| verdict).await?,
            None => self.take_windows(&taken, terms, draft, |verdict| verdict).await?,
        };
        // Of one request alone, action and patient say it.
        if let Some(draft) = draft.as_mut().filter(|_| self.public || !self.entries.is_empty()) {
            draft.open(|opening| opening.taken = (opening.takes() != taken).then(|| Box::new(taken)));
        }
        Ok((slots, then))
    }

    /// `judge` has the last word on what being beyond comes to.
    async fn take_windows(
        &self,
        taken: &Taken,
        terms: &Terms,
        draft: &mut Option<Draft>,
        judge: impl Fn(limit::Verdict) -> limit::Verdict,
    ) -> Result<(Vec<ExportSlot>, Then), Refusal> {
        let Some(known) = self.person.known() else { return Ok((Vec::new(), Then::Whole)) };
        let (subject, now) = (known.session.subject.id(), self.moment.now);
        let ledger = &self.moment.worker.shared.ledger;
        if !terms.binds() {
            let slots = ledger.take(&subject, taken, &terms.limits, now, |exceeded| {
                self.beyond(judge(terms.exceeds(exceeded)), draft)
            })?;
            return Ok((slots, Then::Whole));
        }
        match ledger.take_bound(&subject, taken, &terms.limits, now).await {
            Ok(slots) => Ok((slots, Then::Whole)),
            Err(refused) => {
                // Who is bound passes without what tells whom its records are about, or not at all.
                self.beyond(judge(terms.refused(refused)), draft)?;
                let counted = |_| Ok::<(), Infallible>(());
                let Ok(slots) = ledger.take(&subject, taken, &terms.limits, now, counted);
                Ok((slots, Then::Redacted))
            }
        }
    }

    /// What it takes of the windows, with all that it holds.
    fn takes(&self, key: &DigestKey) -> Taken {
        let of = |part: &Part| {
            let patient = part.patient.as_ref().filter(|_| action(part).opens_record());
            Taken::by(action(part), patient.map(|patient| patient.digest(key)))
        };
        self.entries.iter().fold(of(&self.part), |taken, entry| taken.and(&of(entry)))
    }

    /// Room for what the reply holds, where the person's windows bound that.
    pub(super) fn claim(&self, terms: &Terms) -> Option<Claim> {
        let known = self.person.known().filter(|_| !self.public)?;
        let ledger = &self.moment.worker.shared.ledger;
        ledger.claim(&known.session.subject.id(), &self.application.name, &terms.limits, self.moment.now)
    }

    /// That what turned out to be an export has the number and recipient that the purpose asks for with one.
    pub(super) fn is_lawful_export(&self) -> Result<(), Refusal> {
        let Some(identity) = self.person.identity().filter(|_| !self.public) else { return Ok(()) };
        let needs = identity.purpose.needs(Action::Export);
        let given = identity.justification.as_ref().filter(|given| self.still_counts(given.given));
        if needs.is_none() || given.is_some_and(|given| given.meets(needs)) {
            return Ok(());
        }
        if self.person.is_program() {
            let denial = Denial { reasons: vec![Reason::JustificationRequired], ways_on: Vec::new() };
            return Err(Refusal::Denied(denial, Some(Action::Export)));
        }
        Err(self.challenged(Challenge::Justify, None, Action::Export))
    }

    /// Takes the place of one export in the window of the day.
    pub(super) async fn export(
        &self,
        terms: &Terms,
        draft: &mut Option<Draft>,
    ) -> Result<Vec<ExportSlot>, Refusal> {
        if self.public {
            return Ok(Vec::new());
        }
        // It is here already, and whole.
        let whole = |verdict| match verdict {
            limit::Verdict::Redact(beyond) | limit::Verdict::Truncate(beyond) => {
                limit::Verdict::Block(beyond)
            }
            limit::Verdict::Within
            | limit::Verdict::Advise(_)
            | limit::Verdict::Needs(..)
            | limit::Verdict::Block(_) => verdict,
        };
        let taken = Taken { exports: 1, opened: Vec::new() };
        self.take_windows(&taken, terms, draft, whole).await.map(|(slots, _)| slots)
    }

    /// What a verdict comes to before anything is sent.
    pub(super) fn beyond(&self, verdict: limit::Verdict, draft: &mut Option<Draft>) -> Result<(), Refusal> {
        if let Some(draft) = draft {
            draft.end(|closing| {
                closing.exceeded = verdict.beyond().and_then(Beyond::exceeded);
                closing.on_exceed = verdict.on_exceed();
            });
        }
        match verdict {
            limit::Verdict::Within
            | limit::Verdict::Advise(_)
            | limit::Verdict::Redact(_)
            | limit::Verdict::Truncate(_) => Ok(()),
            limit::Verdict::Needs(step, beyond) => Err(self.needs(step, beyond)),
            limit::Verdict::Block(beyond) => Err(self.blocked(beyond)),
        }
    }

    pub(super) fn needs(&self, step: Step, beyond: Beyond) -> Refusal {
        // A program takes no step: then it does not pass.
        if self.person.is_program() {
            return self.blocked(beyond);
        }
        let step = match step {
            Step::Justify => Challenge::Justify,
            Step::StepUp => match self.step_up_class() {
                Some(class) => Challenge::StepUp(
                    AssuranceNeed { class, fresh: Some(self.step_up_lasts()) },
                    Reason::AcrInsufficient,
                ),
                // Nobody can step up there: then it does not pass.
                None => return self.blocked(beyond),
            },
        };
        self.challenged(step, Some(beyond), self.action())
    }

    pub(super) fn blocked(&self, beyond: Beyond) -> Refusal {
        match beyond {
            Beyond::Exceeded(exceeded) => Refusal::TooMuch(exceeded, self.action()),
            Beyond::CountUnknown(why) => Refusal::CountUnknown(why, self.action()),
            Beyond::WindowUnknown => Refusal::StoreUnavailable,
        }
    }

    /// The class that a step-up asks for where a limit does not name one: the provider's first.
    pub(super) fn step_up_class(&self) -> Option<AssuranceClass> {
        let provider = &self.person.known()?.session.provider;
        let classes = self.moment.current.rules.assurances.get(provider)?;
        classes.keys().next().cloned()
    }

    pub(super) fn note_withheld(&self, tally: &Tally, draft: &mut Option<Draft>) {
        self.moment.worker.scribe.metrics.count(|counted| counted.withheld += 1);
        if let Some(draft) = draft {
            draft.end(|closing| {
                closing.records = tally.records;
                closing.patients = tally.patients;
            });
        }
    }

    pub(super) fn withheld(&self, withheld: Withheld, draft: &mut Option<Draft>) -> Refusal {
        self.note_withheld(&withheld.tally, draft);
        let verdict = match withheld.cause {
            Cause::Needs(step, beyond) => limit::Verdict::Needs(step, beyond),
            Cause::Block(beyond) => limit::Verdict::Block(beyond),
            Cause::Redaction(fault) => return Refusal::Unredactable(fault, self.action()),
            Cause::Unheld(unheld) => return Refusal::Unheld(unheld, self.action()),
            Cause::Upstream(error) => return Refusal::Upstream(UpstreamError::of_held(error)),
        };
        match self.beyond(verdict, draft) {
            Err(refusal) => refusal,
            // What is withheld does not pass; if it were to, that would be a mistake of ours.
            Ok(()) => Refusal::Internal,
        }
    }
}
