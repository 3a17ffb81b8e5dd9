//! What two nodes make of one break.

use futures_util::FutureExt as _;

use super::*;
use crate::platform::store::Changes;

fn pair(folder: &std::path::Path) -> [(Breaks, Changes); 2] {
    Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap().map(|store| {
        let changes = store.changes();
        (Breaks::load(store).unwrap(), changes)
    })
}

async fn hear((breaks, changes): &mut (Breaks, Changes)) {
    while let Some(told) = changes.next().now_or_never() {
        assert_eq!(told.part, BREAK_PART);
        breaks.heed(&told.key).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_opened_at_one_node_is_open_at_the_other_and_closed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let [mut a, mut b] = pair(folder.path());
    let it = broken(now());
    a.0.begin(it.clone(), written()).await.unwrap();
    let active =
        |breaks: &Breaks| breaks.active(&nurse(), session(), &patient("100021").into(), now()).is_some();
    assert!(!active(&b.0));
    // Whoever is asked looks there first.
    b.0.look_up().await.unwrap();
    assert!(active(&b.0));
    hear(&mut b).await;
    b.0.change(it.id, |it| it.ended(now(), BreakEnd::Person)).await.unwrap();
    assert!(active(&a.0), "a has not heard");
    hear(&mut a).await;
    assert!(!active(&a.0));
}

#[tokio::test]
async fn of_two_that_end_it_at_once_one_has_ended_it() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = pair(folder.path());
    let it = broken(now());
    a.0.begin(it.clone(), written()).await.unwrap();
    hear(&mut b).await;
    let end = |end| move |it: Break| it.ended(now(), end);
    let first = a.0.change(it.id, end(BreakEnd::Person)).await.unwrap();
    let second = b.0.change(it.id, end(BreakEnd::Time)).await;
    assert!(matches!(second, Err(WriteError::Refused(Some(NotNow::Over)))), "{second:?}");
    assert_eq!(b.0.one(it.id), Some(first));
}
