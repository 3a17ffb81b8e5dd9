//! A directory that two nodes keep together.

use futures_util::FutureExt as _;

use super::*;
use crate::platform::store::Changes;

fn pair(folder: &Path) -> [(House, Changes); 2] {
    let mut seed = 10;
    Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap().map(|store| {
        seed += 1;
        let (changes, bounds) = (store.changes(), DirectoryBounds::default());
        let entropy = Arc::new(SeededEntropy::new(seed));
        let directory = Directory::load(store, vec![settings()], bounds, entropy).unwrap();
        let now = AtomicI64::new(1_772_352_000_000 + i64::try_from(seed).unwrap() * 100_000);
        (House { folder: tempfile::tempdir().unwrap(), directory, now }, changes)
    })
}

async fn hear((house, changes): &mut (House, Changes)) {
    while let Some(told) = changes.next().now_or_never() {
        assert_eq!(told.part, DIRECTORY_PART);
        house.directory.heed(&told.key).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_provisioned_at_one_node_holds_at_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = pair(folder.path());
    let id = a.0.make("/Users", &user("nora", "sub-nora")).await;
    let before = b.0.directory.revision();
    hear(&mut b).await;
    assert!(b.0.directory.revision() > before);
    let group = json!({ "schemas": [GROUP], "displayName": "nurses", "members": [{ "value": id }] });
    // By turns, as any balancer leads them.
    b.0.make("/Groups", &group).await;
    let served = a.0.ask(Method::PATCH, &format!("/Users/{id}"), &disable()).await;
    assert_eq!(served.reply.status, 200, "it has caught up by itself: {:?}", served.reply);
    hear(&mut b).await;
    let known = b.0.directory.look_up(&clinic(), &subject("sub-nora"));
    assert_eq!(known.barred, Some(Reason::AccountDisabled));
    let census = |house: &House| house.directory.census();
    assert_eq!(census(&a.0), census(&b.0));
    assert_eq!(a.0.ask(Method::DELETE, &format!("/Users/{id}"), &json!(null)).await.reply.status, 204);
    hear(&mut b).await;
    assert_eq!(census(&a.0), census(&b.0));
    assert_eq!(b.0.directory.look_up(&clinic(), &subject("sub-nora")).barred, Some(Reason::AccountDisabled));
}

#[tokio::test]
async fn of_two_changes_at_one_moment_none_is_planned_on_what_is_not_there_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = pair(folder.path());
    let (nora, twin) = (user("nora", "sub-nora"), user("nora", "sub-twin"));
    let (one, other) =
        tokio::join!(a.0.ask(Method::POST, "/Users", &nora), b.0.ask(Method::POST, "/Users", &twin));
    let mut statuses = [one.reply.status, other.reply.status];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert!(matches!(statuses[1], 409 | 503), "{statuses:?}");
    let again = if one.reply.status == 201 {
        b.0.ask(Method::POST, "/Users", &twin)
    } else {
        a.0.ask(Method::POST, "/Users", &nora)
    };
    assert_eq!(again.await.reply.status, 409, "the name is taken at every node");
}

#[tokio::test]
async fn what_one_node_has_heard_of_a_provider_the_other_knows() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = pair(folder.path());
    let at = Timestamp::from_millis(a.0.now.load(Ordering::Relaxed));
    a.0.ask(Method::GET, "/Users", &json!(null)).await;
    let heard = |house: &House| house.directory.heard(at.plus(Duration::from_secs(3600)))[0].age_seconds;
    assert_eq!(heard(&b.0), None);
    a.0.directory.maintain().await.unwrap();
    b.0.directory.maintain().await.unwrap();
    assert!(heard(&b.0).is_some());
    assert_eq!(heard(&a.0), heard(&b.0));
}
