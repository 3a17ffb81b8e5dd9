//! What a restart leaves, and what the store holds.

use super::*;
use crate::platform::store::Statement;

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_are_shared_stand_after_a_restart() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let limits = Limits {
        exports_per_day: Some(1),
        patients_opened_per_shift: Some(2),
        records_per_hour: Some(10),
        patients_listed_per_hour: Some(3),
        ..Limits::NONE
    };
    let first = Demand { exports: 1, opened: vec![1], ..Demand::default() };
    let slots = a.ask_for_slots(&nurse(), first, &limits, NOW).await.unwrap();
    for slot in slots {
        slot.commit(NOW);
    }
    drop(b.ask_for_slots(&nurse(), opens([2]), &limits, NOW).await.unwrap());
    take(a, Demand { listed: vec![7, 8, 9], ..looked(3) }, &limits, NOW).await.unwrap();
    for ledger in [a, b] {
        ledger.maintain(NOW, true).await.unwrap();
    }
    let anew = load(pair.stores[0].clone(), 9, NOW).await;
    let refused = async |demand| ask(&anew, demand, &limits, NOW).await.unwrap_err();
    let export = Demand { exports: 1, ..Demand::default() };
    assert_eq!(refused(export).await, beyond(LimitName::ExportsPerDay, 1, 2));
    assert_eq!(refused(opens([3])).await, beyond(LimitName::PatientsOpenedPerShift, 2, 3));
    assert_eq!(refused(listed(6..8)).await, beyond(LimitName::PatientsListedPerHour, 3, 4));
    assert_eq!(refused(looked(8)).await, beyond(LimitName::RecordsPerHour, 10, 11));
    ask(&anew, looked(7), &limits, NOW).await.unwrap().absorb();
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_lists_have_named_one_node_knows_after_a_restart_for_its_hour() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { patients_listed_per_hour: Some(3), ..Limits::NONE };
    let put = |ledger: &Ledger, patients: std::ops::Range<u64>, now| {
        ledger.with(&nurse(), |account| {
            let named: Vec<u64> = patients.collect();
            account.windows.forget_before(now);
            let exceeded = account.windows.would_list(Amounts::default(), &named, &limits, now);
            if exceeded.is_none() {
                for patient in named {
                    account.put(Entry::seen(Kind::Listed(Window::Hour), patient, now), Keeps::Listed);
                }
            }
            exceeded.map(|exceeded| exceeded.actual)
        })
    };
    let Some(before) = alone(folder.path(), NOW).await else { return };
    assert_eq!(put(&before, 0..3, NOW), None);
    // Withheld: it is not as if it had been.
    before.with(&nurse(), |account| {
        account.put(Entry::seen(Kind::Listed(Window::Hour), 2, NOW).back(), Keeps::Listed);
    });
    before.maintain(NOW, true).await.unwrap();
    assert!(before.untidy().is_empty());
    drop(before);
    let later = NOW.plus(HOUR / 2);
    let after = alone(folder.path(), later).await.unwrap();
    assert_eq!(put(&after, 1..4, later), Some(4));
    assert_eq!(put(&after, 1..3, later), None);
    drop(after);
    let after = alone(folder.path(), NOW.plus(HOUR)).await.unwrap();
    assert_eq!(put(&after, 7..10, NOW.plus(HOUR)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_forgets_what_no_window_holds_and_never_knew_a_patient() {
    let pair = Pair::open().await;
    let [a, _] = &pair.ledgers;
    let limits = Limits { patients_listed_per_hour: Some(50), ..Limits::NONE };
    take(a, Demand { exports: 1, listed: (0..40).collect(), ..Demand::default() }, &limits, NOW)
        .await
        .unwrap();
    let rows = async || {
        let all = "SELECT kind, item FROM window_entry ORDER BY kind, item";
        let rows = pair.stores[0].find(Statement::new(all)).await.unwrap();
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows().await.len(), 41);
    a.maintain(NOW.plus(HOUR * 2), false).await.unwrap();
    assert_eq!(rows().await, ["exports"]);
    a.maintain(NOW.plus(DAY * 2), false).await.unwrap();
    assert!(rows().await.is_empty());
    let people = pair.stores[0].find(Statement::new("SELECT sub FROM window_person")).await.unwrap();
    assert!(people.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_have_one_key_for_patients_and_one_that_is_alone_has_its_own() {
    let pair = Pair::open().await;
    let digest = |ledger: &Ledger| ledger.patient_key().unwrap().digest(&[b"a patient"]);
    assert_eq!(digest(&pair.ledgers[0]), digest(&pair.ledgers[1]));
    let folder = tempfile::tempdir().unwrap();
    assert!(alone(folder.path(), NOW).await.is_none_or(|ledger| ledger.patient_key().is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_bound_by_windows_is_forgotten_in_memory_as_others_are() {
    let pair = Pair::open().await;
    let [a, _] = &pair.ledgers;
    let limits = Limits { records_per_hour: Some(100), ..Limits::NONE };
    take(a, looked(10), &limits, NOW).await.unwrap();
    let known = || a.shards.iter().map(|shard| lock(shard).people.len()).sum::<usize>();
    a.maintain(NOW, true).await.unwrap();
    assert_eq!(known(), 1);
    a.maintain(NOW.plus(HOUR * 2), false).await.unwrap();
    assert_eq!(known(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_names_are_told_within_the_time_that_a_request_waits() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let limits = Limits { patients_listed_per_hour: Some(10_000), ..Limits::NONE };
    take(a, listed(0..10_000), &limits, NOW).await.unwrap();
    let refused = ask(b, listed(10_000..10_001), &limits, NOW).await.unwrap_err();
    assert_eq!(refused, beyond(LimitName::PatientsListedPerHour, 10_000, 10_001));
}
