//! What is wrong with the rules, where, and what would be right.

use std::fmt;

use crate::domain::application::{Category, RoleName};
use crate::domain::law::Law;

/// Something wrong with the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// Where.
    pub source: PolicySource,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub right: String,
}

/// Where a rule, or a problem with one, stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// A role as a whole.
    Role(RoleName),
    /// The `may` of a role at this position, counting from 1.
    May(RoleName, usize),
    /// The same, in an emergency.
    Emergency(RoleName, usize),
    /// A Cedar file. Lines and columns count from 1.
    File {
        /// Its path as written.
        path: String,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// The law of a category.
    Law(Category, Law),
    /// The `time_zone`.
    TimeZone,
    /// None of the above: the rules as a whole.
    Rules,
}

impl fmt::Display for PolicySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role `{role}`"),
            Self::May(role, position) => write!(f, "role `{role}`, `may` number {position}"),
            Self::Emergency(role, position) => {
                write!(f, "role `{role}`, `may` number {position}, in an emergency")
            }
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Law(category, law) => write!(f, "category `{category}`, {}", law.reference()),
            Self::TimeZone => f.write_str("`time_zone`"),
            Self::Rules => f.write_str("rules"),
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.what)?;
        if !self.right.is_empty() {
            write!(f, "; {}", self.right)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblem {}

impl PolicyProblem {
    pub(super) fn new(source: PolicySource, what: impl Into<String>, right: impl Into<String>) -> Self {
        Self { source, what: what.into(), right: right.into() }
    }
}
