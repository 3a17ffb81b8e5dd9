use super::*;

const TABLE: &str = "CREATE TABLE note (id BIGINT PRIMARY KEY, text TEXT NOT NULL, bytes BLOB)";
const NOTES: Migrations = Migrations { part: "notes", steps: &[TABLE] };
const NEWER_NOTES: Migrations =
    Migrations { part: "notes", steps: &[TABLE, "ALTER TABLE note ADD COLUMN at BIGINT"] };
const BROKEN_NOTES: Migrations = Migrations { part: "notes", steps: &[TABLE, "CREATE NONSENSE"] };

fn insert(id: i64, text: &str) -> Statement {
    // `$2` stands before `$1` on purpose: SQLite numbers by appearance, PostgreSQL by the digit.
    Statement::new("INSERT INTO note (text, id) VALUES ($2, $1)").with(id).with(text)
}

fn texts(store: &Store) -> Vec<String> {
    let rows = store.read(&Statement::new("SELECT text FROM note ORDER BY id")).unwrap();
    rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data").join("store.db");
    let store = Store::open(&path, &[NOTES]).unwrap();
    assert_eq!(store.write(vec![insert(1, "one"), insert(2, "two")]).await.unwrap(), [1, 1]);
    drop(store);
    assert_eq!(texts(&Store::open(&path, &[NOTES]).unwrap()), ["one", "two"]);
}

#[tokio::test]
async fn a_write_is_all_or_nothing_and_takes_no_other_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.db"), &[NOTES]).unwrap();
    let (good, bad, also_good) = tokio::join!(
        store.write(vec![insert(1, "one")]),
        store.write(vec![insert(2, "two"), insert(2, "two again")]),
        store.write(vec![insert(3, "three")]),
    );
    assert!(good.is_ok() && also_good.is_ok());
    assert!(matches!(bad, Err(StoreError::Failed { .. })), "{bad:?}");
    assert_eq!(texts(&store), ["one", "three"]);
}

#[tokio::test]
async fn many_writers_share_the_one_thread() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.db"), &[NOTES]).unwrap();
    let writes = (0..500).map(|id| store.write(vec![insert(id, "text")]));
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(texts(&store).len(), 500);
}

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

#[test]
fn a_store_of_a_newer_version_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    drop(Store::open(&path, &[NEWER_NOTES]).unwrap());
    let error = Store::open(&path, &[NOTES]).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error:?}");
    assert!(Store::open(&path, &[NEWER_NOTES]).is_ok());
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

#[test]
fn a_step_that_fails_leaves_the_schema_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    assert!(Store::open(&path, &[BROKEN_NOTES]).is_err());
    let store = Store::open(&path, &[NOTES]).unwrap();
    assert_eq!(texts(&store), Vec::<String>::new());
}

#[tokio::test]
async fn a_statement_with_a_missing_value_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store.db"), &[NOTES]).unwrap();
    let statement = Statement::new("INSERT INTO note (id, text) VALUES ($1, $2)").with(1);
    assert!(store.write(vec![statement]).await.is_err());
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
