//! Users and groups as they are shown, whole or in the part that is asked for (RFC 7644 3.9).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::account::{Group, STAYS_OUT, Times, User};
use super::members;
use super::path;
use super::schema::{GROUP, MEMBERS, ResourceType, USER};
use crate::foundation::id::ResourceId;

/// Which attributes are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Selection {
    /// Only these, and what is always shown.
    pub(super) only: Option<Vec<String>>,
    /// All but these.
    pub(super) without: Vec<String>,
}

impl Selection {
    /// Whether a group's members, which may be many, have to be gathered.
    pub(super) fn shows(&self, name: &str) -> bool {
        let is_it = |wanted: &String| {
            let (wanted, _) = path::split(wanted);
            wanted.rsplit_once(':').map_or(wanted, |(_, bare)| bare).eq_ignore_ascii_case(name)
        };
        let wanted = self.only.as_ref().is_none_or(|only| only.iter().any(is_it));
        wanted && !self.without.iter().any(|without| is_it(without) && !without.contains('.'))
    }

    /// What of a resource is shown.
    pub(super) fn of(&self, kind: &ResourceType, mut whole: Map<String, Value>) -> Value {
        if let Some(only) = &self.only {
            let mut shown = Map::new();
            for always in ["schemas", "id"] {
                if let Some(value) = whole.get(always) {
                    shown.insert(always.to_owned(), value.clone());
                }
            }
            for name in only {
                take_over(kind, &whole, name, &mut shown);
            }
            return shown.into();
        }
        for name in &self.without {
            leave_out(kind, &mut whole, name);
        }
        whole.into()
    }
}

/// Where a name leads in what is shown: the extension, the attribute, its part.
fn place(kind: &ResourceType, name: &str) -> (Option<&'static str>, Option<String>, Option<String>) {
    if let Some(schema) = kind.extension(name) {
        return (Some(schema.id), None, None);
    }
    let (whole, part) = path::split(name);
    let (urn, bare) = whole.rsplit_once(':').unwrap_or(("", whole));
    let extension = kind.extension(urn);
    let attribute = match extension {
        Some(schema) => schema.attribute(bare),
        None => kind.attribute(bare),
    };
    let part = part.map(|part| {
        attribute.and_then(|attribute| attribute.part(part)).map_or(part, |part| part.name).to_owned()
    });
    let name = attribute.map_or(bare, |attribute| attribute.name);
    (extension.map(|schema| schema.id), Some(name.to_owned()), part)
}

fn take_over(kind: &ResourceType, whole: &Map<String, Value>, name: &str, shown: &mut Map<String, Value>) {
    let (extension, attribute, part) = place(kind, name);
    let (from, to) = match extension {
        Some(urn) => {
            let Some(Value::Object(from)) = whole.get(urn) else { return };
            let to = shown.entry(urn).or_insert_with(|| Map::new().into());
            let Value::Object(to) = to else { return };
            (from, to)
        }
        None => (whole, shown),
    };
    let Some(attribute) = attribute else {
        to.extend(from.clone());
        return;
    };
    let Some(value) = from.get(&attribute) else { return };
    let value = match &part {
        Some(part) => only_part(value, part),
        None => value.clone(),
    };
    match (to.get_mut(&attribute), value) {
        // Two parts of one attribute were asked for.
        (Some(Value::Object(before)), Value::Object(more)) => before.extend(more),
        (Some(Value::Array(before)), Value::Array(more)) => {
            for (before, more) in before.iter_mut().zip(more) {
                if let (Value::Object(before), Value::Object(more)) = (before, more) {
                    before.extend(more);
                }
            }
        }
        (_, value) => drop(to.insert(attribute, value)),
    }
}

fn only_part(value: &Value, part: &str) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|value| only_part(value, part)).collect::<Vec<_>>().into(),
        Value::Object(members) => {
            let found = members.get(part).map(|value| (part.to_owned(), value.clone()));
            found.into_iter().collect::<Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn leave_out(kind: &ResourceType, whole: &mut Map<String, Value>, name: &str) {
    // These are always shown (RFC 7643 7, `returned`).
    if ["id", "schemas"].iter().any(|always| always.eq_ignore_ascii_case(name)) {
        return;
    }
    let (extension, attribute, part) = place(kind, name);
    let holder = match extension {
        Some(urn) if attribute.is_none() => {
            whole.remove(urn);
            return;
        }
        Some(urn) => whole.get_mut(urn).and_then(Value::as_object_mut),
        None => Some(whole),
    };
    let (Some(holder), Some(attribute)) = (holder, attribute) else { return };
    match (part, holder.get_mut(&attribute)) {
        (None, _) => drop(holder.remove(&attribute)),
        (Some(part), Some(Value::Object(inside))) => drop(inside.remove(&part)),
        (Some(part), Some(Value::Array(list))) => {
            for inside in list.iter_mut().filter_map(Value::as_object_mut) {
                inside.remove(&part);
            }
        }
        (Some(_), _) => {}
    }
}

/// A user, with the groups that they are in.
pub(super) fn user(user: &User, groups: &[Arc<Group>], base: &str) -> Map<String, Value> {
    let times = Times { created: user.created, modified: user.modified };
    let mut attributes = user.body.attributes();
    attributes.remove(STAYS_OUT);
    if !groups.is_empty() {
        let one = |group: &Arc<Group>| {
            let location = format!("{base}/Groups/{}", group.id);
            json!({ "value": group.id, "$ref": location, "display": &*group.name })
        };
        attributes.insert("groups".to_owned(), groups.iter().map(one).collect::<Vec<_>>().into());
    }
    whole(&USER, user.id, attributes, times, base)
}

/// A group; with its members, if that is wanted and there are any.
pub(super) fn group(group: &Group, with_members: bool, base: &str) -> Map<String, Value> {
    let times = Times { created: group.created, modified: group.modified };
    let mut attributes = group.body.attributes();
    if with_members && !group.members.is_empty() {
        attributes.insert(MEMBERS.to_owned(), members::shown(&group.members, base));
    }
    whole(&GROUP, group.id, attributes, times, base)
}

fn whole(
    kind: &ResourceType,
    id: ResourceId,
    attributes: Map<String, Value>,
    times: Times,
    base: &str,
) -> Map<String, Value> {
    let extensions = kind.extensions.iter().map(|schema| schema.id).filter(|id| attributes.contains_key(*id));
    let schemas: Vec<_> = [kind.schema.id].into_iter().chain(extensions).collect();
    let mut whole = Map::new();
    whole.insert("schemas".to_owned(), json!(schemas));
    whole.insert("id".to_owned(), json!(id));
    whole.extend(attributes);
    let meta = json!({
        "resourceType": kind.name,
        "created": times.created,
        "lastModified": times.modified,
        "location": format!("{base}{}/{id}", kind.endpoint),
    });
    whole.insert("meta".to_owned(), meta);
    whole
}
