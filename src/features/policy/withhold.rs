//! Which fields of a reply a rule withholds: those that its `withhold`, or `@withhold` in Cedar, names, and those of a
//! category that a `may` does not list in `categories`.
//!
//! It is an obligation of the permit, not a condition: the rule permits, without these. Where several rules permit,
//! what any of them withholds is withheld, as the strictest of their numbers holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogField};
use super::problem::PolicyProblem;
use super::rule::Rule;
use super::slice::{Engine, RouteRules};
use crate::domain::application::Category;
use crate::domain::field::FieldName;

/// What one rule withholds.
#[derive(Debug, Default)]
pub(super) struct Withholds {
    /// By name.
    names: Vec<FieldName>,
    /// Of any category but these.
    categories: Vec<Category>,
}

impl Withholds {
    /// Reads what the annotation names; `categories` are those of a `may`, none if it lists none.
    pub(super) fn read(annotation: Option<&str>, categories: &[Category]) -> Result<Self, String> {
        let names =
            annotation.map(|names| names.split(',').map(|name| name.trim().parse::<FieldName>()).collect());
        let names = names.transpose().map_err(|error| format!("`@withhold` names fields: {error}"))?;
        Ok(Self { names: names.unwrap_or_default(), categories: categories.to_vec() })
    }

    fn has(&self, field: &CatalogField) -> bool {
        let is_foreign = |category: &Category| !self.categories.contains(category);
        self.names.contains(&field.name)
            || !self.categories.is_empty() && field.categories.iter().any(is_foreign)
    }
}

impl Rules {
    /// The fields of a route that these rules withhold where they permit, by name, in order.
    pub(super) fn withheld(&self, route: &RouteRules, rules: &[usize]) -> Arc<[FieldName]> {
        if route.fields.is_empty() {
            return Arc::default();
        }
        let rules: Vec<&Rule> = rules.iter().filter_map(|position| self.engine.rule(*position)).collect();
        let withheld = route.fields.iter().filter(|field| rules.iter().any(|rule| rule.withholds.has(field)));
        let names: BTreeSet<&FieldName> = withheld.map(|field| &field.name).collect();
        names.into_iter().cloned().collect()
    }
}

/// What is wrong with what rules withhold: a field that no route has on which the rule has a say, and so is a slip of the
/// pen that would withhold nothing; and a rule that withholds and does not permit.
pub(super) fn problems(engine: &Engine, routes: &[RouteRules], catalog: &Catalog) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    for (position, rule) in
        engine.rules.iter().enumerate().filter(|(_, rule)| !rule.withholds.names.is_empty())
    {
        if !rule.permits() {
            let what = format!("`{}` forbids, and what is forbidden has no fields to be withheld", rule.id);
            problems.push(PolicyProblem::new(
                rule.source.clone(),
                what,
                "`@withhold` on a rule that permits",
            ));
            continue;
        }
        let has_a_say = |route: &RouteRules| {
            route.slice.as_ref().is_some_and(|slice| slice.rules.binary_search(&position).is_ok())
        };
        let fields: BTreeSet<&FieldName> = routes
            .iter()
            .zip(&catalog.routes)
            .filter(|(route, _)| has_a_say(route))
            .flat_map(|(_, route)| route.fields.iter().map(|field| &field.name))
            .collect();
        for name in rule.withholds.names.iter().filter(|name| !fields.contains(name)) {
            let known: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
            let right = if known.is_empty() {
                "a `field` of a route that it permits".to_owned()
            } else {
                format!("one of {}", known.join(", "))
            };
            let what = format!("no route that `{}` permits has a field `{name}`", rule.id);
            problems.push(PolicyProblem::new(rule.source.clone(), what, right));
        }
    }
    problems
}
