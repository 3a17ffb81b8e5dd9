//! What an answer of the provider proves, and since when.
//!
//! Whatever is in the URL to the provider can be edited by the person who carries it, so a class
//! counts as proven only by what comes back in the same transaction: `acr`, `amr`, or a scope that
//! was granted. Since when is the other half:
//!
//! - The provider says it: `auth_time`. If a rule asks for freshness, it is sent as `max_age`, and
//!   the `auth_time` that comes back must be recent.
//! - For a class with `max_age = false` the configuration says that `auth_time` is not raised by
//!   a step-up, and that the provider proves the class anew whenever it is asked (Glewlwyd's scopes,
//!   which expire by themselves). There the moment is now, if the very `acr` or scope that this
//!   transaction asked for came back. An `amr` does not count for that: it is remembered, not asked for.
//! - Nobody says it: the class is proven, but it is never fresh.

use super::id_token::Verified;
use super::settings::{ClassSettings, ProviderSettings};
use crate::domain::assurance::{Assurance, AssuranceNeed};
use crate::foundation::clock::Timestamp;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) verified: &'a Verified,
    /// The scopes that the token response says were granted. Not said is not granted.
    pub(super) scopes: &'a [String],
}

/// Everything that the answer proves. `asked` is what this transaction asked for.
pub(super) fn proven(
    settings: &ProviderSettings,
    answer: &Answer<'_>,
    asked: Option<&AssuranceNeed>,
    now: Timestamp,
) -> Assurance {
    let told = answer.verified.auth_time.map(|moment| moment.min(now));
    let proven = settings
        .assurance
        .iter()
        .filter(|(_, class)| is_shown(class, answer))
        .map(|(name, class)| {
            let anew = asked.is_some_and(|need| need.class == *name) && is_shown_anew(class, answer);
            (name.clone(), if anew { now } else { told.unwrap_or_default() })
        })
        .collect();
    Assurance {
        acr: answer.verified.acr.clone(),
        amr: answer.verified.amr.clone(),
        auth_time: told.unwrap_or(now),
        proven,
    }
}

fn is_shown(class: &ClassSettings, answer: &Answer<'_>) -> bool {
    let Answer { verified, scopes } = answer;
    verified.acr.as_ref().is_some_and(|acr| class.proof.acr.contains(acr))
        || any(&class.proof.amr, &verified.amr)
        || any(&class.proof.scope, scopes)
}

/// Whether the provider is one that proves this class anew when asked, and what was asked came back.
fn is_shown_anew(class: &ClassSettings, answer: &Answer<'_>) -> bool {
    let by_acr = answer
        .verified
        .acr
        .as_ref()
        .is_some_and(|acr| class.proof.acr.contains(acr) && class.ask.acr_values.contains(acr));
    let by_scope = answer
        .scopes
        .iter()
        .any(|scope| class.proof.scope.contains(scope) && class.ask.scope.contains(scope));
    !class.ask.max_age && (by_acr || by_scope)
}

fn any(wanted: &[String], shown: &[String]) -> bool {
    wanted.iter().any(|value| shown.contains(value))
}
