//! Windows in the store: a row for each thing that counts, and one for each person, whose turn says which change of
//! theirs was the last; and one for each of their nodes, whose mark says which write of that node was the last.
//!
//! Of a patient a row holds 64 bits of a keyed digest; it is deleted when its window has passed.

use std::fmt;
use std::time::Duration;

use super::DAY;
use super::entry::{Bundle, Entry, Kind};
use crate::domain::limit::Window;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Migrations, Row, Statement};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "window",
    steps: &[
        "CREATE TABLE window_person (
        issuer TEXT NOT NULL,
        sub TEXT NOT NULL,
        turn BIGINT NOT NULL,
        seen BIGINT NOT NULL,
        PRIMARY KEY (issuer, sub)
    );
    CREATE TABLE window_entry (
        issuer TEXT NOT NULL,
        sub TEXT NOT NULL,
        kind TEXT NOT NULL,
        item TEXT NOT NULL,
        seen BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        PRIMARY KEY (issuer, sub, kind, item)
    );
    CREATE INDEX window_entry_seen ON window_entry (seen);
    CREATE TABLE window_key (name TEXT PRIMARY KEY, key BLOB NOT NULL)",
        "CREATE TABLE window_node (
        issuer TEXT NOT NULL,
        sub TEXT NOT NULL,
        node BIGINT NOT NULL,
        mark BIGINT NOT NULL,
        ahead BIGINT NOT NULL,
        seen BIGINT NOT NULL,
        PRIMARY KEY (issuer, sub, node)
    );
    CREATE INDEX window_node_seen ON window_node (seen)",
    ],
};

/// Takes the turn `new`, if the last one was `known`: 0 where nothing was known of the person. Changes one row then, and none
/// where another node came first.
pub(super) fn take_turn(person: &SubjectId, known: i64, new: i64, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO window_person (issuer, sub, turn, seen) VALUES ($1, $2, $3, $4)
         ON CONFLICT (issuer, sub) DO UPDATE SET turn = excluded.turn, seen = excluded.seen
         WHERE window_person.turn = $5",
    )
    .with(&*person.issuer)
    .with(&*person.sub)
    .with(new)
    .with(now.as_millis())
    .with(known)
}

/// Takes the turn `new`, whichever was the last one.
pub(super) fn force_turn(person: &SubjectId, new: i64, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO window_person (issuer, sub, turn, seen) VALUES ($1, $2, $3, $4)
         ON CONFLICT (issuer, sub) DO UPDATE SET turn = excluded.turn, seen = excluded.seen",
    )
    .with(&*person.issuer)
    .with(&*person.sub)
    .with(new)
    .with(now.as_millis())
}

/// The mark that a node leaves with a write about a person.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Whose.
    pub(super) node: i64,
    /// Which: no two writes have the same.
    pub(super) number: i64,
}

impl Mark {
    /// The mark of what has become of a write that left this mark, or did not: numbers of writes are odd.
    pub(super) const fn settled(self) -> Self {
        Self { number: self.number & !1, ..self }
    }
}

/// What makes a bundle last, or takes out what it takes back, of a node that is alone.
pub(super) fn add(person: &SubjectId, bundle: &Bundle) -> Statement {
    add_unless(person, bundle, Mark { node: 0, number: 0 })
}

/// The same, unless the node has left this mark last, or the one by which it is settled.
pub(super) fn add_unless(person: &SubjectId, bundle: &Bundle, mark: Mark) -> Statement {
    add_by_mark(person, bundle, (mark.settled(), mark), false)
}

/// The same, if the node has left this mark last.
pub(super) fn add_if(person: &SubjectId, bundle: &Bundle, mark: Mark) -> Statement {
    add_by_mark(person, bundle, (mark, mark), true)
}

/// The same, if there is a mark of these two, or if there is none.
fn add_by_mark(person: &SubjectId, bundle: &Bundle, (one, other): (Mark, Mark), is_there: bool) -> Statement {
    let sql = if bundle.kind.is_set() && bundle.amount < 0 {
        "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($7 AS BIGINT))
         DELETE FROM window_entry
         WHERE issuer = $1 AND sub = $2 AND kind = $3 AND seen = $5 AND CAST($6 AS BIGINT) < 0
           AND item IN (SELECT substr(CAST($4 AS TEXT), CAST(at * 16 + 1 AS INTEGER), 16) FROM place)
           AND (SELECT count(*) FROM window_node WHERE issuer = $1 AND sub = $2
                AND node = CAST($8 AS BIGINT) AND mark IN (CAST($9 AS BIGINT), CAST($10 AS BIGINT))) = CAST($11 AS BIGINT)"
    } else {
        "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($7 AS BIGINT))
         INSERT INTO window_entry (issuer, sub, kind, item, seen, amount)
         SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT),
                substr(CAST($4 AS TEXT), CAST(at * 16 + 1 AS INTEGER), 16),
                CAST($5 AS BIGINT), CAST($6 AS BIGINT)
         FROM place
         WHERE (SELECT count(*) FROM window_node WHERE issuer = CAST($1 AS TEXT) AND sub = CAST($2 AS TEXT)
                AND node = CAST($8 AS BIGINT) AND mark IN (CAST($9 AS BIGINT), CAST($10 AS BIGINT))) = CAST($11 AS BIGINT)
         ON CONFLICT (issuer, sub, kind, item) DO UPDATE SET
             seen = CASE WHEN window_entry.seen < excluded.seen THEN excluded.seen ELSE window_entry.seen END,
             amount = window_entry.amount + excluded.amount"
    };
    let statement = values(Statement::new(sql), person, bundle);
    statement.with(one.node).with(one.number).with(other.number).with(i64::from(is_there))
}

/// Leaves a mark, and whether the node has taken something ahead.
pub(super) fn leave_mark(person: &SubjectId, mark: Mark, is_ahead: bool, now: Timestamp) -> Statement {
    marking(
        "INSERT INTO window_node (issuer, sub, node, mark, ahead, seen) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (issuer, sub, node) DO UPDATE
         SET mark = excluded.mark, ahead = excluded.ahead, seen = excluded.seen",
        person,
        mark,
        is_ahead,
        now,
    )
}

/// The same, if the mark has the number of the person's turn.
pub(super) fn leave_mark_in_turn(
    person: &SubjectId,
    mark: Mark,
    is_ahead: bool,
    now: Timestamp,
) -> Statement {
    marking(
        "INSERT INTO window_node (issuer, sub, node, mark, ahead, seen)
         SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT),
                CAST($6 AS BIGINT)
         WHERE EXISTS (SELECT 1 FROM window_person
                       WHERE issuer = CAST($1 AS TEXT) AND sub = CAST($2 AS TEXT) AND turn = CAST($4 AS BIGINT))
         ON CONFLICT (issuer, sub, node) DO UPDATE
         SET mark = excluded.mark, ahead = excluded.ahead, seen = excluded.seen",
        person,
        mark,
        is_ahead,
        now,
    )
}

fn marking(sql: &'static str, person: &SubjectId, mark: Mark, is_ahead: bool, now: Timestamp) -> Statement {
    Statement::new(sql)
        .with(&*person.issuer)
        .with(&*person.sub)
        .with(mark.node)
        .with(mark.number)
        .with(i64::from(is_ahead))
        .with(now.as_millis())
}

/// The nodes but this one that have taken something ahead of a person.
pub(super) fn held_elsewhere(person: &SubjectId, node: i64) -> Statement {
    Statement::new(
        "SELECT node FROM window_node WHERE issuer = $1 AND sub = $2 AND node <> $3 AND ahead <> 0",
    )
    .with(&*person.issuer)
    .with(&*person.sub)
    .with(node)
}

fn values(statement: Statement, person: &SubjectId, bundle: &Bundle) -> Statement {
    statement
        .with(&*person.issuer)
        .with(&*person.sub)
        .with(bundle.kind.name())
        .with(Items(&bundle.keys).to_string())
        .with(bundle.time.as_millis())
        .with(bundle.amount)
        .with(i64::try_from(bundle.keys.len()).unwrap_or(i64::MAX))
}

/// Keys as the store has them, one after the other: each of 16 hexadecimal digits.
struct Items<'a>(&'a [u64]);

impl fmt::Display for Items<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|key| write!(f, "{key:016x}"))
    }
}

/// What the store knows of a person, of one moment: the turn, and the rows.
pub(super) fn of(person: &SubjectId, now: Timestamp) -> Statement {
    Statement::new(
        "SELECT window_person.turn, entry.kind, entry.item, entry.seen, entry.amount FROM window_person
         LEFT JOIN window_entry AS entry ON entry.issuer = window_person.issuer AND entry.sub = window_person.sub
              AND entry.seen > $3
         WHERE window_person.issuer = $1 AND window_person.sub = $2",
    )
    .with(&*person.issuer)
    .with(&*person.sub)
    .with(now.minus(KEPT).as_millis())
}

/// The rows of patients whom lists have named in a window.
pub(super) fn listed(window: Window, now: Timestamp) -> Statement {
    Statement::new("SELECT issuer, sub, item, seen FROM window_entry WHERE kind = $1 AND seen > $2")
        .with(Kind::Listed(window).name())
        .with(now.minus(window.lasts()).as_millis())
}

/// What no window holds any more.
pub(super) fn sweep(now: Timestamp) -> Vec<Statement> {
    let until = |kind: Kind| now.minus(kind.lasts()).minus(kind.lasts() / 60).minus(CLOCKS).as_millis();
    let of_kind = |kind: Kind| {
        Statement::new("DELETE FROM window_entry WHERE seen < $1 AND kind = $2")
            .with(until(kind))
            .with(kind.name())
    };
    let before = now.minus(KEPT).minus(CLOCKS).as_millis();
    let people = Statement::new("DELETE FROM window_person WHERE seen < $1").with(before);
    let nodes = Statement::new("DELETE FROM window_node WHERE seen < $1").with(before);
    Kind::all().map(of_kind).chain([people, nodes]).collect()
}

/// Proposes a key: the first one stays.
pub(super) fn put_key(key: &[u8; 32]) -> Statement {
    Statement::new("INSERT INTO window_key (name, key) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .with(KEY)
        .with(key.as_slice())
}

pub(super) fn key() -> Statement {
    Statement::new("SELECT key FROM window_key WHERE name = $1").with(KEY)
}

/// The change that a row of [`of`] tells of; none where it tells the turn alone, or is of a newer version.
pub(super) fn read(row: &Row) -> Option<Entry> {
    let kind = Kind::named(row.optional_text(1).ok()??)?;
    let key = u64::from_str_radix(row.text(2).ok()?, 16).ok()?;
    let time = Timestamp::from_millis(row.integer(3).ok()?);
    Some(Entry { kind, key, time, amount: row.integer(4).ok()? })
}

/// Whom a row of [`listed`] is of, and the patient.
pub(super) fn read_listed(window: Window, row: &Row) -> Option<(SubjectId, Entry)> {
    let person = SubjectId { issuer: row.text(0).ok()?.into(), sub: row.text(1).ok()?.into() };
    let key = u64::from_str_radix(row.text(2).ok()?, 16).ok()?;
    let time = Timestamp::from_millis(row.integer(3).ok()?);
    Some((person, Entry::seen(Kind::Listed(window), key, time)))
}

const KEY: &str = "patients";
/// The longest window, with the slot in which it ends.
const KEPT: Duration = Duration::from_secs(DAY.as_secs() + DAY.as_secs() / 60);
/// By so much the clocks of nodes may differ before a row is deleted that one of them would still count.
const CLOCKS: Duration = Duration::from_secs(5 * 60);
