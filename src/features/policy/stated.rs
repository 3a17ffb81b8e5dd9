//! What feeds would tell, made up for a question: by a case file, or on the command line.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::bundle::Rules;
use crate::domain::told::{Attributes, Known, Marks, Place, Told};

/// What feeds would tell. What is not said nobody has told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stated {
    /// What the person has to do with the patient; every other relationship that is declared does not hold.
    pub relationship: Option<Vec<String>>,
    /// Whether the person is at work.
    pub on_shift: Option<bool>,
    /// Whether the patient is the person, or of their household.
    pub own_chart: Option<bool>,
    /// What the patient is marked with.
    pub flags: Option<Vec<String>>,
    /// Where the person works.
    pub location: Vec<String>,
    /// In which department.
    pub department: Vec<String>,
    /// In which house.
    pub facility: Vec<String>,
    /// Where the device stands.
    pub device_location: Vec<String>,
    /// In which department.
    pub device_department: Vec<String>,
    /// In which house.
    pub device_facility: Vec<String>,
    /// Whether the provider was not heard of for too long that tells attributes by its directory.
    pub directory_stale: bool,
    /// Whether the feeds that tell it, and of which class the device is, are too old.
    pub stale: bool,
}

impl Stated {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// As feeds would tell it. Fails on a word that none could tell: a mistyped one would make every test pass that expects
    /// a no.
    pub fn told(&self, rules: &Rules) -> Result<Told, String> {
        let words = &rules.catalog().facts;
        let known = |known: Option<bool>, told: bool, what: &str| match known {
            Some(_) if !told => Err(format!("no feed tells {what}")),
            Some(_) if self.stale => Ok(Known::Aged),
            Some(yes) => Ok(Known::of(yes)),
            None => Ok(Known::Unknown),
        };
        let people = [
            (Place::Location, &self.location),
            (Place::Department, &self.department),
            (Place::Facility, &self.facility),
        ];
        let devices = [
            (Place::Location, &self.device_location),
            (Place::Department, &self.device_department),
            (Place::Facility, &self.device_facility),
        ];
        let mut told = Told {
            on_shift: known(self.on_shift, words.shifts, "when people work")?,
            own_chart: known(self.own_chart, words.own_charts, "which patients people are themselves")?,
            places: places(people, &words.places, "people")?,
            places_aged: self.stale,
            device_places: places(devices, &words.device_places, "devices")?,
            device_places_aged: self.stale,
            device_class_aged: self.stale && words.device_classes,
            aged_attributes: self.directory_stale.then(|| words.kept_attributes.as_slice().into()),
            ..Told::default()
        };
        if let Some(holds) = &self.relationship {
            let all = (0..words.relationships.len()).fold(Marks::NONE, Marks::with);
            let holds = marks(holds, &words.relationships, "relationship")?;
            (told.known, told.aged) = if self.stale { (Marks::NONE, all) } else { (all, Marks::NONE) };
            told.holds = if self.stale { Marks::NONE } else { holds };
        }
        if let Some(flags) = &self.flags {
            told.flags = marks(flags, &words.flags, "flag")?;
            told.flags_known = if self.stale { Known::Aged } else { Known::Yes };
        }
        Ok(told)
    }
}

/// Where somebody or something is said to be.
fn places(
    said: [(Place, &Vec<String>); 3],
    told: &[Place],
    of_what: &str,
) -> Result<Option<Attributes>, String> {
    let mut places = BTreeMap::new();
    for (place, values) in said.into_iter().filter(|(_, values)| !values.is_empty()) {
        if !told.contains(&place) {
            return Err(format!("no feed tells the {place} of {of_what}"));
        }
        places.insert(place, values.clone());
    }
    Ok((!places.is_empty()).then(|| Arc::new(places)))
}

fn marks(said: &[String], words: &[String], what: &str) -> Result<Marks, String> {
    said.iter().try_fold(Marks::NONE, |marks, word| {
        let position = words.iter().position(|known| known == word);
        position
            .map(|position| marks.with(position))
            .ok_or_else(|| format!("no feed tells of the {what} `{word}`"))
    })
}
