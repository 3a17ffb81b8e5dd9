//! Filters (RFC 7644 3.4.2.2): read with bounds, and asked of one resource at a time.

use serde_json::{Map, Value};

use super::error::{Kind, ScimError};
use super::path;
use super::schema::{Attribute, Kind as Holds, ResourceType};
use crate::foundation::clock::Timestamp;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    /// An attribute compares so with a value.
    Compare(String, Operator, Value),
    /// An attribute has a value.
    Present(String),
    /// One of an attribute's values is as the filter says.
    Some(String, Box<Self>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Of what a filter is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Resource(&'static ResourceType, &'a Map<String, Value>),
    /// One value of an attribute.
    Element(&'static Attribute, &'a Value),
}

/// Reads a filter.
pub(super) fn read(text: &str) -> Result<Filter, ScimError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(odd("it is too long"));
    }
    let mut words = Words { rest: text, terms: 0 };
    let filter = words.any(0)?;
    if words.rest.trim_start().is_empty() { Ok(filter) } else { Err(odd("something follows its end")) }
}

fn odd(why: &str) -> ScimError {
    ScimError::new(Kind::InvalidFilter, format!("the filter cannot be read: {why}"))
}

struct Words<'t> {
    rest: &'t str,
    terms: usize,
}

impl<'t> Words<'t> {
    fn any(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut all = vec![self.all(depth)?];
        while self.takes_word("or") {
            all.push(self.all(depth)?);
        }
        Ok(single(all, Filter::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut all = vec![self.term(depth)?];
        while self.takes_word("and") {
            all.push(self.term(depth)?);
        }
        Ok(single(all, Filter::All))
    }

    fn term(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.terms += 1;
        if depth > DEPTH_MAX || self.terms > TERMS_MAX {
            return Err(odd("it is too deep or has too many parts"));
        }
        if self.takes("(") {
            return self.until(")", depth);
        }
        let before = self.rest;
        if self.takes_word("not") {
            if self.takes("(") {
                return self.until(")", depth).map(|inside| Filter::Not(Box::new(inside)));
            }
            // An attribute of that name.
            self.rest = before;
        }
        let name = self.name()?.to_owned();
        if self.takes("[") {
            return self.until("]", depth).map(|inside| Filter::Some(name, Box::new(inside)));
        }
        if self.takes_word("pr") {
            return Ok(Filter::Present(name));
        }
        let operator =
            OPERATORS.iter().find(|(word, _)| self.takes_word(word)).map(|(_, operator)| *operator);
        let operator = operator.ok_or_else(|| odd("it has no operator where one belongs"))?;
        Ok(Filter::Compare(name, operator, self.value()?))
    }

    fn until(&mut self, end: &str, depth: usize) -> Result<Filter, ScimError> {
        let inside = self.any(depth + 1)?;
        if self.takes(end) { Ok(inside) } else { Err(odd("a bracket is not closed")) }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A word, in any case, that ends where it ends.
    fn takes_word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some((begin, after)) = rest.split_at_checked(word.len()) else { return false };
        let is_it = begin.eq_ignore_ascii_case(word) && !after.starts_with(is_of_name);
        if is_it {
            self.rest = after;
        }
        is_it
    }

    fn name(&mut self) -> Result<&'t str, ScimError> {
        let rest = self.rest.trim_start();
        let end = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if name.is_empty() {
            return Err(odd("it has no attribute where one belongs"));
        }
        self.rest = after;
        Ok(name)
    }

    /// A text, a number, `true`, `false` or `null`, as JSON has them.
    fn value(&mut self) -> Result<Value, ScimError> {
        let rest = self.rest.trim_start();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next().and_then(Result::ok);
        let value = value.filter(|value| !value.is_array() && !value.is_object());
        // Entra, among others, writes booleans as it likes.
        let (value, length) = match value {
            Some(value) => (value, values.byte_offset()),
            None if begins(rest, "true") => (Value::Bool(true), 4),
            None if begins(rest, "false") => (Value::Bool(false), 5),
            None => return Err(odd("it has no value where one belongs")),
        };
        self.rest = rest.split_at_checked(length).map_or("", |(_, after)| after);
        Ok(value)
    }
}

fn begins(text: &str, word: &str) -> bool {
    text.split_at_checked(word.len()).is_some_and(|(begin, _)| begin.eq_ignore_ascii_case(word))
}

const fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, ':' | '.' | '$' | '-' | '_')
}

fn single(mut all: Vec<Filter>, of: fn(Vec<Filter>) -> Filter) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            of(all)
        }
    }
}

impl Filter {
    /// Whether it is so of `subject`.
    pub(super) fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::All(all) => all.iter().all(|filter| filter.holds(subject)),
            Self::Any(any) => any.iter().any(|filter| filter.holds(subject)),
            Self::Not(inside) => !inside.holds(subject),
            Self::Present(name) => !subject.values(name).0.is_empty(),
            Self::Compare(name, operator, value) => {
                let (values, sort) = subject.values(name);
                operator.holds(&values, value, sort)
            }
            Self::Some(name, inside) => subject.elements(name).is_some_and(|(attribute, elements)| {
                elements.iter().any(|element| inside.holds(Subject::Element(attribute, element)))
            }),
        }
    }

    /// The values that every match has at an attribute of the resource itself, by its name: where an index helps.
    pub(super) fn required(&self, attribute: &str) -> Option<&str> {
        match self {
            Self::Compare(name, Operator::Equal, Value::String(value)) => {
                let bare = name.rsplit_once(':').map_or(name.as_str(), |(_, bare)| bare);
                bare.eq_ignore_ascii_case(attribute).then_some(value)
            }
            Self::All(all) => all.iter().find_map(|filter| filter.required(attribute)),
            Self::Compare(..) | Self::Present(_) | Self::Some(..) | Self::Not(_) | Self::Any(_) => None,
        }
    }

    /// Whether it asks for this attribute.
    pub(super) fn mentions(&self, attribute: &str) -> bool {
        match self {
            Self::Compare(name, ..) | Self::Present(name) | Self::Some(name, _) => {
                let (name, _) = path::split(name);
                name.rsplit_once(':').map_or(name, |(_, bare)| bare).eq_ignore_ascii_case(attribute)
            }
            Self::Not(inside) => inside.mentions(attribute),
            Self::All(all) | Self::Any(all) => all.iter().any(|filter| filter.mentions(attribute)),
        }
    }

    /// What a value has to be so that it is met, where it says so by `eq` and `and` alone.
    pub(super) fn describes(&self) -> Option<Vec<(&str, &Value)>> {
        match self {
            Self::Compare(name, Operator::Equal, value) => Some(vec![(name, value)]),
            Self::All(all) => {
                let parts = all.iter().map(Self::describes).collect::<Option<Vec<_>>>()?;
                Some(parts.into_iter().flatten().collect())
            }
            Self::Compare(..) | Self::Present(_) | Self::Some(..) | Self::Not(_) | Self::Any(_) => None,
        }
    }
}

/// How values are compared.
#[derive(Clone, Copy, Debug)]
enum Sort {
    Exact,
    AnyCase,
    /// However it is written (RFC 7643 section 2.3.5).
    Moment,
}

impl Sort {
    const fn of(attribute: &Attribute) -> Self {
        if attribute.is_case_exact { Self::Exact } else { Self::AnyCase }
    }
}

impl<'a> Subject<'a> {
    /// The values at a name, and how they are compared.
    fn values(self, name: &str) -> (Vec<&'a Value>, Sort) {
        match self {
            Self::Element(attribute, element) => {
                let part = attribute.part(name);
                let value = part.and_then(|part| element.get(part.name));
                (value.into_iter().collect(), part.map_or(Sort::AnyCase, Sort::of))
            }
            Self::Resource(kind, members) => {
                let (whole, part) = path::split(name);
                let Some((attribute, holder)) = holder(kind, members, whole) else {
                    // What every resource has besides: `meta.created` and its like.
                    let (bare, part) = (whole, part.unwrap_or_default());
                    let found = members.get(bare).filter(|_| bare.eq_ignore_ascii_case("meta"));
                    let sort = if MOMENTS.contains(&part) { Sort::Moment } else { Sort::Exact };
                    return (found.and_then(|meta| meta.get(part)).into_iter().collect(), sort);
                };
                at(attribute, holder, part)
            }
        }
    }

    fn elements(self, name: &str) -> Option<(&'static Attribute, Vec<&'a Value>)> {
        let Self::Resource(kind, members) = self else { return None };
        let (attribute, holder) = holder(kind, members, name)?;
        Some((attribute, each(holder.get(attribute.name))))
    }
}

/// The attribute of a name, and the object that has it.
fn holder<'a>(
    kind: &ResourceType,
    members: &'a Map<String, Value>,
    name: &str,
) -> Option<(&'static Attribute, &'a Map<String, Value>)> {
    match name.rsplit_once(':') {
        None => kind.attribute(name).map(|attribute| (attribute, members)),
        Some((urn, bare)) if urn.eq_ignore_ascii_case(kind.schema.id) => {
            kind.attribute(bare).map(|attribute| (attribute, members))
        }
        Some((urn, bare)) => {
            let schema = kind.extension(urn)?;
            let attribute = schema.attribute(bare)?;
            members.get(schema.id).and_then(Value::as_object).map(|inside| (attribute, inside))
        }
    }
}

/// The values of an attribute: of the part that is named, or of `value` where none is.
fn at<'a>(
    attribute: &'static Attribute,
    holder: &'a Map<String, Value>,
    part: Option<&str>,
) -> (Vec<&'a Value>, Sort) {
    let values = each(holder.get(attribute.name));
    let part = match (part, attribute.kind) {
        (None, Holds::Text | Holds::Boolean | Holds::Reference(_)) => {
            return (values, Sort::of(attribute));
        }
        (None, Holds::Complex(_)) => attribute.part("value"),
        (Some(name), _) => attribute.part(name),
    };
    match part {
        Some(part) => (values.iter().filter_map(|value| value.get(part.name)).collect(), Sort::of(part)),
        // The name of a person has no `value`, but may be there.
        None => (values.into_iter().filter(|_| attribute.part("value").is_none()).collect(), Sort::Exact),
    }
}

fn each(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single],
    }
}

impl Operator {
    fn holds(self, values: &[&Value], asked: &Value, sort: Sort) -> bool {
        let any = |test: &dyn Fn(&str, &str) -> bool| {
            let asked = comparable(asked, sort);
            values.iter().any(|value| match (comparable(value, sort), &asked) {
                (Some(value), Some(asked)) => test(&value, asked),
                _ => false,
            })
        };
        let is_equal = || any(&|value, asked| value == asked) || (asked.is_null() && values.is_empty());
        match self {
            Self::Equal => is_equal(),
            Self::NotEqual => !is_equal(),
            Self::Contains => any(&|value, asked| value.contains(asked)),
            Self::StartsWith => any(&|value, asked| value.starts_with(asked)),
            Self::EndsWith => any(&|value, asked| value.ends_with(asked)),
            Self::Greater => any(&|value, asked| value > asked),
            Self::GreaterOrEqual => any(&|value, asked| value >= asked),
            Self::Less => any(&|value, asked| value < asked),
            Self::LessOrEqual => any(&|value, asked| value <= asked),
        }
    }
}

/// A value as it is compared: a moment in the one form in which later is greater.
fn comparable(value: &Value, sort: Sort) -> Option<String> {
    match value {
        Value::String(text) => match sort {
            Sort::Exact => Some(text.clone()),
            Sort::AnyCase => Some(text.to_lowercase()),
            Sort::Moment => text.parse().ok().map(|moment: Timestamp| moment.to_string()),
        },
        Value::Bool(answer) => Some(answer.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Equal),
    ("ne", Operator::NotEqual),
    ("co", Operator::Contains),
    ("sw", Operator::StartsWith),
    ("ew", Operator::EndsWith),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];
/// What every resource has of `meta` that is a moment.
const MOMENTS: [&str; 2] = ["created", "lastModified"];
const TEXT_BYTES_MAX: usize = 4 * 1024;
const DEPTH_MAX: usize = 16;
const TERMS_MAX: usize = 64;
