//! What is found in the stream of events that somebody should look at, and what they say of it.
//!
//! A detection tells of counts, and of events by their identifiers: never of a patient.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;
use super::revocation::Why;
use super::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{DetectionId, RequestId};

name! {
    /// A rule of detection, as the configuration calls it.
    DetectionName
}

closed_list! {
    /// What a rule of detection looks for in what one person does.
    DetectionKind {
        /// Records, or files, taken away in a short while.
        MassExport = "mass_export",
        /// Many patients opened in a short while.
        PanelSweep = "panel_sweep",
        /// Many different patients were listed.
        ListSweep = "list_sweep",
        /// Patients asked for by numbers that follow one another at equal steps.
        SequentialIds = "sequential_ids",
        /// Much work outside the hours of the house.
        OffHours = "off_hours",
        /// Much work after a long silence.
        Dormant = "dormant",
        /// Denials, one after the other.
        Denials = "denials",
        /// Something is taken away soon after an emergency or a reason was given.
        AfterBreakGlass = "after_break_glass",
        /// Work from several networks in the same minutes.
        Elsewhere = "elsewhere",
        /// Charts are asked for that no rule of any of the person's roles opens.
        NothingToDo = "nothing_to_do",
    }
}

closed_list! {
    /// What is counted of what is taken away.
    TakenAway {
        /// Records.
        Records = "records",
        /// Files, whatever is in them.
        Files = "files",
    }
}

closed_list! {
    /// How soon somebody should look.
    Severity {
        /// When there is time.
        Low = "low",
        /// This week.
        Medium = "medium",
        /// Today.
        High = "high",
    }
}

closed_list! {
    /// What comes of a detection, beside the event and the item for review.
    DetectionThen {
        /// Nothing more.
        Flag = "flag",
        /// The person proves once more who they are, where a risk with `when = "detection"` counts.
        StepUp = "step_up",
    }
}

closed_list! {
    /// How far the review of a detection has come, in order.
    ReviewState {
        /// Nobody has looked yet.
        Open = "open",
        /// Somebody has looked.
        Seen = "seen",
        /// It is settled.
        Closed = "closed",
    }
}

closed_list! {
    /// What a reviewer has found.
    ReviewFinding {
        /// It belongs to the person's work: the rule is quiet about them for a while.
        Fine = "fine",
        /// A mistake without intent.
        Mistake = "mistake",
        /// It was not allowed.
        Violation = "violation",
        /// It cannot be told.
        Unclear = "unclear",
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Its name: the same whenever the same is found in the same events.
    pub id: DetectionId,
    /// The rule.
    pub rule: DetectionName,
    /// What that looks for.
    pub kind: DetectionKind,
    /// How soon somebody should look.
    pub severity: Severity,
    /// About whom.
    pub person: SubjectId,
    /// What the provider calls them.
    pub name: String,
    /// The time of the first event that counts.
    pub since: Timestamp,
    /// The time of the last one.
    pub until: Timestamp,
    /// How many or how much.
    pub count: u64,
    /// What is usual for the person in as much time; absent where that is not known, or not asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub usual: Option<u64>,
    /// All that in a sentence.
    pub why: String,
    /// Events that count, the latest first: at most [`REQUESTS_MAX`].
    pub requests: Vec<RequestId>,
    /// Whether it asks the person to prove once more who they are.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub raises: bool,
}

/// What somebody says of a detection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Of which.
    pub detection: DetectionId,
    /// How far it has come.
    pub state: ReviewState,
    /// What was found; always there where it is closed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<ReviewFinding>,
    /// In the reviewer's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Why>,
    /// Until when the same rule is quiet about the same person because of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quiet_until: Option<Timestamp>,
}

/// Events that a detection names.
pub const REQUESTS_MAX: usize = 20;

impl DetectionKind {
    /// Whether what is usual for the person counts.
    pub const fn knows_usual(self) -> bool {
        match self {
            Self::MassExport | Self::PanelSweep | Self::ListSweep => true,
            Self::SequentialIds
            | Self::OffHours
            | Self::Dormant
            | Self::Denials
            | Self::AfterBreakGlass
            | Self::Elsewhere
            | Self::NothingToDo => false,
        }
    }
}
