//! A small clinic's feeds.

mod fhir;
mod paging;
mod reading;
mod telling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{Column, FeedSettings, Format, Source};
use crate::domain::assurance::Assurance;
use crate::domain::patient::PatientRef;
use crate::domain::purpose::Purpose;
use crate::domain::subject::{Identity, Subject};
use crate::domain::told::FeedKind;
use crate::foundation::clock::Timestamp;

/// 2026-03-02T09:30:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_772_443_800);

pub(super) fn settings(kind: FeedKind, format: Format, columns: &[Column]) -> FeedSettings {
    FeedSettings {
        name: format!("{kind}s").parse().unwrap(),
        kind,
        source: Source::File("feed".into()),
        format,
        provider: Some("clinic".parse().unwrap()),
        person: None,
        applications: vec!["ehr".parse().unwrap()],
        columns: columns.iter().map(|column| (*column, column.to_string())).collect(),
        relationships: Vec::new(),
        flags: Vec::new(),
        devices: None,
        after: Duration::ZERO,
        max_age: Duration::from_secs(24 * 60 * 60),
        rows_max: 1000,
        bytes_max: 1024 * 1024,
        time_zone: "UTC".to_owned(),
    }
}

/// Who cares for whom, as what, from when until when.
pub(super) fn ties(format: Format) -> FeedSettings {
    let columns = [Column::Person, Column::Patient, Column::Relationship, Column::From, Column::Until];
    FeedSettings {
        relationships: vec![
            ("attending".to_owned(), Some("ATND".to_owned())),
            ("pcp".to_owned(), Some("PCP".to_owned())),
        ],
        ..settings(FeedKind::Relationship, format, &columns)
    }
}

pub(super) fn person(sub: &str) -> Identity {
    Identity {
        subject: Arc::new(Subject {
            issuer: "https://id.clinic.example".into(),
            sub: sub.into(),
            name: sub.into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        }),
        provider: "clinic".parse().unwrap(),
        roles: Vec::new(),
        purpose: Purpose::Treatment,
        assurance: Assurance::default(),
        justification: None,
        version: 1,
    }
}

pub(super) fn patient(id: &str) -> PatientRef {
    PatientRef::new("ehr".parse().unwrap(), id.to_owned())
}
