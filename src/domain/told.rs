//! What feeds tell about a person, and about a patient with them: reduced to what rules can tell apart.
//!
//! It is looked up anew for every question and is part of what a remembered answer is found by: an answer that rested on a
//! fact ends with the fact, be it that a file has changed, that a time is over or that a feed has become too old.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::{NameError, name};
use super::closed_list;

name! {
    /// A feed.
    FeedName
}

closed_list! {
    /// What the rows of a feed are about.
    FeedKind {
        /// What a person has to do with a patient.
        Relationship = "relationship",
        /// When a person works.
        Shift = "shift",
        /// Where a person works, and which patients they are themselves.
        Person = "person",
        /// Where a patient is, and what is marked of them.
        Patient = "patient",
        /// Of which class a device is, where it stands, and whether it is still in use.
        Device = "device",
    }
}

closed_list! {
    /// What a person and a patient may have in common, where a feed tells it of both.
    Place {
        /// Where exactly.
        Location = "location",
        /// In which department.
        Department = "department",
        /// In which house.
        Facility = "facility",
    }
}

impl Place {
    /// How rules call it of the device: as a condition of its own, and as the relationship of a patient who is there.
    pub const fn of_device(self) -> &'static str {
        match self {
            Self::Location => "device_location",
            Self::Department => "device_department",
            Self::Facility => "device_facility",
        }
    }
}

/// Words that feeds tell of, by their positions among those that are declared.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Marks(u64);

impl Marks {
    /// As many words as can be declared.
    pub const MAX: usize = 64;

    /// None.
    pub const NONE: Self = Self(0);

    /// These, and the one at a position. One beyond [`MAX`](Self::MAX) cannot be declared.
    #[must_use]
    pub const fn with(self, position: usize) -> Self {
        if position < Self::MAX { Self(self.0 | 1 << position) } else { self }
    }

    /// Whether the one at a position is among them.
    pub const fn has(self, position: usize) -> bool {
        position < Self::MAX && self.0 & (1 << position) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The positions, in order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        (0..Self::MAX).filter(move |position| self.has(*position))
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.positions()).finish()
    }
}

/// What is known of a question that is yes or no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// Whoever tells it has not told anything for too long.
    Aged,
    /// Nobody has told us.
    #[default]
    Unknown,
}

impl Known {
    /// What a feed in time says.
    pub const fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// What two together know of what is so if either says it.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Aged, _) | (_, Self::Aged) => Self::Aged,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// Where a person works or a device stands, by our word. Shared by all who are there.
pub type Attributes = Arc<BTreeMap<Place, Vec<String>>>;

/// What feeds tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Told {
    /// The relationships to the patient that hold.
    pub holds: Marks,
    /// Those of which it is known whether they hold.
    pub known: Marks,
    /// Those of which only a feed that is too old could tell more.
    pub aged: Marks,
    /// Whether the person is at work.
    pub on_shift: Known,
    /// Whether the patient is the person, or of their household. Where no patient is named it is nobody's chart.
    pub own_chart: Known,
    /// What is marked of the patient.
    pub flags: Marks,
    /// Whether that is known: `Yes`, `Aged` or `Unknown`.
    pub flags_known: Known,
    /// Where the person works; absent if no feed knows the person.
    pub places: Option<Attributes>,
    /// Whether the feed that tells it is too old.
    pub places_aged: bool,
    /// Where the device stands; absent if no feed knows the device, or it is withdrawn.
    pub device_places: Option<Attributes>,
    /// Whether the feed that tells that is too old.
    pub device_places_aged: bool,
    /// Whether the class of the device is told by a feed that is too old.
    pub device_class_aged: bool,
    /// Attributes of the person that their provider tells by its directory and has told nothing of for too long; as a rule none.
    pub aged_attributes: Option<Arc<[String]>>,
}

impl Told {
    /// What is known of the relationship at a position.
    pub const fn relationship(&self, position: usize) -> Known {
        match (self.holds.has(position), self.aged.has(position), self.known.has(position)) {
            (true, _, _) => Known::Yes,
            (false, true, _) => Known::Aged,
            (false, false, true) => Known::No,
            (false, false, false) => Known::Unknown,
        }
    }

    /// Takes what a feed says of the relationship at a position, beside what others have said.
    pub fn note_relationship(&mut self, position: usize, says: Known) {
        match says {
            Known::Yes => self.holds = self.holds.with(position),
            Known::Aged => self.aged = self.aged.with(position),
            Known::No | Known::Unknown => {}
        }
    }

    /// Takes that every feed that tells of the relationship at a position was asked, and none is missing.
    pub fn note_known(&mut self, position: usize) {
        self.known = self.known.with(position);
    }
}

/// Nothing, of anybody.
pub static NOTHING_TOLD: Told = Told {
    holds: Marks::NONE,
    known: Marks::NONE,
    aged: Marks::NONE,
    on_shift: Known::Unknown,
    own_chart: Known::Unknown,
    flags: Marks::NONE,
    flags_known: Known::Unknown,
    places: None,
    places_aged: false,
    device_places: None,
    device_places_aged: false,
    device_class_aged: false,
    aged_attributes: None,
};

/// The words that declared feeds tell of: rules may speak of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactWords {
    /// Relationships, in order; their positions are those of [`Marks`].
    pub relationships: Vec<String>,
    /// What may be marked of a patient, in order.
    pub flags: Vec<String>,
    /// What is told of where a person works.
    pub places: Vec<Place>,
    /// What is told of where a device stands.
    pub device_places: Vec<Place>,
    /// Whether it is told of which class devices are.
    pub device_classes: bool,
    /// Attributes that providers tell by the directories that they keep here.
    pub kept_attributes: Vec<String>,
    /// Whether it is told when people work.
    pub shifts: bool,
    /// Whether it is told which patients people are themselves.
    pub own_charts: bool,
}

impl FactWords {
    /// The position of a relationship.
    pub fn relationship(&self, word: &str) -> Option<usize> {
        self.relationships.iter().position(|known| known == word)
    }

    /// The position of a flag.
    pub fn flag(&self, word: &str) -> Option<usize> {
        self.flags.iter().position(|known| known == word)
    }
}

/// A relationship that a permit rested on, as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRelationship {
    /// Which.
    pub relationship: String,
    /// The feed that tells it; absent if it was only supposed because of the reason that was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feed: Option<FeedName>,
    /// How old the feed was, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age_seconds: Option<u64>,
    /// Whether that is too old: the permit then rested on the reason that was given, too.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub stale: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_wins_then_what_is_too_old_then_what_nobody_told() {
        let all = [Known::Yes, Known::No, Known::Aged, Known::Unknown];
        for one in all {
            assert_eq!(one.or(Known::Yes), Known::Yes);
            assert_eq!(one.or(Known::No), one);
            for other in all {
                assert_eq!(one.or(other), other.or(one));
            }
        }
        assert_eq!(Known::Aged.or(Known::Unknown), Known::Aged);
    }

    #[test]
    fn a_relationship_is_unknown_until_every_feed_was_asked() {
        let mut told = Told::default();
        assert_eq!(told.relationship(3), Known::Unknown);
        told.note_relationship(3, Known::No);
        assert_eq!(told.relationship(3), Known::Unknown);
        told.note_known(3);
        assert_eq!(told.relationship(3), Known::No);
        told.note_relationship(3, Known::Aged);
        assert_eq!(told.relationship(3), Known::Aged);
        told.note_relationship(3, Known::Yes);
        assert_eq!(told.relationship(3), Known::Yes);
        assert_eq!(told.relationship(64), Known::Unknown);
    }
}
