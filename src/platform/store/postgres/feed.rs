//! What other nodes have changed: rows of the table `change`, in the order of their numbers.
//!
//! A notification only wakes whoever listens; the rows are the truth, and are asked for each second in any case. The
//! number of a row is one more than the highest before, taken under the [lock](super::lock) and committed before
//! the lock is given to the next: so rows become visible in rising order, without gaps. A sequence or an identity
//! column would do neither: it gives numbers out when a row is inserted and not when it is committed, so that 8 may be
//! read before 7 is there, and a number that was rolled back looks like one that is still to come.
//!
//! The row that was read last is asked for again with the next ones. While it is there, unchanged, nothing was missed.
//! If it is not (swept while this node was away, or the server was put back to an earlier state), everything is to be
//! read anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::changes::Told;
use super::super::{Migrations, Row, Statement, StoreError};
use super::connect::{Connector, Link, Purpose};
use super::touch::{Moment, Touch};

/// The schema of the feed.
pub(super) const MIGRATIONS: Migrations = Migrations {
    part: "change",
    steps: &["CREATE TABLE change (
        number BIGINT PRIMARY KEY,
        node TEXT NOT NULL,
        part TEXT NOT NULL,
        key TEXT NOT NULL,
        at BIGINT NOT NULL
    )"],
};

/// Adds a change, by the server's clock: nodes need not agree on the time.
pub(super) const ADD: &str = "INSERT INTO change (number, node, part, key, at)
    SELECT coalesce(max(number), 0) + 1, $1::text, $2::text, $3::text,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM change";
/// Wakes all who listen, once the transaction is committed.
pub(super) const NOTIFY: &str = "SELECT pg_notify('leastway_change', '')";
const LISTEN: &str = "LISTEN leastway_change";
const READ: &str =
    "SELECT number, node, part, key, at FROM change WHERE number >= $1 ORDER BY number LIMIT 1000";
const LAST: &str = "SELECT number, node, part, key, at FROM change ORDER BY number DESC LIMIT 1";
/// Of the rows older than an hour the last one stays: whoever has read up to it has missed nothing.
const SWEEP: &str = "DELETE FROM change WHERE number < (
        SELECT max(number) FROM change
        WHERE at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 3600000
    )";

/// As many rows as [`READ`] gives at most.
const READ_MAX: usize = 1_000;
const POLLED_EVERY: Duration = Duration::from_secs(1);
const SWEPT_EVERY: Duration = Duration::from_secs(60);
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// How long after a failure the next attempt is made.
const TRIED_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// What goes to whoever acts on changes. Proof of touch goes the same way, so that it never comes before what it is
/// the proof of.
#[derive(Debug)]
pub(super) enum Item {
    Told(Told),
    KnownUpTo(Moment),
}

/// The receiving end.
#[derive(Debug)]
pub(in crate::platform::store) struct Feed {
    items: mpsc::Receiver<Item>,
    touch: Arc<Touch>,
    /// Whether a change was given out that may not have been acted on yet.
    is_acting: bool,
}

impl Feed {
    pub(super) const fn new(items: mpsc::Receiver<Item>, touch: Arc<Touch>) -> Self {
        Self { items, touch, is_acting: false }
    }

    /// The next change; none when the store is closed.
    pub(in crate::platform::store) async fn next(&mut self) -> Option<Told> {
        if std::mem::take(&mut self.is_acting) {
            self.touch.acted_on();
        }
        loop {
            match self.items.recv().await? {
                Item::Told(told) => {
                    self.is_acting = true;
                    return Some(told);
                }
                Item::KnownUpTo(moment) => self.touch.prove(moment),
            }
        }
    }
}

/// The row that was read last; `None` where there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position(Option<Mark>);

/// By what a row is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    number: i64,
    node: String,
    at: i64,
}

impl Position {
    /// The end of what there is.
    pub(super) async fn last(link: &mut Link) -> Result<Self, StoreError> {
        let rows = link.rows(&Statement::new(LAST)).await?;
        rows.first().map(mark).transpose().map(Self)
    }

    /// From where on is to be read: the last row itself, or the first that there will be.
    fn from(&self) -> i64 {
        self.0.as_ref().map_or(1, |mark| mark.number)
    }
}

fn mark(row: &Row) -> Result<Mark, StoreError> {
    Ok(Mark { number: row.integer(0)?, node: row.text(1)?.to_owned(), at: row.integer(4)? })
}

/// What a reading has brought.
#[derive(Debug, PartialEq, Eq)]
enum Brought {
    /// What other nodes have told, and up to where.
    News(Vec<Told>, Position),
    /// Not all is there.
    Missed,
}

/// Makes sense of the rows from `position` on.
fn sift(position: &Position, rows: &[Row], own: &str) -> Result<Brought, StoreError> {
    let mut rows = rows.iter();
    if position.0.is_some() {
        match rows.next() {
            Some(first) if Some(mark(first)?) == position.0 => {}
            Some(_) | None => return Ok(Brought::Missed),
        }
    }
    let (mut told, mut last) = (Vec::new(), position.0.clone());
    for row in rows {
        let mark = mark(row)?;
        if mark.number != last.as_ref().map_or(1, |last| last.number + 1) {
            return Ok(Brought::Missed);
        }
        if mark.node != own {
            told.push(Told { part: row.text(2)?.to_owned(), key: row.text(3)?.to_owned() });
        }
        last = Some(mark);
    }
    Ok(Brought::News(told, Position(last)))
}

/// Hears what other nodes change until nobody listens any more.
pub(super) async fn run(
    connector: Connector,
    position: Position,
    hand_on: mpsc::Sender<Item>,
    touch: Arc<Touch>,
) {
    let mut hearer =
        Hearer { node: connector.node().to_owned(), position, hand_on, touch, swept: Instant::now() };
    let mut is_lost = false;
    loop {
        let heard = hearer.hear(&connector, &mut is_lost).await;
        match heard {
            Err(Ended::NobodyListens) => return,
            Err(Ended::Lost(error)) => {
                if !std::mem::replace(&mut is_lost, true) {
                    tracing::warn!(error = %error, "the store is out of touch: what other nodes change is not heard");
                }
            }
            Ok(never) => match never {},
        }
        tokio::time::sleep(TRIED_AGAIN_AFTER).await;
    }
}

/// Why nothing is heard.
enum Ended {
    NobodyListens,
    Lost(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Lost(error)
    }
}

struct Hearer {
    node: String,
    position: Position,
    hand_on: mpsc::Sender<Item>,
    touch: Arc<Touch>,
    swept: Instant,
}

impl Hearer {
    /// Listens on a connection of its own for as long as that holds.
    async fn hear(
        &mut self,
        connector: &Connector,
        was_lost: &mut bool,
    ) -> Result<std::convert::Infallible, Ended> {
        let mut link = connector.connect(Purpose::Hear).await?;
        // First to listen, then to read: what comes between rings all the same.
        link.command(LISTEN).await?;
        let every = POLLED_EVERY.min(self.touch.lease() / 3);
        loop {
            self.catch_up(&mut link).await?;
            if std::mem::take(was_lost) {
                tracing::info!("the store is in touch again");
            }
            if self.swept.elapsed() >= SWEPT_EVERY {
                self.swept = Instant::now();
                within(link.execute(&Statement::new(SWEEP))).await?;
            }
            let bell = link.bell.clone();
            // Woken or not: the rows are asked for.
            tokio::time::timeout(every, bell.notified()).await.unwrap_or_default();
        }
    }

    /// Hands everything on that there is, and then the proof of it.
    async fn catch_up(&mut self, link: &mut Link) -> Result<(), Ended> {
        loop {
            let asked = self.touch.now();
            let read = Statement::new(READ).with(self.position.from());
            let rows = within(link.rows(&read)).await?;
            let told = match sift(&self.position, &rows, &self.node)? {
                Brought::News(told, position) => {
                    self.position = position;
                    told
                }
                Brought::Missed => {
                    tracing::warn!("changes of other nodes were missed: everything is read anew");
                    self.position = within(Position::last(link)).await?;
                    vec![Told::everything()]
                }
            };
            for told in told {
                self.touch.handed_on();
                self.hand_on(Item::Told(told)).await?;
            }
            if rows.len() < READ_MAX {
                return self.hand_on(Item::KnownUpTo(asked)).await;
            }
        }
    }

    /// Waits where nobody acts on changes for a while: touch is then lost, and memory stays bounded.
    async fn hand_on(&self, item: Item) -> Result<(), Ended> {
        self.hand_on.send(item).await.map_err(|_| Ended::NobodyListens)
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWERED_WITHIN, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Away { cause: "the server did not answer in time".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Value;
    use super::*;

    fn row(number: i64, node: &str, at: i64) -> Row {
        let key = format!("key {number}");
        Row::of(vec![number.into(), node.into(), "part".into(), Value::from(key), at.into()])
    }

    fn at(number: i64, node: &str, at: i64) -> Position {
        Position(Some(Mark { number, node: node.to_owned(), at }))
    }

    fn keys(brought: &Brought) -> Option<Vec<&str>> {
        match brought {
            Brought::News(told, _) => Some(told.iter().map(|told| told.key.as_str()).collect()),
            Brought::Missed => None,
        }
    }

    #[test]
    fn what_others_told_is_handed_on_and_what_was_missed_is_noticed() {
        let cases = [
            ("nothing yet", Position(None), vec![], Some(vec![])),
            ("the first", Position(None), vec![row(1, "b", 9)], Some(vec!["key 1"])),
            ("the first was swept", Position(None), vec![row(2, "b", 9)], None),
            ("nothing new", at(7, "b", 9), vec![row(7, "b", 9)], Some(vec![])),
            ("one's own", at(7, "b", 9), vec![row(7, "b", 9), row(8, "a", 9)], Some(vec![])),
            (
                "news",
                at(7, "b", 9),
                vec![row(7, "b", 9), row(8, "a", 9), row(9, "b", 9)],
                Some(vec!["key 9"]),
            ),
            ("a gap", at(7, "b", 9), vec![row(7, "b", 9), row(9, "b", 9)], None),
            ("swept while away", at(7, "b", 9), vec![row(8, "b", 9)], None),
            ("all is gone", at(7, "b", 9), vec![], None),
            ("put back, and told on by another", at(7, "b", 9), vec![row(7, "c", 9)], None),
            ("put back, and told on later", at(7, "b", 9), vec![row(7, "b", 10)], None),
        ];
        for (name, position, rows, expected) in cases {
            assert_eq!(keys(&sift(&position, &rows, "a").unwrap()), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn touch_is_proven_when_all_before_it_has_been_acted_on() {
        let touch = Arc::new(Touch::new(Duration::from_secs(60)));
        let (hand_on, items) = mpsc::channel(8);
        let mut feed = Feed::new(items, touch.clone());
        touch.handed_on();
        hand_on.send(Item::Told(Told::everything())).await.unwrap();
        hand_on.send(Item::KnownUpTo(touch.now())).await.unwrap();
        assert_eq!(feed.next().await, Some(Told::everything()));
        assert_eq!((touch.is_held(), touch.behind()), (false, 1), "it may still be acted on");
        drop(hand_on);
        assert_eq!(feed.next().await, None);
        assert_eq!((touch.is_held(), touch.behind()), (true, 0));
    }
}
