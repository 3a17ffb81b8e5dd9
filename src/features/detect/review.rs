//! Items for review: open, seen, closed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::{DetectionSettings, QUIET};
use crate::domain::detection::{Detection, DetectionName, Review, ReviewFinding, ReviewState};
use crate::domain::revocation::Why;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::DetectionId;

/// Something that was found, and how far somebody has come with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What was found.
    #[serde(flatten)]
    pub detection: Detection,
    /// When it began: what the same rule finds about the same person in its window belongs to it.
    pub began: Timestamp,
    /// How far its review has come.
    pub state: ReviewState,
    /// What the reviewer has found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finding: Option<ReviewFinding>,
    /// In their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Why>,
    /// When they said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reviewed: Option<Timestamp>,
    /// Until when the rule is quiet about the person because of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quiet_until: Option<Timestamp>,
    /// Whether the person has proven since who they are.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cleared: bool,
}

/// What a reviewer says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// How far it has come.
    pub state: ReviewState,
    /// What they have found.
    #[serde(default)]
    pub finding: Option<ReviewFinding>,
    /// In their words.
    #[serde(default)]
    pub note: Option<Why>,
}

/// What a reviewer cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// There is no such item.
    #[error("nothing is known by this identifier")]
    Unknown,
    /// It would go back.
    #[error("a review goes from `open` to `seen` to `closed`, and this one is `{0}`")]
    Backward(ReviewState),
    /// It would be closed without an answer.
    #[error("say what was found, to close it: `finding` is `fine`, `mistake`, `violation` or `unclear`")]
    NoFinding,
}

/// Items in memory, as the store has them.
#[derive(Debug, Default)]
pub(super) struct Items(BTreeMap<DetectionId, Item>);

impl Item {
    pub(super) const fn open(detection: Detection, began: Timestamp) -> Self {
        Self {
            detection,
            began,
            state: ReviewState::Open,
            finding: None,
            note: None,
            reviewed: None,
            quiet_until: None,
            cleared: false,
        }
    }

    /// The item with what a reviewer says of it.
    pub(super) fn reviewed(
        &self,
        asked: Asked,
        rules: &[DetectionSettings],
        now: Timestamp,
    ) -> Result<Self, ReviewError> {
        let Asked { state, finding, note } = asked;
        if state == ReviewState::Open || self.state == ReviewState::Closed {
            return Err(ReviewError::Backward(self.state));
        }
        let finding = finding.or(self.finding);
        if state == ReviewState::Closed && finding.is_none() {
            return Err(ReviewError::NoFinding);
        }
        let rule = rules.iter().find(|rule| rule.name == self.detection.rule);
        let quiet = now.plus(rule.map_or(QUIET, |rule| rule.quiet));
        Ok(Self {
            state,
            finding,
            note: note.or_else(|| self.note.clone()),
            reviewed: Some(now),
            quiet_until: (finding == Some(ReviewFinding::Fine)).then_some(quiet),
            ..self.clone()
        })
    }

    /// How the event tells of it.
    pub fn review(&self) -> Review {
        let Self { state, finding, note, quiet_until, .. } = self.clone();
        Review { detection: self.detection.id, state, finding, note, quiet_until }
    }

    fn is_quiet(&self, person: &SubjectId, rule: &DetectionName, time: Timestamp) -> bool {
        let until = self.quiet_until.is_some_and(|until| time < until);
        let since = self.reviewed.is_some_and(|since| since <= time);
        until && since && self.detection.rule == *rule && self.detection.person == *person
    }
}

impl Items {
    pub(super) fn of(items: impl IntoIterator<Item = Item>) -> Self {
        Self(items.into_iter().map(|item| (item.detection.id, item)).collect())
    }

    pub(super) fn item(&self, id: DetectionId) -> Option<&Item> {
        self.0.get(&id)
    }

    pub(super) fn item_mut(&mut self, id: DetectionId) -> Option<&mut Item> {
        self.0.get_mut(&id)
    }

    /// All, the oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.0.values()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.0.values_mut()
    }

    pub(super) fn put(&mut self, item: Item) {
        self.0.insert(item.detection.id, item);
    }

    /// Whether a reviewer has said that this rule finds nothing wrong with this person.
    pub(super) fn is_quiet(&self, person: &SubjectId, rule: &DetectionName, time: Timestamp) -> bool {
        self.0.values().any(|item| item.is_quiet(person, rule, time))
    }

    /// Lets the oldest go until there are as many as there may be: closed ones first, and those that keep a rule quiet last.
    pub(super) fn make_room(&mut self, most: usize, now: Timestamp) -> Vec<DetectionId> {
        let over = self.0.len().saturating_sub(most);
        if over == 0 {
            return Vec::new();
        }
        let rank = |item: &Item| {
            let is_needed = item.quiet_until.is_some_and(|until| now < until);
            (is_needed, item.state != ReviewState::Closed, item.began)
        };
        let mut all: Vec<_> = self.0.values().map(|item| (rank(item), item.detection.id)).collect();
        all.sort_unstable();
        let gone: Vec<_> = all.into_iter().take(over).map(|(_, id)| id).collect();
        for id in &gone {
            self.0.remove(id);
        }
        gone
    }
}

/// Items that are kept.
pub(super) const ITEMS_MAX: usize = 10_000;
