//! Rules in the shadow of those in force: asked the same, told in events, never enforced.
//!
//! Their answer is a word and no proof: nobody can act on it. It is remembered as answers are, under the generation of the
//! rules that gave it. Where nothing is tried, nothing is asked.

use std::borrow::Cow;

use super::bundle::Rules;
use super::decide::Question;
use super::memory::{Answer, Memory};
use super::settings::RoleSettings;
use crate::domain::decision::Decision;
use crate::domain::event::{EventShadow, Verdict};
use crate::domain::reason::Reason;
use crate::domain::subject::Identity;

/// Rules that are asked beside those in force.
#[derive(Debug)]
pub(super) struct Shadow {
    pub(super) rules: Rules,
    /// The same groups of the same providers give the same roles.
    gives_same_roles: bool,
}

impl Shadow {
    pub(super) fn new(in_force: &Rules, rules: Rules) -> Self {
        let gives = |role: &RoleSettings| (role.name.clone(), role.groups.clone(), role.providers.clone());
        let of = |rules: &Rules| rules.roles.iter().map(gives).collect::<Vec<_>>();
        let gives_same_roles = of(in_force) == of(&rules);
        Self { rules, gives_same_roles }
    }

    /// The person with the roles that they would have.
    fn see<'i>(&self, identity: &'i Identity) -> Cow<'i, Identity> {
        if self.gives_same_roles {
            return Cow::Borrowed(identity);
        }
        let roles = self.rules.roles_of(&identity.provider, &identity.subject.groups);
        Cow::Owned(Identity { roles, ..identity.clone() })
    }
}

impl Rules {
    /// What the rules that are tried say to a question that those in force have answered with `decision`; nothing where none
    /// are tried. A program takes no step: one that is missing is a no, to both.
    pub fn beside(
        &self,
        memory: &Memory,
        question: &Question<'_>,
        decision: &Decision,
        is_program: bool,
    ) -> Option<EventShadow> {
        let shadow = self.shadowed()?;
        let seen = question.identity.map(|identity| shadow.see(identity));
        let question = Question { identity: seen.as_deref(), ..*question };
        let (outcome, _) = shadow.rules.outcome(memory, &question);
        let (tried, reason) = match &outcome.answer {
            Answer::Permit => (Verdict::Permit, Reason::RuleMatched),
            Answer::Challenge(challenge) => (no_step(Verdict::Challenge, is_program), challenge.reason()),
            Answer::Deny(denial) => {
                (Verdict::Deny, denial.reasons.first().copied().unwrap_or(Reason::NoRuleMatched))
            }
        };
        let enforced = match decision {
            Decision::Permit(..) => Verdict::Permit,
            Decision::Challenge(..) => no_step(Verdict::Challenge, is_program),
            Decision::Deny(..) => Verdict::Deny,
        };
        Some(EventShadow { decision: tried, reason, rules: outcome.rules, differs: tried != enforced })
    }
}

const fn no_step(verdict: Verdict, is_program: bool) -> Verdict {
    if is_program { Verdict::Deny } else { verdict }
}
