//! What is published about the format: the JSON schema for editors and the reference for readers.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::keys::{Absent, Key, Kind, MAIN, Table};

/// The JSON schema of the configuration files, for editors.
pub fn json_schema() -> Value {
    let mut schema = table_schema(&MAIN);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        object.insert("title".to_owned(), "Leastway configuration".into());
        // Only the main file says a version; the files that it includes need none of the rest.
        let needed = object.remove("required").unwrap_or_default();
        object.insert("if".to_owned(), json!({ "required": ["version"] }));
        object.insert("then".to_owned(), json!({ "required": needed }));
    }
    schema
}

/// Every key with its meaning, its range and its default, in Markdown.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut tables: Vec<&Table> = vec![&MAIN];
    while let Some(table) = tables.pop() {
        section(&mut page, table);
        let inner = table.keys.iter().rev().filter_map(|key| key.kind.inner());
        tables.extend(inner);
    }
    page
}

impl Kind {
    /// The keys of the tables that are written here.
    pub(super) const fn inner(self) -> Option<&'static Table> {
        match self {
            Self::Table(table) | Self::Tables(table) | Self::Named(table) => Some(table),
            Self::Text(_)
            | Self::Texts(_)
            | Self::Word(_)
            | Self::Words(_)
            | Self::Whole(..)
            | Self::YesNo
            | Self::Duration(..)
            | Self::Size(..)
            | Self::Path(_)
            | Self::Secret
            | Self::File(_)
            | Self::Map(_)
            | Self::Conditions(_) => None,
        }
    }

    fn schema(self) -> Value {
        let one_or_more = |one: Value| json!({ "anyOf": [one, { "type": "array", "items": one }] });
        match self {
            Self::Text(example) | Self::Path(example) => {
                json!({ "type": "string", "minLength": 1, "examples": [example] })
            }
            Self::Texts(example) => one_or_more(json!({ "type": "string", "examples": [example] })),
            Self::Word(words) => json!({ "enum": words() }),
            Self::Words(words) => one_or_more(json!({ "enum": words() })),
            Self::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Self::YesNo => json!({ "type": "boolean" }),
            Self::Duration(..) => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
            Self::Size(..) => json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" }),
            Self::Secret => json!({ "type": "string", "pattern": "^(env:[A-Za-z0-9_]+|file:.+)$" }),
            Self::File(example) => json!({ "type": "string", "pattern": "^file:.+$", "examples": [example] }),
            Self::Map(_) => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            Self::Conditions(_) => json!({ "type": "object", "additionalProperties": { "anyOf": [
                { "type": "boolean" },
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ] } }),
            Self::Table(table) => table_schema(table),
            Self::Tables(table) => json!({ "type": "array", "items": table_schema(table) }),
            Self::Named(table) => {
                json!({ "type": "object", "additionalProperties": table_schema(table) })
            }
        }
    }
}

fn table_schema(table: &Table) -> Value {
    let property = |key: &Key| (key.name.to_owned(), key_schema(key));
    let properties: Map<String, Value> = table.keys.iter().map(property).collect();
    let refused = |key: &&Key| matches!(key.absent, Absent::Refused);
    let required: Vec<&str> = table.keys.iter().filter(refused).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": table.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn key_schema(key: &Key) -> Value {
    let mut schema = key.kind.schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), describe(key).into());
        if let Absent::Is(default) = key.absent {
            object.extend(default_value(default).map(|value| ("default".to_owned(), value)));
        }
    }
    schema
}

fn describe(key: &Key) -> String {
    match (key.kind, key.absent) {
        (Kind::Duration(min, max) | Kind::Size(min, max), _) => format!("{} From {min} to {max}.", key.doc),
        (_, Absent::Means(meaning)) => format!("{} Absent: {meaning}.", key.doc),
        (_, Absent::Refused | Absent::Is(_)) => key.doc.to_owned(),
    }
}

fn default_value(toml: &str) -> Option<Value> {
    let value = DeValue::parse(toml).ok()?;
    match value.get_ref() {
        DeValue::String(text) => Some(json!(text)),
        DeValue::Integer(number) => number.as_str().parse::<u64>().ok().map(Value::from),
        DeValue::Boolean(yes) => Some(json!(yes)),
        DeValue::Array(array) => Some(array.iter().map(|value| value.get_ref().as_str()).collect()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

fn section(page: &mut String, table: &Table) {
    let title = if table.header.is_empty() { "leastway.toml" } else { table.header };
    // Writing to a string cannot fail.
    let _infallible = write!(page, "\n## `{title}`\n\n{}\n\n", table.doc);
    page.push_str("| key | value | absent | meaning |\n|---|---|---|---|\n");
    for key in table.keys {
        let absent = match key.absent {
            Absent::Refused => "a problem".to_owned(),
            Absent::Is(default) => format!("`{default}`"),
            Absent::Means(meaning) => meaning.to_owned(),
        };
        let cells = [format!("`{}`", key.name), key.kind.right(), absent, key.doc.to_owned()];
        let cells = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
        let _infallible = writeln!(page, "| {cells} |");
    }
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made by `leastway schema --markdown` from the list of keys that the reader uses. Do not edit. -->

One format: TOML, and Cedar for rules beyond the words of TOML. `leastway validate --config leastway.toml` reports every problem
of every file in one run: where it is, what is wrong, and what would be right.

- **Durations** are a whole number and `ms`, `s`, `m`, `h` or `d`: `\"15m\"`. **Sizes** are a whole number and `B`, `KiB`, `MiB`
  or `GiB`: `\"64KiB\"`.
- **Paths** are relative to the file that names them.
- **Secrets** never stand in a file. Where one is needed, there is a reference: `\"env:NAME\"` to a variable of the
  environment, or `\"file:PATH\"` to a file that nobody else reads.
- **Lists**: where a list of texts is asked for, one text alone will do.
- **Names** that operators give are 1 to 64 letters, digits, `-`, `_` or `.`.
- An unknown key, a name that leads nowhere and a rule that can never fire are problems, never ignored.
- Editors check these files with the JSON schema in [`schema.json`](schema.json) (`leastway schema`): put
  `#:schema ./schema.json` in the first line.
";
