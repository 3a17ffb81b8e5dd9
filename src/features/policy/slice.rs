//! The rules that can have a say on one route: Cedar's authorizer is linear in its rules, so that it is
//! only ever given these.
//!
//! A slice leaves out only what provably cannot matter: rules whose scope names another action or
//! another route, and rules with a condition on the route alone that is false. What is left is cut once
//! more by role, so that a person's decision costs what the person's roles cost.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cedar_policy::{Authorizer, PolicyId, PolicySet};

use super::catalog::{Catalog, CatalogField, CatalogRoute};
use super::condition::{Condition, Truth};
use super::law;
use super::reads::{Fact, Reads};
use super::rule::Rule;
use super::told::Minds;
use super::world::{Facts, RouteEntity, Vocabulary, World, WorldError};
use crate::domain::application::RoleName;

/// The rules that can have a say, and what their answer can depend on.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// The rules by their positions, in order.
    pub(super) rules: Vec<usize>,
    /// What the rules read.
    pub(super) reads: Reads,
    /// What of that feeds tell.
    pub(super) minds: Minds,
    /// Everything that forbids, and what permits without being for one role.
    others: Option<Arc<PolicySet>>,
    /// What permits one role.
    by_role: HashMap<RoleName, Arc<PolicySet>>,
    /// The rules that forbid and read what may be unknown.
    wary: Vec<usize>,
}

/// What the rules of a slice say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These permit, and nothing forbids.
    Permitted(Vec<usize>),
    /// These forbid.
    Forbidden(Vec<usize>),
    /// This one forbids or not, but could not be evaluated.
    Failed(usize),
    /// This one forbids or not, depending on what nobody has told us.
    Unknown(usize),
    /// No rule permits.
    Unmatched,
}

/// All rules, with the engine that asks them.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) rules: Vec<Rule>,
    pub(super) vocabulary: Vocabulary,
    positions: HashMap<PolicyId, usize>,
    authorizer: Authorizer,
}

impl Engine {
    pub(super) fn new(rules: Vec<Rule>, vocabulary: Vocabulary) -> Self {
        let positions =
            rules.iter().enumerate().map(|(position, rule)| (rule.policy.id().clone(), position)).collect();
        Self { rules, vocabulary, positions, authorizer: Authorizer::new() }
    }

    /// The rule at a position.
    pub(super) fn rule(&self, position: usize) -> Option<&Rule> {
        self.rules.get(position)
    }

    /// Asks the rules of `slice` about `facts`.
    pub(super) fn ask(
        &self,
        slice: &Slice,
        route: &RouteEntity,
        facts: &Facts<'_>,
    ) -> Result<Verdict, WorldError> {
        let world = World::new(&self.vocabulary, facts, route, &slice.reads)?;
        let (mut permits, mut forbids, mut failed) = (Vec::new(), Vec::new(), None);
        let held = facts.roles.iter().filter_map(|role| slice.by_role.get(role));
        for set in slice.others.iter().chain(held) {
            let response = self.authorizer.is_authorized(&world.request, set, &world.entities);
            for position in response.diagnostics().reason().filter_map(|id| self.positions.get(id)) {
                let permits_it = self.rule(*position).is_some_and(Rule::permits);
                if permits_it { &mut permits } else { &mut forbids }.push(*position);
            }
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
                // Cedar skips a rule that it cannot evaluate. A rule that permits may be skipped.
                let position = self.positions.get(error.policy_id()).copied();
                failed = failed.or(position.filter(|at| !self.rule(*at).is_some_and(Rule::permits)));
            }
        }
        if !forbids.is_empty() {
            return Ok(Verdict::Forbidden(in_order(forbids)));
        }
        if let Some(failed) = failed {
            return Ok(Verdict::Failed(failed));
        }
        permits.retain(|position| self.holds_for_certain(*position, &world));
        if permits.is_empty() {
            return Ok(Verdict::Unmatched);
        }
        let unsure = slice.wary.iter().find(|position| self.may_forbid(**position, &world));
        Ok(unsure
            .map_or_else(|| Verdict::Permitted(in_order(permits)), |position| Verdict::Unknown(*position)))
    }

    fn holds_for_certain(&self, position: usize, world: &World<'_>) -> bool {
        self.rule(position)
            .is_some_and(|rule| !rule.reads_unknown(world.facts) || rule.judge(world) == Truth::True)
    }

    fn may_forbid(&self, position: usize, world: &World<'_>) -> bool {
        self.rule(position).is_some_and(|rule| {
            rule.reads_unknown(world.facts)
                && rule.is_for(world.facts, &self.vocabulary)
                && matches!(rule.judge(world), Truth::Unknown | Truth::Failed)
        })
    }

    /// The slice that holds these rules.
    fn slice(&self, rules: Vec<usize>) -> Result<Slice, String> {
        let mut slice = Slice::default();
        let (mut others, mut by_role) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        for position in &rules {
            let Some(rule) = self.rule(*position) else { continue };
            slice.reads.extend(&rule.reads);
            match &rule.role {
                Some(role) if rule.permits() => by_role.entry(role.clone()).or_default().push(&rule.policy),
                Some(_) | None => others.push(&rule.policy),
            }
            if !rule.permits() && rule.reads.facts.iter().any(Fact::can_be_unknown) {
                slice.wary.push(*position);
            }
        }
        slice.others = (!others.is_empty()).then(|| policy_set(others)).transpose()?;
        slice.by_role = by_role
            .into_iter()
            .map(|(role, policies)| policy_set(policies).map(|set| (role, set)))
            .collect::<Result<_, _>>()?;
        slice.rules = rules;
        Ok(slice)
    }

    /// The slice that holds every rule: what a route's slice has to agree with.
    #[cfg(test)]
    pub(super) fn everything(&self) -> Slice {
        let mut slice = self.slice((0..self.rules.len()).collect()).unwrap();
        slice.by_role.clear();
        slice.others = Some(policy_set(self.rules.iter().map(|rule| &rule.policy).collect()).unwrap());
        slice
    }
}

fn in_order(mut positions: Vec<usize>) -> Vec<usize> {
    positions.sort_unstable();
    positions.dedup();
    positions
}

fn policy_set(policies: Vec<&cedar_policy::Policy>) -> Result<Arc<PolicySet>, String> {
    PolicySet::from_policies(policies.into_iter().cloned()).map(Arc::new).map_err(|error| error.to_string())
}

/// A route with the rules that can have a say there.
#[derive(Debug)]
pub(super) struct RouteRules {
    pub(super) entity: RouteEntity,
    /// Absent where no rule is asked.
    pub(super) slice: Option<Arc<Slice>>,
    /// Fields of its reply that rules may withhold.
    pub(super) fields: Vec<CatalogField>,
}

/// The rules of every route of the catalog, in its order.
pub(super) fn slices(engine: &Engine, catalog: &Catalog) -> Result<Vec<RouteRules>, String> {
    let mut known: HashMap<(Vec<usize>, BTreeSet<Fact>), Arc<Slice>> = HashMap::new();
    catalog
        .routes
        .iter()
        .map(|route| {
            let entity = RouteEntity::new(&engine.vocabulary, route).map_err(|_| {
                format!("route `{}` of `{}` cannot be described", route.route, route.application)
            })?;
            let fields = route.fields.clone();
            if route.public {
                return Ok(RouteRules { entity, slice: None, fields });
            }
            let rules = concerning(engine, route, &entity);
            // What is withheld of a reply depends on what the law of its fields asks for.
            let mut by_law = Reads::default();
            law::read_for(catalog, &fields, &mut by_law);
            let key = (rules, by_law.facts);
            if let Some(slice) = known.get(&key) {
                return Ok(RouteRules { entity, slice: Some(slice.clone()), fields });
            }
            let mut slice = engine.slice(key.0.clone())?;
            slice.reads.facts.extend(key.1.iter().cloned());
            slice.minds = Minds::of(&slice.reads, &catalog.facts);
            let slice = Arc::new(slice);
            known.insert(key, slice.clone());
            Ok(RouteRules { entity, slice: Some(slice), fields })
        })
        .collect()
}

/// The rules that can have a say on `route`.
fn concerning(engine: &Engine, route: &CatalogRoute, entity: &RouteEntity) -> Vec<usize> {
    let alone = entity.alone(&engine.vocabulary);
    let mut judged: HashMap<*const Condition, bool> = HashMap::new();
    let mut never = |condition: &Arc<Condition>| match &alone {
        Ok((request, entities)) => {
            *judged.entry(Arc::as_ptr(condition)).or_insert_with(|| condition.is_never(request, entities))
        }
        Err(_) => false,
    };
    let action = engine.vocabulary.action(route.action);
    engine
        .rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| {
            rule.is_for_action(&action)
                && rule.is_for_route(entity, &engine.vocabulary)
                && !rule.conditions.iter().any(&mut never)
        })
        .map(|(position, _)| position)
        .collect()
}
