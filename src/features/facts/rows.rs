//! Takes the rows of a feed apart, whatever they are written in: each becomes the cells of the columns that are wanted.
//!
//! Strict: a row with too few cells, a member that stands twice or a control character is a fault, and the feed is not
//! taken. What the feed has beyond the columns that are wanted is not looked at.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::Value;

use super::fault::{FeedFault, Place};
use super::settings::{Column, FeedSettings, Format};

/// A row: the cells of the columns that are wanted, in their order; absent is empty.
pub(super) struct Row<'a> {
    pub(super) place: Place,
    cells: &'a [Cow<'a, str>],
    /// What stands between the parts of a list.
    between: char,
}

impl Row<'_> {
    /// The text of a cell, by the position of its column among those that are wanted.
    pub(super) fn text(&self, position: usize) -> &str {
        self.cells.get(position).map_or("", AsRef::as_ref).trim()
    }

    /// The parts of a cell that may hold several.
    pub(super) fn list(&self, position: usize) -> impl Iterator<Item = &str> {
        self.text(position).split(self.between).map(str::trim).filter(|part| !part.is_empty())
    }
}

/// Hands every row to `take`. `wanted` are the columns by their names in the feed.
pub(super) fn read(
    bytes: &[u8],
    settings: &FeedSettings,
    mut take: impl FnMut(&Row<'_>) -> Result<(), FeedFault>,
) -> Result<u64, FeedFault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let wanted: Vec<(Column, &str)> =
        settings.columns.iter().map(|(column, name)| (*column, name.as_str())).collect();
    let mut rows = 0;
    let mut counted = |row: &Row<'_>| {
        rows += 1;
        if rows > settings.rows_max {
            return Err(FeedFault::TooMany { limit: settings.rows_max });
        }
        for (position, (column, _)) in wanted.iter().enumerate() {
            let fault = |what| FeedFault::Cell { place: row.place, column: *column, what };
            let text = row.text(position);
            if text.len() > CELL_BYTES_MAX {
                return Err(fault("is longer than 4096 bytes"));
            }
            if text.chars().any(|character| character.is_control() && character != row.between) {
                return Err(fault("holds a control character"));
            }
        }
        take(row)
    };
    match settings.format {
        Format::Csv => csv(bytes, &wanted, &mut counted)?,
        Format::Json => json(bytes, &wanted, &mut counted)?,
        Format::Ndjson => ndjson(bytes, &wanted, &mut counted)?,
        // Resources have no rows: they are read elsewhere.
        Format::Fhir(_) => {}
    }
    if rows == 0 { Err(FeedFault::Empty) } else { Ok(rows) }
}

type Take<'t> = &'t mut dyn FnMut(&Row<'_>) -> Result<(), FeedFault>;

fn csv(bytes: &[u8], wanted: &[(Column, &str)], take: Take<'_>) -> Result<(), FeedFault> {
    let mut reader = reader_of(bytes, wanted)?;
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    let mut positions = Vec::with_capacity(wanted.len());
    for (_, name) in wanted {
        let mut found = header.iter().enumerate().filter(|(_, cell)| cell.trim() == *name);
        let (position, _) = found.next().ok_or_else(|| FeedFault::NoColumn { column: (*name).to_owned() })?;
        if found.next().is_some() {
            return Err(FeedFault::TwoColumns { column: (*name).to_owned() });
        }
        positions.push(position);
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| malformed(&error))? {
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        let cells: Vec<Cow<'_, str>> =
            positions.iter().map(|position| record.get(*position).unwrap_or_default().into()).collect();
        take(&Row { place, cells: &cells, between: ';' })?;
    }
    Ok(())
}

/// With the delimiter that makes the header hold what is wanted; the comma if none does, so that the fault names a column.
fn reader_of<'b>(bytes: &'b [u8], wanted: &[(Column, &str)]) -> Result<csv::Reader<&'b [u8]>, FeedFault> {
    let with = |delimiter| csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    for delimiter in *b",;\t|" {
        let mut reader = with(delimiter);
        let header = reader.headers().map_err(|error| malformed(&error))?;
        if wanted.iter().all(|(_, name)| header.iter().any(|cell| cell.trim() == *name)) {
            return Ok(reader);
        }
    }
    Ok(with(b','))
}

fn malformed(error: &csv::Error) -> FeedFault {
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => NO_UTF8,
        csv::ErrorKind::UnequalLengths { .. } => "has not as many cells as the header",
        csv::ErrorKind::Io(_)
        | csv::ErrorKind::Seek
        | csv::ErrorKind::Serialize(_)
        | csv::ErrorKind::Deserialize { .. }
        | _ => "is no CSV",
    };
    FeedFault::Malformed { place: Place::Line(error.position().map_or(1, csv::Position::line)), what }
}

pub(super) const NO_UTF8: &str = "is no UTF-8";

fn ndjson(bytes: &[u8], wanted: &[(Column, &str)], take: Take<'_>) -> Result<(), FeedFault> {
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = Place::Line(number);
        let text = std::str::from_utf8(line).map_err(|_| FeedFault::Malformed { place, what: NO_UTF8 })?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let cells = (Object { wanted }).deserialize(&mut reader);
        let cells = cells.and_then(|cells| reader.end().map(|()| cells));
        let cells = cells.map_err(|error| FeedFault::Malformed { place, what: what(&error) })?;
        take(&Row { place, cells: &cells, between: BETWEEN })?;
    }
    Ok(())
}

fn json(bytes: &[u8], wanted: &[(Column, &str)], take: Take<'_>) -> Result<(), FeedFault> {
    let (mut fault, mut row) = (None, 0);
    // All of it, also what no column is read of.
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
        FeedFault::Malformed { place: Place::Line(line), what: NO_UTF8 }
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let list = List { wanted, take, fault: &mut fault, row: &mut row };
    let done = reader.deserialize_seq(list).and_then(|()| reader.end());
    match (fault, done) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(FeedFault::Malformed { place: Place::Row(row + 1), what: what(&error) }),
        (None, Ok(())) => Ok(()),
    }
}

/// What is wrong, without a word of what stands there: serde's own messages quote it.
fn what(error: &serde_json::Error) -> &'static str {
    let said = error.to_string();
    let ours = [TWICE, NO_TEXT].into_iter().find(|ours| said.starts_with(ours));
    ours.unwrap_or(match error.classify() {
        serde_json::error::Category::Eof => "ends in the middle",
        serde_json::error::Category::Data => "is no list of objects",
        serde_json::error::Category::Io | serde_json::error::Category::Syntax => "is no JSON",
    })
}

struct List<'l, 't> {
    wanted: &'l [(Column, &'l str)],
    take: Take<'t>,
    fault: &'l mut Option<FeedFault>,
    row: &'l mut u64,
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(cells) = list.next_element_seed(Object { wanted: self.wanted })? {
            *self.row += 1;
            let row = Row { place: Place::Row(*self.row), cells: &cells, between: BETWEEN };
            if let Err(fault) = (self.take)(&row) {
                *self.fault = Some(fault);
                return Err(A::Error::custom("a row is not taken"));
            }
        }
        Ok(())
    }
}

/// One object: the cells that are wanted, and nothing else.
#[derive(Clone, Copy)]
struct Object<'w> {
    wanted: &'w [(Column, &'w str)],
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = Vec<Cow<'static, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Vec<Cow<'static, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut cells: Vec<Option<String>> = vec![None; self.wanted.len()];
        while let Some(name) = object.next_key::<String>()? {
            // One member may be wanted for several columns.
            let wanted = self.wanted.iter().zip(&mut cells).filter(|((_, it), _)| *it == name);
            let mut wanted: Vec<_> = wanted.map(|(_, cell)| cell).collect();
            if wanted.is_empty() {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            let text = text_of(&object.next_value::<Value>()?)?;
            for cell in &mut wanted {
                if cell.replace(text.clone()).is_some() {
                    return Err(de::Error::custom(TWICE));
                }
            }
        }
        Ok(cells.into_iter().map(|cell| cell.unwrap_or_default().into()).collect())
    }
}

fn text_of<E: de::Error>(value: &Value) -> Result<String, E> {
    match value {
        Value::Null => Ok(String::new()),
        // In a text it would be taken for the end of a part.
        Value::String(text) if text.contains(BETWEEN) => Err(E::custom(NO_TEXT)),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(parts) => {
            let parts: Result<Vec<_>, E> = parts
                .iter()
                .map(|part| if part.is_array() { Err(E::custom(NO_TEXT)) } else { text_of(part) })
                .collect();
            parts.map(|parts| parts.join(&BETWEEN.to_string()))
        }
        Value::Bool(_) | Value::Object(_) => Err(E::custom(NO_TEXT)),
    }
}

const CELL_BYTES_MAX: usize = 4096;
/// The unit separator of ASCII: no text that is taken holds it.
const BETWEEN: char = '\u{1f}';
const TWICE: &str = "a member stands twice";
const NO_TEXT: &str = "is neither a text, a number nor a list of these";
