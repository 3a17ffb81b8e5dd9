//! Purposes that are called something, and for which nobody works.

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::Draft;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, written) in draft.purposes.iter().enumerate() {
        let purpose = written.it.purpose;
        if draft.purposes.iter().take(position).any(|earlier| earlier.it.purpose == purpose) {
            reading.error(
                &written.key,
                format!("`{purpose}` has a title already"),
                "one title for each purpose",
            );
        }
        // What could not be settled has problems of its own.
        let all_settled = draft.roles.len() == draft.role_names.len();
        let known = || draft.roles.iter().flat_map(|role| &role.it.settings.purposes);
        if all_settled && !known().any(|known| *known == purpose) {
            let right = instead(purpose.as_str(), known().map(|purpose| purpose.as_str()));
            reading.error(&written.key, format!("no role works for `{purpose}`"), right);
        }
    }
}
