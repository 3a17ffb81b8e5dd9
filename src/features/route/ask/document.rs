//! A JSON body as it is written, so that one member can be written anew and all else stays byte for byte:
//! another writer would spell numbers in another way.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use super::parameters::Found;

/// A document and its text. Prints nothing of it.
pub(super) struct Document {
    text: String,
    value: Value,
    is_changed: bool,
}

impl Document {
    /// A document that was read as one with one reading, from this text.
    pub(super) const fn new(text: String, value: Value) -> Self {
        Self { text, value, is_changed: false }
    }

    /// What stands at a pointer. A name in another letter case may be read or not, and a list where a member is
    /// looked for may be a batch: both are unclear.
    pub(super) fn find(&self, pointer: &str) -> Found<&Value> {
        let mut at = &self.value;
        for part in parts(pointer) {
            let next = match at {
                Value::Object(members) => {
                    let like = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(&part));
                    match like {
                        None => return Found::Absent,
                        Some((name, _)) if *name != part => return Found::Unclear,
                        Some((_, member)) => member,
                    }
                }
                Value::Array(elements) => {
                    let Ok(position) = part.parse::<usize>() else { return Found::Unclear };
                    match elements.get(position) {
                        None => return Found::Absent,
                        Some(element) => element,
                    }
                }
                Value::Null => return Found::Absent,
                Value::Bool(_) | Value::Number(_) | Value::String(_) => return Found::Unclear,
            };
            at = next;
        }
        if at.is_null() { Found::Absent } else { Found::One(at) }
    }

    /// Puts a value at a pointer, in place of what is there, or as a new member of the object before it.
    pub(super) fn put(&mut self, pointer: &str, value: &Value) -> Option<()> {
        let all: Vec<String> = parts(pointer).collect();
        let (last, before) = all.split_last()?;
        let parent = span(&self.text, before)?;
        let raw = self.text.get(parent.clone())?;
        let there = members(raw)?;
        let written = match there.get(last) {
            Some(member) => {
                let place = place(raw, member.get())?;
                (parent.start + place.start..parent.start + place.end, value.to_string())
            }
            None if there.keys().any(|name| name.eq_ignore_ascii_case(last)) => return None,
            None => {
                let comma = if there.is_empty() { "" } else { "," };
                let begin = parent.start + 1;
                (begin..begin, format!("{}:{value}{comma}", Value::from(last.as_str())))
            }
        };
        self.text.replace_range(written.0, &written.1);
        self.value = serde_json::from_str(&self.text).ok()?;
        self.is_changed = true;
        Some(())
    }

    /// As it is sent, if anything was written anew.
    pub(super) fn changed(self) -> Option<Vec<u8>> {
        self.is_changed.then(|| self.text.into_bytes())
    }
}

/// Where in `text` of a bundle the addresses of its entries stand: as many as there are entries.
pub fn entry_addresses(text: &str) -> Option<Vec<Range<usize>>> {
    let entries = span(text, &["entry".to_owned()])?;
    let raw = text.get(entries.clone())?;
    let all: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    let address = |entry: &&RawValue| {
        let inside = span(entry.get(), &["request".to_owned(), "url".to_owned()])?;
        let start = entries.start + place(raw, entry.get())?.start;
        Some(start + inside.start..start + inside.end)
    };
    all.iter().map(address).collect()
}

fn parts(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
}

/// Where in `text` stands what these names lead to.
fn span(text: &str, names: &[String]) -> Option<Range<usize>> {
    let whole: &RawValue = serde_json::from_str(text).ok()?;
    let mut at = whole.get();
    for name in names {
        at = if at.starts_with('[') {
            let elements: Vec<&RawValue> = serde_json::from_str(at).ok()?;
            elements.get(name.parse::<usize>().ok()?)?.get()
        } else {
            members(at)?.get(name)?.get()
        };
    }
    place(text, at)
}

fn members(object: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(object).ok()
}

/// Where `part`, which was cut out of `text`, stands in it.
fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (text.get(start..end)? == part).then_some(start..end)
}
