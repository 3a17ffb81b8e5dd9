//! Values as attributes take them: what is not kept is passed over, what is kept is what it has to be.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::schema::{Attribute, Kind, MEMBERS, Mutability, ResourceType, Schema};

/// The attributes of a resource that was sent whole (POST, PUT), under their own names. The members of a group are
/// left out.
pub(super) fn resource(
    kind: &ResourceType,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, ScimError> {
    schemas(kind, sent)?;
    let mut kept = Map::new();
    for (name, value) in sent {
        if let Some(schema) = kind.extension(name) {
            if let Some(inside) = extension(schema, value)? {
                kept.insert(schema.id.to_owned(), inside.into());
            }
        } else if let Some(attribute) = kind.attribute(name).filter(|attribute| attribute.name != MEMBERS)
            && attribute.mutability != Mutability::ReadOnly
            && let Some(value) = whole(attribute, value)?
        {
            kept.insert(attribute.name.to_owned(), value);
        }
    }
    complete(kind, &kept)?;
    Ok(kept)
}

/// Whether a resource has what it must have.
pub(super) fn complete(kind: &ResourceType, kept: &Map<String, Value>) -> Result<(), ScimError> {
    for attribute in kind.schema.attributes.iter().filter(|attribute| attribute.is_required) {
        if kept.get(attribute.name).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()) {
            return Err(ScimError::value(format!("`{}` is needed", attribute.name)));
        }
    }
    if kept.values().map(|value| value.to_string().len()).sum::<usize>() > RESOURCE_BYTES_MAX {
        return Err(ScimError::value("the resource is too large"));
    }
    Ok(())
}

/// What a resource says that it is has to be what it is sent to.
fn schemas(kind: &ResourceType, sent: &Map<String, Value>) -> Result<(), ScimError> {
    let Some((_, named)) = sent.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")) else {
        return Err(ScimError::syntax("`schemas` is needed"));
    };
    let of = |schema: &Value| schema.as_str().is_some_and(|id| id.eq_ignore_ascii_case(kind.schema.id));
    if named.as_array().is_some_and(|all| all.iter().any(of)) {
        return Ok(());
    }
    Err(ScimError::syntax(format!("`schemas` does not name `{}`", kind.schema.id)))
}

/// The attributes of an extension; none where nothing is left of it.
pub(super) fn extension(schema: &Schema, value: &Value) -> Result<Option<Map<String, Value>>, ScimError> {
    let Value::Object(sent) = value else {
        return if value.is_null() { Ok(None) } else { Err(ScimError::value("an extension is an object")) };
    };
    let mut kept = Map::new();
    for (name, value) in sent {
        let Some(attribute) = schema.attribute(name) else { continue };
        if let Some(value) = whole(attribute, value)? {
            kept.insert(attribute.name.to_owned(), value);
        }
    }
    Ok(Some(kept).filter(|kept| !kept.is_empty()))
}

/// The value of an attribute; none where it is unassigned (RFC 7643 2.5).
pub(super) fn whole(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !attribute.is_multiple {
        return single(attribute, value);
    }
    let sent = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        // One value without its brackets, as some providers send it.
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            std::slice::from_ref(one)
        }
    };
    if sent.len() > VALUES_MAX {
        return Err(ScimError::value(format!("`{}` has too many values", attribute.name)));
    }
    let mut kept: Vec<Value> = Vec::new();
    for value in sent {
        if let Some(value) = single(attribute, value)?.filter(|value| !kept.contains(value)) {
            kept.push(value);
        }
    }
    if kept.iter().filter(|value| is_primary(value)).count() > 1 {
        return Err(ScimError::value(format!("more than one of `{}` is primary", attribute.name)));
    }
    Ok((!kept.is_empty()).then(|| kept.into()))
}

/// One value.
pub(super) fn single(attribute: &'static Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    let odd = || ScimError::value(format!("`{}` does not take such a value", attribute.name));
    let value = match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Text | Kind::Reference(_), Value::String(text)) => sound(text).ok_or_else(odd)?,
        (Kind::Text, Value::Number(number)) => number.to_string().into(),
        (Kind::Boolean, Value::Bool(answer)) => (*answer).into(),
        (Kind::Boolean, Value::String(text)) => boolean(text).ok_or_else(odd)?.into(),
        (Kind::Complex(parts), Value::Object(sent)) => return object(parts, sent),
        // A plain text where an object belongs is its `value`.
        (Kind::Complex(_), Value::String(text)) if attribute.part("value").is_some() => {
            let mut inside = Map::new();
            inside.insert("value".to_owned(), sound(text).ok_or_else(odd)?);
            inside.into()
        }
        (Kind::Text | Kind::Reference(_) | Kind::Boolean | Kind::Complex(_), _) => return Err(odd()),
    };
    Ok(Some(value))
}

fn object(parts: &'static [Attribute], sent: &Map<String, Value>) -> Result<Option<Value>, ScimError> {
    let mut kept = Map::new();
    for (name, value) in sent {
        let Some(part) = parts.iter().find(|part| part.name.eq_ignore_ascii_case(name)) else { continue };
        if let Some(value) = single(part, value)? {
            kept.insert(part.name.to_owned(), value);
        }
    }
    Ok((!kept.is_empty()).then(|| kept.into()))
}

/// `true` and `false` as Entra sends them.
fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn sound(text: &str) -> Option<Value> {
    let is_sound = text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
    is_sound.then(|| text.into())
}

/// Whether it says that it is the one to be used.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary").and_then(Value::as_bool) == Some(true)
}

/// The longest text.
pub(super) const TEXT_BYTES_MAX: usize = 1_024;
/// Values of one attribute, the members of a group excepted.
pub(super) const VALUES_MAX: usize = 32;
const RESOURCE_BYTES_MAX: usize = 16 * 1024;
