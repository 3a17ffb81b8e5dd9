//! One break, and what may become of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::due::Due;
use crate::domain::application::{ApplicationName, RoleName};
use crate::domain::break_glass::{
    BreakEnd, BreakFinding, BreakReason, BreakRelation, BreakReview, ReviewedBreak,
};
use crate::domain::patient::{PatientDigest, PatientDigests};
use crate::domain::revocation::Why;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{RequestId, SessionId};

/// One person's emergency access to one patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The request in which it began.
    pub id: RequestId,
    /// Whose it is.
    pub person: SubjectId,
    /// What the provider calls them.
    pub name: String,
    /// In which roles.
    pub roles: Vec<RoleName>,
    /// In which session.
    pub session: SessionId,
    /// Where.
    pub application: ApplicationName,
    /// Whose chart is open.
    pub patient: PatientDigest,
    /// Why.
    pub reason: BreakReason,
    /// What was known of the two when it began.
    pub relation: BreakRelation,
    /// By the words of the feeds, the relationships by which the rules would have let them: what would explain it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub relationships: Vec<String>,
    /// The break whose reason and review count, where it began without one of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub joins: Option<RequestId>,
    /// When it began.
    pub began: Timestamp,
    /// Until when it lasts at the most.
    pub until: Timestamp,
    /// Whether it goes on.
    pub standing: Standing,
    /// By when the person writes why, where they have not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_due: Option<Timestamp>,
    /// What 42 CFR 2.51(c) asks for.
    pub sheet: Sheet,
    /// Whether a feed has told since that they have to do with the patient, within a day.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub explained: bool,
    /// Its review.
    pub review: Review,
    /// What became of it and is not told in the journal yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub untold: Option<Untold>,
}

/// What became of a break and is not told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// Since when.
    pub since: Timestamp,
    /// That it is over.
    pub over: bool,
    /// That a relationship has explained it, so that nobody has to look.
    pub explained: bool,
}

/// Whether a break goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The chart is open.
    Active,
    /// It is over.
    Over {
        /// Since when.
        at: Timestamp,
        /// Why.
        end: BreakEnd,
    },
}

impl Standing {
    /// Why it is over; none as long as it goes on.
    pub const fn end(self) -> Option<BreakEnd> {
        match self {
            Self::Active => None,
            Self::Over { end, .. } => Some(end),
        }
    }
}

/// What has to be written into a patient's record where records of a substance use disorder programme were opened in a medical
/// emergency (42 CFR 2.51(c)): to whom, by whom, when, and the nature of the emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sheet {
    /// Nothing of the kind was opened.
    NotNeeded,
    /// Since then it is owed.
    Owed(Timestamp),
    /// Since then it is in the journal.
    Filed(Timestamp),
}

/// How far the review has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// How far.
    pub state: BreakReview,
    /// By when.
    pub due: Due,
    /// What was found; always there where it is closed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<BreakFinding>,
    /// Who has looked, as they call themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reviewer: Option<String>,
    /// In their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Why>,
    /// When somebody looked first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub triaged: Option<Timestamp>,
    /// When it was settled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<Timestamp>,
}

impl Review {
    /// Nobody has looked yet.
    pub const fn open(due: Due) -> Self {
        Self {
            state: BreakReview::Open,
            due,
            finding: None,
            reviewer: None,
            note: None,
            triaged: None,
            closed: None,
        }
    }

    /// Whether somebody should have looked, or settled it, by `now`: then it is the privacy officer's.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        match self.state {
            BreakReview::Open => now > self.due.triage,
            BreakReview::Triaged => now > self.due.close,
            BreakReview::Closed => false,
        }
    }

    /// Whether it was settled, and in time.
    pub fn was_in_time(&self) -> Option<bool> {
        self.closed.map(|closed| closed <= self.due.close)
    }
}

/// What cannot become of a break any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// It is over.
    #[error("it is over")]
    Over,
    /// Nothing is owed.
    #[error("nothing is owed")]
    NothingOwed,
    /// That is known already.
    #[error("that is known already")]
    Known,
}

/// What a person adds afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Why, in their own words.
    pub text: bool,
    /// What 42 CFR 2.51(c) asks for.
    pub sheet: bool,
}

/// What a reviewer says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How far it has come.
    pub state: BreakReview,
    /// What they have found.
    #[serde(default)]
    pub finding: Option<BreakFinding>,
    /// Who they are: the identifier by which the provider knows them, where it is one's.
    pub reviewer: String,
    /// In their words.
    #[serde(default)]
    pub note: Option<Why>,
}

/// What a reviewer cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// There is no such break.
    #[error("no emergency access is known by this identifier")]
    Unknown,
    /// It has no review of its own.
    #[error("it joins {0}, which has the review")]
    Joins(RequestId),
    /// It would go back.
    #[error("a review goes from `open` to `triaged` to `closed`, and this one is `{0}`")]
    Backward(BreakReview),
    /// It would be closed without an answer, or by one that is nobody's to give.
    #[error("say what was found, to close it: `finding` is `justified`, `not-justified` or `inconclusive`")]
    NoFinding,
    /// What is not justified is said in words.
    #[error("say in a `note` why it is not justified")]
    NoNote,
    /// Nobody says who they are.
    #[error("say who you are: `reviewer` has 1 to {REVIEWER_CHARACTERS_MAX} characters")]
    NoReviewer,
    /// They would review themselves.
    #[error("nobody reviews their own emergency access")]
    OwnBreak,
}

impl Break {
    /// Whether it is this person's, in this session, of this patient.
    pub fn is_of(&self, person: &SubjectId, session: SessionId, patient: &PatientDigests) -> bool {
        self.session == session && self.is_about(patient) && self.person == *person
    }

    /// Whether it is about this patient, by whichever key they were named when it began.
    pub fn is_about(&self, patient: &PatientDigests) -> bool {
        patient.each().any(|named| *named == self.patient)
    }

    /// Whether somebody is still to do something about it: its person, or whoever reviews it.
    pub fn is_awaited(&self) -> bool {
        self.is_owed() || (self.joins.is_none() && self.review.state != BreakReview::Closed)
    }

    /// Whether it opens anything at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.standing == Standing::Active && now < self.until
    }

    /// It is over.
    pub fn ended(self, at: Timestamp, end: BreakEnd) -> Result<Self, NotNow> {
        match self.standing {
            Standing::Active => Ok(Self { standing: Standing::Over { at: at.min(self.until), end }, ..self }),
            Standing::Over { .. } => Err(NotNow::Over),
        }
    }

    /// What became of `before` is still to be told in the journal.
    #[must_use]
    pub fn to_tell(self, before: &Self, now: Timestamp) -> Self {
        let is_explained = |it: &Self| it.review.finding == Some(BreakFinding::AutoExplained);
        let untold = Untold {
            since: now,
            over: before.untold.is_some_and(|untold| untold.over) || before.standing != self.standing,
            explained: before.untold.is_some_and(|untold| untold.explained)
                || is_explained(&self) && !is_explained(before),
        };
        Self { untold: (untold.over || untold.explained).then_some(untold), ..self }
    }

    /// That is told.
    pub fn was_told(self) -> Result<Self, NotNow> {
        if self.untold.is_none() { Err(NotNow::Known) } else { Ok(Self { untold: None, ..self }) }
    }

    /// Records of a substance use disorder programme were opened by it.
    pub fn opened_programme(self, now: Timestamp) -> Result<Self, NotNow> {
        match self.sheet {
            Sheet::NotNeeded => Ok(Self { sheet: Sheet::Owed(now), ..self }),
            Sheet::Owed(_) | Sheet::Filed(_) => Err(NotNow::Known),
        }
    }

    /// The person has added something.
    pub fn attested(self, attested: Attested, now: Timestamp) -> Result<Self, NotNow> {
        let text = attested.text && self.text_due.is_some();
        let sheet = attested.sheet && matches!(self.sheet, Sheet::Owed(_));
        if !text && !sheet {
            return Err(NotNow::NothingOwed);
        }
        let text_due = self.text_due.filter(|_| !text);
        let sheet = if sheet { Sheet::Filed(now) } else { self.sheet };
        Ok(Self { text_due, sheet, ..self })
    }

    /// Whether the person still owes anything.
    pub const fn is_owed(&self) -> bool {
        self.text_due.is_some() || matches!(self.sheet, Sheet::Owed(_))
    }

    /// A feed tells by now that the person has to do with the patient. Within a day of the beginning that explains it: nobody has
    /// to look, but at one of ten, which is looked at all the same.
    pub fn related(self, now: Timestamp) -> Result<Self, NotNow> {
        let is_explained = now.since(self.began) <= EXPLAINED_WITHIN && self.joins.is_none();
        let was_active = self.standing == Standing::Active;
        if !was_active && (!is_explained || self.explained) {
            return Err(NotNow::Known);
        }
        let standing = match self.standing {
            Standing::Active => Standing::Over { at: now.min(self.until), end: BreakEnd::Related },
            over @ Standing::Over { .. } => over,
        };
        let is_sample = self.id.as_u128().is_multiple_of(SAMPLED_OF);
        let closes = is_explained && !is_sample && self.review.state == BreakReview::Open;
        let review = Review {
            state: if closes { BreakReview::Closed } else { self.review.state },
            finding: if closes { Some(BreakFinding::AutoExplained) } else { self.review.finding },
            closed: if closes { Some(now) } else { self.review.closed },
            ..self.review
        };
        Ok(Self { standing, explained: self.explained || is_explained, review, ..self })
    }

    /// The break with what a reviewer says of it; over, where it is found not justified.
    pub fn reviewed(self, asked: Asked, now: Timestamp) -> Result<Self, ReviewError> {
        let Asked { state, finding, reviewer, note } = asked;
        let reviewer = reviewer.trim();
        if !(1..=REVIEWER_CHARACTERS_MAX).contains(&reviewer.chars().count())
            || reviewer.chars().any(char::is_control)
        {
            return Err(ReviewError::NoReviewer);
        }
        let is = |name: &str| reviewer.to_lowercase() == name.to_lowercase();
        if is(&self.person.sub) || is(&self.name) {
            return Err(ReviewError::OwnBreak);
        }
        if let Some(root) = self.joins {
            return Err(ReviewError::Joins(root));
        }
        if state == BreakReview::Open || self.review.state == BreakReview::Closed {
            return Err(ReviewError::Backward(self.review.state));
        }
        let closes = state == BreakReview::Closed;
        let finding = finding.or(self.review.finding);
        match finding {
            None if closes => return Err(ReviewError::NoFinding),
            Some(BreakFinding::AutoExplained) => return Err(ReviewError::NoFinding),
            Some(BreakFinding::NotJustified) if note.is_none() && self.review.note.is_none() => {
                return Err(ReviewError::NoNote);
            }
            None
            | Some(BreakFinding::Justified | BreakFinding::NotJustified | BreakFinding::Inconclusive) => {}
        }
        let review = Review {
            state,
            finding,
            reviewer: Some(reviewer.to_owned()),
            note: note.or(self.review.note),
            triaged: self.review.triaged.or(Some(now)),
            closed: closes.then_some(now),
            due: self.review.due,
        };
        let standing = match (self.standing, review.finding) {
            (Standing::Active, Some(BreakFinding::NotJustified)) if closes => {
                Standing::Over { at: now.min(self.until), end: BreakEnd::Review }
            }
            (standing, _) => standing,
        };
        Ok(Self { standing, review, ..self })
    }

    /// Whether a later request of the same person for the same patient rests on this one's reason, and on its review.
    pub fn is_remembered(&self, memory: Duration, now: Timestamp) -> bool {
        self.joins.is_none()
            && now.since(self.began) < memory
            && self.began <= now
            && self.review.finding != Some(BreakFinding::NotJustified)
    }

    /// How an event tells of the review.
    pub fn told(&self) -> ReviewedBreak {
        let Review { state, finding, reviewer, note, .. } = &self.review;
        ReviewedBreak { state: *state, finding: *finding, reviewer: reviewer.clone(), note: note.clone() }
    }
}

/// Within this time of the beginning, a relationship explains a break.
pub(super) const EXPLAINED_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// One of so many that are explained is looked at all the same.
pub(super) const SAMPLED_OF: u128 = 10;
/// The longest name of a reviewer, in characters.
const REVIEWER_CHARACTERS_MAX: usize = 100;
