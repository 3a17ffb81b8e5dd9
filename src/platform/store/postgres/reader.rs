//! The connections that read: a few, which take queries from one queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::super::{Row, Statement, StoreError};
use super::connect::{Connector, Purpose};
use super::failure::is_away;
use super::line::Line;

const READERS: usize = 4;

/// Takes what was found.
pub(super) type Answer = Box<dyn FnOnce(Result<Vec<Row>, StoreError>) + Send>;

pub(super) struct Query {
    pub(super) statement: Statement,
    /// For how long the answer is waited for once it is this query's turn.
    pub(super) patience: Duration,
    pub(super) answer: Answer,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("statement", &self.statement).finish_non_exhaustive()
    }
}

pub(super) async fn run(connector: &Connector, queries: mpsc::Receiver<Query>) {
    let queries = Arc::new(Mutex::new(queries));
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(serve(Line::new(connector.clone(), Purpose::Read), queries.clone()));
    }
    while readers.join_next().await.is_some() {}
}

async fn serve(mut line: Line, queries: Arc<Mutex<mpsc::Receiver<Query>>>) {
    loop {
        let next = queries.lock().await.recv().await;
        let Some(Query { statement, patience, answer }) = next else { return };
        let found = tokio::time::timeout(patience, find(&mut line, &statement)).await;
        answer(found.unwrap_or_else(|_| {
            line.hang_up();
            Err(StoreError::Away { cause: "the server did not answer in time".to_owned() })
        }));
    }
}

/// A query changes nothing, so it is asked once more where the connection had been lost unnoticed.
async fn find(line: &mut Line, query: &Statement) -> Result<Vec<Row>, StoreError> {
    match line.link().await?.rows(query).await {
        Err(error) if is_away(&error) => {
            line.hang_up();
            line.link().await?.rows(query).await
        }
        found => found,
    }
}
