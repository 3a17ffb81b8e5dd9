//! Reading and asking.

use super::*;
use crate::domain::patient::PatientRef;
use crate::features::audit::ReadError;
use crate::features::audit::events::events_since;
use crate::features::audit::index::Plan;
use crate::features::audit::query::{Ended, Filter, Order, query};
use crate::features::audit::table::{write_json, write_table};
use crate::foundation::text::plain;

/// Ten events: every third one of each person, number 7 denied, 8 without an end, 9 about a patient.
fn ten() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 4096));
    on_a_worker(async {
        for number in 0..10 {
            let mut opening = opening(number);
            let mut closing = closing(number);
            match number {
                7 => {
                    opening.verdict = Verdict::Deny;
                    opening.reasons = vec![Reason::NoRuleMatched];
                    closing.outcome = Outcome::Refused;
                    closing.reason = None;
                }
                9 => {
                    let patient = PatientRef::new("ehr".parse().unwrap(), "4711".to_owned());
                    opening.patient = Some(patient.digest(journal.patient_key()));
                    opening.route = Some("patient.open".parse().unwrap());
                }
                _ => {}
            }
            journal.record(&opening, (number != 8).then_some(&closing)).await.unwrap();
        }
    });
    journal.close();
    directory
}

fn asked(directory: &Path, filter: &Filter) -> Vec<u64> {
    let answer = query(directory, filter, Order::OldestFirst, 100).unwrap();
    assert_eq!(answer.stopped, None);
    let number = |event: &Event| event.opening.time.since(MORNING).as_secs();
    answer.events.iter().filter(|event| event.opening.kind == EventKind::Request).map(number).collect()
}

#[test]
fn what_belongs_to_an_emergency_access_is_asked_for_alone() {
    use crate::domain::break_glass::{BreakEnd, BreakStep, EventBreak};

    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 4096));
    let (first, second) = (opening(2).event, opening(5).event);
    on_a_worker(async {
        for number in 0..10 {
            let told = match number {
                1 => Some(EventBreak::of(None, BreakStep::Prompted)),
                2 => Some(EventBreak::of(Some(first), BreakStep::Started)),
                3 | 6 => Some(EventBreak::of(Some(first), BreakStep::Used)),
                5 => Some(EventBreak::of(Some(second), BreakStep::Remembered)),
                8 => Some(EventBreak {
                    end: Some(BreakEnd::Time),
                    ..EventBreak::of(Some(first), BreakStep::Ended)
                }),
                _ => None,
            };
            let mut opening = opening(number);
            opening.break_glass = told.map(Box::new);
            if number == 8 {
                opening.route = None;
            }
            journal.record(&opening, Some(&closing(number))).await.unwrap();
        }
    });
    journal.close();
    crate::features::audit::index::make_missing(
        directory.path(),
        crate::features::audit::index::Look::AtEach,
        &SystemEntropy,
        &|| true,
    )
    .unwrap();
    let of =
        |break_glass: &str| Filter { break_glass: Some(break_glass.parse().unwrap()), ..Filter::default() };
    assert_eq!(asked(directory.path(), &of("any")), [1, 2, 3, 5, 6, 8]);
    assert_eq!(asked(directory.path(), &of(&first.to_string())), [2, 3, 6, 8]);
    assert_eq!(asked(directory.path(), &of(&second.to_string())), [5]);
    assert_eq!(asked(directory.path(), &of(&opening(4).event.to_string())), [0; 0]);
    let answer = query(directory.path(), &of(&first.to_string()), Order::OldestFirst, 10).unwrap();
    let mut table = Vec::new();
    write_table(&answer.events, &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains(&format!("patient.list.csv, emergency access {first} used")), "{table}");
    assert!(table.contains(&format!("  emergency access {first} ended (time)")), "{table}");
    // Its index spares what was before it.
    let spared = Plan::of(
        directory.path(),
        &crate::features::audit::directory::segments(directory.path()).unwrap(),
        &of(&opening(2_000_000).event.to_string()),
        None,
    );
    assert!(spared.passed_over(1).is_some());
}

#[test]
fn a_question_is_answered_by_what_fits_all_of_it() {
    struct Case {
        name: &'static str,
        filter: Filter,
        expected: &'static [u64],
    }
    let directory = ten();
    let keys = super::super::patients::PatientKeys::load(directory.path()).unwrap();
    let patient = |id: &str| Some(keys.digests(&PatientRef::new("ehr".parse().unwrap(), id.to_owned())));
    let at = |seconds| Some(MORNING.plus(Duration::from_secs(seconds)));
    let ask = Filter::default;
    let cases = [
        Case { name: "all", filter: ask(), expected: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
        Case {
            name: "person by sub",
            filter: Filter { person: Some("sub-1".into()), ..ask() },
            expected: &[1, 4, 7],
        },
        Case {
            name: "person by name",
            filter: Filter { person: Some("ruiz".into()), ..ask() },
            expected: &[0, 3, 6, 9],
        },
        Case {
            name: "a part of a sub is nobody",
            filter: Filter { person: Some("sub-".into()), ..ask() },
            expected: &[],
        },
        Case { name: "patient", filter: Filter { patient: patient("4711"), ..ask() }, expected: &[9] },
        Case { name: "another patient", filter: Filter { patient: patient("4712"), ..ask() }, expected: &[] },
        Case {
            name: "application",
            filter: Filter { application: Some("lab".parse().unwrap()), ..ask() },
            expected: &[],
        },
        Case {
            name: "route",
            filter: Filter { route: Some("patient.open".into()), ..ask() },
            expected: &[9],
        },
        Case {
            name: "a route's beginning alone is no route",
            filter: Filter { route: Some("patient.".into()), ..ask() },
            expected: &[],
        },
        Case {
            name: "routes",
            filter: Filter { route: Some("patient.l*".into()), since: at(6), ..ask() },
            expected: &[6, 7, 8],
        },
        Case { name: "decision", filter: Filter { decision: Some(Verdict::Deny), ..ask() }, expected: &[7] },
        Case {
            name: "reason of the opening",
            filter: Filter { reason: Some(Reason::NoRuleMatched), ..ask() },
            expected: &[7],
        },
        Case {
            name: "reason of the closing",
            filter: Filter { reason: Some(Reason::ExportOverRequestLimit), until: at(2), ..ask() },
            expected: &[0, 1],
        },
        Case {
            name: "outcome",
            filter: Filter { ended: Some(Ended::As(Outcome::Refused)), ..ask() },
            expected: &[7],
        },
        Case {
            name: "unknown outcome",
            filter: Filter { ended: Some(Ended::Unknown), ..ask() },
            expected: &[8],
        },
        Case { name: "time", filter: Filter { since: at(3), until: at(5), ..ask() }, expected: &[3, 4] },
    ];
    for case in cases {
        assert_eq!(asked(directory.path(), &case.filter), case.expected, "{}", case.name);
    }
}

#[test]
fn beyond_the_limit_the_newest_or_the_oldest_are_left() {
    let directory = ten();
    let filter = Filter { person: Some("sub-0".into()), ..Filter::default() };
    let ask = |order| {
        let answer = query(directory.path(), &filter, order, 2).unwrap();
        answer.events.iter().map(|event| event.opening.time.since(MORNING).as_secs()).collect::<Vec<_>>()
    };
    assert_eq!(ask(Order::NewestFirst), [9, 6]);
    assert_eq!(ask(Order::OldestFirst), [0, 3]);
}

#[test]
fn a_damaged_journal_answers_as_far_as_it_can_be_trusted_and_says_so() {
    let directory = ten();
    let stored = entries(directory.path());
    let victim = &stored[10];
    let path = directory.path().join(&*victim.segment);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(victim.offset).unwrap() + 80] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let answer = query(directory.path(), &Filter::default(), Order::OldestFirst, 100).unwrap();
    assert_eq!(answer.stopped.unwrap().sequence, 11);
    assert_eq!(answer.events.len(), 5);
}

#[test]
fn a_table_and_json_say_the_same() {
    let directory = ten();
    let filter = Filter { since: Some(MORNING.plus(Duration::from_secs(7))), ..Filter::default() };
    let events = query(directory.path(), &filter, Order::OldestFirst, 100).unwrap().events;
    let mut table = Vec::new();
    write_table(&events, &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    // The identifiers come from chance seeded with the number, so the table is the same each time.
    insta::assert_snapshot!(table, @r"
    TIME                      PERSON               APPLICATION  ROUTE             ACTION  DECISION  REASON                     OUTCOME   STATUS  RECORDS  EVENT
    2026-03-01T08:00:07.000Z  Noor Nasser          ehr          patient.list.csv  export  deny      no-rule-matched            refused   403     501+     019ca869-6b58-7304-a695-733f77532269
    2026-03-01T08:00:08.000Z  Quinn O\u{202e}Hara  ehr          patient.list.csv  export  permit    rule-matched               unknown   -       -        019ca869-6f40-7e9c-b089-105ff45b146f
    2026-03-01T08:00:09.000Z  Rosa Ruiz            ehr          patient.open      export  permit    export-over-request-limit  withheld  403     501+     019ca869-7328-7ec0-83c8-431da5fb38ca
    ");
    let mut json = Vec::new();
    write_json(&events, &mut json).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert_eq!(json.lines().count(), 3);
    for (line, event) in json.lines().zip(&events) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["opening"]["event"], event.opening.event.to_string());
        assert_eq!(value.get("closing").is_some(), event.closing.is_some());
    }
}

#[test]
fn a_name_cannot_move_the_cursor_or_turn_the_line() {
    assert_eq!(
        plain("Ana\u{1b}[2J\r\nMaría \u{202e}x\u{2028}\u{feff}"),
        "Ana\\u{1b}[2J\\u{d}\\u{a}María \\u{202e}x\\u{2028}\\u{feff}"
    );
}

#[test]
fn events_since_a_moment_leave_older_segments_unread() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 4096));
    on_a_worker(async {
        for hour in 0..40 {
            let time = MORNING.plus(Duration::from_secs(3600 * hour));
            let opening = Opening { time, ..opening(hour) };
            let closing = Closing { time, ..closing(hour) };
            journal.record(&opening, Some(&closing)).await.unwrap();
        }
    });
    drop(journal);
    // Reading it would fail.
    std::fs::write(directory.path().join("00000000000000000001.segment"), b"damaged").unwrap();
    let since = MORNING.plus(Duration::from_secs(3600 * 30));
    let events: Vec<_> = events_since(directory.path(), since).unwrap().map(Result::unwrap).collect();
    assert_eq!(events.len(), 10);
    assert!(events.iter().all(|event| event.closing.is_some()));
    let everything: Result<Vec<_>, _> = events_since(directory.path(), MORNING).and_then(Iterator::collect);
    assert!(matches!(everything, Err(ReadError::Misfit(_))));
}

#[test]
fn no_journal_is_not_a_journal_that_fits() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(verify(directory.path(), &Expectations::default()), Err(ReadError::Absent { .. })));
    assert!(matches!(
        verify(&directory.path().join("nowhere"), &Expectations::default()),
        Err(ReadError::Disk { .. })
    ));
}

#[test]
fn a_journal_is_read_and_verified_while_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&settings(directory.path(), 16 << 10));
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut reader = Reader::open(directory.path()).unwrap();
            let mut read = 0;
            while read < 602 {
                read += reader.by_ref().map(Result::unwrap).count();
                assert_eq!(report(directory.path()).misfit, None);
                std::thread::yield_now();
            }
            read
        });
        on_a_worker(async {
            for number in 0..300 {
                journal.record(&opening(number), Some(&closing(number))).await.unwrap();
            }
        });
        assert_eq!(reading.join().unwrap(), 602);
    });
}

#[test]
fn events_under_way_at_a_crash_are_given_up_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), 1 << 16);
    let journal = open(&settings);
    on_a_worker(async { journal.record(&opening(1), None).await.unwrap() });
    journal.close();
    let journal = open(&settings);
    on_a_worker(async { journal.record(&opening(2), Some(&closing(2))).await.unwrap() });
    journal.close();
    let events = events(directory.path());
    let ends: Vec<_> = events.iter().map(|event| (event.opening.event, event.closing.is_some())).collect();
    assert_eq!(ends, [(opening(1).event, false), (opening(2).event, true)]);
    let report = report(directory.path());
    assert_eq!((report.outcome_unknown, report.under_way), (1, 0));
}
