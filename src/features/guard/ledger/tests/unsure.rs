//! Writes that stand although their answer was lost.

use super::*;

const HUNDRED: Limits = Limits { records_per_hour: Some(100), ..Limits::NONE };

async fn room(ledger: &Ledger) -> u64 {
    let refused = ask(ledger, looked(1_000), &HUNDRED, NOW).await.unwrap_err();
    let Refused::Beyond(exceeded) = refused else { panic!("{refused:?}") };
    1_100 - exceeded.actual
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_given_back_is_given_back_once() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    take(b, looked(50), &HUNDRED, NOW).await.unwrap();
    b.maintain(NOW, true).await.unwrap();
    let withheld = ask(a, looked(30), &HUNDRED, NOW).await.unwrap();
    if !pair.stores[0].lose_answers(true) {
        // A server cannot be told to.
        return;
    }
    drop(withheld);
    for _ in 0..3 {
        a.maintain(NOW, true).await.unwrap_err();
    }
    pair.stores[0].lose_answers(false);
    a.maintain(NOW, true).await.unwrap();
    assert_eq!((room(a).await, room(b).await), (50, 50));
    assert!(a.untidy().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_taken_counts_once() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    let application = "ehr".parse().unwrap();
    let mut claim = a.claim(&nurse(), &application, &HUNDRED, NOW).unwrap();
    claim.grow(Amounts { records: 30, bytes: 0 }, &[], |_| true, false).unwrap();
    claim.keep();
    if !pair.stores[0].lose_answers(true) {
        return;
    }
    for _ in 0..3 {
        a.maintain(NOW, false).await.unwrap_err();
    }
    // More is taken meanwhile, and told of afterwards.
    let mut claim = a.claim(&nurse(), &application, &HUNDRED, NOW).unwrap();
    claim.grow(Amounts { records: 5, bytes: 0 }, &[], |_| true, false).unwrap();
    claim.keep();
    a.maintain(NOW, false).await.unwrap_err();
    pair.stores[0].lose_answers(false);
    pair.tidy(NOW).await;
    assert_eq!((room(a).await, room(b).await), (65, 65));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_taken_for_somebody_who_did_not_get_it_is_there_again() {
    let pair = Pair::open().await;
    let [a, b] = &pair.ledgers;
    take(a, looked(10), &HUNDRED, NOW).await.unwrap();
    a.maintain(NOW, true).await.unwrap();
    if !pair.stores[0].lose_answers(true) {
        return;
    }
    assert_eq!(take(a, looked(40), &HUNDRED, NOW).await, Err(Refused::Unknown));
    // Nor is it known whether it has been given back.
    a.maintain(NOW, false).await.unwrap_err();
    pair.stores[0].lose_answers(false);
    let slots = Demand { exports: 1, ..Demand::default() };
    drop(a.ask_for_slots(&nurse(), slots, &HUNDRED, NOW).await.unwrap());
    assert_eq!((room(a).await, room(b).await), (90, 90));
    // What another node has taken in between is not taken for it.
    take(b, looked(20), &HUNDRED, NOW).await.unwrap();
    b.maintain(NOW, true).await.unwrap();
    a.maintain(NOW, true).await.unwrap();
    assert_eq!((room(a).await, room(b).await), (70, 70));
}
