//! What only the file of SQLite has: it belongs to one process, and can be damaged.

use std::path::{Path, PathBuf};

use super::super::sqlite::beside;
use super::super::{Condition, StoreError, examine};
use super::*;

#[test]
fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let first = Store::open(&path, &[NOTES]).unwrap();
    assert!(matches!(Store::open(&path, &[NOTES]), Err(StoreError::InUse { .. })));
    drop(first);
    assert!(Store::open(&path, &[NOTES]).is_ok());
}

#[test]
fn a_file_that_is_no_database_is_said_to_be_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    std::fs::write(&path, "this is a letter to the editor, of more than sixteen bytes".repeat(200)).unwrap();
    let error = Store::open(&path, &[NOTES]).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

/// The files of a folder and what is in them.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("100% a store?.db");
    let store = Store::open(&path, &[NOTES]).unwrap();
    store.write(vec![insert(1, "one")]).await.unwrap();
    assert!(matches!(examine(&path, &[NOTES]), Err(StoreError::InUse { .. })));
    drop(store);
    let before = contents(directory.path());
    assert_eq!(examine(&path, &[NOTES]).unwrap(), Condition::UpToDate);
    assert_eq!(examine(&path, &[NEWER_NOTES]).unwrap(), Condition::Older);
    let others = Migrations { part: "others", steps: &[TABLE] };
    assert_eq!(examine(&path, &[NOTES, others]).unwrap(), Condition::Older);
    assert_eq!(contents(directory.path()), before);

    drop(Store::open(&path, &[NEWER_NOTES]).unwrap());
    assert!(matches!(examine(&path, &[NOTES]), Err(StoreError::Newer { found: 2, known: 1, .. })));
    let absent = directory.path().join("absent.db");
    assert!(matches!(examine(&absent, &[NOTES]), Err(StoreError::Unopened { .. })));
    assert!(!absent.exists());
    std::fs::write(&absent, [7; 8192]).unwrap();
    assert!(matches!(examine(&absent, &[NOTES]), Err(StoreError::Damaged { .. })));
    std::fs::write(&absent, []).unwrap();
    assert_eq!(examine(&absent, &[NOTES]).unwrap(), Condition::Older, "SQLite takes it for an empty store");
}

#[tokio::test]
async fn what_a_killed_process_has_left_beside_its_store_is_read_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let (path, killed) = (directory.path().join("store.db"), directory.path().join("killed.db"));
    let store = Store::open(&path, &[NOTES]).unwrap();
    store.write(vec![insert(1, "one")]).await.unwrap();
    for ending in ["", "-wal"] {
        std::fs::copy(beside(&path, ending), beside(&killed, ending)).unwrap();
    }
    assert!(std::fs::metadata(beside(&killed, "-wal")).unwrap().len() > 0);
    assert_eq!(examine(&killed, &[NOTES]).unwrap(), Condition::UpToDate);
    assert_eq!(texts(&Store::open(&killed, &[NOTES]).unwrap()), ["one"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_readable_by_us_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let _store = Store::open(&path, &[NOTES]).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn values_do_not_print() {
    let statement = insert(7, "a person's name");
    assert!(!format!("{statement:?}").contains("person"));
}
