//! What feeds tell, as rules see it: what is known, what is too old, and what a reason makes up for.
//!
//! Where a feed is too old and somebody is treated, care does not wait for an export: whoever looks gives a reason, and goes on
//! as if the feed said what is needed; whoever writes down what was done goes on at once, since that is lost otherwise. What
//! takes records away, administers or asks freely does not go on, nor does anything under another basis: there, what is too
//! old is as good as unknown; so is, in any case, who has written notes.

use std::sync::Arc;

use super::explain::FactExplanation;
use super::reads::{Fact, Reads};
use super::world::Facts;
use crate::domain::action::Action;
use crate::domain::law::ORIGINATOR;
use crate::domain::purpose::Basis;
use crate::domain::told::{FactWords, Known, Marks, Place, Told};

/// What of it the rules of a route can tell apart.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Minds {
    relationships: Marks,
    on_shift: bool,
    own_chart: bool,
    flags: bool,
    places: bool,
    device: bool,
    device_places: bool,
    kept_attributes: bool,
}

impl Minds {
    pub(super) fn of(reads: &Reads, words: &FactWords) -> Self {
        let all = 0..words.relationships.len();
        let reads_it = |position: &usize| {
            let word = words.relationships.get(*position);
            word.is_some_and(|word| reads.has(&Fact::Relationship(word.as_str().into())))
        };
        let place = |place: &Place| reads.has(&Fact::Attribute(place.as_str().into()));
        Self {
            relationships: all.filter(reads_it).fold(Marks::NONE, Marks::with),
            on_shift: reads.has(&Fact::OnShift),
            own_chart: reads.has(&Fact::OwnChart),
            flags: reads.has(&Fact::PatientFlags),
            places: words.places.iter().any(place),
            kept_attributes: words.kept_attributes.iter().any(|word| {
                let read: Arc<str> = word.as_str().into();
                reads.has(&Fact::Attribute(read))
            }),
            device: words.device_classes && reads.has(&Fact::Device),
            device_places: words.device_places.iter().any(|place| reads.has(&Fact::DevicePlace(*place))),
        }
    }

    /// Whether it is nothing.
    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// So much of what was told.
    pub(super) fn reduce(self, told: &Told) -> Told {
        Told {
            holds: told.holds.and(self.relationships),
            known: told.known.and(self.relationships),
            aged: told.aged.and(self.relationships),
            on_shift: if self.on_shift { told.on_shift } else { Known::Unknown },
            own_chart: if self.own_chart { told.own_chart } else { Known::Unknown },
            flags: if self.flags { told.flags } else { Marks::NONE },
            flags_known: if self.flags { told.flags_known } else { Known::Unknown },
            places: told.places.as_ref().filter(|_| self.places).cloned(),
            places_aged: self.places && told.places_aged,
            device_places: told.device_places.as_ref().filter(|_| self.device_places).cloned(),
            device_places_aged: self.device_places && told.device_places_aged,
            device_class_aged: self.device && told.device_class_aged,
            aged_attributes: told.aged_attributes.as_ref().filter(|_| self.kept_attributes).cloned(),
        }
    }
}

/// Whether those who treat may do it for a reason, where what would tell whether they may is too old. What was done is written
/// down whatever is known, and nothing is removed without a reason.
fn takes_a_reason(action: Action) -> bool {
    action.is_looking() || action == Action::Delete
}

impl Facts<'_> {
    /// Whether what is too old is supposed to be so.
    fn supposes(&self) -> bool {
        let treats = self.purpose.basis() == Basis::Treatment;
        treats
            && self
                .action
                .is_some_and(|action| action.is_writing() || (self.justified && takes_a_reason(action)))
    }

    /// Whether the person has this to do with the patient, if that is known.
    pub(super) fn related(&self, word: &str) -> Option<bool> {
        let position = self.words.relationship(word)?;
        match self.told.relationship(position) {
            // Whose notes these are is the law's question, and no reason answers it.
            Known::Aged if word == ORIGINATOR => None,
            known @ (Known::Yes | Known::No | Known::Aged | Known::Unknown) => self.so(known, true),
        }
    }

    /// Whether the person is at work, if that is known.
    pub(super) fn on_shift(&self) -> Option<bool> {
        self.so(self.told.on_shift, true)
    }

    /// Whether it is the person's own chart, if that is known.
    pub(super) fn own_chart(&self) -> Option<bool> {
        self.so(self.told.own_chart, false)
    }

    /// What is marked of the patient, if that is known.
    pub(super) fn flags(&self) -> Option<impl Iterator<Item = &str>> {
        self.so(self.told.flags_known, true)?;
        let words = self.told.flags.positions().filter_map(|position| self.words.flags.get(position));
        Some(words.map(String::as_str))
    }

    /// Where the person works, if a feed tells that of people; and if it is known.
    #[expect(clippy::option_option, reason = "whether a feed tells it, and what it tells")]
    pub(super) fn place(&self, name: &str) -> Option<Option<&[String]>> {
        let place = self.words.places.iter().find(|place| place.as_str() == name)?;
        let places = self.told.places.as_ref().filter(|_| !self.told.places_aged || self.supposes());
        Some(places.and_then(|places| places.get(place)).map(Vec::as_slice))
    }

    /// Whether the provider tells an attribute by its directory, and has told nothing for too long.
    fn is_kept_and_aged(&self, name: &str) -> bool {
        self.told.aged_attributes.as_ref().is_some_and(|aged| aged.iter().any(|word| word == name))
    }

    /// An attribute that no feed tells: as the provider tells it, unless that is too old.
    pub(super) fn provided(&self, name: &str) -> Option<&[String]> {
        let values = self.identity.subject.attributes.get(name).map(Vec::as_slice);
        values.filter(|_| !self.is_kept_and_aged(name) || self.supposes())
    }

    /// Whether the class of the device is known; that it is of none is.
    pub(super) fn knows_device(&self) -> bool {
        !self.told.device_class_aged || self.supposes()
    }

    /// Where the device stands, if that is known.
    pub(super) fn device_place(&self, place: Place) -> Option<&[String]> {
        let places = self.told.device_places.as_ref();
        let places = places.filter(|_| !self.told.device_places_aged || self.supposes());
        places.and_then(|places| places.get(&place)).map(Vec::as_slice)
    }

    /// What is known of a question; of what is too old, `supposed` if a reason was given for it.
    fn so(&self, known: Known, supposed: bool) -> Option<bool> {
        match known {
            Known::Yes => Some(true),
            Known::No => Some(false),
            Known::Aged => self.supposes().then_some(supposed),
            Known::Unknown => None,
        }
    }

    /// What feeds have told of a fact; none of what they never tell.
    fn known(&self, fact: &Fact) -> Option<Known> {
        match fact {
            Fact::Relationship(word) => {
                let position = self.words.relationship(word);
                Some(position.map_or(Known::Unknown, |position| self.told.relationship(position)))
            }
            Fact::OnShift => Some(self.told.on_shift),
            Fact::OwnChart => Some(self.told.own_chart),
            Fact::PatientFlags => Some(self.told.flags_known),
            Fact::Attribute(name) => match self.place(name) {
                Some(_) if self.told.places_aged => Some(Known::Aged),
                Some(Some(_)) => Some(Known::Yes),
                Some(None) => Some(Known::Unknown),
                None => self.is_kept_and_aged(name).then_some(Known::Aged),
            },
            Fact::DevicePlace(place) => {
                let told = self.told.device_places.as_ref().and_then(|places| places.get(place));
                Some(match told {
                    Some(_) if self.told.device_places_aged => Known::Aged,
                    Some(_) => Known::Yes,
                    None => Known::Unknown,
                })
            }
            Fact::Device => self.told.device_class_aged.then_some(Known::Aged),
            Fact::Person
            | Fact::Assurance(_)
            | Fact::Purpose
            | Fact::Justified
            | Fact::Minute
            | Fact::Weekday
            | Fact::Networks
            | Fact::OnePatient
            | Fact::Action
            | Fact::Everything => None,
        }
    }

    /// Whether whoever tells the fact has not told anything for too long.
    pub(super) fn is_aged(&self, fact: &Fact) -> bool {
        self.known(fact) == Some(Known::Aged)
    }

    /// What feeds tell of a fact, in words; none of what they never tell.
    pub(super) fn shown(&self, fact: &Fact) -> Option<FactExplanation> {
        let known = self.known(fact)?;
        let listed =
            |values: Vec<&str>| if values.is_empty() { "none".to_owned() } else { values.join(", ") };
        let told = match (known, fact) {
            (Known::Yes, Fact::PatientFlags) => listed(self.flags().into_iter().flatten().collect()),
            (Known::Yes, Fact::Attribute(name)) => {
                listed(self.place(name).flatten().unwrap_or_default().iter().map(String::as_str).collect())
            }
            (Known::Yes, Fact::DevicePlace(place)) => {
                let places = self.device_place(*place).unwrap_or_default();
                listed(places.iter().map(String::as_str).collect())
            }
            (Known::Yes, _) => "yes".to_owned(),
            (Known::No, _) => "no".to_owned(),
            (Known::Aged, _) => "too old".to_owned(),
            (Known::Unknown, _) => "unknown".to_owned(),
        };
        Some(FactExplanation { fact: fact.name(), told })
    }

    /// Whether a reason would make up for something that the rules read.
    pub(super) fn would_suppose(&self, reads: &Reads) -> bool {
        self.action.is_some_and(takes_a_reason)
            && self.purpose.basis() == Basis::Treatment
            && reads.facts.iter().any(|fact| self.is_aged(fact))
    }

    /// The relationships that a rule which permits rests on.
    pub(super) fn rested(&self, reads: &Reads) -> Marks {
        let mut rested = Marks::NONE;
        for fact in &reads.facts {
            if let Fact::Relationship(word) = fact
                && self.related(word) == Some(true)
                && let Some(position) = self.words.relationship(word)
            {
                rested = rested.with(position);
            }
        }
        rested
    }
}
