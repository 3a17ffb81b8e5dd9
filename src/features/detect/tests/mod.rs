//! Streams of events, made by hand.

mod reviews;
mod rules;
mod steps;
mod streams;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::seen::Work;
use super::settings::{DetectionSettings, When};
use super::{Step, Watcher};
use crate::domain::detection::{Detection, DetectionThen, Severity};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{DetectionId, RequestId};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

pub(super) fn rule(name: &str, when: When, more_than: u64, within: Duration) -> DetectionSettings {
    DetectionSettings {
        name: name.parse().unwrap(),
        when,
        more_than,
        within,
        usual_times: 0,
        roles: Vec::new(),
        applications: Vec::new(),
        severity: Severity::Medium,
        then: DetectionThen::Flag,
        in_treatment: false,
        quiet: 30 * DAY,
    }
}

pub(super) fn person(sub: &str) -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: sub.into() }
}

/// A request of a registrar's that takes and opens nothing. Its number tells it from others.
pub(super) fn work(number: u64, time: Timestamp) -> Work {
    Work {
        time,
        request: format!("019ca869-5000-7000-8000-{number:012x}").parse::<RequestId>().unwrap(),
        person: person("rosa"),
        name: "Rosa Registrar".into(),
        roles: vec!["registrar".parse().unwrap()],
        application: Some("ehr".parse().unwrap()),
        in_care: false,
        is_emergency: false,
        by_person: true,
        files: 0,
        records: 0,
        opened: Vec::new(),
        listed: Vec::new(),
        listed_together: 0,
        in_steps: 0,
        network: Some(1),
        is_denied: false,
        is_out_of_role: false,
    }
}

pub(super) fn watcher(rules: &[DetectionSettings]) -> Watcher {
    Watcher::new(rules.to_vec().into(), TimeZone::UTC, [], [])
}

/// What is found in the end, each as large as it has become.
pub(super) fn found(watcher: &mut Watcher, stream: &[Work]) -> Vec<Detection> {
    let mut all: BTreeMap<DetectionId, Detection> = BTreeMap::new();
    for work in stream {
        for step in watcher.see(work, &|_, _, _| false) {
            match step {
                Step::Found(detection) => {
                    assert!(all.insert(detection.id, detection).is_none(), "what is found is found once");
                }
                Step::Grown(detection) => {
                    assert!(all.insert(detection.id, detection).is_some(), "what grows was found");
                }
                Step::Quiet(rule) => panic!("nobody has made `{rule}` quiet"),
            }
        }
    }
    all.into_values().collect()
}
