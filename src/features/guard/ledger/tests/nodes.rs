//! What two nodes give together is never more than what one would.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const HUNDRED: Limits = Limits { records_per_hour: Some(100), ..Limits::NONE };

#[tokio::test(flavor = "multi_thread")]
async fn small_pages_at_two_nodes_add_up_to_the_line() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    for _ in 0..5 {
        for ledger in [a, b] {
            // What the other has taken ahead it gives back when it is called in.
            take(ledger, looked(10), &HUNDRED, NOW).await.unwrap();
        }
    }
    for ledger in [a, b] {
        let refused = take(ledger, looked(1), &HUNDRED, NOW).await.unwrap_err();
        assert_eq!(refused, beyond(LimitName::RecordsPerHour, 100, 101));
    }
    take(b, looked(100), &HUNDRED, NOW.plus(HOUR + HOUR / 60)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tabs_at_two_nodes_at_once_never_pass_the_line_and_reach_it() {
    let pair = Pair::open().await;
    let ask_for_all = async || {
        let tabs = (0..24).map(|tab: usize| {
            let ledger = pair.ledgers[tab % 2].clone();
            tokio::spawn(async move { take(&ledger, looked(7), &HUNDRED, NOW).await.is_ok() })
        });
        let tabs: Vec<_> = tabs.collect();
        let mut given = 0;
        for tab in tabs {
            given += if tab.await.unwrap() { 7 } else { 0 };
        }
        given
    };
    let at_once = ask_for_all().await;
    assert!((49..=98).contains(&at_once), "{at_once}");
    let more = ask_for_all().await;
    assert_eq!(at_once + more, 98, "the rest was there, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_died_has_taken_ahead_is_an_eighth_and_comes_back_with_its_window() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    take(a, looked(20), &HUNDRED, NOW).await.unwrap();
    // It has taken ten more, of eighty that were left, and is never heard of again.
    pair.ears[0].die();
    take(b, looked(70), &HUNDRED, NOW).await.unwrap();
    assert_eq!(take(b, looked(1), &HUNDRED, NOW).await, Err(beyond(LimitName::RecordsPerHour, 100, 101)));
    take(b, looked(100), &HUNDRED, NOW.plus(HOUR + HOUR / 60)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_has_taken_ahead_and_does_not_need_is_there_for_another_at_once() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    take(a, looked(20), &HUNDRED, NOW).await.unwrap();
    take(b, looked(75), &HUNDRED, NOW).await.unwrap();
    assert_eq!(pair.asked().await, [1, 0]);
    // Nobody holds anything now but this one itself, so nobody is asked.
    assert_eq!(take(b, looked(6), &HUNDRED, NOW).await, Err(beyond(LimitName::RecordsPerHour, 100, 101)));
    take(b, looked(5), &HUNDRED, NOW).await.unwrap();
    take(a, looked(1), &HUNDRED, NOW).await.unwrap_err();
    assert_eq!(pair.asked().await, [1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_in_vain_is_asked_once() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    take(a, looked(20), &HUNDRED, NOW).await.unwrap();
    pair.ears[0].die();
    take(b, looked(70), &HUNDRED, NOW).await.unwrap();
    for _ in 0..4 {
        take(b, looked(1), &HUNDRED, NOW).await.unwrap_err();
    }
    assert_eq!(pair.asked().await, [1, 0]);
    // Somebody has given something back, so that it is worth asking again.
    drop(ask(b, Demand { exports: 1, ..Demand::default() }, &HUNDRED, NOW).await.unwrap());
    take(b, looked(1), &HUNDRED, NOW).await.unwrap_err();
    assert_eq!(pair.asked().await, [2, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_is_given_back_to_all() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let limits = Limits { patients_listed_per_hour: Some(10), exports_per_day: Some(1), ..HUNDRED };
    let withheld = ask(a, Demand { listed: (0..10).collect(), ..looked(95) }, &limits, NOW).await.unwrap();
    let slots = a.ask_for_slots(&nurse(), Demand { exports: 1, ..Demand::default() }, &limits, NOW).await;
    let refused = ask(b, listed(10..11), &limits, NOW).await.unwrap_err();
    assert_eq!(refused, beyond(LimitName::PatientsListedPerHour, 10, 11));
    drop((withheld, slots.unwrap()));
    pair.tidy(NOW).await;
    take(b, Demand { listed: (20..30).collect(), ..looked(100) }, &limits, NOW).await.unwrap();
    let demand = Demand { exports: 1, ..Demand::default() };
    let slots = b.ask_for_slots(&nurse(), demand.clone(), &limits, NOW).await.unwrap();
    for slot in slots {
        slot.commit(NOW);
    }
    pair.tidy(NOW).await;
    let refused = a.ask_for_slots(&nurse(), demand, &limits, NOW).await.unwrap_err();
    assert_eq!(refused, beyond(LimitName::ExportsPerDay, 1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_open_at_one_node_is_open_at_the_other_and_a_new_one_counts_at_both() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let limits =
        Limits { patients_opened_per_shift: Some(3), patients_opened_per_hour: Some(2), ..Limits::NONE };
    let open = async |ledger: &Ledger, patients: &[u64], now| {
        ledger.ask_for_slots(&nurse(), opens(patients.iter().copied()), &limits, now).await.map(drop)
    };
    open(a, &[1], NOW).await.unwrap();
    open(b, &[2], NOW).await.unwrap();
    open(b, &[1, 2], NOW).await.unwrap();
    open(a, &[2], NOW).await.unwrap();
    let hour = beyond(LimitName::PatientsOpenedPerHour, 2, 3);
    assert_eq!(open(a, &[1, 3], NOW).await, Err(hour));
    assert_eq!(open(b, &[3], NOW).await, Err(hour));
    let later = NOW.plus(HOUR);
    open(b, &[3], later).await.unwrap();
    let shift = beyond(LimitName::PatientsOpenedPerShift, 3, 4);
    assert_eq!(open(a, &[4], later).await, Err(shift));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_have_less_does_not_live_on_what_was_taken_for_more() {
    let pair = Pair::open().await;
    let [a, _] = &pair.ledgers;
    take(a, looked(20), &HUNDRED, NOW).await.unwrap();
    let less = Limits { records_per_hour: Some(20), ..Limits::NONE };
    assert_eq!(take(a, looked(1), &less, NOW).await, Err(beyond(LimitName::RecordsPerHour, 20, 21)));
    take(a, looked(1), &HUNDRED, NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn care_never_waits_and_the_other_node_learns_of_it() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let application = "ehr".parse().unwrap();
    let mut claim = a.claim(&nurse(), &application, &HUNDRED, NOW).unwrap();
    claim.grow(Amounts { records: 150, bytes: 0 }, &[], |_| true, false).unwrap_err();
    claim.keep();
    drop(claim);
    pair.tidy(NOW).await;
    let mut claim = b.claim(&nurse(), &application, &HUNDRED, NOW).unwrap();
    claim.grow(Amounts { records: 1, bytes: 0 }, &[], |_| true, false).unwrap();
    pair.tidy(NOW).await;
    let exceeded = claim.grow(Amounts { records: 2, bytes: 0 }, &[], |_| true, false).unwrap_err();
    assert_eq!(exceeded.actual, 152, "it advises of what both have seen");
    claim.keep();
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_touch_what_was_taken_ahead_is_used_up_and_then_nothing_more_is_given_but_to_care() {
    let pair = Pair::open().await;
    let [a, _] = &pair.ledgers;
    take(a, looked(20), &HUNDRED, NOW).await.unwrap();
    pair.stores[0].set_in_touch(false);
    if pair.stores[0].is_in_touch() {
        // A server cannot be told to be away; the tests of the store kill one.
        return;
    }
    take(a, looked(10), &HUNDRED, NOW).await.unwrap();
    assert_eq!(take(a, looked(1), &HUNDRED, NOW).await, Err(Refused::Unknown));
    let export = Demand { exports: 1, ..Demand::default() };
    assert_eq!(a.ask_for_slots(&nurse(), export, &HUNDRED, NOW).await.unwrap_err(), Refused::Unknown);
    a.try_export(&nurse(), &Limits::NONE, NOW).unwrap().commit(NOW);
    let application = "ehr".parse().unwrap();
    let mut claim = a.claim(&nurse(), &application, &HUNDRED, NOW).unwrap();
    claim.grow(Amounts { records: 70, bytes: 0 }, &[], |_| true, false).unwrap();
    let exceeded = claim.grow(Amounts { records: 71, bytes: 0 }, &[], |_| true, false).unwrap_err();
    assert_eq!(exceeded.actual, 101, "who treats goes on, advised of what is known here");
    drop(claim);
    pair.stores[0].set_in_touch(true);
    take(a, looked(70), &HUNDRED, NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_read_anew() {
    let pair = Pair::open().await;
    let [a, _] = &pair.ledgers;
    take(a, looked(100), &HUNDRED, NOW).await.unwrap();
    // The database was put back to a state in which nobody had taken anything.
    let gone = ["DELETE FROM window_entry", "DELETE FROM window_person"];
    pair.stores[0].write(gone.map(crate::platform::store::Statement::new).to_vec()).await.unwrap();
    a.reload();
    take(a, looked(100), &HUNDRED, NOW).await.unwrap();
}

/// One step of somebody who works at two nodes.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: usize,
    usage: Usage,
    records: u64,
    first_patient: u64,
    is_withheld: bool,
    tidies: bool,
    seconds: u64,
}

fn any_step() -> impl Strategy<Value = Step> {
    let numbers = (0_usize..2, any::<bool>(), 1_u64..16, 0_u64..30, 0_u64..900);
    (numbers, any::<bool>(), any::<bool>()).prop_map(
        |((node, looks, records, first_patient, seconds), is_withheld, tidies)| Step {
            node,
            usage: if looks { Usage::Looked } else { Usage::Taken },
            records,
            first_patient,
            is_withheld,
            tidies,
            seconds,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_way_between_two_nodes_leads_past_any_line(steps in proptest::collection::vec(any_step(), 1..30)) {
        let limits = Limits {
            records_per_hour: Some(60),
            patients_listed_per_hour: Some(25),
            records_exported_per_day: Some(70),
            bytes_exported_per_day: Some(600),
            ..Limits::NONE
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let pair = tokio::spawn(Pair::open()).await.unwrap();
            let (mut now, mut had) = (NOW, Vec::new());
            for step in steps {
                now = now.plus(Duration::from_secs(step.seconds));
                let names = step.first_patient..step.first_patient + step.records;
                let amounts = Amounts { records: step.records, bytes: step.records * 9 };
                let listed = if step.usage == Usage::Looked { names.collect() } else { Vec::new() };
                let demand = Demand { listed, amounts, usage: step.usage, ..Demand::default() };
                let ledger = &pair.ledgers[step.node];
                if step.is_withheld {
                    drop(ask(ledger, demand, &limits, now).await);
                } else if take(ledger, demand.clone(), &limits, now).await.is_ok() {
                    had.push((now, demand));
                }
                if step.tidies {
                    pair.tidy(now).await;
                }
                let sum = |usage: Usage, window: Duration, of: fn(&Demand) -> u64| -> u64 {
                    let in_window = had.iter().filter(|(then, demand)| now.since(*then) < window && demand.usage == usage);
                    in_window.map(|(_, demand)| of(demand)).sum()
                };
                let in_hour = had.iter().filter(|(then, _)| now.since(*then) < HOUR);
                let patients: HashSet<u64> = in_hour.flat_map(|(_, demand)| demand.listed.clone()).collect();
                assert!(patients.len() <= 25, "{} patients", patients.len());
                assert!(sum(Usage::Looked, HOUR, |demand| demand.amounts.records) <= 60);
                assert!(sum(Usage::Taken, DAY, |demand| demand.amounts.records) <= 70);
                assert!(sum(Usage::Taken, DAY, |demand| demand.amounts.bytes) <= 600);
            }
        });
    }
}
