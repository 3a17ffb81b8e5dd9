//! What can only be seen with everything at hand: names that lead nowhere, names used twice, rules
//! that can never fire, roles that nothing uses, people and programs that could be taken for one another, and what nobody has said.

mod applications;
mod approval;
mod categories;
mod clients;
mod detections;
mod exports;
mod feeds;
mod names;
mod providers;
mod purposes;
mod risks;
mod rules;
mod sessions;

use super::reading::Reading;
use super::settle::Draft;

/// Records what does not fit together.
pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    names::check(reading, draft);
    providers::check(reading, draft);
    approval::check(reading, draft);
    applications::check(reading, draft);
    rules::check(reading, draft);
    purposes::check(reading, draft);
    categories::check(reading, draft);
    clients::check(reading, draft);
    sessions::check(reading, draft);
    risks::check(reading, draft);
    detections::check(reading, draft);
    feeds::check(reading, draft);
    exports::check(reading, draft);
}
