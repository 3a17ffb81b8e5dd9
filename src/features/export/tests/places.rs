//! How far an export has come, over a restart; and how it stands.

use super::*;
use crate::features::export::{Anchor, Exports, MIGRATIONS, Place, Position};
use crate::foundation::digest::Digest;
use crate::platform::store::Store;

#[tokio::test]
async fn a_place_is_kept_for_each_node_and_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (siem, lake) = ("siem".parse().unwrap(), "lake".parse().unwrap());
    let anchor = |sequence| Some(Anchor { sequence, hash: Digest::of(b"entry") });
    let position = |ended| Position { ended, resumes: ended - 3, anchor: anchor(ended + 1) };
    let place = |ended| Place { position: position(ended), journal: Some("clinic/one".to_owned()) };
    {
        let store = Store::open(&path, &[MIGRATIONS]).unwrap();
        let (here, there) = (Exports::new(store.clone(), "a".into()), Exports::new(store, "b".into()));
        assert_eq!(here.position(&siem).await.unwrap(), None);
        here.keep(&siem, position(7), "clinic/one", MORNING).await.unwrap();
        here.keep(&siem, position(9), "clinic/one", MORNING).await.unwrap();
        here.keep(&lake, position(4), "clinic/one", MORNING).await.unwrap();
        there.keep(&siem, position(1000), "clinic/two", MORNING).await.unwrap();
    }
    let here = Exports::new(Store::open(&path, &[MIGRATIONS]).unwrap(), "a".into());
    assert_eq!(here.position(&siem).await.unwrap(), Some(place(9)));
    assert_eq!(here.position(&lake).await.unwrap(), Some(place(4)));
}

#[tokio::test]
async fn a_standing_tells_what_waits_and_goes_with_its_export() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db"), &[MIGRATIONS]).unwrap();
    let exports = Exports::new(store, String::new());
    let standing = exports.begin(&http(folder.path(), "127.0.0.1:9".parse().unwrap(), Protocol::Json));
    standing.reached(40);
    standing.waits_since(Some(MORNING));
    assert!(standing.failed("it answered 503") && !standing.failed("it answered 503"), "news once");
    let now = exports.now(50, MORNING.plus(Duration::from_secs(30)));
    let [now] = now.as_slice() else { panic!("{now:?}") };
    assert_eq!((now.position, now.lag_entries, now.lag_seconds), (40, 10, 30));
    assert_eq!((now.to.as_str(), now.format.as_str()), ("http://127.0.0.1:9", "json"));
    assert_eq!((now.failed, now.fault.as_deref()), (2, Some("it answered 503")));
    standing.delivered(3, MORNING);
    assert_eq!(exports.now(50, MORNING)[0].fault, None);
    // Other settings under the same name go on counting.
    exports.begin(&http(folder.path(), "127.0.0.1:10".parse().unwrap(), Protocol::Json));
    assert_eq!(
        (exports.now(50, MORNING)[0].delivered, &*exports.now(50, MORNING)[0].to),
        (3, "http://127.0.0.1:10")
    );
    exports.retain(|_| false);
    assert!(exports.now(50, MORNING).is_empty());
}
