//! Why the store did not do as it was asked.

use std::path::PathBuf;

/// Why the store did not do as it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error("the store `{}` is in use by another process", .path.display())]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// A newer Leastway wrote it.
    #[error(
        "the store `{store}` was written by a newer version: `{part}` stands at {found}, this version knows {known}"
    )]
    Newer {
        /// The file, or the server.
        store: String,
        /// The part of the schema.
        part: String,
        /// Where the store stands.
        found: i64,
        /// What this version knows.
        known: i64,
    },
    /// It is not a database, or a damaged one.
    #[error("the store `{}` is damaged or not a database: restore it from a backup", .path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
    },
    /// It cannot be opened or made.
    #[error("the store `{store}` cannot be opened: {cause}")]
    Unopened {
        /// The file, or the server.
        store: String,
        /// What the system or the server said.
        cause: String,
    },
    /// The server does not answer, or the connection to it was lost. What was to be written may stand only
    /// where the connection was lost while it was being committed; the cause says so.
    #[error("the store cannot be reached: {cause}")]
    Away {
        /// What the system or the server said.
        cause: String,
    },
    /// No room is left for it.
    #[error("the disk of the store is full")]
    Full,
    /// More writes wait than the store takes.
    #[error("the store is overloaded")]
    Overloaded,
    /// A text holds a NUL, which not every engine keeps.
    #[error("a text with a NUL in it cannot be stored")]
    Nul,
    /// A statement failed.
    #[error("the store failed: {cause}")]
    Failed {
        /// What the engine said; it names tables and constraints, never values.
        cause: String,
    },
    /// A row is not what was asked for.
    #[error("the store returned something else than was asked for")]
    Unexpected,
}

impl StoreError {
    /// It takes nothing any more.
    pub(super) fn stopped() -> Self {
        Self::Failed { cause: "the store has stopped".to_owned() }
    }
}
