//! Which fields of a reply a rule withholds: those that its `withhold`, or `@withhold` in Cedar, names, and those of a
//! category that a `may` does not list in `categories`, or that has to be named there; and whatever its law does not open.
//!
//! It is an obligation of the permit, not a condition: the rule permits, without these. Where several rules permit,
//! what any of them withholds is withheld, as the strictest of their numbers holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogField};
use super::law;
use super::problem::PolicyProblem;
use super::reads::Fact;
use super::rule::Rule;
use super::settings::RoleSettings;
use super::slice::{Engine, RouteRules};
use super::world::Facts;
use crate::domain::application::Category;
use crate::domain::category::Categories;
use crate::domain::field::FieldName;
use crate::domain::purpose::Purpose;

/// What one rule withholds.
#[derive(Debug, Default)]
pub(super) struct Withholds {
    /// By name.
    names: Vec<FieldName>,
    /// Of any category but these.
    categories: Vec<Category>,
    /// Of a category that has to be named, since none is.
    unnamed: bool,
    /// Of any of these categories.
    closed: Vec<Category>,
}

/// Fields that a rule of a role leaves out by their categories.
#[derive(Clone, Copy, Debug)]
pub(super) enum LeftOut<'c> {
    /// What a `may` does not list; where it lists none, what has to be listed.
    Unlisted(&'c [Category]),
    /// What stays closed in an emergency, and what has to be listed.
    Closed(&'c [Category]),
}

impl Withholds {
    /// What a rule of a role withholds.
    pub(super) fn of_role(annotation: Option<&str>, left_out: LeftOut<'_>) -> Result<Self, String> {
        let (categories, closed) = match left_out {
            LeftOut::Unlisted(listed) => (listed.to_vec(), Vec::new()),
            LeftOut::Closed(closed) => (Vec::new(), closed.to_vec()),
        };
        Ok(Self { unnamed: categories.is_empty(), categories, closed, ..Self::read(annotation)? })
    }

    /// Reads what the annotation names.
    pub(super) fn read(annotation: Option<&str>) -> Result<Self, String> {
        let names =
            annotation.map(|names| names.split(',').map(|name| name.trim().parse::<FieldName>()).collect());
        let names = names.transpose().map_err(|error| format!("`@withhold` names fields: {error}"))?;
        Ok(Self { names: names.unwrap_or_default(), ..Self::default() })
    }

    fn has(&self, field: &CatalogField, categories: &Categories) -> bool {
        let is_foreign = |category: &Category| !self.categories.contains(category);
        let has_to_be_named = |category: &Category| categories.law(category).has_to_be_named();
        let is_closed = |category: &Category| self.closed.contains(category);
        self.names.contains(&field.name)
            || field.categories.iter().any(is_closed)
            || self.unnamed && field.categories.iter().any(has_to_be_named)
            || !self.categories.is_empty() && field.categories.iter().any(is_foreign)
    }
}

impl Rules {
    /// The fields of a route that are withheld where these rules permit, by name, in order.
    pub(super) fn withheld(
        &self,
        route: &RouteRules,
        rules: &[usize],
        facts: &Facts<'_>,
    ) -> Arc<[FieldName]> {
        if route.fields.is_empty() {
            return Arc::default();
        }
        let rules: Vec<&Rule> = rules.iter().filter_map(|position| self.engine.rule(*position)).collect();
        let categories = &self.catalog.categories;
        let by_rule = |field: &CatalogField| rules.iter().any(|rule| rule.withholds.has(field, categories));
        let withheld = route.fields.iter().filter(|field| by_rule(field) || !self.is_lawful(field, facts));
        let names: BTreeSet<&FieldName> = withheld.map(|field| &field.name).collect();
        names.into_iter().cloned().collect()
    }
}

/// What is wrong with what rules withhold: a field that no route has on which the rule has a say, and so is a slip of the
/// pen that would withhold nothing; a rule that withholds and does not permit; and one that keeps from those who treat what has
/// no law of its own.
pub(super) fn problems(
    engine: &Engine,
    routes: &[RouteRules],
    roles: &[RoleSettings],
    catalog: &Catalog,
) -> Vec<PolicyProblem> {
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
        let declared: Vec<&CatalogField> =
            routes.iter().filter(|route| has_a_say(route)).flat_map(|route| &route.fields).collect();
        problems.extend(kept_from(rule, &declared, roles, catalog));
        let fields: BTreeSet<&FieldName> = declared.iter().map(|field| &field.name).collect();
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

/// What a rule of a file may not keep from people for whom it is. One that asks for the purpose knows what it does; what a `may`
/// keeps is looked at where it stands.
fn kept_from(
    rule: &Rule,
    declared: &[&CatalogField],
    roles: &[RoleSettings],
    catalog: &Catalog,
) -> Option<PolicyProblem> {
    if !rule.is_hand_written() || rule.reads.has(&Fact::Purpose) {
        return None;
    }
    let theirs = roles.iter().filter(|role| rule.role.as_ref().is_none_or(|name| *name == role.name));
    let purposes: Vec<Purpose> = theirs.flat_map(|role| &role.purposes).copied().collect();
    let named = declared.iter().filter(|field| rule.withholds.names.contains(&field.name));
    let (what, right) = named.into_iter().find_map(|field| law::kept_from(field, &purposes, catalog))?;
    Some(PolicyProblem::new(
        rule.source.clone(),
        what,
        format!("{right}; or a condition on `context.purpose`"),
    ))
}
