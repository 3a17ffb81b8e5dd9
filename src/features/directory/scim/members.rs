//! The members of a group: users that are there, however they are named.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::error::{Kind, ScimError};
use super::filter::{Filter, Subject};
use super::patch::{OfMembers, Verb};
use super::schema::{GROUP, MEMBERS};
use crate::foundation::id::ResourceId;

/// Whether there is such a user.
pub(super) type IsUser<'a> = &'a dyn Fn(ResourceId) -> bool;

/// The members of a group that was sent whole.
pub(super) fn sent(
    body: &Map<String, Value>,
    is_user: IsUser<'_>,
) -> Result<BTreeSet<ResourceId>, ScimError> {
    let value = body.iter().find(|(name, _)| name.eq_ignore_ascii_case(MEMBERS)).map(|(_, value)| value);
    value.map_or_else(|| Ok(BTreeSet::new()), |value| users(value, is_user))
}

/// Carries the operations of a PATCH out.
pub(super) fn apply(
    members: &mut BTreeSet<ResourceId>,
    operations: Vec<OfMembers>,
    is_user: IsUser<'_>,
) -> Result<(), ScimError> {
    for OfMembers { verb, filter, value } in operations {
        match (verb, filter) {
            (Verb::Add, None) => members.extend(users(&value, is_user)?),
            (Verb::Replace, None) => *members = users(&value, is_user)?,
            (Verb::Add | Verb::Replace, Some(_)) => {
                return Err(ScimError::new(
                    Kind::NoTarget,
                    "a member is there or is not: nothing of it can be changed",
                ));
            }
            (Verb::Remove, Some(filter)) => remove(members, &filter),
            // Entra names those who leave in the value.
            (Verb::Remove, None) if !value.is_null() => {
                for id in named(&value)?.filter_map(|name| name.parse().ok()) {
                    members.remove(&id);
                }
            }
            (Verb::Remove, None) => members.clear(),
        }
    }
    Ok(())
}

fn remove(members: &mut BTreeSet<ResourceId>, filter: &Filter) {
    if let Filter::Compare(..) = filter
        && let Some(name) = filter.required("value")
    {
        if let Ok(id) = name.parse() {
            members.remove(&id);
        }
        return;
    }
    let Some(attribute) = GROUP.schema.attribute(MEMBERS) else { return };
    members.retain(|id| {
        let element = json!({ "value": id, "type": "User" });
        !filter.holds(Subject::Element(attribute, &element))
    });
}

/// Each member as it is shown; `base` is where users are found.
pub(super) fn shown(members: &BTreeSet<ResourceId>, base: &str) -> Value {
    let one = |id: &ResourceId| json!({ "value": id, "$ref": format!("{base}/Users/{id}"), "type": "User" });
    members.iter().map(one).collect::<Vec<_>>().into()
}

fn users(value: &Value, is_user: IsUser<'_>) -> Result<BTreeSet<ResourceId>, ScimError> {
    let unknown = || ScimError::value("a member is no user of this directory");
    named(value)?.map(|name| name.parse().ok().filter(|id| is_user(*id)).ok_or_else(unknown)).collect()
}

/// What members are called in a value: one, or a list, of objects or of plain texts.
fn named(value: &Value) -> Result<impl Iterator<Item = &str>, ScimError> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            std::slice::from_ref(one)
        }
    };
    let name = |member: &'_ Value| match member {
        Value::String(_) => true,
        Value::Object(_) => of(member).is_some(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    };
    if !list.iter().all(name) {
        return Err(ScimError::value("a member is named by its `value`"));
    }
    Ok(list.iter().filter_map(of))
}

fn of(member: &Value) -> Option<&str> {
    match member {
        Value::String(name) => Some(name),
        Value::Object(parts) => parts
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("value"))
            .and_then(|(_, value)| value.as_str()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}
