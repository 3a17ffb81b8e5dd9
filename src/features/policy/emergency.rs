//! Break-glass, as rules: what a role may open in an emergency although its people have nothing to do with the patient.
//!
//! For each `may` of a role that breaks the glass, and that asks for a relationship or an unmarked patient, there is one more
//! rule: the same without that, for one patient, under the purpose `break_glass` alone. Whoever has not said that it is an
//! emergency does not work under that purpose, so that nobody falls into it; and what the law of a kind of data forbids stays
//! forbidden (`law`): psychotherapy notes do not open. All other conditions are as they were.

use std::collections::BTreeSet;

use super::bundle::Rules;
use super::catalog::{Catalog, CatalogRoute};
use super::problem::{PolicyProblem, PolicySource};
use super::settings::{MaySettings, RoleSettings, WhenSettings};
use super::wording::{self, Wording, set};
use super::world::Facts;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, RoleName, RouteName};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::break_glass::BreakRelation;
use crate::domain::law::{ORIGINATOR, Opens};
use crate::domain::purpose::{Basis, Purpose};
use crate::domain::subject::Identity;
use crate::domain::told::{Known, Told};
use crate::foundation::clock::Timestamp;

/// Its stable id: that of the rule that it overrides, and what it is.
pub(super) fn id(role: &RoleSettings, position: usize) -> String {
    format!("{}/break-glass", wording::id(role, position))
}

/// Whether an emergency changes anything about what a `may` gives: it asks what the person has to do with the patient, or how
/// the patient is marked, and is for people who treat. Who has written notes is the law's question, which no emergency answers.
pub(super) fn overrides(role: &RoleSettings, may: &MaySettings) -> bool {
    let WhenSettings { relationship, not_flagged, .. } = &may.when;
    let asks = relationship.iter().any(|word| word != ORIGINATOR) || !not_flagged.is_empty();
    let for_originators = !relationship.is_empty() && relationship.iter().all(|word| word == ORIGINATOR);
    let treats = wording::purposes(role, may).iter().any(|purpose| purpose.basis() == Basis::Treatment);
    role.break_glass.is_some() && asks && !for_originators && treats
}

/// The categories that the house closes to a role, in an emergency too.
pub(super) fn closed(role: &RoleSettings) -> &[Category] {
    role.break_glass.as_ref().map(|settings| settings.closed.as_slice()).unwrap_or_default()
}

/// The rule of one `may` in an emergency.
pub(super) fn wording(
    role: &RoleSettings,
    position: usize,
    may: &MaySettings,
    unnamed: &[Category],
) -> Wording {
    let closed = closed(role);
    let when = WhenSettings {
        purpose: vec![Purpose::BreakGlass],
        relationship: Vec::new(),
        not_flagged: Vec::new(),
        // The reason for the emergency is one.
        justification: false,
        ..may.when.clone()
    };
    let without = MaySettings { when, withhold: Vec::new(), ..may.clone() };
    let mut clauses = wording::clauses(role, &without, unnamed);
    clauses.push("context.one_patient".to_owned());
    if !closed.is_empty() {
        let closed = set(closed.iter().map(Category::as_str));
        clauses.push(format!("!resource.categories.containsAny({closed})"));
    }
    wording::with(&id(role, position), role, &without, clauses)
}

/// What is wrong with break-glass as the roles have it.
pub(super) fn problems(roles: &[RoleSettings], catalog: &Catalog) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    let breaking = || roles.iter().filter(|role| role.break_glass.is_some());
    for role in breaking() {
        let source = || PolicySource::Role(role.name.clone());
        if !role.may.iter().any(|may| overrides(role, may)) {
            let what = "`break_glass` would open nothing: no `may` of the role, for treatment, asks for a relationship or an unmarked patient";
            let right = "`relationship` or `not_flagged` in the `when` of a `may`, or no `break_glass`";
            problems.push(PolicyProblem::new(source(), what, right));
        }
        let need = role.break_glass.as_ref().and_then(|settings| settings.assurance.as_ref());
        if let Some(need) = need
            && !role.providers.iter().any(|provider| catalog.proves(provider, &need.class))
        {
            let what = format!(
                "in an emergency its people could not go on: no provider of theirs proves `{}`",
                need.class
            );
            problems.push(PolicyProblem::new(
                source(),
                what,
                "another `assurance` in `[break_glass]`, or none",
            ));
        }
    }
    if let Some(breaks) = breaking().next() {
        let choosing = roles.iter().filter(|role| role.purposes.contains(&Purpose::BreakGlass));
        problems.extend(choosing.map(|role| {
            let what = format!(
                "whoever could choose the purpose `break_glass` would pass by the break-glass of the role `{}`, unasked and unreviewed",
                breaks.name
            );
            let right = "no `break_glass` among `purposes`: it is the purpose of whoever breaks the glass, and of nobody else";
            PolicyProblem::new(PolicySource::Role(role.name.clone()), what, right)
        }));
    }
    problems
}

impl Rules {
    /// What has to be proven before somebody breaks the glass by these rules, if they have not.
    pub(super) fn unproven_in_emergency(
        &self,
        permits: &[usize],
        facts: &Facts<'_>,
    ) -> Option<AssuranceNeed> {
        let by = permits.iter().filter_map(|position| self.engine.rule(*position)?.role.as_ref());
        let needs = by.filter_map(|role| self.emergency_need(role));
        let is_met = |need: &AssuranceNeed| {
            let age = facts.ages.get(need.class.as_str()).and_then(|age| u64::try_from(*age).ok());
            age.is_some_and(|age| need.fresh.is_none_or(|fresh| age <= fresh.as_secs()))
        };
        needs.filter(|need| !is_met(need)).min_by_key(|need| need.fresh).cloned()
    }

    fn emergency_need(&self, role: &RoleName) -> Option<&AssuranceNeed> {
        self.role(role)?.break_glass.as_ref()?.assurance.as_ref()
    }

    /// Whether somebody in one of these roles may break the glass anywhere.
    pub fn breaks_glass(&self, roles: &[RoleName]) -> bool {
        roles.iter().filter_map(|role| self.role(role)).any(|role| role.break_glass.is_some())
    }

    /// What somebody has to prove before they break the glass, if they have not.
    pub fn unproven_before_emergency(&self, identity: &Identity, now: Timestamp) -> Option<AssuranceNeed> {
        let needs = identity.roles.iter().filter_map(|role| self.emergency_need(role));
        let is_met = |need: &AssuranceNeed| {
            let proven = identity.assurance.proven.get(&need.class);
            proven.is_some_and(|proven| need.fresh.is_none_or(|fresh| now.since(*proven) <= fresh))
        };
        needs.filter(|need| !is_met(need)).min_by_key(|need| need.fresh).cloned()
    }

    /// The relationships, by the words of the feeds, by which rules would let somebody do what they ask for, and which an emergency
    /// overrides.
    pub fn overridden(
        &self,
        roles: &[RoleName],
        application: &ApplicationName,
        asked: &[(&RouteName, Action)],
    ) -> Vec<String> {
        let theirs = roles.iter().filter_map(|role| self.role(role));
        let overridden = theirs.flat_map(|role| role.may.iter().filter(move |may| overrides(role, may)));
        let about = overridden
            .filter(|may| asked.iter().any(|(route, action)| may.is_about(application, route, *action)));
        let words = about.flat_map(|may| &may.when.relationship).filter(|word| *word != ORIGINATOR);
        words.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether feeds tell of one of these relationships.
    pub fn is_related(&self, words: &[String], told: &Told) -> bool {
        self.relationships(words, told).any(|known| known == Known::Yes)
    }

    /// What is known of them.
    pub fn relation(&self, words: &[String], told: &Told) -> BreakRelation {
        match self.relationships(words, told).fold(Known::No, Known::or) {
            Known::Yes => BreakRelation::Marked,
            Known::No => BreakRelation::None,
            Known::Aged | Known::Unknown => BreakRelation::Unknown,
        }
    }

    fn relationships(&self, words: &[String], told: &Told) -> impl Iterator<Item = Known> {
        let positions = words.iter().filter_map(|word| self.catalog.facts.relationship(word));
        positions.map(|position| told.relationship(position))
    }

    /// The kinds of data of an application that no emergency opens.
    pub fn closed_in_emergency(&self, application: &ApplicationName) -> Vec<Category> {
        let routes =
            self.catalog.routes.iter().filter(|route| route.application == *application && !route.public);
        let of_house =
            self.roles.iter().filter_map(|role| role.break_glass.as_ref()).flat_map(|it| &it.closed);
        let of_house: Vec<_> = of_house.collect();
        let by_law = |category: &Category| {
            self.catalog.categories.law(category).opens(Purpose::BreakGlass) != Opens::ToAll
        };
        let fields = |route: &CatalogRoute| {
            route.fields.iter().flat_map(|field| field.categories.clone()).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = routes
            .flat_map(|route| route.categories.iter().cloned().chain(fields(route)))
            .filter(|category| by_law(category) || of_house.contains(&category))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What break-glass asks for in a wording's place, for whoever reads rules.
pub(super) fn told(role: &RoleSettings) -> Option<String> {
    let settings = role.break_glass.as_ref()?;
    let assurance = settings.assurance.as_ref().map_or_else(String::new, |need| {
        let fresh =
            need.fresh.map_or_else(String::new, |fresh| format!(", at most {} s ago", fresh.as_secs()));
        format!(" after a step-up to {}{fresh}", need.class)
    });
    let closed: Vec<_> = settings.closed.iter().map(Category::as_str).collect();
    let closed = if closed.is_empty() { String::new() } else { format!("; closed: {}", closed.join(", ")) };
    Some(format!("yes{assurance}{closed}"))
}
