//! Requests that were let through although nothing could be written of them: counted, and told as soon as that is possible.

use serde::{Deserialize, Serialize};

use super::application::{ApplicationName, RouteName};
use super::closed_list;
use super::subject::SubjectId;
use crate::foundation::clock::Timestamp;

closed_list! {
    /// What goes on where neither the journal nor its spool can be written.
    GapRule {
        /// Nothing: no event, no reply.
        Never = "never",
        /// Who looks at something to treat a patient; each is counted, and the journal tells the gap.
        TreatmentReads = "treatment-reads",
    }
}

/// A gap in the journal, as it is told by the first entry behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Why nothing could be written.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The requests that were let through.
    pub requests: u64,
    /// When the first of them came.
    pub from: Timestamp,
    /// When the last of them came.
    pub to: Timestamp,
    /// Who asked where, as far as that was kept.
    pub shares: Vec<GapShare>,
    /// The requests of which only the number was kept.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub others: u64,
}

impl Gap {
    /// The same without who asked where.
    #[must_use]
    pub fn without_shares(&self) -> Self {
        Self { shares: Vec::new(), others: self.requests, ..self.clone() }
    }
}

/// One person's requests to one route in a gap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GapShare {
    /// Who.
    pub person: SubjectId,
    /// Which application.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub application: Option<ApplicationName>,
    /// Which route.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<RouteName>,
    /// How many.
    pub requests: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
