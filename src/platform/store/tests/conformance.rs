//! What a store promises, whatever its engine: the same tests against both.

use super::super::{Place, StoreError, Value};
use super::*;

/// Each test twice: against a file of SQLite, and against a database of PostgreSQL where there is a server.
macro_rules! for_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let directory = tempfile::tempdir().unwrap();
                    super::$name(&super::Place::File(directory.path().join("store.db"))).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    if let Some(place) = super::server::database() {
                        super::$name(&place).await;
                    }
                }
            )*
        }
    };
}

for_both_engines! {
    what_was_written_is_there_after_reopening,
    a_write_is_all_or_nothing_and_takes_no_other_with_it,
    a_write_says_how_many_rows_each_statement_has_changed,
    many_writers_share_the_one_task,
    many_that_fail_take_none_of_many_others_with_them,
    nothing_text_and_bytes_come_back_as_they_were,
    a_text_with_a_nul_is_refused_and_takes_no_other_with_it,
    a_large_write_is_one_write,
    a_store_of_a_newer_version_is_refused_and_not_touched,
    a_step_that_fails_leaves_the_schema_as_it_was,
    a_statement_with_a_missing_value_is_refused,
    a_value_of_another_type_is_refused_or_kept_as_it_was,
    a_row_that_is_gone_is_not_changed,
    who_looks_on_a_requests_way_finds_what_was_written,
    what_waits_is_written_before_the_store_is_closed,
}

use super::server;

fn open(place: &Place) -> Store {
    Store::start(place, &[NOTES]).unwrap()
}

async fn what_was_written_is_there_after_reopening(place: &Place) {
    let store = open(place);
    assert_eq!(store.write(vec![insert(1, "one"), insert(2, "two")]).await.unwrap(), [1, 1]);
    drop(store);
    assert_eq!(texts(&open(place)), ["one", "two"]);
}

async fn a_write_is_all_or_nothing_and_takes_no_other_with_it(place: &Place) {
    let store = open(place);
    let (good, bad, also_good) = tokio::join!(
        store.write(vec![insert(1, "one")]),
        store.write(vec![insert(2, "two"), insert(2, "two again")]),
        store.write(vec![insert(3, "three")]),
    );
    assert!(good.is_ok() && also_good.is_ok());
    assert!(matches!(bad, Err(StoreError::Failed { .. })), "{bad:?}");
    assert_eq!(texts(&store), ["one", "three"]);
}

async fn a_write_says_how_many_rows_each_statement_has_changed(place: &Place) {
    let store = open(place);
    let all = Statement::new("UPDATE note SET text = $1").with("same");
    let none = Statement::new("DELETE FROM note WHERE id = $1").with(9);
    let changed = store.write(vec![insert(1, "one"), insert(2, "two"), all, none]).await.unwrap();
    assert_eq!(changed, [1, 1, 2, 0]);
    assert_eq!(store.write(Vec::new()).await.unwrap(), Vec::<usize>::new());
}

async fn many_writers_share_the_one_task(place: &Place) {
    let store = open(place);
    let writes = (0..500).map(|id| store.write(vec![insert(id, "text")]));
    let answers = futures_util::future::join_all(writes).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(texts(&store).len(), 500);
}

async fn many_that_fail_take_none_of_many_others_with_them(place: &Place) {
    let store = open(place);
    // Of each number twice: whichever comes first is in, the other is not.
    let writes = (0..600).map(|number| store.write(vec![insert(number / 2, "text")]));
    let answers = futures_util::future::join_all(writes).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 300);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Failed { .. }))));
    assert_eq!(texts(&store).len(), 300);
}

async fn nothing_text_and_bytes_come_back_as_they_were(place: &Place) {
    let store = open(place);
    let put = "INSERT INTO note (id, text, bytes) VALUES ($1, $2, $3)";
    let bytes: Vec<u8> = (0..=255).collect();
    let text = "naïve \u{1F3E5} '\\ \" %s $1 \u{7f}\n\u{1}";
    store
        .write(vec![
            Statement::new(put).with(i64::MIN).with(text).with(&bytes[..]),
            Statement::new(put).with(i64::MAX).with("").with(Value::Null),
            Statement::new(put).with(0).with("no bytes").with(&[][..]),
        ])
        .await
        .unwrap();
    let rows = store.read(&Statement::new("SELECT id, text, bytes FROM note ORDER BY id")).unwrap();
    let first = &rows[0];
    assert_eq!(
        (first.integer(0).unwrap(), first.text(1).unwrap(), first.bytes(2).unwrap()),
        (i64::MIN, text, &bytes[..])
    );
    assert_eq!(rows[1].bytes(2).unwrap(), b"");
    assert_eq!((rows[2].integer(0).unwrap(), rows[2].text(1).unwrap()), (i64::MAX, ""));
    assert!(rows[2].bytes(2).is_err(), "nothing is not an empty value");
    assert_eq!((rows[2].optional_text(2).unwrap(), rows[2].optional_integer(2).unwrap()), (None, None));
    assert_eq!(rows[2].optional_integer(0).unwrap(), Some(i64::MAX));
    assert!(rows[2].text(0).is_err() && rows[2].integer(1).is_err() && rows[2].text(3).is_err());
    let by_value = Statement::new("SELECT id FROM note WHERE bytes = $1").with(&bytes[..]);
    assert_eq!(store.read(&by_value).unwrap().len(), 1);
}

async fn a_text_with_a_nul_is_refused_and_takes_no_other_with_it(place: &Place) {
    let store = open(place);
    let (good, bad) =
        tokio::join!(store.write(vec![insert(1, "one")]), store.write(vec![insert(2, "t\0wo")]));
    assert!(good.is_ok());
    assert!(matches!(bad, Err(StoreError::Nul)), "{bad:?}");
    assert_eq!(texts(&store), ["one"]);
}

async fn a_large_write_is_one_write(place: &Place) {
    let store = open(place);
    let text = "x".repeat(100);
    let many: Vec<_> = (0..5_000).map(|id| insert(id, &text)).collect();
    assert_eq!(store.write(many).await.unwrap().len(), 5_000);
    let huge = "y".repeat(8 << 20);
    let mut again: Vec<_> = (5_000..5_100).map(|id| insert(id, &text)).collect();
    again.push(insert(5_100, &huge));
    again.push(insert(0, "is there already"));
    assert!(store.write(again).await.is_err());
    assert_eq!(texts(&store).len(), 5_000);
    assert_eq!(store.write(vec![insert(5_100, &huge)]).await.unwrap(), [1]);
    assert_eq!(texts(&store).last().unwrap().len(), huge.len());
}

async fn a_store_of_a_newer_version_is_refused_and_not_touched(place: &Place) {
    drop(Store::start(place, &[NEWER_NOTES]).unwrap());
    let error = Store::start(place, &[NOTES]).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("was written by a newer version: `notes` stands at 2"), "{error}");
    assert!(Store::start(place, &[NEWER_NOTES]).is_ok());
}

async fn a_step_that_fails_leaves_the_schema_as_it_was(place: &Place) {
    assert!(Store::start(place, &[BROKEN_NOTES]).is_err());
    assert_eq!(texts(&open(place)), Vec::<String>::new());
}

async fn a_statement_with_a_missing_value_is_refused(place: &Place) {
    let store = open(place);
    let statement = Statement::new("INSERT INTO note (id, text) VALUES ($1, $2)").with(1);
    assert!(store.write(vec![statement]).await.is_err());
    let (bad, good) =
        tokio::join!(store.write(vec![insert(1, "one").with(3)]), store.write(vec![insert(2, "two")]));
    assert!(bad.is_err() && good.is_ok());
    assert_eq!(texts(&store), ["two"]);
}

/// SQLite keeps a value whatever its column is; PostgreSQL refuses it. Neither makes another value of it.
async fn a_value_of_another_type_is_refused_or_kept_as_it_was(place: &Place) {
    let store = open(place);
    let bytes =
        Statement::new("INSERT INTO note (id, text, bytes) VALUES ($1, 'one', $2)").with(1).with("text");
    match store.write(vec![bytes]).await {
        Ok(_) => {
            let rows = store.read(&Statement::new("SELECT bytes FROM note")).unwrap();
            assert_eq!(rows[0].text(0).unwrap(), "text");
        }
        Err(error) => {
            assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
            assert_eq!(texts(&store), Vec::<String>::new());
        }
    }
    assert!(store.write(vec![insert(2, "two")]).await.is_ok(), "and the next write is as good as ever");
}

async fn a_row_that_is_gone_is_not_changed(place: &Place) {
    let store = open(place);
    store.write(vec![insert(1, "one")]).await.unwrap();
    let end = || Statement::new("DELETE FROM note WHERE id = $1").with(1);
    let change = Statement::new("UPDATE note SET text = $2 WHERE id = $1").with(1).with("changed");
    let (first, second) = tokio::join!(store.write(vec![end()]), store.write(vec![end()]));
    assert_eq!(first.unwrap()[0] + second.unwrap()[0], 1, "of two who take it, one has it");
    assert_eq!(store.write(vec![change]).await.unwrap(), [0]);
}

async fn who_looks_on_a_requests_way_finds_what_was_written(place: &Place) {
    let store = open(place);
    store.write(vec![insert(7, "seven")]).await.unwrap();
    let query = Statement::new("SELECT text FROM note WHERE id = $1").with(7);
    let looks = (0..64).map(|_| store.find(query.clone()));
    for found in futures_util::future::join_all(looks).await {
        assert_eq!(found.unwrap()[0].text(0).unwrap(), "seven");
    }
    assert!(store.find(Statement::new("SELECT nonsense FROM note")).await.is_err());
    assert!(store.find(query).await.is_ok());
}

async fn what_waits_is_written_before_the_store_is_closed(place: &Place) {
    let store = open(place);
    let other = store.clone();
    let write = tokio::spawn(async move { other.write(vec![insert(1, "one")]).await });
    tokio::task::yield_now().await;
    drop(store);
    assert!(write.await.unwrap().is_ok());
    assert_eq!(texts(&open(place)), ["one"]);
}
