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
use crate::domain::purpose::{Number, Purpose};
use crate::domain::told::Marks;

impl Rules {
    /// The answer with what the law asks for.
    pub(super) fn lawful(&self, outcome: Outcome, question: &Question<'_>) -> Outcome {
        let route = self.catalog.routes.get(question.route);
        let (Answer::Permit, Some(identity), Some(route)) = (&outcome.answer, question.identity, route)
        else {
            return outcome;
        };
        let needs = identity.purpose.needs(route.action);
        let given = identity.justification.as_ref();
        let given = given.filter(|given| justifies(given, question.application, question.now));
        if needs.is_none() || given.is_some_and(|given| given.meets(needs)) {
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
    let number = needs.number.map(|number| match number {
        Number::Request => "a request number",
        Number::Protocol => "a protocol number",
        Number::Document => "a document number",
        Number::Authorization => "an authorization number",
    });
    let asked: Vec<_> = number.into_iter().chain(needs.recipient.then_some("a recipient")).collect();
    let asked = if asked.is_empty() { String::new() } else { format!("; needs {}", asked.join(" and ")) };
    format!("{purpose} ({basis}, {}): {volume}{asked}", basis.reference())
}
