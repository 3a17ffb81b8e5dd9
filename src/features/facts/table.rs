//! The tables that are made of a feed's rows, and what is found in them: a look or two by hash.

use std::collections::HashMap;
use std::fmt;

use super::devices::{DeviceSeen, Devices};
use super::draft::Draft;
use super::fault::FeedFault;
use super::fhir::Gathering;
use super::names::Names;
use super::rows::read;
use super::settings::{DeviceBy, FeedSettings, Format};
use crate::domain::device::DeviceState;
use crate::domain::told::{Attributes, Marks, Place};
use crate::foundation::clock::Timestamp;

/// What a feed says, ready to be asked. Prints numbers only.
pub struct Table {
    /// How many rows it has.
    pub rows: u64,
    /// How many of them say something that nobody has declared a word for, and were left out.
    pub left_out: u64,
    /// When they were made, as the oldest of them says, if they say it.
    pub as_of: Option<Timestamp>,
    pub(super) content: Content,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("rows", &self.rows).field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

pub(super) enum Content {
    Ties(Ties),
    Shifts(HashMap<Box<str>, Vec<Shift>>),
    People(HashMap<Box<str>, Worker>),
    Patients(HashMap<Box<str>, Marked>),
    Devices(Devices),
}

/// From one moment until another; then no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Span {
    /// Without beginning and end.
    pub(super) const ALWAYS: Self =
        Self { from: Timestamp::from_millis(i64::MIN), until: Timestamp::from_millis(i64::MAX) };

    /// While both hold; none if they never do together.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        let both = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (both.from < both.until).then_some(both)
    }

    pub(super) fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Who has to do with which patients: of each person, their ties in the order of the patients' numbers.
#[derive(Default)]
pub(super) struct Ties {
    pub(super) people: Names,
    pub(super) patients: Names,
    /// Where a person's ties begin; one more than there are people.
    begins: Vec<u32>,
    all: Vec<Tie>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tie {
    pub(super) patient: u32,
    /// By its position among the feed's own words.
    pub(super) relationship: u8,
    pub(super) span: Span,
}

/// When somebody is at work, and where, if that is told.
pub(super) struct Shift {
    pub(super) span: Span,
    pub(super) places: Attributes,
}

/// Where somebody works, and which patients they are or live with.
#[derive(Default)]
pub(super) struct Worker {
    pub(super) places: Attributes,
    pub(super) own: Vec<Box<str>>,
}

/// Where a patient is, and what is marked of them.
#[derive(Default)]
pub(super) struct Marked {
    pub(super) places: Attributes,
    pub(super) flags: Marks,
}

impl Table {
    /// The table of a feed's bytes, or the first thing that is wrong with them. `now` tells what a bundle says without a span.
    pub fn read(bytes: &[u8], settings: &FeedSettings, now: Timestamp) -> Result<Self, FeedFault> {
        if let Format::Fhir(fhir) = &settings.format {
            let mut gathering = Gathering::new(fhir.clone(), settings);
            return match gathering.take(bytes, now)? {
                None => gathering.finish(settings),
                Some(_) => Err(FeedFault::Partial),
            };
        }
        let mut draft = Draft::new(settings);
        let rows = read(bytes, settings, |row| draft.take(row))?;
        Ok(draft.finish(rows))
    }

    /// What a person has to do with a patient at `now`, by the feed's own words.
    pub fn ties(&self, person: &str, patient: &str, now: Timestamp) -> Marks {
        let Content::Ties(all) = &self.content else { return Marks::NONE };
        let found = all.of(person, patient).iter().filter(|tie| tie.span.holds(now));
        found.fold(Marks::NONE, |marks, tie| marks.with(usize::from(tie.relationship)))
    }

    /// Whether a person is at work at `now`.
    pub fn is_at_work(&self, person: &str, now: Timestamp) -> bool {
        let Content::Shifts(shifts) = &self.content else { return false };
        shifts.get(person).is_some_and(|shifts| shifts.iter().any(|shift| shift.span.holds(now)))
    }

    /// Whether a person is at work at `now` in one of these places.
    pub fn is_at_work_in(&self, person: &str, place: Place, those: &[String], now: Timestamp) -> bool {
        let Content::Shifts(shifts) = &self.content else { return false };
        let is_there = |shift: &Shift| {
            let told = shift.places.get(&place);
            shift.span.holds(now) && told.is_some_and(|told| told.iter().any(|one| those.contains(one)))
        };
        shifts.get(person).is_some_and(|shifts| shifts.iter().any(is_there))
    }

    /// Where a person works; none if they are not known here.
    pub fn workplace(&self, person: &str) -> Option<&Attributes> {
        let Content::People(people) = &self.content else { return None };
        people.get(person).map(|worker| &worker.places)
    }

    /// Whether a patient is the person or of their household; none if the person is not known here.
    pub fn is_own(&self, person: &str, patient: &str) -> Option<bool> {
        let Content::People(people) = &self.content else { return None };
        people.get(person).map(|worker| worker.own.iter().any(|own| **own == *patient))
    }

    /// Where a patient is; none if they are not known here.
    pub fn whereabouts(&self, patient: &str) -> Option<&Attributes> {
        let Content::Patients(patients) = &self.content else { return None };
        patients.get(patient).map(|marked| &marked.places)
    }

    /// What is said of a device, found by what its feed names devices by; none if it is not known here.
    pub fn device(&self, seen: DeviceSeen<'_>, by: &DeviceBy) -> Option<&DeviceState> {
        let Content::Devices(devices) = &self.content else { return None };
        devices.of(seen, by)
    }

    /// What is said of a device that its feed would call so.
    pub fn device_called(&self, name: &str, by: &DeviceBy) -> Option<&DeviceState> {
        let Content::Devices(devices) = &self.content else { return None };
        devices.called(name, by)
    }

    /// What is marked of a patient, by the feed's own words.
    pub fn flags(&self, patient: &str) -> Marks {
        let Content::Patients(patients) = &self.content else { return Marks::NONE };
        patients.get(patient).map_or(Marks::NONE, |marked| marked.flags)
    }
}

impl Ties {
    fn of(&self, person: &str, patient: &str) -> &[Tie] {
        let find = || {
            let person = usize::try_from(self.people.of(person)?).ok()?;
            let patient = self.patients.of(patient)?;
            let (begin, end) = (*self.begins.get(person)?, *self.begins.get(person + 1)?);
            let theirs = self.all.get(usize::try_from(begin).ok()?..usize::try_from(end).ok()?)?;
            let first = theirs.partition_point(|tie| tie.patient < patient);
            let past = theirs.partition_point(|tie| tie.patient <= patient);
            theirs.get(first..past)
        };
        find().unwrap_or_default()
    }

    /// These names, with the ties of each person.
    pub(super) fn with(mut self, mut ties: Vec<(u32, Tie)>) -> Self {
        ties.sort_unstable();
        ties.dedup();
        let mut begins = Vec::with_capacity(self.people.len() + 1);
        let mut at = 0;
        for person in 0..=self.people.len() {
            let before = |(of, _): &(u32, Tie)| usize::try_from(*of).is_ok_and(|of| of < person);
            at += ties.get(at..).unwrap_or_default().iter().take_while(|tie| before(tie)).count();
            begins.push(u32::try_from(at).unwrap_or(u32::MAX));
        }
        self.all = ties.into_iter().map(|(_, tie)| tie).collect();
        self.begins = begins;
        self.people.shrink();
        self.patients.shrink();
        self
    }
}
