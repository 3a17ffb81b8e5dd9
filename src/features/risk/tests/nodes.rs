//! What two nodes learn of one person.

use futures_util::FutureExt as _;

use super::*;
use crate::platform::store::Changes;

fn pair(folder: &Path) -> [(Book, Changes); 2] {
    Store::pair(&folder.join("store.db"), &[MIGRATIONS]).unwrap().map(|store| {
        let changes = store.changes();
        (Book::load(store, start()).unwrap(), changes)
    })
}

async fn hear((book, changes): &mut (Book, Changes)) {
    while let Some(told) = changes.next().now_or_never() {
        assert_eq!(told.part, RISK_PART);
        book.heed(&told.key, start()).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_proven_at_one_node_is_not_asked_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = pair(folder.path());
    let rules = [risk(When::NewDevice, Some("mfa")), risk(When::UnusualHour { usual: None }, Some("mfa"))];
    let scene = Scene::new();
    assert_eq!(scene.standing(&b.0, &rules), [0, 1]);
    scene.proves(&a.0, &rules, Some("mfa"));
    a.0.share(&scene.subject.id(), start()).await.unwrap();
    hear(&mut b).await;
    assert!(scene.standing(&b.0, &rules).is_empty());
    // And forgotten at one, it is at all.
    b.0.forget(&scene.subject.id(), start()).await.unwrap();
    let mut a = a;
    hear(&mut a).await;
    assert_eq!(scene.standing(&a.0, &rules), [0, 1]);
}

#[tokio::test]
async fn what_two_nodes_learn_at_once_is_known_at_both_and_a_word_of_risk_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let [mut a, mut b] = pair(folder.path());
    let rules = [risk(When::NewDevice, Some("mfa")), risk(When::Told { level: Level::High }, Some("mfa"))];
    let (home, ward) = (Scene::new(), Scene { browser: Some(Digest::of(b"ward")), ..Scene::new() });
    let id = home.subject.id();
    home.proves(&a.0, &rules, Some("mfa"));
    ward.proves(&b.0, &rules, Some("mfa"));
    let told = Told { level: Level::High, why: None, since: start().plus(MINUTE), until: None };
    a.0.told(&id, told, start()).await.unwrap();
    // This one has not heard of it, and writes.
    b.0.share(&id, start()).await.unwrap();
    hear(&mut a).await;
    hear(&mut b).await;
    for book in [&a.0, &b.0] {
        assert_eq!(book.known(&id, start()).0.len(), 2);
        assert_eq!(home.standing(book, &rules), [1]);
    }
}
