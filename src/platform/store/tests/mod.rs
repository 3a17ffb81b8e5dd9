//! One suite for both engines ([`conformance`]), and what only one of them has.

mod conformance;
mod postgres;
pub(crate) mod server;
mod sqlite;
mod trouble;

use super::{Migrations, Statement, Store};

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
