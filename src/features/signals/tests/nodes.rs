//! Signals that two nodes take.

use futures_util::FutureExt as _;

use super::*;

fn pair(folder: &std::path::Path) -> [(Signals, crate::platform::store::Changes); 2] {
    Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap().map(|store| {
        let changes = store.changes();
        let signals = Signals::load(store, NOW).unwrap();
        signals.apply(vec![settings()], NOW).unwrap();
        (signals, changes)
    })
}

#[tokio::test]
async fn a_token_is_carried_out_by_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let [(a, _), (b, _)] = pair(folder.path());
    let (one, other) = (set_of(&claims()).unwrap(), set_of(&with(&json!({ "jti": "set-2" }))).unwrap());
    assert_eq!(a.claim(&one, NOW).await.unwrap(), Claimed::Ours);
    assert_eq!(b.claim(&one, NOW).await.unwrap(), Claimed::Elsewhere);
    assert_eq!(b.claim(&other, NOW).await.unwrap(), Claimed::Ours);
    a.take(&one, NOW).await.unwrap();
    assert_eq!(b.claim(&one, NOW).await.unwrap(), Claimed::TakenBefore);
    // What could not be carried out is anybody's again; also of a node that is gone, after a while.
    b.leave(&other).await.unwrap();
    assert_eq!(a.claim(&other, NOW).await.unwrap(), Claimed::Ours);
    let later = NOW.plus(Duration::from_secs(31));
    assert_eq!(b.claim(&other, later).await.unwrap(), Claimed::Ours);
}

#[tokio::test]
async fn whoever_is_barred_at_one_node_is_barred_at_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let [(a, _), (b, mut changes)] = pair(folder.path());
    let subject = Subject {
        issuer: ISSUER.into(),
        sub: "nurse-7".into(),
        name: "Nora".into(),
        groups: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
    };
    let names = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "nurse-7" });
    for (is_barred, signed) in [(true, 1), (false, 2)] {
        let said = json!({ "sub_id": names, "iat": NOW.as_seconds() + signed, "jti": format!("{signed}") });
        let set = set_of(&with(&said)).unwrap();
        assert_eq!(a.stand(&a.receivers()[0], &set, is_barred, NOW).await.unwrap(), Stood::Changed);
        let before = b.revision();
        while let Some(told) = changes.next().now_or_never() {
            assert_eq!(told.part, SIGNAL_ACCOUNT_PART);
            b.heed(&told.key, NOW).await.unwrap();
        }
        assert!(b.revision() > before);
        assert_eq!(b.barred(&"clinic".parse().unwrap(), &subject).is_some(), is_barred);
    }
}
