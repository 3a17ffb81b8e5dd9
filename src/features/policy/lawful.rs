//! What the law asks for under a purpose, whatever the rules say: the number of a request, a protocol, a document or an
//! authorization, and to whom something goes.
//!
//! Only a yes is looked at, and only a question for a reason can come of it. It is not remembered with the rules' answer,
//! since a reason counts for a while only.

use std::sync::Arc;

use super::bundle::Rules;
use super::decide::Question;
use super::memory::{Answer, Outcome};
use super::world::justifies;
use crate::domain::decision::{Challenge, Obligations};
use crate::domain::purpose::{Needs, Purpose};
use crate::domain::told::Marks;

impl Rules {
    /// The answer with what the law asks for.
    pub(super) fn lawful(&self, outcome: Outcome, question: &Question<'_>) -> Outcome {
        let (Answer::Permit, Some(identity)) = (&outcome.answer, question.identity) else { return outcome };
        if self.owed(question, identity.purpose).is_none() {
            return outcome;
        }
        let by: Arc<str> = id(identity.purpose).into();
        Outcome {
            answer: Answer::Challenge(Challenge::Justify),
            rules: outcome.rules.iter().cloned().chain([by]).collect(),
            obligations: Obligations::none(),
            rested: Marks::NONE,
        }
    }

    /// What the person has still to say, if they work for `purpose`.
    pub(super) fn owed(&self, question: &Question<'_>, purpose: Purpose) -> Needs {
        let Some(route) = self.catalog.routes.get(question.route) else { return Needs::NONE };
        let needs = purpose.needs(route.action);
        let given = question.identity.and_then(|identity| identity.justification.as_ref());
        let given = given.filter(|given| justifies(given, question.application, question.now));
        if given.is_some_and(|given| given.meets(needs)) { Needs::NONE } else { needs }
    }
}

/// How it is named among the rules that decided.
pub(super) fn id(purpose: Purpose) -> String {
    format!("purpose/{purpose}")
}

/// A purpose with what the law says of it, in one line.
pub(super) fn told(purpose: Purpose) -> String {
    let basis = purpose.basis();
    let volume = if basis.volume_may_deny() { "a volume may deny" } else { "a volume may only advise" };
    let needs = purpose.needs(crate::domain::action::Action::Disclose);
    let asked = if needs.is_none() { String::new() } else { format!("; needs {needs}") };
    format!("{purpose} ({basis}, {}): {volume}{asked}", basis.reference())
}
