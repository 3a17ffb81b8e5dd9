//! What an application leaves unsaid: what becomes of a request that no route knows, how an export is counted, and who answers
//! for an account that is everybody's.

use crate::config::reading::Reading;
use crate::config::settle::{ApplicationDraft, Draft, Written};
use crate::domain::action::Action;
use crate::features::route::settings::Access;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for application in &draft.applications {
        says_what_is_unmatched(reading, application);
        exports_are_counted(reading, application);
        accounts_have_owners(reading, application);
    }
}

/// What is decided by a default has been decided by nobody.
fn says_what_is_unmatched(reading: &Reading<'_>, application: &Written<ApplicationDraft>) {
    let key = format!("{}.unmatched", application.key);
    if !reading.has_key(&key) {
        let what = "nothing says what happens to a request that no route matches; it is denied";
        reading.warning(&key, what, "`unmatched = \"deny\"`, or `\"observe\"` in the weeks of learning");
    }
}

/// An export whose records nobody counts has no number that it could pass.
fn exports_are_counted(reading: &Reading<'_>, application: &Written<ApplicationDraft>) {
    for (number, route) in (1_usize..).zip(&application.it.settings.routes) {
        if route.action == Action::Export && route.access == Access::Policy && route.reply.is_none() {
            let key = format!("{}.route[{number}]", application.key);
            let what = format!("`{}` is an export, and nothing says how its records are counted", route.name);
            let right = "a `reply`; `{ kind = \"opaque\" }` where nobody could count them";
            reading.error(&key, what, right);
        }
    }
}

/// Whoever goes by an account that many share is not known to the application: somebody answers for what it may.
fn accounts_have_owners(reading: &Reading<'_>, application: &Written<ApplicationDraft>) {
    for name in application.it.upstream.credentials.by_name.keys() {
        let key = format!("{}.credential.{name}", application.key);
        if !reading.has_key(&format!("{key}.owner")) {
            let what = format!(
                "everybody goes to the application by the account `{name}`, and nobody answers for it"
            );
            reading.warning(&key, what, "`owner = \"…\"`: a person or a desk");
        }
    }
}
