//! A rule: one Cedar policy with what we know about it beyond Cedar.

use std::sync::Arc;

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};

use super::condition::{Condition, Truth};
use super::problem::PolicySource;
use super::reads::Reads;
use super::withhold::Withholds;
use super::world::{Facts, RouteEntity, Vocabulary, World};
use crate::domain::application::RoleName;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its stable id.
    pub(super) id: Arc<str>,
    /// Where it stands.
    pub(super) source: PolicySource,
    /// The Cedar that is enforced.
    pub(super) text: Arc<str>,
    /// As Cedar holds it.
    pub(super) policy: Policy,
    /// All of these have to hold.
    pub(super) conditions: Vec<Arc<Condition>>,
    /// What its conditions read.
    pub(super) reads: Reads,
    /// Which fields of replies it withholds where it permits.
    pub(super) withholds: Withholds,
    /// The one role that it is for; absent if it is not for one role.
    pub(super) role: Option<RoleName>,
    principal: PrincipalConstraint,
    action: ActionConstraint,
    resource: ResourceConstraint,
}

impl Rule {
    pub(super) fn new(
        id: Arc<str>,
        source: PolicySource,
        text: Arc<str>,
        policy: Policy,
        conditions: Vec<Arc<Condition>>,
        withholds: Withholds,
        vocabulary: &Vocabulary,
    ) -> Self {
        let mut reads = Reads::default();
        for condition in &conditions {
            reads.extend(&condition.reads());
        }
        let principal = policy.principal_constraint();
        let role = match &principal {
            PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) => {
                vocabulary.role_of(uid).and_then(|role| role.parse().ok())
            }
            PrincipalConstraint::Any | PrincipalConstraint::Eq(_) | PrincipalConstraint::Is(_) => None,
        };
        let (action, resource) = (policy.action_constraint(), policy.resource_constraint());
        Self { id, source, text, policy, conditions, reads, withholds, role, principal, action, resource }
    }

    pub(super) fn permits(&self) -> bool {
        matches!(self.policy.effect(), Effect::Permit)
    }

    /// Whether the role that it is for is the person's.
    pub(super) fn is_held(&self, facts: &Facts<'_>) -> bool {
        self.role.as_ref().is_some_and(|role| facts.roles.contains(role))
    }

    /// Whether it stands in a Cedar file.
    pub(super) fn is_hand_written(&self) -> bool {
        matches!(self.source, PolicySource::File { .. })
    }

    /// Whether its scope says whose people it is for: a role is of groups of named providers, and a person is one provider's.
    pub(super) fn names_people(&self) -> bool {
        self.role.is_some() || matches!(self.principal, PrincipalConstraint::Eq(_))
    }

    /// Whether the rule is for this person, as far as its scope goes.
    pub(super) fn is_for(&self, facts: &Facts<'_>, vocabulary: &Vocabulary) -> bool {
        let is_in = |uid: &EntityUid| match vocabulary.role_of(uid) {
            Some(name) => facts.roles.iter().any(|role| role.as_str() == name),
            None => *uid == vocabulary.person(facts.identity),
        };
        match &self.principal {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::In(uid) => is_in(uid),
            PrincipalConstraint::Eq(uid) => *uid == vocabulary.person(facts.identity),
            PrincipalConstraint::Is(name) => vocabulary.is_user(name),
            PrincipalConstraint::IsIn(name, uid) => vocabulary.is_user(name) && is_in(uid),
        }
    }

    /// Whether the rule is for this action, as far as its scope goes. No group of actions is declared,
    /// so being in an action is being that action.
    pub(super) fn is_for_action(&self, action: &EntityUid) -> bool {
        match &self.action {
            ActionConstraint::Any => true,
            ActionConstraint::In(actions) => actions.contains(action),
            ActionConstraint::Eq(one) => one == action,
        }
    }

    /// Whether the rule is for this route, as far as its scope goes.
    pub(super) fn is_for_route(&self, route: &RouteEntity, vocabulary: &Vocabulary) -> bool {
        let is_in = |uid: &EntityUid| *uid == route.uid || *uid == route.application;
        match &self.resource {
            ResourceConstraint::Any => true,
            ResourceConstraint::In(uid) => is_in(uid),
            ResourceConstraint::Eq(uid) => *uid == route.uid,
            ResourceConstraint::Is(name) => vocabulary.is_route(name),
            ResourceConstraint::IsIn(name, uid) => vocabulary.is_route(name) && is_in(uid),
        }
    }

    /// Judges the conditions, all of which have to hold.
    pub(super) fn judge(&self, world: &World<'_>) -> Truth {
        let mut whole = Truth::True;
        for condition in &self.conditions {
            match condition.judge(world) {
                Truth::False => return Truth::False,
                Truth::Failed => whole = Truth::Failed,
                Truth::Unknown if whole == Truth::True => whole = Truth::Unknown,
                Truth::Unknown | Truth::True => {}
            }
        }
        whole
    }

    /// Whether the rule reads something that nobody has told us of this person.
    pub(super) fn reads_unknown(&self, facts: &Facts<'_>) -> bool {
        self.reads.facts.iter().any(|fact| fact.can_be_unknown() && !facts.knows(fact))
    }
}
