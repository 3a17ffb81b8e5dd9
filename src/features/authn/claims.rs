//! What the provider says about a person, in our words.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::AuthnError;
use super::settings::ProviderSettings;
use crate::domain::subject::Subject;

/// Claims of the ID token, and of userinfo where that was asked.
pub type Claims = Map<String, Value>;

/// The word for the claim with the groups.
const GROUPS: &str = "groups";

/// The word for the claim with the person's name.
const NAME: &str = "name";

/// Values of one attribute that are taken; more of them are not the attribute we can judge by.
const VALUES_MAX: usize = 4_096;

/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 1_024;

/// Whether a claim that we map is not among these.
pub fn lacks_any(settings: &ProviderSettings, claims: &Claims) -> bool {
    settings.claims.values().any(|claim| find(claims, claim).is_none()) || name(settings, claims).is_none()
}

/// The subject, by our words. A claim that is absent gives no attribute: unknown is not empty.
pub fn subject(settings: &ProviderSettings, sub: &Arc<str>, claims: &Claims) -> Result<Subject, AuthnError> {
    let groups_claim = settings.claims.get(GROUPS).map_or(GROUPS, String::as_str);
    let groups = match find(claims, groups_claim) {
        Some(value) => values(value).ok_or(AuthnError::GroupsIncomplete)?,
        None if is_elsewhere(claims, groups_claim) && !settings.has_directory_groups => {
            return Err(AuthnError::GroupsIncomplete);
        }
        None => Vec::new(),
    };
    let attributes: BTreeMap<_, _> = settings
        .claims
        .iter()
        .filter(|(word, _)| !matches!(word.as_str(), GROUPS | NAME))
        .filter_map(|(word, claim)| Some((word.clone(), values(find(claims, claim)?)?)))
        .collect();
    let name = name(settings, claims).map_or_else(|| sub.clone(), Into::into);
    Ok(Subject { issuer: settings.issuer.clone(), sub: sub.clone(), name, groups, attributes })
}

/// Whether there are groups that the provider did not send.
pub fn groups_are_elsewhere(settings: &ProviderSettings, claims: &Claims) -> bool {
    let groups_claim = settings.claims.get(GROUPS).map_or(GROUPS, String::as_str);
    find(claims, groups_claim).is_none() && is_elsewhere(claims, groups_claim)
}

fn name(settings: &ProviderSettings, claims: &Claims) -> Option<String> {
    let claim = settings.claims.get(NAME).map_or(NAME, String::as_str);
    values(find(claims, claim)?)?.into_iter().find(|name| !name.trim().is_empty())
}

/// A claim by its name, or by a path of names with dots between (`realm_access.roles`).
fn find<'a>(claims: &'a Claims, claim: &str) -> Option<&'a Value> {
    let mut path = claim.split('.');
    claims
        .get(claim)
        .or_else(|| {
            let first = claims.get(path.next()?)?;
            path.try_fold(first, |inside, name| inside.get(name))
        })
        .filter(|value| !value.is_null())
}

/// The groups are so many that the provider sent a pointer to them (OpenID Connect Core 5.6.2;
/// Microsoft Entra's group overage).
fn is_elsewhere(claims: &Claims, groups_claim: &str) -> bool {
    let pointed = claims.get("_claim_names").and_then(|names| names.get(groups_claim)).is_some();
    pointed || claims.get("hasgroups").is_some_and(|has| *has == Value::Bool(true) || has == "true")
}

/// A value as texts; `None` if it is something that texts cannot say, or too much of it.
fn values(value: &Value) -> Option<Vec<String>> {
    let texts = match value {
        Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![text(value)?]
        }
    };
    (texts.len() <= VALUES_MAX).then_some(texts)
}

fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(answer) => answer.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let is_sound = text.len() <= VALUE_BYTES_MAX && !text.chars().any(char::is_control);
    is_sound.then_some(text)
}
