//! A search of FHIR as a feed: what is searched, by whom people and patients are named there, and what tells a place.

use std::collections::BTreeMap;

use super::feed::optional;
use crate::config::reader::Reader;
use crate::domain::told::{FeedKind, Place};
use crate::features::facts::fhir::settings::{Element, FhirSettings, ResourceType};
use crate::features::facts::settings::Column;

/// What only a search of FHIR has, as it is written.
pub(super) struct Written {
    resource: Option<ResourceType>,
    person_system: Option<String>,
    patient_system: Option<String>,
}

impl Written {
    /// Reads it, whatever the format: none where a value is wrong.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let resource = optional(reader, "resource", |reader| reader.parsed("resource"));
        let person_system = optional(reader, "person_system", |reader| reader.text("person_system"));
        let patient_system = optional(reader, "patient_system", |reader| reader.text("patient_system"));
        Some(Self { resource: resource?, person_system: person_system?, patient_system: patient_system? })
    }
}

/// What a search is of, and the columns that it tells.
pub(super) fn search(
    reader: &Reader<'_>,
    kind: FeedKind,
    own: Written,
    columns_written: Vec<(String, String)>,
) -> Option<(BTreeMap<Column, String>, FhirSettings)> {
    let Written { resource, person_system, patient_system } = own;
    let resource = resource.or_else(|| by_address(reader))?;
    let Some(always) = resource.always(kind) else {
        let others = ResourceType::ALL.iter().filter(|it| it.always(kind).is_some());
        let others: Vec<_> = others.map(|it| it.as_str()).collect();
        let what = format!("`{resource}` tells nothing about a {kind}");
        let right = format!("a search of {}", others.join(" or "));
        reader.reading().error(reader.key(), what, right);
        return None;
    };
    let mut columns: BTreeMap<_, _> = always.iter().map(|column| (*column, column.to_string())).collect();
    if reader.has("relationships") {
        if !resource.tells_relationship() {
            let what = format!("`{resource}` does not say as what somebody cares for a patient");
            reader.error("relationships", what, "`relationship`");
            return None;
        }
        columns.insert(Column::Relationship, Column::Relationship.to_string());
    }
    let mut places = Vec::new();
    for (word, element) in columns_written {
        let (place, element) = place(reader, kind, resource, &word, &element)?;
        columns.insert(place.0, element.to_string());
        places.push((place.1, element));
    }
    if matches!(kind, FeedKind::Person | FeedKind::Patient) && places.is_empty() {
        let right = "`columns`, such as `{ department = \"serviceProvider\" }`";
        reader.reading().error(reader.key(), "its resources tell nothing but a name", right);
        return None;
    }
    Some((columns, FhirSettings { resource, base: base(reader), person_system, patient_system, places }))
}

/// What only a search of FHIR has.
pub(super) fn refuse(reader: &Reader<'_>) {
    for key in ["resource", "person_system", "patient_system"].into_iter().filter(|key| reader.has(key)) {
        reader.error(key, "only resources of FHIR have that", "`format = \"fhir\"`, or no such key");
    }
}

/// As the path of the address ends.
fn by_address(reader: &Reader<'_>) -> Option<ResourceType> {
    let path = reader.peek("url").map(before_query);
    let found = path.and_then(|path| path.rsplit('/').next()).and_then(|name| name.parse().ok());
    if found.is_none() {
        let words: Vec<_> = ResourceType::ALL.iter().map(|it| it.as_str()).collect();
        let right = format!("`resource`: {}", words.join(", "));
        reader.reading().error(reader.key(), "its address does not say what is searched", right);
    }
    found
}

/// The address of the server, without the type that is searched.
fn base(reader: &Reader<'_>) -> Option<String> {
    let path = before_query(reader.peek("url")?);
    path.rsplit_once('/').map(|(base, _)| base.to_owned())
}

fn before_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}

/// A place, and what of the resource tells it.
fn place(
    reader: &Reader<'_>,
    kind: FeedKind,
    resource: ResourceType,
    word: &str,
    element: &str,
) -> Option<((Column, Place), Element)> {
    let (_, further) = Column::of(kind);
    let place = further.iter().find(|column| column.as_str() == word).and_then(|column| match column {
        Column::Location => Some((*column, Place::Location)),
        Column::Department => Some((*column, Place::Department)),
        Column::Facility => Some((*column, Place::Facility)),
        Column::Person
        | Column::Patient
        | Column::Relationship
        | Column::From
        | Column::Until
        | Column::OwnPatient
        | Column::Household
        | Column::Flags
        | Column::Device
        | Column::Class
        | Column::Status
        | Column::AsOf => None,
    });
    let known = resource.elements().iter().copied().find(|known| known.as_str() == element);
    if place.is_none() {
        let what = format!("`{word}` is no place that resources about a {kind} tell");
        reader.error(
            "columns",
            what,
            "some of location, department, facility, about shifts, people and patients",
        );
    } else if known.is_none() {
        let words: Vec<_> = resource.elements().iter().map(|it| it.as_str()).collect();
        let what = format!("`{element}` of `{resource}` tells no place");
        reader.error("columns", what, format!("one of {}", words.join(", ")));
    }
    place.zip(known)
}
