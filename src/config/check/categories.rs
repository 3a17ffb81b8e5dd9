//! Categories that nobody knows, that everybody would see, and whose consent no feed tells.

use std::collections::BTreeSet;

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::{Draft, Written};
use crate::domain::application::Category;
use crate::domain::category::Categories;
use crate::features::facts::settings::words;
use crate::features::route::settings::{Access, RouteSettings};

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    refuse_twice(reading, draft);
    consents_are_told(reading, draft);
    emergencies_are_thought_of(reading, draft);
    let mut categories = Categories::default();
    for Written { it, key: _ } in &draft.categories {
        categories.declare(it.name.clone(), it.terms.clone());
    }
    let declared: BTreeSet<&str> = draft.category_names.iter().map(|name| name.it.as_str()).collect();
    let known: BTreeSet<&str> = categories.names().map(Category::as_str).chain(declared).collect();
    for application in &draft.applications {
        for (number, route) in (1_usize..).zip(&application.it.settings.routes) {
            let key = format!("{}.route[{number}]", application.key);
            are_known(reading, &format!("{key}.category"), &route.categories, &known);
            for (number, field) in (1_usize..).zip(&route.fields) {
                are_known(reading, &format!("{key}.field[{number}].category"), &field.categories, &known);
            }
            is_not_public(reading, &key, route, &categories);
        }
    }
}

fn refuse_twice(reading: &Reading<'_>, draft: &Draft) {
    let names = &draft.category_names;
    for (position, name) in names.iter().enumerate() {
        if names.iter().take(position).any(|earlier| earlier.it == name.it) {
            let what = format!("there is another category `{}`", name.it);
            reading.error(&name.key, what, "a name of its own for each");
        }
    }
}

fn are_known(reading: &Reading<'_>, key: &str, categories: &[Category], known: &BTreeSet<&str>) {
    for category in categories.iter().filter(|category| !known.contains(category.as_str())) {
        let near = instead(category.as_str(), known.iter().copied());
        let what = format!("no category is called `{category}`, so nobody knows what protects it");
        reading.error(key, what, format!("{near} (or `[category.{category}]`)"));
    }
}

/// What has a law of its own is never everybody's.
fn is_not_public(reading: &Reading<'_>, key: &str, route: &RouteSettings, categories: &Categories) {
    if route.access != Access::Public {
        return;
    }
    for category in route.categories.iter().filter(|category| categories.law(category).is_of_its_own()) {
        let law = categories.law(category).reference();
        let what = format!("a public route is decided about by nobody, and `{category}` has a law ({law})");
        reading.error(&format!("{key}.access"), what, "`access = \"policy\"`");
    }
}

/// What a law protects, an emergency opens by a decision and not by an oversight.
fn emergencies_are_thought_of(reading: &Reading<'_>, draft: &Draft) {
    if draft.roles.iter().all(|role| role.it.settings.break_glass.is_none()) {
        return;
    }
    for Written { key, it } in &draft.categories {
        if it.asks_for_choice && it.break_glass.is_none() && !draft.closed_in_emergency.contains(&it.name) {
            let what = format!(
                "`{}` has a law ({}), and nothing says whether it opens to who breaks the glass",
                it.name,
                it.terms.law.reference()
            );
            reading.error(&format!("{key}.break_glass"), what, "`break_glass = true`, or `false`");
        }
    }
}

fn consents_are_told(reading: &Reading<'_>, draft: &Draft) {
    // What could not be settled has problems of its own; more would only follow from them.
    if draft.feeds.len() < draft.feed_names.len() {
        return;
    }
    let flags = words(draft.feeds.iter().map(|feed| &feed.it)).flags;
    for Written { key, it } in &draft.categories {
        if let Some(consent) = it.terms.consent.as_deref().filter(|word| !flags.iter().any(|it| it == word)) {
            let what = format!("no feed of patients tells of `{consent}`, so nobody would have consented");
            reading.error(
                &format!("{key}.consent"),
                what,
                instead(consent, flags.iter().map(String::as_str)),
            );
        }
    }
}
