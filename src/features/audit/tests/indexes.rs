//! Indexes: an answer is the same with them and without, whatever has become of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::directory::segments;
use super::super::index::{Hints, Look, Made, Plan, make_missing};
use super::super::patients::PatientKeys;
use super::super::query::{Ended, Filter, Order, query_by};
use super::super::scan::Scan;
use super::*;
use crate::domain::listed::{Listed, Patients};
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::domain::revocation::{Cause, Revocation, Revoked, Target};
use crate::domain::subject::SubjectId;

/// What is written: an event, or the end of one that began `back` events before, or the process anew.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Event { person: u64, patient: u64, is_revocation: bool },
    Close { back: usize, is_withheld: bool },
    Restart,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12_u64, 0..30_u64, prop::bool::weighted(0.1)).prop_map(|(person, patient, is_revocation)| Step::Event {
            person,
            patient,
            is_revocation
        }),
        6 => (0..40_usize, prop::bool::weighted(0.2))
            .prop_map(|(back, is_withheld)| Step::Close { back, is_withheld }),
        1 => Just(Step::Restart),
    ]
}

fn patient(journal: &Journal, number: u64) -> PatientDigest {
    PatientRef::new("ehr".parse().unwrap(), number.to_string()).digest(journal.patient_key())
}

fn person(number: u64) -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: format!("sub-{number}").into() }
}

fn begun(journal: &Journal, number: u64, step: Step) -> Option<Opening> {
    let Step::Event { person: who, patient: whom, is_revocation } = step else { return None };
    let mut opening = opening(number);
    let subject = EventSubject {
        sub: person(who).sub,
        name: format!("Person {who}").into(),
        ..EventSubject::clone(opening.subject.as_ref().unwrap())
    };
    opening.subject = Some(Arc::new(Kept::new(subject)));
    opening.patient = Some(patient(journal, whom));
    opening.may_list = may_list(number);
    if is_revocation {
        // Whose sessions they were is told by the end alone.
        opening.subject = None;
        opening.revocation = Some(Box::new(Revocation {
            target: Target::Session(SessionId::new(MORNING, &SeededEntropy::new(number))),
            cause: Cause::Administrator,
            why: None,
            request: None,
            asked: opening.time,
            received: opening.time,
            relayed: None,
        }));
    }
    Some(opening)
}

/// Some replies list a few patients, and whom is told by the end alone.
const fn may_list(number: u64) -> bool {
    number % 4 == 1
}

fn listed(journal: &Journal, number: u64) -> Option<Listed> {
    let numbers = may_list(number).then_some([8 + number % 3, 200 + number % 3]);
    let mut patients = None;
    numbers.into_iter().flatten().for_each(|number| Patients::put(&mut patients, patient(journal, number)));
    patients.map(Listed::of)
}

fn ended(journal: &Journal, opening: &Opening, number: u64, is_withheld: bool) -> Closing {
    let listed = listed(journal, number).filter(|_| !is_withheld);
    let closing = Closing { event: opening.event, listed, ..closing(number) };
    let revoked = opening
        .revocation
        .as_ref()
        .map(|_| Box::new(Revoked { sessions: 1, person: Some(person(number % 12)), ..Revoked::default() }));
    if is_withheld {
        Closing { revoked, ..closing }
    } else {
        Closing { outcome: Outcome::Completed, reason: None, revoked, ..closing }
    }
}

/// A journal of small segments, in which events end late, in another order, or never.
pub(super) fn journal(steps: &[Step]) -> tempfile::TempDir {
    journal_of(steps, 8192)
}

fn journal_of(steps: &[Step], segment_bytes: u64) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), segment_bytes);
    let mut journal = open(&settings);
    let mut under_way: Vec<(u64, Opening)> = Vec::new();
    for (number, step) in (0_u64..).zip(steps) {
        match step {
            Step::Event { .. } => {
                let opening = begun(&journal, number, *step).unwrap();
                on_a_worker(async { journal.record(&opening, None).await.unwrap() });
                under_way.push((number, opening));
            }
            Step::Close { back, is_withheld } => {
                let Some(place) = under_way.len().checked_sub(back + 1) else { continue };
                let (begun, opening) = under_way.remove(place);
                let closing = ended(&journal, &opening, begun, *is_withheld);
                on_a_worker(async {
                    let desk = journal.desk();
                    desk.close(&closing);
                });
            }
            Step::Restart => {
                journal.close();
                under_way.clear();
                journal = open(&settings);
            }
        }
    }
    journal.close();
    directory
}

/// One question of each kind, and some together.
fn questions(directory: &Path) -> Vec<Filter> {
    let keys = PatientKeys::load(directory).unwrap();
    let patient = |number: u64| keys.digests(&PatientRef::new("ehr".parse().unwrap(), number.to_string()));
    let at = |seconds| Some(MORNING.plus(Duration::from_secs(seconds)));
    let ask = Filter::default;
    vec![
        ask(),
        Filter { person: Some("sub-3".into()), ..ask() },
        Filter { person: Some("son 1".into()), ..ask() },
        Filter { person: Some("nobody".into()), ..ask() },
        Filter { person: Some("sub-5".into()), ended: Some(Ended::Unknown), ..ask() },
        Filter { patient: Some(patient(7)), ..ask() },
        Filter { patient: Some(patient(99)), ..ask() },
        Filter { patient: Some(patient(8)), person: Some("sub-2".into()), ..ask() },
        Filter { application: Some("lab".parse().unwrap()), ..ask() },
        Filter { route: Some("patient.*".into()), since: at(20), until: at(40), ..ask() },
        Filter { reason: Some(Reason::ExportOverRequestLimit), ..ask() },
        Filter { reason: Some(Reason::NoRuleMatched), ..ask() },
        Filter { decision: Some(Verdict::Deny), ..ask() },
        Filter { accounted: true, ..ask() },
        Filter { ended: Some(Ended::As(Outcome::Withheld)), until: at(30), ..ask() },
        Filter { event: Some(opening(17).event), ..ask() },
        Filter { decision: Some(Verdict::Permit), reason: Some(Reason::ExportOverRequestLimit), ..ask() },
        Filter { patient: Some(patient(201)), ..ask() },
        Filter { patient: Some(patient(9)), since: at(8), ..ask() },
        Filter { patient: Some(patient(200)), person: Some("sub-5".into()), until: at(90), ..ask() },
    ]
}

fn answers_are_the_same(directory: &Path) {
    for filter in questions(directory) {
        for (order, limit) in [(Order::OldestFirst, 10_000), (Order::NewestFirst, 3)] {
            let asked = |hints| query_by(directory, &filter, order, limit, hints).unwrap();
            let (with, without) = (asked(Hints::Used), asked(Hints::Ignored));
            assert_eq!(with.events, without.events, "{filter:?}");
            assert_eq!((with.stopped, without.stopped), (None, None));
        }
        let scanned = |hints| {
            let mut scan = Scan::open(directory, &filter, None, hints).unwrap();
            let events: Vec<Event> =
                scan.by_ref().map(Result::unwrap).filter(|event| filter.fits(event)).collect();
            (events, scan.first(), scan.read_through())
        };
        assert_eq!(scanned(Hints::Used), scanned(Hints::Ignored), "{filter:?}");
    }
}

#[test]
fn a_segment_that_was_changed_since_it_was_indexed_is_read_and_its_damage_told() {
    let directory = sixty();
    make_missing(directory.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let filter = Filter { person: Some("nobody".into()), ..Filter::default() };
    let asked = || query_by(directory.path(), &filter, Order::OldestFirst, 100, Hints::Used).unwrap();
    let passed_over = passed(directory.path(), &filter);
    let first = segments(directory.path()).unwrap().remove(0);
    assert!(passed_over.contains(&first.first) && asked().stopped.is_none());
    let changed = std::fs::metadata(&first.path).unwrap().modified().unwrap() + Duration::from_secs(1);
    let mut bytes = std::fs::read(&first.path).unwrap();
    bytes[64 + 56 + 3] ^= 1;
    std::fs::write(&first.path, bytes).unwrap();
    std::fs::File::options().write(true).open(&first.path).unwrap().set_modified(changed).unwrap();
    let stopped = asked().stopped.unwrap();
    assert_eq!((stopped.segment, stopped.sequence), (first.name, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn an_answer_is_the_same_with_indexes_and_without(steps in prop::collection::vec(step(), 1..160)) {
        let directory = journal(&steps);
        let full = segments(directory.path()).unwrap().len() as u64 - 1;
        let made = make_missing(directory.path(), Look::ForAbsent, &SystemEntropy, &|| true).unwrap();
        prop_assert_eq!(made, Made { made: full, kept: 0 });
        answers_are_the_same(directory.path());
    }
}

/// Sixty events, each of another patient, each ended three events later.
fn sixty() -> tempfile::TempDir {
    let events = (0..60).flat_map(|number| {
        let event = Step::Event { person: number / 10, patient: number, is_revocation: false };
        [event, Step::Close { back: 2, is_withheld: number % 7 == 0 }]
    });
    journal(&events.collect::<Vec<_>>())
}

fn indexes(directory: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let mut indexes: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "index")).collect();
    indexes.sort();
    indexes
}

fn passed(directory: &Path, filter: &Filter) -> BTreeSet<u64> {
    let segments = segments(directory).unwrap();
    let plan = Plan::of(directory, &segments, filter, None);
    let firsts = segments.iter().map(|segment| segment.first);
    firsts.filter(|first| plan.passed_over(*first).is_some()).collect()
}

#[test]
fn a_question_about_one_patient_passes_over_most_segments() {
    let directory = sixty();
    let path = directory.path();
    let full = segments(path).unwrap().len() - 1;
    assert!(full >= 6, "{full}");
    let about_one = questions(path).swap_remove(5);
    assert_eq!(passed(path, &about_one).len(), 0, "there is no index yet");
    make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    assert!(passed(path, &about_one).len() >= full - 2, "{:?} of {full}", passed(path, &about_one));
    assert_eq!(passed(path, &Filter::default()).len(), 0);
    assert_eq!(
        make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap(),
        Made { made: 0, kept: full as u64 }
    );
    assert!(report(path).misfit.is_none(), "who verifies does not look at them");
}

#[test]
fn within_a_segment_only_what_lies_near_is_read() {
    let events = (0..400).flat_map(|number| {
        let event = Step::Event { person: number % 12, patient: number, is_revocation: number % 40 == 3 };
        [event, Step::Close { back: 1, is_withheld: number % 50 == 7 }]
    });
    let directory = journal_of(&events.collect::<Vec<_>>(), 1 << 17);
    let path = directory.path();
    assert!(segments(path).unwrap().len() >= 3);
    let about_one = questions(path).swap_remove(5);
    let read = |filter: &Filter, hints| {
        let reader = Reader::fitting(path, filter, None, hints).unwrap();
        let last = segments(path).unwrap().last().unwrap().name.clone();
        reader.map(Result::unwrap).filter(|stored| stored.segment != last).count()
    };
    make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let (with, without) = (read(&about_one, Hints::Used), read(&about_one, Hints::Ignored));
    assert!(with >= 2 && with * 8 < without, "{with} of {without}");
    assert_eq!(read(&Filter::default(), Hints::Used), without, "who asks for nothing is told everything");
    answers_are_the_same(path);
}

#[test]
fn an_index_that_was_changed_or_is_of_another_segment_is_none() {
    let directory = sixty();
    let path = directory.path();
    make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let nobody = Filter { person: Some("nobody".into()), ..Filter::default() };
    let all = passed(path, &nobody);
    let files = indexes(path);
    let changed = std::fs::read(&files[1]).unwrap();
    for place in 0..changed.len() {
        let mut bytes = changed.clone();
        bytes[place] ^= 1 << (place % 8);
        std::fs::write(&files[1], bytes).unwrap();
        assert_eq!(passed(path, &nobody).len(), all.len() - 1, "byte {place}");
    }
    std::fs::write(&files[1], &changed[..changed.len() - 9]).unwrap();
    std::fs::copy(&files[2], &files[3]).unwrap();
    assert_eq!(passed(path, &nobody).len(), all.len() - 2);
    answers_are_the_same(path);
    assert_eq!(
        make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap().made,
        2,
        "each is made anew"
    );
    assert_eq!(passed(path, &nobody), all);
}

#[test]
fn what_was_indexed_without_the_segments_before_is_read_once_they_are_back() {
    // The first event ends in the last segment but one.
    let first = Step::Event { person: 9, patient: 7, is_revocation: false };
    let between = (0..40).map(|number| Step::Event { person: 1, patient: number % 5, is_revocation: false });
    let between: Vec<_> = between.collect();
    let last = Step::Close { back: 40, is_withheld: true };
    let more = [Step::Event { person: 2, patient: 2, is_revocation: false }; 12];
    let directory = journal(&[&[first][..], &between, &[last], &more].concat());
    let path = directory.path();
    let archived = &segments(path).unwrap()[0].path;
    let archive = archived.with_extension("archived");
    std::fs::rename(archived, &archive).unwrap();
    make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    answers_are_the_same(path);
    std::fs::rename(&archive, archived).unwrap();
    answers_are_the_same(path);
    make_missing(path, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    answers_are_the_same(path);
}

#[test]
fn an_index_is_small() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 1 << 20));
    on_a_worker(async {
        for number in 0..1600 {
            let mut opening = opening(number);
            opening.patient = Some(patient(&journal, number));
            journal.record(&opening, Some(&closing(number))).await.unwrap();
        }
    });
    journal.close();
    make_missing(directory.path(), Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let files = indexes(directory.path());
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::metadata(&file).unwrap().len();
        assert!(bytes * 100 < 3 << 20, "{bytes} bytes of an index for 1 MiB");
    }
}
