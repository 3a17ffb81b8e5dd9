//! What is kept, where two nodes share a store.

use futures_util::FutureExt as _;

use super::*;
use crate::platform::store::Changes;

struct Node {
    holds: Holds,
    changes: Changes,
}

fn pair(folder: &Path) -> [Node; 2] {
    Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap().map(|store| {
        let changes = store.changes();
        Node { holds: Holds::load(store, HoldBounds::default(), Arc::new(SystemEntropy)).unwrap(), changes }
    })
}

impl Node {
    async fn hear(&mut self) {
        while let Some(told) = self.changes.next().now_or_never() {
            assert_eq!(told.part, HOLD_PART);
            self.holds.heed(&told.key).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_typed_at_one_node_is_sent_from_another_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let [mut a, mut b] = pair(folder.path());
    let (browser, nurse) = (Browser::generate(&SystemEntropy), person("nurse"));
    let visit = Visit { browser: &browser, person: &nurse, host: HOST };
    let id = put(&a.holds, &browser, Some(&nurse), "192.0.2.7", WORDS).await.unwrap();
    b.hear().await;
    let (taken, mut sending) = b.holds.take_up(id, visit, TARGET, now()).await.unwrap();
    assert!(taken == typed(WORDS));
    // Pressed at both at once: one of them has begun.
    let (_, mut second) = a.holds.take_up(id, visit, TARGET, now()).await.unwrap();
    b.holds.begin(&mut sending).await.unwrap();
    assert!(matches!(a.holds.begin(&mut second).await, Err(HoldError::BeingSent)));
    drop(second);
    b.holds.finish(sending).await.unwrap();
    a.hear().await;
    assert!(a.holds.is_empty() && b.holds.is_empty());
}

#[tokio::test]
async fn a_strangers_entry_is_given_to_one_person_at_whichever_node_they_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = pair(folder.path());
    let (browser, nurse, other) = (Browser::generate(&SystemEntropy), person("nurse"), person("other"));
    let visit = |person| Visit { browser: &browser, person, host: HOST };
    let id = put(&a.holds, &browser, None, "192.0.2.7", WORDS).await.unwrap();
    // It has not heard of it, and looks.
    assert_eq!(b.holds.arrive(id, visit(&nurse), now()).await.unwrap(), None);
    assert!(b.holds.has_any(visit(&nurse), now()));
    assert_eq!(a.holds.arrive(id, visit(&other), now()).await.unwrap(), Some(id), "it is the nurse's");
    assert!(!a.holds.has_any(visit(&other), now()));
}

#[tokio::test]
async fn what_is_over_is_thrown_away_by_the_node_that_kept_it_and_by_another_only_later() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = pair(folder.path());
    let (browser, nurse) = (Browser::generate(&SystemEntropy), person("nurse"));
    put(&a.holds, &browser, Some(&nurse), "192.0.2.7", WORDS).await.unwrap();
    b.hear().await;
    let over = now().plus(LIFETIME);
    assert!(b.holds.leave_due(over).is_empty());
    assert_eq!(a.holds.leave_due(over).len(), 1);
    assert_eq!(b.holds.leave_due(over.plus(Duration::from_secs(30))).len(), 1, "that node may be gone");
}

#[tokio::test]
async fn everything_is_read_anew_where_something_was_missed() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = pair(folder.path());
    let (browser, nurse) = (Browser::generate(&SystemEntropy), person("nurse"));
    let visit = Visit { browser: &browser, person: &nurse, host: HOST };
    let first = put(&a.holds, &browser, Some(&nurse), "192.0.2.7", WORDS).await.unwrap();
    b.holds.reload().await.unwrap();
    assert_eq!(b.holds.len(), 1);
    a.holds.discard(first, visit, now()).await.unwrap();
    put(&a.holds, &browser, Some(&nurse), "192.0.2.7", "other words").await.unwrap();
    b.holds.reload().await.unwrap();
    let there: Vec<_> = b.holds.of(visit, now()).iter().map(|one| one.id).collect();
    assert!(there.len() == 1 && there[0] != first);
}
