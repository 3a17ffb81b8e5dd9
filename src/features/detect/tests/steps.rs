//! Numbers that follow one another.

use std::time::Duration;

use super::super::Steps;
use super::{person, start};
use crate::domain::patient::{PatientRef, STEPS_MIN};

fn told(ids: &[&str], apart: Duration) -> Vec<Option<u32>> {
    let steps = Steps::default();
    let mut now = start();
    let follow = |id: &&str| {
        now = now.plus(apart);
        steps.follow(&person("rosa"), &PatientRef::new("ehr".parse().unwrap(), (*id).to_owned()), now)
    };
    ids.iter().map(follow).collect()
}

#[test]
fn a_run_is_told_from_the_fourth_patient_on() {
    let second = Duration::from_secs(1);
    assert_eq!(STEPS_MIN, 4);
    let cases: [(&[&str], &[Option<u32>]); 6] = [
        (&["100", "101", "102", "103", "104"], &[None, None, None, Some(4), Some(5)]),
        (&["P-0100", "P-0098", "P-0096", "P-0094"], &[None, None, None, Some(4)]),
        (&["1", "2", "2", "3", "3", "4"], &[None, None, None, None, None, Some(4)]),
        (&["1", "2", "3", "5", "7", "9"], &[None, None, None, None, None, Some(4)]),
        (&["1", "x", "2", "y", "3", "", "4"], &[None, None, None, None, None, None, Some(4)]),
        (&["9", "4", "2", "77", "5"], &[None; 5]),
    ];
    for (ids, expected) in cases {
        assert_eq!(told(ids, second), expected, "{ids:?}");
    }
    assert_eq!(told(&["1", "2", "3", "4"], Duration::from_secs(600)), [None; 4], "too far apart");
    let long = "9".repeat(400);
    assert_eq!(told(&[&long, &long], second), [None; 2]);
}

#[test]
fn each_person_and_application_has_a_run_of_its_own_and_nothing_prints_a_number() {
    let steps = Steps::default();
    for number in 1..=4 {
        for (who, where_) in [("rosa", "ehr"), ("rosa", "lab"), ("nadia", "ehr")] {
            let id = if who == "nadia" {
                (number * number * 31).to_string()
            } else {
                (number + 55_500).to_string()
            };
            let patient = PatientRef::new(where_.parse().unwrap(), id);
            let told = steps.follow(&person(who), &patient, start());
            assert_eq!(told, (number == 4 && who == "rosa").then_some(4), "{who} {where_} {number}");
        }
    }
    assert!(!format!("{steps:?}").contains("555"), "{steps:?}");
}
