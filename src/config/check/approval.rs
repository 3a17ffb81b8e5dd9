//! Who approved what is written: two people, as for anything that one alone should not decide.

use std::collections::BTreeSet;

use crate::config::reading::Reading;
use crate::config::settle::Draft;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    if !reading.has_key(KEY) {
        return reading.warning(KEY, "nothing says who approved what is written here", RIGHT);
    }
    // What could not be settled has problems of its own.
    let Some(approved_by) = &draft.approved_by else { return };
    let people: BTreeSet<String> = approved_by.iter().map(|one| person(one)).collect();
    if let (1, Some(alone)) = (people.len(), people.first()) {
        reading.error(KEY, format!("`{alone}` alone approved what is written here"), RIGHT);
    }
}

/// Who it is, without as what: one person in two offices is one person.
fn person(approver: &str) -> String {
    approver.rsplit(':').next().unwrap_or(approver).trim().to_lowercase()
}

const KEY: &str = "approved_by";
const RIGHT: &str = "two people, such as `[\"privacy:m.ortiz\", \"security:d.chen\"]`";
