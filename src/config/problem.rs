//! What is wrong with a configuration, where, and what would be right.

use std::fmt;

use serde::Serialize;

use super::locations::Place;

/// Whether a configuration with the problem can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One thing that is wrong. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it can be used nevertheless.
    pub severity: Severity,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// Which key, dotted: `application.ehr.route[2].match.path`; positions count from 1. Empty: the file.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n    → {}", self.what, self.right)
    }
}

/// Everything that is wrong with a configuration; at least one of it an error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);
