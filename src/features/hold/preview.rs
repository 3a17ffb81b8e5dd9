//! What a body holds, for its person to look at: the names of its fields first, their values only when asked for. For
//! display alone: no decision is made of it, and what is sent is the body itself.

use std::fmt;

use super::typed::Typed;

/// The fields of a body.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The fields, in their order; at most [`Preview::FIELDS_MAX`].
    pub fields: Vec<Field>,
    /// How many more there are.
    pub more: usize,
}

/// A field of a form, or a member of a JSON object.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, at most 100 characters; empty where the body has no fields.
    pub name: String,
    /// What is in it.
    pub value: FieldValue,
}

/// What is in a field.
#[derive(Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// A file of so many bytes.
    File(usize),
    /// What is not shown on a screen: a password.
    Secret,
}

impl Preview {
    /// The most fields that are listed.
    pub const FIELDS_MAX: usize = 200;

    /// What was typed, taken apart.
    pub fn of(typed: &Typed) -> Self {
        let (essence, parameters) = typed.content_type.split_once(';').unwrap_or((&typed.content_type, ""));
        let essence = essence.trim().to_ascii_lowercase();
        let found = match essence.as_str() {
            "application/x-www-form-urlencoded" => Some(url_encoded(&typed.body)),
            "multipart/form-data" => boundary(parameters).map(|boundary| multipart(&boundary, &typed.body)),
            _ => json(&typed.body),
        };
        let mut fields = found.unwrap_or_else(|| whole(&typed.body));
        let more = fields.len().saturating_sub(Self::FIELDS_MAX);
        fields.truncate(Self::FIELDS_MAX);
        Self { fields, more }
    }
}

fn url_encoded(body: &[u8]) -> Vec<Field> {
    let fields = url::form_urlencoded::parse(body);
    fields.take(COUNTED_MAX).map(|(name, value)| Field::text(&name, value.into_owned())).collect()
}

fn json(body: &[u8]) -> Option<Vec<Field>> {
    let serde_json::Value::Object(members) = serde_json::from_slice(body).ok()? else { return None };
    let text = |value: serde_json::Value| {
        let pretty = || serde_json::to_string_pretty(&value).unwrap_or_default();
        value.as_str().map_or_else(pretty, str::to_owned)
    };
    Some(members.into_iter().take(COUNTED_MAX).map(|(name, value)| Field::text(&name, text(value))).collect())
}

fn whole(body: &[u8]) -> Vec<Field> {
    vec![Field::text("", String::from_utf8_lossy(body).into_owned())]
}

fn boundary(parameters: &str) -> Option<String> {
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (!value.is_empty()).then_some(value)
}

/// The parts of a form (RFC 7578), read as leniently as a display may.
fn multipart(boundary: &str, body: &[u8]) -> Vec<Field> {
    let between = format!("--{boundary}");
    let mut marks = memchr::memmem::find_iter(body, between.as_bytes()).peekable();
    let mut fields = Vec::new();
    while let Some(at) = marks.next() {
        let end = marks.peek().copied().unwrap_or(body.len());
        let part = body.get(at + between.len()..end).unwrap_or_default();
        if fields.len() < COUNTED_MAX {
            fields.extend(part_field(part));
        }
    }
    fields
}

fn part_field(part: &[u8]) -> Option<Field> {
    let part = part.strip_prefix(b"\r\n")?;
    let head_end = memchr::memmem::find(part, b"\r\n\r\n")?;
    let (head, content) = part.split_at_checked(head_end)?;
    let content = content.strip_prefix(b"\r\n\r\n")?;
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    let head = String::from_utf8_lossy(head);
    let disposition =
        head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let name = quoted(disposition, "; name=\"")?;
    if quoted(disposition, "; filename=\"").is_some() {
        return Some(Field { name: shown_name(name), value: FieldValue::File(content.len()) });
    }
    Some(Field::text(name, String::from_utf8_lossy(content).into_owned()))
}

fn quoted<'t>(line: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = line.split_once(before)?;
    rest.split_once('"').map(|(value, _)| value)
}

impl Field {
    fn text(name: &str, value: String) -> Self {
        let lower = name.to_ascii_lowercase();
        let is_secret = ["password", "passwd", "passphrase", "pwd"].iter().any(|word| lower.contains(word));
        let value = if is_secret { FieldValue::Secret } else { FieldValue::Text(value) };
        Self { name: shown_name(name), value }
    }
}

fn shown_name(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(NAME_CHARACTERS_MAX).collect()
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preview({})", self.fields.len())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Field(..)")
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldValue(..)")
    }
}

const NAME_CHARACTERS_MAX: usize = 100;
/// Beyond it nobody counts how many more there are.
const COUNTED_MAX: usize = 10_000;
