//! What an error of the server means.

use tokio_postgres::error::{DbError, SqlState};

use super::super::StoreError;

/// What an error means for whoever asked. A message of the server is shown only where it cannot quote a value.
pub(super) fn meaning(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(error) => of_server(error),
        // Of a value or a row: the causes name types only.
        None if is_of_statement(error) => StoreError::Failed { cause: chain(error) },
        None => StoreError::Away { cause: chain(error) },
    }
}

/// Whether the connection is of no more use, so that another one may be tried.
pub(super) const fn is_away(error: &StoreError) -> bool {
    matches!(error, StoreError::Away { .. })
}

fn of_server(error: &DbError) -> StoreError {
    let code = error.code();
    if *code == SqlState::DISK_FULL {
        return StoreError::Full;
    }
    let told = match code.code().get(..2) {
        // Data exceptions quote what they were given.
        Some("22") => "a value cannot be stored",
        _ => error.message(),
    };
    let cause = format!("{told} (SQLSTATE {})", code.code());
    match code.code().get(..2) {
        // Connections, too few resources for one more, and a server that stops, crashes or starts. A standby that
        // was a primary a moment ago writes nothing (25006).
        Some("08" | "53") => StoreError::Away { cause },
        Some("57") if *code != SqlState::QUERY_CANCELED => StoreError::Away { cause },
        Some("25") if is_of_session(code) => StoreError::Away { cause },
        _ => StoreError::Failed { cause },
    }
}

fn is_of_session(code: &SqlState) -> bool {
    [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT].contains(code)
}

/// Whether a statement was at fault and the connection is as good as before. The client does not give the kind.
fn is_of_statement(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing", "error deserializing", "error encoding", "expected "]
        .iter()
        .any(|start| text.starts_with(start))
}

/// An error with its causes, in one line.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.contains(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}
