//! JSON bodies that have one reading: no duplicate keys, no byte order mark, no UTF-16, bounded depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep objects and arrays may stand in each other.
const DEPTH_MAX: usize = 64;

/// Reads a whole document; `None` if it is not JSON with one reading. Keys that differ in letter
/// case alone count as duplicates, because some applications take them for one.
pub(super) fn parse(bytes: &[u8]) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// What stands at a pointer (RFC 6901). Applications take `[{…}]` for a batch of `{…}`, so that a name
/// is looked for in every element of an array on the way; a segment `*` says the same explicitly.
/// Names are compared without letter case. An array at the end counts as itself and its elements.
pub(super) fn at<'v>(document: &'v Value, pointer: &str) -> Vec<&'v Value> {
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let mut found = Vec::new();
    collect(document, &parts, &mut found);
    found
}

/// Whether a value is what a condition calls `wanted`: `"1"` and `1` and `1.0` are all `1`.
pub(super) fn is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Null => wanted == "null",
        Value::Number(number) => {
            number.to_string() == wanted
                || wanted.parse().is_ok_and(|wanted: f64| {
                    number.as_f64().is_some_and(|number| number.total_cmp(&wanted).is_eq())
                })
        }
        Value::Array(_) | Value::Object(_) => false,
    }
}

fn collect<'v>(value: &'v Value, parts: &[String], found: &mut Vec<&'v Value>) {
    let Some((part, rest)) = parts.split_first() else {
        found.push(value);
        if let Value::Array(elements) = value {
            found.extend(elements);
        }
        return;
    };
    match value {
        Value::Object(members) => {
            let member = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(part));
            if let Some((_, member)) = member {
                collect(member, rest, found);
            }
        }
        Value::Array(elements) => {
            if part == "*" {
                for element in elements {
                    collect(element, rest, found);
                }
            } else if let Some(element) = part.parse().ok().and_then(|at: usize| elements.get(at)) {
                collect(element, rest, found);
            } else {
                for element in elements {
                    collect(element, parts, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct Strict {
    depth: usize,
}

impl Strict {
    fn inside<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < DEPTH_MAX { Ok(self.depth + 1) } else { Err(E::custom("too deep")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON with one reading")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        // An application written in C would end the text at a NUL.
        if text.contains('\0') {
            return Err(E::custom("a NUL"));
        }
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(Self { depth })? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut object = Map::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if name.contains('\0') || !seen.insert(name.to_lowercase()) {
                return Err(A::Error::custom("a duplicate key"));
            }
            let member = members.next_value_seed(Self { depth })?;
            object.insert(name, member);
        }
        Ok(Value::Object(object))
    }
}
