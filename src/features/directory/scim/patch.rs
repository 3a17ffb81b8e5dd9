//! PATCH (RFC 7644 3.5.2), as the RFC has it and as providers send it.
//!
//! What is asked of an attribute that is not kept is passed over, and a value that a filter does not find is made
//! where the filter says what it is to be: providers send all that they know in one request, and no telephone number
//! may keep the `active: false` beside it from being taken.

use serde_json::{Map, Value};

use super::error::{Kind, ScimError};
use super::filter::{Filter, Subject};
use super::path::{Path, Place, Target};
use super::schema::{Attribute, MEMBERS, Mutability, ResourceType};
use super::value;

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    pub(super) path: Option<String>,
    pub(super) value: Value,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Remove,
    Replace,
}

/// What is asked of the members of a group.
#[derive(Clone, Debug)]
pub(super) struct OfMembers {
    pub(super) verb: Verb,
    pub(super) filter: Option<Filter>,
    pub(super) value: Value,
}

/// The operations of a PATCH.
pub(super) fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, ScimError> {
    let listed = body.iter().find(|(name, _)| name.eq_ignore_ascii_case("Operations"));
    let Some((_, Value::Array(listed))) = listed else {
        return Err(ScimError::syntax("`Operations` is needed, and is a list"));
    };
    if listed.is_empty() || listed.len() > OPERATIONS_MAX {
        return Err(ScimError::syntax(format!("`Operations` are 1 to {OPERATIONS_MAX}")));
    }
    listed.iter().map(operation).collect()
}

fn operation(value: &Value) -> Result<Operation, ScimError> {
    let of = |name: &str| {
        let members = value.as_object()?;
        members.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    // Entra writes `Add`.
    let verb = match of("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("remove") => Verb::Remove,
        Some("replace") => Verb::Replace,
        Some(_) | None => return Err(ScimError::syntax("`op` is `add`, `remove` or `replace`")),
    };
    let path = match of("path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err(ScimError::new(Kind::InvalidPath, "`path` is a text")),
    };
    Ok(Operation { verb, path, value: of("value").cloned().unwrap_or_default() })
}

/// Carries the operations out on the attributes of a resource; gives those that are about the members of a group.
pub(super) fn apply(
    kind: &'static ResourceType,
    attributes: &mut Map<String, Value>,
    operations: Vec<Operation>,
) -> Result<Vec<OfMembers>, ScimError> {
    let mut of_members = Vec::new();
    for Operation { verb, path, value } in operations {
        let is_named = path.is_some();
        let parts = match path {
            Some(path) => vec![(path, value)],
            None => without_path(verb, value)?,
        };
        for (path, value) in parts {
            let Some(target) = Path::read(&path)?.resolve(kind) else { continue };
            // Whoever sends a whole resource sends what is read only, too (RFC 7644 3.5.1).
            if !is_named && target.is_read_only() {
                continue;
            }
            if let Place::Own(Attribute { name: MEMBERS, .. }) = target.place {
                of_members.push(OfMembers { verb, filter: target.filter, value });
            } else {
                at(&target, attributes, verb, &value)?;
            }
        }
    }
    value::complete(kind, attributes)?;
    Ok(of_members)
}

/// Where no path is named the value holds attributes by their names.
fn without_path(verb: Verb, value: Value) -> Result<Vec<(String, Value)>, ScimError> {
    match (verb, value) {
        (Verb::Remove, _) => Err(ScimError::new(Kind::NoTarget, "`remove` needs a `path`")),
        (Verb::Add | Verb::Replace, Value::Object(members)) => Ok(members.into_iter().collect()),
        (Verb::Add | Verb::Replace, _) => Err(ScimError::value("without a `path` the `value` is an object")),
    }
}

fn at(
    target: &Target,
    attributes: &mut Map<String, Value>,
    verb: Verb,
    value: &Value,
) -> Result<(), ScimError> {
    match target.place {
        Place::Extension(schema) => {
            let sent = value::extension(schema, value)?;
            match (verb, sent, attributes.get_mut(schema.id).and_then(Value::as_object_mut)) {
                (Verb::Remove, ..) | (Verb::Replace, None, _) => drop(attributes.remove(schema.id)),
                (Verb::Add, None, _) => {}
                (Verb::Add, Some(sent), Some(before)) => before.extend(sent),
                (Verb::Add | Verb::Replace, Some(sent), _) => {
                    attributes.insert(schema.id.to_owned(), sent.into());
                }
            }
            Ok(())
        }
        Place::Own(attribute) => set(attribute, target, attributes, verb, value),
        Place::OfExtension(schema, attribute) => {
            let mut inside = match attributes.remove(schema.id) {
                Some(Value::Object(inside)) => inside,
                Some(_) | None => Map::new(),
            };
            let done = set(attribute, target, &mut inside, verb, value);
            if !inside.is_empty() {
                attributes.insert(schema.id.to_owned(), inside.into());
            }
            done
        }
    }
}

fn set(
    attribute: &'static Attribute,
    target: &Target,
    holder: &mut Map<String, Value>,
    verb: Verb,
    value: &Value,
) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::ReadOnly {
        return Err(ScimError::new(Kind::Mutability, format!("`{}` is read only", attribute.name)));
    }
    if verb == Verb::Remove && attribute.is_required {
        return Err(ScimError::new(Kind::Mutability, format!("`{}` is needed", attribute.name)));
    }
    if attribute.is_multiple {
        return several(attribute, target, holder, verb, value);
    }
    match (verb, target.part) {
        (Verb::Remove, None) => drop(holder.remove(attribute.name)),
        (Verb::Remove, Some(part)) => {
            if let Some(Value::Object(inside)) = holder.get_mut(attribute.name) {
                inside.remove(part.name);
            }
        }
        (Verb::Add | Verb::Replace, Some(part)) => {
            let inside = holder.entry(attribute.name).or_insert_with(|| Map::new().into());
            put_part(inside, part, value)?;
        }
        (Verb::Add | Verb::Replace, None) => match value::single(attribute, value)? {
            Some(sent) => put(holder, attribute, sent),
            // To assign nothing is to unassign (RFC 7643 2.5), but for what is needed.
            None if attribute.is_required => {
                return Err(ScimError::value(format!("`{}` is needed", attribute.name)));
            }
            None => drop(holder.remove(attribute.name)),
        },
    }
    tidy(holder, attribute);
    Ok(())
}

/// Parts that are not sent stay as they are (RFC 7644 3.5.2.1 and 3.5.2.3).
fn put(holder: &mut Map<String, Value>, attribute: &Attribute, sent: Value) {
    match (holder.get_mut(attribute.name), sent) {
        (Some(Value::Object(before)), Value::Object(sent)) => before.extend(sent),
        (_, sent) => drop(holder.insert(attribute.name.to_owned(), sent)),
    }
}

fn put_part(whole: &mut Value, part: &'static Attribute, value: &Value) -> Result<(), ScimError> {
    let Value::Object(inside) = whole else { return Ok(()) };
    match value::single(part, value)? {
        Some(sent) => drop(inside.insert(part.name.to_owned(), sent)),
        None => drop(inside.remove(part.name)),
    }
    Ok(())
}

/// What has become empty is not there any more.
fn tidy(holder: &mut Map<String, Value>, attribute: &Attribute) {
    let is_empty = |value: &Value| match value {
        Value::Object(inside) => inside.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if let Some(Value::Array(list)) = holder.get_mut(attribute.name) {
        list.retain(|value| !is_empty(value));
    }
    if holder.get(attribute.name).is_some_and(is_empty) {
        holder.remove(attribute.name);
    }
}

/// An attribute with several values.
fn several(
    attribute: &'static Attribute,
    target: &Target,
    holder: &mut Map<String, Value>,
    verb: Verb,
    value: &Value,
) -> Result<(), ScimError> {
    let mut list = match holder.remove(attribute.name) {
        Some(Value::Array(list)) => list,
        Some(_) | None => Vec::new(),
    };
    let done = match (&target.filter, verb) {
        (None, _) if target.part.is_some() => each(attribute, target, &mut list, verb, value, |_| true),
        (None, Verb::Remove) => without(attribute, &mut list, value),
        (None, Verb::Add) => join(attribute, &mut list, value),
        (None, Verb::Replace) => {
            list.clear();
            join(attribute, &mut list, value)
        }
        (Some(filter), _) => {
            let is_meant = |element: &Value| filter.holds(Subject::Element(attribute, element));
            if verb != Verb::Remove && !list.iter().any(is_meant) {
                list.push(described(attribute, filter)?);
            }
            each(attribute, target, &mut list, verb, value, is_meant)
        }
    };
    done?;
    // What a PATCH leaves is what could have been sent whole.
    if let Some(list) = value::whole(attribute, &list.into())? {
        holder.insert(attribute.name.to_owned(), list);
    }
    tidy(holder, attribute);
    Ok(())
}

/// Changes, or takes away, what is meant of the values.
fn each(
    attribute: &'static Attribute,
    target: &Target,
    list: &mut Vec<Value>,
    verb: Verb,
    value: &Value,
    is_meant: impl Fn(&Value) -> bool,
) -> Result<(), ScimError> {
    let Some(part) = target.part else {
        if verb == Verb::Remove {
            list.retain(|element| !is_meant(element));
            return Ok(());
        }
        let sent = value::single(attribute, value)?.ok_or_else(|| ScimError::value("a value is needed"))?;
        for element in list.iter_mut().filter(|element| is_meant(element)) {
            match (element, &sent) {
                (Value::Object(before), Value::Object(sent)) => before.extend(sent.clone()),
                (element, sent) => *element = sent.clone(),
            }
        }
        one_primary(list, Some(&sent));
        return Ok(());
    };
    let nothing = Value::Null;
    let value = if verb == Verb::Remove { &nothing } else { value };
    // It is found out first who is meant: what is changed may not be meant any more.
    let meant: Vec<bool> = list.iter().map(&is_meant).collect();
    for (element, is_meant) in list.iter_mut().zip(meant) {
        if is_meant {
            put_part(element, part, value)?;
        } else if part.name == "primary" && value::single(part, value)? == Some(true.into()) {
            put_part(element, part, &false.into())?;
        }
    }
    Ok(())
}

/// What a filter says that a value is, as a value.
fn described(attribute: &'static Attribute, filter: &Filter) -> Result<Value, ScimError> {
    let no_target = || ScimError::new(Kind::NoTarget, "no value is as the filter of the path says");
    let mut made = Map::new();
    for (name, value) in filter.describes().ok_or_else(no_target)? {
        let part = attribute.part(name).ok_or_else(no_target)?;
        if let Some(value) = value::single(part, value)? {
            made.insert(part.name.to_owned(), value);
        }
    }
    Ok(made.into())
}

/// Adds values that are not there.
fn join(attribute: &'static Attribute, list: &mut Vec<Value>, value: &Value) -> Result<(), ScimError> {
    let Some(Value::Array(sent)) = value::whole(attribute, value)? else { return Ok(()) };
    let primary = sent.iter().find(|value| value::is_primary(value)).cloned();
    for value in sent {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    one_primary(list, primary.as_ref());
    Ok(())
}

/// Takes away the values that are sent, as Entra does; all of them where none is.
fn without(attribute: &'static Attribute, list: &mut Vec<Value>, value: &Value) -> Result<(), ScimError> {
    match value::whole(attribute, value)? {
        Some(Value::Array(sent)) => {
            let values: Vec<_> = sent.iter().map(|value| value.get("value")).collect();
            list.retain(|element| !values.contains(&element.get("value")));
        }
        Some(_) | None => list.clear(),
    }
    Ok(())
}

/// Where one has become the one to be used, the others are it no more (RFC 7644 3.5.2).
fn one_primary(list: &mut [Value], chosen: Option<&Value>) {
    let Some(chosen) = chosen.filter(|chosen| value::is_primary(chosen)) else { return };
    for element in list.iter_mut().filter(|element| *element != chosen && value::is_primary(element)) {
        if let Value::Object(members) = element {
            members.insert("primary".to_owned(), false.into());
        }
    }
}

/// The members of a group may come one operation each.
const OPERATIONS_MAX: usize = 10_000;
