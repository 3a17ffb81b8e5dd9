//! Rules that can never fire, roles that nothing uses, step-ups that nobody can pass.

use super::names::instead;
use crate::config::paths::fits;
use crate::config::reading::Reading;
use crate::config::settle::{ApplicationDraft, Draft, RoleDraft, Written};
use crate::domain::application::{Category, CredentialName, ProviderName};
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::limit::{Measure, OnExceed};
use crate::domain::told::FeedKind;
use crate::features::authn::settings::ProviderSettings;
use crate::features::facts::settings::{Column, FeedSettings, words};
use crate::features::policy::settings::{MaySettings, RoleSettings};
use crate::features::route::settings::{Access, ApplicationSettings, RouteSettings};
use crate::gateway::settings::HelpSettings;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for role in &draft.roles {
        is_used(reading, draft, role);
        can_step_up(reading, draft, role);
        for (key, may) in role.it.rule_keys.iter().zip(&role.it.settings.may) {
            check_rule(reading, draft, &role.it.settings, key, may);
        }
        check_credentials(reading, draft, &role.it);
    }
    is_answered(reading, draft);
}

/// Whoever withholds health information should have said by when that is resolved (45 CFR 171.203).
fn is_answered(reading: &Reading<'_>, draft: &Draft) {
    let is_said = |help: &HelpSettings| help.answer_within.is_some();
    // What could not be settled has problems of its own.
    if draft.help.as_ref().is_none_or(is_said) {
        return;
    }
    if let Some(role) = draft.roles.iter().find(|role| blocks_exports(&role.it.settings)) {
        let what = "exports of the role are blocked beyond its limits, and nobody says by when whoever is blocked has an answer \
                    (45 CFR 171.203)";
        let right = "`answer_within` in `[help]`, with `contact` and `risk`";
        reading.warning(&format!("{}.limit", role.key), what, right);
    }
}

fn blocks_exports(role: &RoleSettings) -> bool {
    let limits = &role.limits;
    let is_bounded = limits.bound_export() || limits.bound(Measure::Exports) || limits.bound_exports();
    let blocks = limits.records_per_export_at_most.is_some()
        || is_bounded && limits.on_exceed == OnExceed::Block
        || limits.on_unknown_count == OnExceed::Block;
    blocks && role.may.iter().flat_map(|may| &may.actions).any(|action| action.takes_away())
}

/// An account that a rule names is one of its application's.
fn check_credentials(reading: &Reading<'_>, draft: &Draft, role: &RoleDraft) {
    let rules = role.rule_keys.iter().zip(&role.settings.may).zip(&role.credentials);
    for ((key, may), named) in rules {
        let Some(named) = named else { continue };
        let application = draft.applications.iter().find(|it| it.it.settings.name == may.application);
        let Some(application) = application else { continue };
        let known = &application.it.upstream.credentials.by_name;
        if !known.contains_key(named) {
            let what = format!("`{}` has no credential `{named}`", may.application);
            let right = instead(named.as_str(), known.keys().map(CredentialName::as_str));
            reading.error(&format!("{key}.credential"), what, right);
        }
    }
}

fn is_used(reading: &Reading<'_>, draft: &Draft, role: &Written<RoleDraft>) {
    let name = &role.it.settings.name;
    let quoted = format!("\"{name}\"");
    let has_rules = reading.has_key(&format!("{}.may", role.key));
    if !has_rules && !draft.policies.iter().any(|policy| policy.text.contains(&quoted)) {
        reading.error(
            &role.key,
            format!("no rule uses the role `{name}`: who has it may do nothing"),
            "a `[[role.NAME.may]]`, a Cedar policy that names it, or no such role",
        );
    }
}

fn can_step_up(reading: &Reading<'_>, draft: &Draft, role: &Written<RoleDraft>) {
    let limits = &role.it.settings.limits;
    let provable = draft.providers.iter().any(|provider| !provider.it.assurance.is_empty());
    if provable || draft.providers.is_empty() {
        return;
    }
    for (name, outcome) in [("on_exceed", limits.on_exceed), ("on_unknown_count", limits.on_unknown_count)] {
        if outcome == OnExceed::StepUp {
            reading.error(
                &format!("{}.limit.{name}", role.key),
                "no provider can prove a stronger sign-in, so nobody could pass",
                "a `[provider.assurance.CLASS]`, or another outcome",
            );
        }
    }
}

fn check_rule(reading: &Reading<'_>, draft: &Draft, role: &RoleSettings, key: &str, may: &MaySettings) {
    check_purposes(reading, role, key, may);
    check_feeds(reading, draft, key, may);
    let known = draft.application_names.iter().map(|name| name.it.as_str());
    let name = may.application.as_str();
    if !known.clone().any(|known| known == name) {
        let what = format!("no application is called `{name}`, so this rule can never fire");
        reading.error(&format!("{key}.application"), what, instead(name, known));
        return;
    }
    // What could not be settled has problems of its own; more would only follow from them.
    let Some(application) = draft.applications.iter().find(|it| it.it.settings.name == may.application)
    else {
        return;
    };
    check_routes(reading, &application.it.settings, key, may);
    check_redaction(reading, &application.it.settings, (role, key), may);
    check_truncation(reading, &application.it.settings, (role, key), may);
    check_providers(reading, draft, &application.it, role, (key, may));
}

/// What no feed tells of.
fn check_feeds(reading: &Reading<'_>, draft: &Draft, key: &str, may: &MaySettings) {
    // What could not be settled has problems of its own; more would only follow from them.
    if draft.feeds.len() < draft.feed_names.len() {
        return;
    }
    let words = words(draft.feeds.iter().map(|feed| &feed.it));
    let asked = [
        ("relationship", &may.when.relationship, &words.relationships),
        ("not_flagged", &may.when.not_flagged, &words.flags),
    ];
    for (name, asked, known) in asked {
        for word in asked.iter().filter(|word| !known.contains(word)) {
            let what = format!("no feed tells of `{word}`, so this rule can never fire");
            let right = instead(word, known.iter().map(String::as_str));
            reading.error(&format!("{key}.when.{name}"), what, right);
        }
    }
    for place in may.when.device_places.keys().filter(|place| !words.device_places.contains(place)) {
        let what = format!("no feed tells the {place} of devices, so this rule can never fire");
        let right = format!("a feed with `kind = \"device\"` and a column `{place}`");
        reading.error(&format!("{key}.when.{}", place.of_device()), what, right);
    }
}

fn check_purposes(reading: &Reading<'_>, role: &RoleSettings, key: &str, may: &MaySettings) {
    for purpose in may.when.purpose.iter().filter(|purpose| !role.purposes.contains(purpose)) {
        let own: Vec<&str> = role.purposes.iter().map(|purpose| purpose.as_str()).collect();
        reading.error(
            &format!("{key}.when.purpose"),
            format!("nobody in the role `{}` works for `{purpose}`", role.name),
            format!("one of the role's purposes: {}", own.join(", ")),
        );
    }
}

fn check_routes(reading: &Reading<'_>, application: &ApplicationSettings, key: &str, may: &MaySettings) {
    let name = &application.name;
    let routes = || application.routes.iter();
    let mut leads_nowhere = false;
    for pattern in
        may.routes.iter().filter(|pattern| !routes().any(|route| fits(pattern, route.name.as_str())))
    {
        leads_nowhere = true;
        reading.error(
            &format!("{key}.routes"),
            format!("`{name}` has no route `{pattern}`"),
            instead(pattern, routes().map(|route| route.name.as_str())),
        );
    }
    for category in may.categories.iter().filter(|category| !routes().any(|route| has(route, category))) {
        leads_nowhere = true;
        let mut known: Vec<&str> = routes().flat_map(categories).map(Category::as_str).collect();
        known.sort_unstable();
        known.dedup();
        reading.error(
            &format!("{key}.categories"),
            format!("no route of `{name}` has the category `{category}`"),
            instead(category.as_str(), known.into_iter()),
        );
    }
    if !leads_nowhere && !routes().any(|route| applies(may, route)) {
        reading.error(
            key,
            format!("no route of `{name}` has all that this rule asks for, so it can never fire"),
            "actions, routes and categories that one route has together (public routes need no rule)",
        );
    }
}

/// The categories of a route and of its fields: a rule lists both.
fn categories(route: &RouteSettings) -> impl Iterator<Item = &Category> {
    route.categories.iter().chain(route.fields.iter().flat_map(|field| &field.categories))
}

fn has(route: &RouteSettings, category: &Category) -> bool {
    categories(route).any(|has| has == category)
}

/// What a role's limit takes out beyond a number has to be known of each reply that is counted.
fn check_redaction(
    reading: &Reading<'_>,
    application: &ApplicationSettings,
    (role, key): (&RoleSettings, &str),
    may: &MaySettings,
) {
    if ![role.limits.on_exceed, role.limits.on_unknown_count].contains(&OnExceed::Redact) {
        return;
    }
    let identifies = |route: &&RouteSettings| route.fields.iter().any(|field| field.identifies);
    let mut counted = application.routes.iter().filter(|route| route.reply.is_some() && applies(may, route));
    if let Some(route) = counted.find(|route| !identifies(route)) {
        let what = format!(
            "beyond its limits the role gets replies without what identifies people, and `{}` says of no field that it does",
            route.name
        );
        let right = "`identifies = true` on a `field` of the route, or another `on_exceed`";
        reading.error(key, what, right);
    }
}

/// Only where it is declared does a reply end before its last record.
fn check_truncation(
    reading: &Reading<'_>,
    application: &ApplicationSettings,
    (role, key): (&RoleSettings, &str),
    may: &MaySettings,
) {
    if role.limits.on_exceed != OnExceed::Truncate {
        return;
    }
    let mut counted = application.routes.iter().filter(|route| route.reply.is_some() && applies(may, route));
    if let Some(route) = counted.find(|route| !route.truncate) {
        let what = format!(
            "beyond its limits the role gets the first records only, and `{}` does not say that its reply may be cut",
            route.name
        );
        reading.error(key, what, "`truncate = true` in the route, or another `on_exceed`");
    }
}

/// Whether a request to `route` can meet the rule.
fn applies(may: &MaySettings, route: &RouteSettings) -> bool {
    route.access == Access::Policy
        && may.actions.contains(&route.action)
        && (may.routes.is_empty() || may.routes.iter().any(|pattern| fits(pattern, route.name.as_str())))
        && (may.categories.is_empty() || route.categories.iter().all(|it| may.categories.contains(it)))
}

/// Each of the application's providers is one by which a person of this role may come.
fn check_providers(
    reading: &Reading<'_>,
    draft: &Draft,
    application: &ApplicationDraft,
    role: &RoleSettings,
    (key, may): (&str, &MaySettings),
) {
    let admitted = &application.settings.providers;
    // A name that leads nowhere is told where it stands.
    let is_known = |name: &ProviderName| draft.provider_names.iter().any(|known| known.it == name.as_str());
    if !admitted.iter().chain(&role.providers).all(is_known) {
        return;
    }
    let theirs: Vec<_> = admitted.iter().filter(|name| role.providers.contains(name)).collect();
    if theirs.is_empty() {
        let what = format!(
            "`{}` admits none of the providers of `{}`, so this rule can never fire",
            may.application, role.name
        );
        let names: Vec<_> = admitted.iter().map(ProviderName::as_str).collect();
        return reading.error(key, what, format!("a role whose `providers` has one of {}", names.join(", ")));
    }
    let settled: Vec<_> =
        draft.providers.iter().map(|it| &it.it).filter(|it| theirs.contains(&&it.name)).collect();
    if settled.len() != theirs.len() {
        return;
    }
    check_what_they_tell(reading, draft, &settled, (key, may));
}

fn check_what_they_tell(
    reading: &Reading<'_>,
    draft: &Draft,
    settled: &[&ProviderSettings],
    (key, may): (&str, &MaySettings),
) {
    if let Some(AssuranceNeed { class, .. }) = &may.when.assurance {
        let can = |provider: &ProviderSettings| provider.assurance.contains_key(class);
        tell_of_others(reading, settled, &format!("{key}.when.assurance"), can, |provider| {
            let known = provider.assurance.keys().map(AssuranceClass::as_str);
            let what = format!("the provider `{}` cannot prove `{class}`", provider.name);
            (what, instead(class.as_str(), known))
        });
    }
    if !may.when.location.is_empty() {
        let is_fed = |provider: &ProviderSettings| {
            let tells = |feed: &FeedSettings| {
                feed.provider.as_ref() == Some(&provider.name) && feed.has(Column::Location)
            };
            draft.feeds.iter().any(|feed| feed.it.kind == FeedKind::Person && tells(&feed.it))
        };
        let keeps = |provider: &ProviderSettings| {
            let of = draft.directories.iter().filter(|it| it.it.provider == provider.name);
            of.flat_map(|it| &it.it.attributes).any(|(word, _)| word == "location")
        };
        let can = |provider: &ProviderSettings| {
            provider.claims.contains_key("location") || is_fed(provider) || keeps(provider)
        };
        tell_of_others(reading, settled, &format!("{key}.when.location"), can, |provider| {
            let name = &provider.name;
            let what = format!("the provider `{name}` does not say where people work");
            (what, format!("`location = \"CLAIM\"` in the `claims` of `{name}`"))
        });
    }
}

/// The providers that cannot do what a rule needs: where none can it is an error, else its people should know.
fn tell_of_others(
    reading: &Reading<'_>,
    providers: &[&ProviderSettings],
    key: &str,
    can: impl Fn(&ProviderSettings) -> bool,
    told: impl Fn(&ProviderSettings) -> (String, String),
) {
    let (able, others): (Vec<&ProviderSettings>, Vec<_>) =
        providers.iter().copied().partition(|provider| can(provider));
    let able: Vec<_> = able.iter().map(|provider| format!("`{}`", provider.name)).collect();
    for (what, right) in others.into_iter().map(told) {
        if able.is_empty() {
            reading.error(key, format!("{what}, so this rule can never fire"), right);
        } else {
            let whose = able.join(", ");
            reading.warning(key, format!("{what}, so this rule fires for people of {whose} only"), right);
        }
    }
}
