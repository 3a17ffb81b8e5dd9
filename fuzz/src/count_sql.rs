//! Rows of a dump are counted as SQLite takes them, however it is cut. The first byte is the size of a piece.
use leastway::domain::count::Count;
use leastway::domain::reply_shape::{PatientLocator, ReplyKind};
use rusqlite::Connection;

use crate::counting::count;
use crate::input::Input;

const TABLE: &str = "CREATE TABLE p (a, b, ID);\n";

pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let cut = input.byte();
    let body = input.rest();
    let whole = count(&ReplyKind::Sql, Some(&PatientLocator::Column("ID".to_owned())), body, cut);
    // What this database reads otherwise than those of the dumps, and what is not about rows.
    let odd = |byte: &u8| matches!(byte, b'\\' | b'`' | b'#' | b'$' | b'[' | 0) || !byte.is_ascii();
    let Some(text) = std::str::from_utf8(body).ok().filter(|_| !body.iter().any(odd)) else { return };
    let lower = text.to_ascii_lowercase();
    let others = [
        "/*!", "/*m", "create", "drop", "alter", "replace", "select", "begin", "conflict", "truncate",
        "pragma",
    ];
    let Count::Exactly(rows) = whole.records else { return };
    if others.iter().any(|word| lower.contains(word))
        || lower.matches("into").count() != lower.matches("into p").count()
    {
        return;
    }
    let database = Connection::open_in_memory().expect("a database");
    database.execute_batch(TABLE).expect("a table");
    if database.execute_batch(text).is_ok() {
        let taken: i64 =
            database.query_row("SELECT count(*) FROM p", [], |row| row.get(0)).expect("a number");
        assert_eq!(i64::try_from(rows), Ok(taken));
    }
}
