//! Windows in the store: a row for each thing that counts, and one for each person, whose turn says which change of
//! theirs was the last.
//!
//! Of a patient a row holds 64 bits of a keyed digest; it is deleted when its window has passed.

use std::fmt;
use std::time::Duration;

use super::DAY;
use super::entry::{Bundle, Entry, Kind};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::platform::store::{Migrations, Row, Statement};

/// The schema of this feature.
pub const MIGRATIONS: Migrations = Migrations {
    part: "window",
    steps: &["CREATE TABLE window_person (
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
    CREATE TABLE window_key (name TEXT PRIMARY KEY, key BLOB NOT NULL)"],
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

/// What makes a bundle last, if it is the turn `turn` of the person.
pub(super) fn add_in_turn(person: &SubjectId, bundle: &Bundle, turn: i64) -> Statement {
    values(
        Statement::new(
            "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($7 AS BIGINT))
             INSERT INTO window_entry (issuer, sub, kind, item, seen, amount)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT),
                    substr(CAST($4 AS TEXT), CAST(at * 16 + 1 AS INTEGER), 16),
                    CAST($5 AS BIGINT), CAST($6 AS BIGINT)
             FROM place
             WHERE EXISTS (SELECT 1 FROM window_person
                           WHERE issuer = CAST($1 AS TEXT) AND sub = CAST($2 AS TEXT) AND turn = CAST($8 AS BIGINT))
             ON CONFLICT (issuer, sub, kind, item) DO UPDATE SET
                 seen = CASE WHEN window_entry.seen < excluded.seen THEN excluded.seen ELSE window_entry.seen END,
                 amount = window_entry.amount + excluded.amount",
        ),
        person,
        bundle,
    )
    .with(turn)
}

/// What makes a bundle last, or takes out what it takes back.
pub(super) fn add(person: &SubjectId, bundle: &Bundle) -> Statement {
    let sql = if bundle.kind.is_set() && bundle.amount < 0 {
        "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($7 AS BIGINT))
         DELETE FROM window_entry
         WHERE issuer = $1 AND sub = $2 AND kind = $3 AND seen = $5 AND CAST($6 AS BIGINT) < 0
           AND item IN (SELECT substr(CAST($4 AS TEXT), CAST(at * 16 + 1 AS INTEGER), 16) FROM place)"
    } else {
        "WITH RECURSIVE place(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM place WHERE at + 1 < CAST($7 AS BIGINT))
         INSERT INTO window_entry (issuer, sub, kind, item, seen, amount)
         SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT),
                substr(CAST($4 AS TEXT), CAST(at * 16 + 1 AS INTEGER), 16),
                CAST($5 AS BIGINT), CAST($6 AS BIGINT)
         FROM place
         WHERE true
         ON CONFLICT (issuer, sub, kind, item) DO UPDATE SET
             seen = CASE WHEN window_entry.seen < excluded.seen THEN excluded.seen ELSE window_entry.seen END,
             amount = window_entry.amount + excluded.amount"
    };
    values(Statement::new(sql), person, bundle)
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

/// The rows of patients whom lists have named.
pub(super) fn listed(now: Timestamp) -> Statement {
    Statement::new("SELECT issuer, sub, item, seen FROM window_entry WHERE kind = $1 AND seen > $2")
        .with(Kind::Listed.name())
        .with(now.minus(Kind::Listed.lasts()).as_millis())
}

/// What no window holds any more.
pub(super) fn sweep(now: Timestamp) -> Vec<Statement> {
    let until = |kind: Kind| now.minus(kind.lasts()).minus(kind.lasts() / 60).minus(CLOCKS).as_millis();
    let entries = [Kind::Exports, Kind::Opened, Kind::Listed, Kind::Records, Kind::Exported, Kind::Bytes];
    let of_kind = |kind: Kind| {
        Statement::new("DELETE FROM window_entry WHERE seen < $1 AND kind = $2")
            .with(until(kind))
            .with(kind.name())
    };
    let people = Statement::new("DELETE FROM window_person WHERE seen < $1");
    entries.into_iter().map(of_kind).chain([people.with(now.minus(KEPT).minus(CLOCKS).as_millis())]).collect()
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
pub(super) fn read_listed(row: &Row) -> Option<(SubjectId, Entry)> {
    let person = SubjectId { issuer: row.text(0).ok()?.into(), sub: row.text(1).ok()?.into() };
    let key = u64::from_str_radix(row.text(2).ok()?, 16).ok()?;
    let time = Timestamp::from_millis(row.integer(3).ok()?);
    Some((person, Entry::seen(Kind::Listed, key, time)))
}

const KEY: &str = "patients";
/// The longest window, with the slot in which it ends.
const KEPT: Duration = Duration::from_secs(DAY.as_secs() + DAY.as_secs() / 60);
/// By so much the clocks of nodes may differ before a row is deleted that one of them would still count.
const CLOCKS: Duration = Duration::from_secs(5 * 60);
