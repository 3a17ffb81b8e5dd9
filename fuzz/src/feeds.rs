//! A feed's rows say the same in whatever they are written: what is taken line by line is taken as one list and as CSV, with
//! as many rows and the same ties. A Bundle of FHIR is taken or refused, whatever is searched. Other bytes are refused, and the
//! fault quotes nothing of them.

use std::collections::BTreeMap;
use std::time::Duration;

use leastway::domain::told::{FeedKind, Marks, Place};
use leastway::features::facts::fhir::settings::{FhirSettings, ResourceType};
use leastway::features::facts::settings::{Column, FeedSettings, Format, Source};
use leastway::features::facts::table::Table;
use leastway::foundation::clock::Timestamp;
use serde_json::{Map, Value};

const COLUMNS: [Column; 5] =
    [Column::Person, Column::Patient, Column::Relationship, Column::From, Column::Until];
const NOW: Timestamp = Timestamp::from_seconds(1_772_443_800);

fn settings(format: Format) -> FeedSettings {
    FeedSettings {
        name: "care-team".parse().expect("a name"),
        kind: FeedKind::Relationship,
        source: Source::File("care-team".into()),
        format,
        provider: Some("clinic".parse().expect("a name")),
        person: None,
        applications: vec!["ehr".parse().expect("a name")],
        columns: BTreeMap::from(COLUMNS.map(|column| (column, column.to_string()))),
        relationships: vec![
            ("attending".to_owned(), Some("A".to_owned())),
            ("pcp".to_owned(), Some("P".to_owned())),
        ],
        flags: Vec::new(),
        devices: None,
        after: Duration::ZERO,
        max_age: Duration::from_secs(3600),
        rows_max: 1000,
        bytes_max: 1024 * 1024,
        time_zone: "UTC".to_owned(),
    }
}

/// A search of each type, as each kind of feed that it tells.
fn searches() -> impl Iterator<Item = FeedSettings> {
    let pairs = ResourceType::ALL.iter().flat_map(|of| FeedKind::ALL.iter().map(move |kind| (*of, *kind)));
    pairs.filter_map(|(resource, kind)| {
        let columns = resource.always(kind)?.iter().map(|column| (*column, column.to_string())).collect();
        let places = resource.elements().iter().map(|element| (Place::Department, *element)).collect();
        let fhir = FhirSettings {
            resource,
            base: Some("https://fhir.clinic.example/r4".to_owned()),
            person_system: Some("urn:clinic:login".to_owned()),
            patient_system: None,
            places,
        };
        let relationships = vec![("treatment_team".to_owned(), None)];
        Some(FeedSettings { kind, columns, relationships, ..settings(Format::Fhir(fhir)) })
    })
}

pub fn check(bytes: &[u8]) {
    for search in searches() {
        match Table::read(bytes, &search, NOW) {
            Ok(table) => assert!(table.rows > table.left_out, "somebody is named"),
            Err(fault) => assert!(!fault.to_string().contains("SECRET"), "{fault}"),
        }
    }
    for format in [Format::Csv, Format::Json] {
        if let Err(fault) = Table::read(bytes, &settings(format), NOW) {
            assert!(!fault.to_string().contains("SECRET"), "{fault}");
        }
    }
    let table = match Table::read(bytes, &settings(Format::Ndjson), NOW) {
        Ok(table) => table,
        Err(fault) => return assert!(!fault.to_string().contains("SECRET"), "{fault}"),
    };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let rows: Vec<Map<String, Value>> =
        lines.map(|line| serde_json::from_slice(line).expect("it was taken")).collect();
    assert_eq!(table.rows, rows.len() as u64);
    // What holds several has no like in the columns of a tie.
    if rows.iter().flat_map(Map::values).any(Value::is_array) {
        return;
    }
    let list = serde_json::to_vec(&rows).expect("it was JSON");
    let list = Table::read(&list, &settings(Format::Json), NOW).expect("the same rows");
    let csv = Table::read(csv(&rows).as_bytes(), &settings(Format::Csv), NOW).expect("the same rows");
    for other in [&list, &csv] {
        assert_eq!((other.rows, other.left_out), (table.rows, table.left_out));
        for (person, patient) in rows.iter().map(|row| (text(row, "person"), text(row, "patient"))) {
            let ties = |table: &Table| table.ties(person.trim(), patient.trim(), NOW);
            assert_eq!(ties(other), ties(&table));
        }
    }
    for row in &rows {
        let word = ["A", "P"].iter().position(|word| text(row, "relationship").trim() == *word);
        if text(row, "from").trim().is_empty() && text(row, "until").trim().is_empty() {
            let ties = table.ties(text(row, "person").trim(), text(row, "patient").trim(), NOW);
            assert!(word.is_none_or(|word| ties.has(word)), "a tie without end holds");
        }
    }
    assert_eq!(table.ties("", "", NOW), Marks::NONE);
}

fn text(row: &Map<String, Value>, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn csv(rows: &[Map<String, Value>]) -> String {
    let mut lines = vec![COLUMNS.map(|column| column.to_string()).join(",")];
    for row in rows {
        let cells = COLUMNS.map(|column| format!("\"{}\"", text(row, column.as_str()).replace('"', "\"\"")));
        lines.push(cells.join(","));
    }
    lines.join("\r\n")
}
