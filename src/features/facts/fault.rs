//! Why a feed was not taken.

use std::time::Duration;

use super::settings::Column;

/// Why a feed was not taken. Names where, and never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedFault {
    /// It cannot be read.
    #[error("it cannot be read: {cause}")]
    Unreadable {
        /// What the system said.
        cause: String,
    },
    /// It cannot be had.
    #[error("it cannot be had: {cause}")]
    Unavailable {
        /// What came in its place.
        cause: String,
    },
    /// It changed while it was being read.
    #[error("it changed while it was being read")]
    Changing,
    /// It is larger than is read.
    #[error("it is larger than {limit} bytes (`bytes_max`)")]
    TooLarge {
        /// How much is read.
        limit: u64,
    },
    /// It has more rows than are taken.
    #[error("it has more than {limit} rows (`rows_max`)")]
    TooMany {
        /// How many are taken.
        limit: u64,
    },
    /// Its next page is not where the feed is.
    #[error("its next page is at another origin than `url`")]
    Elsewhere,
    /// Its pages lead in a circle.
    #[error("its pages lead in a circle")]
    Circular,
    /// It has more pages than are asked for.
    #[error("it has more than {limit} pages")]
    TooManyPages {
        /// How many are asked for.
        limit: usize,
    },
    /// All its pages take too long.
    #[error("its pages have not come within {} s", .limit.as_secs())]
    TooSlow {
        /// How long they have.
        limit: Duration,
    },
    /// It is one page of several.
    #[error("it is one page of several")]
    Partial,
    /// It says that more was found than came.
    #[error("it says that {total} were found, and {came} have come")]
    Short {
        /// How many came.
        came: u64,
        /// How many there are.
        total: u64,
    },
    /// Of nothing that came it is known whom it is about: an `_include` may be missing, or the identifier system be another.
    #[error("none of the {came} that have come names somebody and a patient in the way that is declared")]
    Nameless {
        /// How many came.
        came: u64,
    },
    /// It says that it was made later than now.
    #[error("it says that it was made later than now")]
    Ahead,
    /// It has no row: more likely an export that has failed than that nobody works here any more.
    #[error("it has no row")]
    Empty,
    /// It has no such column.
    #[error("it has no column `{column}`")]
    NoColumn {
        /// As it is called there.
        column: String,
    },
    /// Two columns have this name.
    #[error("it has two columns `{column}`")]
    TwoColumns {
        /// As they are called there.
        column: String,
    },
    /// A row is not written as it should be.
    #[error("{place}: {what}")]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong.
        what: &'static str,
    },
    /// A cell cannot be understood.
    #[error("{place}, column `{column}`: {what}")]
    Cell {
        /// Where.
        place: Place,
        /// In which column.
        column: Column,
        /// What is wrong.
        what: &'static str,
    },
}

/// A place in a feed, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line.
    Line(u64),
    /// A row: a list in JSON has no lines that mean anything.
    Row(u64),
    /// An entry of a Bundle, over all its pages.
    Entry(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
            Self::Entry(number) => write!(f, "entry {number}"),
        }
    }
}
