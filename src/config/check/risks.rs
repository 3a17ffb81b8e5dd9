//! Risks that nobody could clear, that count nowhere, or of which there are too many.

use super::names::instead;
use crate::config::paths::fits;
use crate::config::reading::Reading;
use crate::config::settle::{Draft, RiskDraft, Written};
use crate::domain::assurance::AssuranceClass;
use crate::domain::risk::{Level, Standing};
use crate::features::risk::settings::When;
use crate::features::route::settings::{Access, ApplicationSettings};

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, risk) in draft.risks.iter().enumerate() {
        if position >= Standing::RISKS_MAX {
            let what = format!("there are {} risks before it", Standing::RISKS_MAX);
            reading.error(&risk.key, what, format!("at most {} risks", Standing::RISKS_MAX));
        }
        check_names(reading, draft, risk);
        check_routes(reading, draft, risk);
        can_be_cleared(reading, draft, risk);
        if risk.it.risk.when == (When::Told { level: Level::Low }) {
            let what = "`low` is what is said of everybody, so this would never stand";
            reading.error(&format!("{}.level", risk.key), what, "`medium` or `high`");
        }
    }
}

fn check_names(reading: &Reading<'_>, draft: &Draft, risk: &Written<RiskDraft>) {
    let applications = || draft.application_names.iter().map(|name| name.it.as_str());
    for name in risk.it.raise.applications.iter().filter(|name| !applications().any(|it| it == name.as_str()))
    {
        let what = format!("no application is called `{name}`");
        reading.error(&format!("{}.applications", risk.key), what, instead(name.as_str(), applications()));
    }
    let devices = || draft.device_names.iter().map(String::as_str);
    for class in risk.it.risk.unless_device.iter().filter(|class| !devices().any(|it| it == class.as_str())) {
        let what = format!("there is no class of devices `{class}`");
        reading.error(&format!("{}.unless_device", risk.key), what, instead(class.as_str(), devices()));
    }
}

/// The applications where it counts, as far as they could be settled.
fn concerned<'d>(draft: &'d Draft, risk: &'d RiskDraft) -> impl Iterator<Item = &'d ApplicationSettings> {
    let of = &risk.raise.applications;
    let all = draft.applications.iter().map(|application| &application.it.settings);
    all.filter(move |application| of.is_empty() || of.contains(&application.name))
}

fn check_routes(reading: &Reading<'_>, draft: &Draft, risk: &Written<RiskDraft>) {
    // What could not be settled has problems of its own; more would only follow from them.
    if draft.applications.len() < draft.application_names.len() {
        return;
    }
    let routes = || concerned(draft, &risk.it).flat_map(|application| &application.routes);
    let raise = &risk.it.raise;
    let mut unknown = raise.routes.iter().filter(|it| !routes().any(|route| fits(it, route.name.as_str())));
    if let Some(pattern) = unknown.next() {
        let names: Vec<&str> = routes().map(|route| route.name.as_str()).collect();
        let what = format!("no application where it counts has a route `{pattern}`");
        reading.error(&format!("{}.routes", risk.key), what, instead(pattern, names.into_iter()));
        return;
    }
    let mut meant = routes().filter(|route| {
        route.access == Access::Policy
            && (raise.actions.is_empty() || raise.actions.contains(&route.action))
            && (raise.routes.is_empty() || raise.routes.iter().any(|it| fits(it, route.name.as_str())))
    });
    if meant.next().is_none() && !draft.applications.is_empty() && known(draft, &risk.it) {
        let right = "applications, actions and routes that one route has together (public routes ask nobody)";
        reading.error(&risk.key, "no route has all that it asks for, so it counts nowhere", right);
    }
}

fn known(draft: &Draft, risk: &RiskDraft) -> bool {
    let names = || draft.application_names.iter().map(|name| name.it.as_str());
    risk.raise.applications.iter().all(|name| names().any(|it| it == name.as_str()))
}

/// Whoever meets it must be able to go on: care does.
fn can_be_cleared(reading: &Reading<'_>, draft: &Draft, risk: &Written<RiskDraft>) {
    let Some(need) = &risk.it.risk.need else { return };
    let asked = concerned(draft, &risk.it).flat_map(|application| &application.providers);
    let mut asked: Vec<_> =
        asked.filter_map(|name| draft.providers.iter().find(|it| it.it.name == *name)).collect();
    asked.sort_by(|one, other| one.it.name.cmp(&other.it.name));
    asked.dedup_by(|one, other| one.it.name == other.it.name);
    for provider in asked.iter().filter(|provider| !provider.it.assurance.contains_key(&need.class)) {
        let what = format!(
            "the provider `{}` cannot prove `{}`, so nobody of its people could go on",
            provider.it.name, need.class
        );
        let classes = provider.it.assurance.keys().map(AssuranceClass::as_str);
        reading.error(&format!("{}.assurance", risk.key), what, instead(need.class.as_str(), classes));
    }
}
