//! Many replies add up: none passes for which the windows have no more room, and what is withheld takes none.

use proptest::prelude::*;

use super::windows::{NOW, nurse};
use super::*;
use crate::domain::event::Taken;
use crate::features::guard::ledger::MIGRATIONS;
use crate::foundation::entropy::SystemEntropy;
use crate::platform::store::Store;

fn ehr() -> ApplicationName {
    "ehr".parse().unwrap()
}

/// Terms that have these numbers alone, and block beyond them.
fn bounded(action: Action, limits: &Limits) -> Terms {
    let limits = Limits { on_exceed: OnExceed::Block, ..*limits };
    let (justified, stepped_up) = (false, false);
    let basis = Basis::Operations;
    Terms { limits, action, basis, justified, stepped_up, redactable: true, truncatable: true }
}

fn claim(ledger: &Ledger, terms: &Terms, now: Timestamp) -> Claim {
    ledger.claim(&nurse(), &ehr(), &terms.limits, now).expect("something is bounded")
}

/// A page of records that names these patients.
fn page(patients: std::ops::Range<u64>) -> Reply {
    let mut body = b"ID,name\n".to_vec();
    patients.for_each(|patient| writeln!(body, "{patient},x").unwrap());
    Reply::of(Some(csv_shape()), "text/csv", body)
}

fn window(limit: LimitName, allowed: u64, actual: u64) -> Verdict {
    Verdict::Block(Beyond::Exceeded(Exceeded { limit, allowed, actual }))
}

#[test]
fn many_small_pages_add_up_to_a_block_that_takes_nothing() {
    let ledger = Ledger::new();
    let terms = bounded(Action::List, &Limits { records_per_hour: Some(25), ..Limits::NONE });
    let ask = |pages, now| page(pages).claiming(claim(&ledger, &terms, now));
    for _ in 0..2 {
        ask(0..10, NOW).released(&terms);
    }
    for _ in 0..2 {
        let withheld = ask(0..10, NOW).withheld(&terms);
        assert_eq!(withheld.verdict(), Some(window(LimitName::RecordsPerHour, 25, 30)));
        assert_eq!(withheld.reason(), Reason::ExportOverWindowBudget);
    }
    ask(0..5, NOW).released(&terms);
    ask(0..1, NOW).withheld(&terms);
    ask(0..10, NOW.plus(HOUR + HOUR / 60)).released(&terms);
}

#[test]
fn two_replies_at_once_do_not_take_the_same_room() {
    let ledger = Ledger::new();
    let terms = bounded(Action::Export, &Limits { records_exported_per_day: Some(15), ..Limits::NONE });
    let first = page(0..10).claiming(claim(&ledger, &terms, NOW)).ask(&terms).unwrap();
    let withheld = page(0..10).claiming(claim(&ledger, &terms, NOW)).withheld(&terms);
    assert_eq!(withheld.verdict(), Some(window(LimitName::RecordsExportedPerDay, 15, 20)));
    // Nothing of it has gone: its room is free again.
    drop(first);
    page(0..10).claiming(claim(&ledger, &terms, NOW)).released(&terms);
    page(0..10).claiming(claim(&ledger, &terms, NOW)).withheld(&terms);
}

#[test]
fn whom_a_list_has_named_may_be_named_again() {
    let ledger = Ledger::new();
    let terms = bounded(Action::List, &Limits { patients_listed_per_hour: Some(12), ..Limits::NONE });
    let ask = |pages| page(pages).claiming(claim(&ledger, &terms, NOW));
    for _ in 0..3 {
        ask(0..10).released(&terms);
    }
    let withheld = ask(5..15).withheld(&terms);
    assert_eq!(withheld.verdict(), Some(window(LimitName::PatientsListedPerHour, 12, 15)));
    ask(5..12).released(&terms);
    ask(12..13).withheld(&terms);
    let other = ledger.claim(&nurse(), &"lab".parse().unwrap(), &terms.limits, NOW).unwrap();
    page(0..1).claiming(other).withheld(&terms);
}

#[test]
fn of_what_is_longer_than_memory_can_hold_nothing_leaves_where_the_room_ends() {
    let ledger = Ledger::new();
    let terms = bounded(Action::Export, &Limits { bytes_exported_per_day: Some(4_000), ..Limits::NONE });
    let rows: Vec<_> = (0..100).map(|row| format!("{row},{}\n", "x".repeat(90))).collect();
    let rows: Vec<_> = std::iter::once("ID,name\n".to_owned()).chain(rows).collect();
    let reply = |rows: &[String]| {
        let reply = Reply::pieces(Some(csv_shape()), "text/csv", rows).hold_bytes(100);
        reply.claiming(claim(&ledger, &terms, NOW))
    };
    let withheld = reply(&rows).withheld(&terms);
    let Some(Verdict::Block(Beyond::Exceeded(exceeded))) = withheld.verdict() else { panic!("{withheld:?}") };
    assert_eq!((exceeded.limit, exceeded.allowed), (LimitName::BytesExportedPerDay, 4_000));
    // It has taken nothing.
    let most = reply(&rows[..40]).released(&terms);
    assert!((3_500..=4_000).contains(&most.bytes.len()), "{} bytes", most.bytes.len());
    reply(&rows[..10]).withheld(&terms);
}

#[test]
fn what_streams_is_broken_off_where_the_room_ends() {
    let ledger = Ledger::new();
    let terms = bounded(Action::Export, &Limits { bytes_exported_per_day: Some(4_000), ..Limits::NONE });
    let rows: Vec<_> = (0..100).map(|row| format!("{row},{}\n", "x".repeat(90))).collect();
    let reply =
        Reply::pieces(Some(csv_shape()), "text/csv", std::iter::once("ID,name\n".to_owned()).chain(rows));
    let out = reply.claiming(claim(&ledger, &terms, NOW)).streamed(&terms);
    assert!(matches!(out.error, Some(GuardError::Limit)));
    assert_eq!(out.record.ended, EndedHow::LimitReached);
    assert!(out.bytes.len() <= 4_000, "{} bytes", out.bytes.len());
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.limit), Some(LimitName::BytesExportedPerDay));
}

/// Two nodes that share a store, and what they live on.
fn two_nodes(folder: &std::path::Path) -> ([Ledger; 2], tokio::runtime::Runtime) {
    let stores = Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ledgers = stores.map(|store| {
        let mut changes = store.changes();
        // Whoever does not hear is out of touch.
        runtime.spawn(async move {
            loop {
                changes.next().await;
            }
        });
        let (own, entropy) = (DigestKey::from_bytes(&[1; 32]), Arc::new(SystemEntropy));
        runtime.block_on(Ledger::load(store, &own, entropy, NOW)).unwrap()
    });
    (ledgers, runtime)
}

#[test]
fn what_two_nodes_release_together_ends_where_the_room_of_one_person_ends() {
    let folder = tempfile::tempdir().unwrap();
    let ([a, b], _runtime) = two_nodes(folder.path());
    let terms = bounded(Action::Export, &Limits { bytes_exported_per_day: Some(8_000), ..Limits::NONE });
    let long = |rows: usize| {
        let rows = (0..rows).map(|row| format!("{row},{}\n", "x".repeat(90)));
        let rows: Vec<_> = std::iter::once("ID,name\n".to_owned()).chain(rows).collect();
        Reply::pieces(Some(csv_shape()), "text/csv", rows).hold_bytes(100)
    };
    let first = long(50).claiming(claim(&a, &terms, NOW)).released(&terms);
    assert_eq!(first.record.ended, EndedHow::Complete);
    let withheld = long(50).claiming(claim(&b, &terms, NOW)).withheld(&terms);
    let Some(Verdict::Block(Beyond::Exceeded(exceeded))) = withheld.verdict() else { panic!("{withheld:?}") };
    assert_eq!(exceeded.limit, LimitName::BytesExportedPerDay);
    let second = long(30).claiming(claim(&b, &terms, NOW)).released(&terms);
    let together = first.bytes.len() + second.bytes.len();
    assert!((6_500..=8_000).contains(&together), "{together} bytes");
}

#[test]
fn whom_a_list_has_named_at_one_node_may_be_named_at_the_other_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let ([a, b], _runtime) = two_nodes(folder.path());
    let terms = bounded(Action::List, &Limits { patients_listed_per_hour: Some(12), ..Limits::NONE });
    page(0..10).claiming(claim(&a, &terms, NOW)).released(&terms);
    for ledger in [&b, &a] {
        page(0..10).claiming(claim(ledger, &terms, NOW)).released(&terms);
        let withheld = page(5..15).claiming(claim(ledger, &terms, NOW)).withheld(&terms);
        assert_eq!(withheld.verdict(), Some(window(LimitName::PatientsListedPerHour, 12, 15)));
    }
    page(8..12).claiming(claim(&b, &terms, NOW)).released(&terms);
    page(12..13).claiming(claim(&a, &terms, NOW)).withheld(&terms);
}

#[test]
fn where_the_room_cannot_be_known_what_may_be_denied_stays_here_and_care_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let stores = Store::pair(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    stores[0].set_in_touch(false);
    if stores[0].is_in_touch() {
        // A server cannot be told to be away.
        return;
    }
    let own = DigestKey::from_bytes(&[1; 32]);
    let ledger = run(Ledger::load(stores[0].clone(), &own, Arc::new(SystemEntropy), NOW)).unwrap();
    let terms = bounded(Action::List, &Limits { records_per_hour: Some(100), ..Limits::NONE });
    let withheld = page(0..10).claiming(claim(&ledger, &terms, NOW)).withheld(&terms);
    assert_eq!(withheld.verdict(), Some(Verdict::Block(Beyond::WindowUnknown)));
    assert_eq!(withheld.reason(), Reason::StoreUnavailable);
    let care = Terms { basis: Basis::Treatment, ..terms };
    page(0..10).claiming(claim(&ledger, &care, NOW)).released(&care);
}

#[test]
fn care_goes_on_beyond_a_window_and_the_event_says_so() {
    let ledger = Ledger::new();
    let limits = Limits { records_per_hour: Some(5), ..Limits::NONE };
    let terms = Terms { basis: Basis::Treatment, ..bounded(Action::List, &limits) };
    let out = page(0..10).claiming(claim(&ledger, &terms, NOW)).released(&terms);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.actual), Some(10));
    let out = page(0..10).claiming(claim(&ledger, &terms, NOW)).released(&terms);
    assert_eq!(out.record.exceeded().map(|exceeded| exceeded.actual), Some(20), "it was taken all the same");
}

#[test]
fn the_journal_gives_back_what_was_taken() {
    let ledger = Ledger::new();
    let amounts = Amounts { records: 10, bytes: 3_000 };
    let came = Some(Came { amounts, found_file: false });
    let export = Taken { exports: 1, ..Default::default() };
    ledger.recall(&nurse(), &export, came, NOW);
    ledger.recall(&nurse(), &export, None, NOW);
    ledger.recall(&nurse(), &Taken::default(), came, NOW);
    let exports = bounded(Action::Export, &Limits { records_exported_per_day: Some(10), ..Limits::NONE });
    let bytes = bounded(Action::Export, &Limits { bytes_exported_per_day: Some(3_000), ..Limits::NONE });
    let lists = bounded(Action::List, &Limits { records_per_hour: Some(10), ..Limits::NONE });
    for terms in [exports, bytes, lists] {
        let withheld = page(0..1).claiming(claim(&ledger, &terms, NOW)).withheld(&terms);
        let Some(Verdict::Block(Beyond::Exceeded(exceeded))) = withheld.verdict() else {
            panic!("{withheld:?}")
        };
        assert_eq!(exceeded.actual - exceeded.allowed, if exceeded.allowed == 10 { 1 } else { 12 });
    }
}

proptest! {
    #[test]
    fn no_sequence_of_pages_and_sizes_gets_past_the_hour(
        pages in proptest::collection::vec((0_u64..40, 1_u64..12, 0_i64..60), 1..40),
    ) {
        let ledger = Ledger::new();
        let terms = bounded(
            Action::List,
            &Limits { records_per_hour: Some(50), patients_listed_per_hour: Some(20), ..Limits::NONE },
        );
        let (mut now, mut had) = (NOW, Vec::new());
        for (from, length, minutes) in pages {
            now = now.plus(Duration::from_secs(minutes.unsigned_abs() * 20));
            let reply = page(from..from + length).claiming(claim(&ledger, &terms, now)).ask(&terms);
            let Ok(reply) = reply else { continue };
            read(reply);
            had.push((now, from..from + length));
            let in_hour: Vec<_> = had.iter().filter(|(then, _)| now.since(*then) < HOUR).collect();
            let records: u64 = in_hour.iter().map(|(_, page)| page.end - page.start).sum();
            let patients: std::collections::HashSet<_> = in_hour.iter().flat_map(|(_, page)| page.clone()).collect();
            prop_assert!(records <= 50 && patients.len() <= 20, "{records} records, {} patients", patients.len());
        }
    }
}

#[test]
fn what_is_looked_at_adds_up_in_each_window_that_is_bounded() {
    let cases = [
        (LimitName::RecordsPerHour, HOUR),
        (LimitName::RecordsPerShift, SHIFT),
        (LimitName::RecordsPerDay, DAY),
        (LimitName::PatientsListedPerHour, HOUR),
        (LimitName::PatientsListedPerShift, SHIFT),
        (LimitName::PatientsListedPerDay, DAY),
    ];
    adds_up(Action::List, &cases);
}

#[test]
fn what_is_taken_away_adds_up_in_each_window_that_is_bounded() {
    let cases = [
        (LimitName::RecordsExportedPerHour, HOUR),
        (LimitName::RecordsExportedPerShift, SHIFT),
        (LimitName::RecordsExportedPerDay, DAY),
    ];
    adds_up(Action::Export, &cases);
}

/// Ten and ten are more than fifteen until the first ten are forgotten, and what is withheld takes nothing.
fn adds_up(action: Action, cases: &[(LimitName, Duration)]) {
    for (limit, lasts) in cases {
        let ledger = Ledger::new();
        let mut limits = Limits::NONE;
        *limits.number_mut(*limit) = Some(15);
        let terms = bounded(action, &limits);
        let ask = |patients, now| page(patients).claiming(claim(&ledger, &terms, now));
        ask(0..10, NOW).released(&terms);
        let before = NOW.plus(*lasts).minus(Duration::from_millis(1));
        for _ in 0..2 {
            let withheld = ask(10..20, before).withheld(&terms);
            assert_eq!(withheld.verdict(), Some(window(*limit, 15, 20)));
        }
        ask(10..15, before).released(&terms);
        ask(20..30, NOW.plus(*lasts + *lasts / 60)).released(&terms);
    }
}

#[test]
fn bytes_add_up_in_each_window_that_is_bounded() {
    for limit in
        [LimitName::BytesExportedPerHour, LimitName::BytesExportedPerShift, LimitName::BytesExportedPerDay]
    {
        let ledger = Ledger::new();
        let mut limits = Limits::NONE;
        *limits.number_mut(limit) = Some(70);
        let terms = bounded(Action::Export, &limits);
        let ask = || page(0..10).claiming(claim(&ledger, &terms, NOW));
        ask().released(&terms);
        let verdict = ask().withheld(&terms).verdict();
        let Some(Verdict::Block(Beyond::Exceeded(exceeded))) = verdict else {
            panic!("{limit}: {verdict:?}")
        };
        assert_eq!((exceeded.limit, exceeded.allowed), (limit, 70));
    }
}

#[test]
fn after_a_restart_every_window_is_full_of_what_the_journal_tells() {
    let ledger = Ledger::new();
    let came = Came { amounts: Amounts { records: 10, bytes: 100 }, found_file: false };
    ledger.recall(&nurse(), &Taken::default(), Some(came), NOW);
    for limit in [LimitName::RecordsPerHour, LimitName::RecordsPerShift, LimitName::RecordsPerDay] {
        let mut limits = Limits::NONE;
        *limits.number_mut(limit) = Some(15);
        let terms = bounded(Action::List, &limits);
        let withheld = page(0..10).claiming(claim(&ledger, &terms, NOW)).withheld(&terms);
        assert_eq!(withheld.verdict(), Some(window(limit, 15, 20)));
    }
}
