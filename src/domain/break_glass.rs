//! Break-glass at the bedside: somebody who has nothing to do with a patient opens the chart all the same, says why, and is
//! reviewed for it (45 CFR 164.312(a)(2)(ii); HL7 purpose of use `BTG`).
//!
//! A *break* is one person's emergency access to one patient. It is called by the request in which it began.

use serde::{Deserialize, Serialize};

use super::closed_list;
use super::revocation::Why;
use super::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

closed_list! {
    /// Why a person breaks the glass: one tap.
    BreakReason {
        /// The patient cannot wait.
        Emergency = "emergency",
        /// For a colleague who is away.
        Covering = "covering",
        /// A colleague asks for advice.
        Consult = "consult",
        /// The patient comes from, or goes to, another place.
        Transfer = "transfer",
        /// The patient or their family is on the telephone.
        Call = "call",
        /// They do care for the patient, and no feed has told it yet.
        NotYetKnown = "not-yet-known",
        /// Something else, which the text says.
        Other = "other",
    }
}

closed_list! {
    /// When a person writes in their own words why.
    BreakText {
        /// Before the chart opens.
        Now = "now",
        /// Then or afterwards: until it is there, it is owed.
        Later = "later",
    }
}

closed_list! {
    /// What was known of the person and the patient when a break began.
    BreakRelation {
        /// Feeds told that they have nothing to do with each other.
        None = "none",
        /// No feed told it, or in time.
        Unknown = "unknown",
        /// They have, and the patient is marked.
        Marked = "marked",
    }
}

closed_list! {
    /// What an event says of a break.
    BreakStep {
        /// A person was asked for a reason.
        Prompted = "prompted",
        /// They went back.
        Cancelled = "cancelled",
        /// It began, with a reason.
        Started = "started",
        /// It began without one: the same patient's glass was broken by the same person a few days ago.
        Remembered = "remembered",
        /// Something was opened by it.
        Used = "used",
        /// It is over.
        Ended = "ended",
        /// The person has said in their own words why.
        Attested = "attested",
        /// Somebody has looked at it.
        Reviewed = "reviewed",
    }
}

closed_list! {
    /// Why a break is over.
    BreakEnd {
        /// Its time was over.
        Time = "time",
        /// The person has ended it.
        Person = "person",
        /// The session has ended in which it began.
        Session = "session",
        /// A feed tells by now that they have to do with the patient.
        Related = "related",
        /// Whoever reviewed it has found it not justified.
        Review = "review",
    }
}

closed_list! {
    /// How far the review of a break has come, in order.
    BreakReview {
        /// Nobody has looked yet.
        Open = "open",
        /// Somebody has looked.
        Triaged = "triaged",
        /// It is settled.
        Closed = "closed",
    }
}

closed_list! {
    /// What the review of a break has found.
    BreakFinding {
        /// It was right.
        Justified = "justified",
        /// It was not.
        NotJustified = "not-justified",
        /// It cannot be told.
        Inconclusive = "inconclusive",
        /// A feed told within a day that the person has to do with the patient: nobody had to look.
        AutoExplained = "auto-explained",
    }
}

/// What an event says of a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBreak {
    /// Which; absent as long as there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<RequestId>,
    /// What became of it.
    pub step: BreakStep,
    /// Why, where it begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<BreakReason>,
    /// What was known of person and patient, where it begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relation: Option<BreakRelation>,
    /// The break whose reason counts, where it begins without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub joins: Option<RequestId>,
    /// Until when it lasts, where it begins.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// Why it is over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<BreakEnd>,
    /// Whose it is, where the event is not the person's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<SubjectId>,
    /// Whether the person's own words are still owed.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub text_owed: bool,
    /// What a reviewer says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<ReviewedBreak>,
    /// Who has disclosed records of a substance use disorder programme (42 CFR 2.51(c)).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub discloser: Option<String>,
}

/// What a reviewer says of a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewedBreak {
    /// How far it has come.
    pub state: BreakReview,
    /// What was found; always there where it is closed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<BreakFinding>,
    /// Who has looked, as they call themselves; absent where nobody had to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reviewer: Option<String>,
    /// In their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Why>,
}

impl EventBreak {
    /// That a step was taken, of which nothing else is said.
    pub const fn of(id: Option<RequestId>, step: BreakStep) -> Self {
        Self {
            id,
            step,
            reason: None,
            relation: None,
            joins: None,
            until: None,
            end: None,
            person: None,
            text_owed: false,
            review: None,
            discloser: None,
        }
    }
}

impl BreakStep {
    /// Whether a break begins with it.
    pub const fn begins(self) -> bool {
        match self {
            Self::Started | Self::Remembered => true,
            Self::Prompted | Self::Cancelled | Self::Used | Self::Ended | Self::Attested | Self::Reviewed => {
                false
            }
        }
    }
}
