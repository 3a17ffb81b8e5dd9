//! All feeds together, and what they tell about a person and a patient.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use super::devices::DeviceSeen;
use super::feed::{Feed, FeedNow, Held, Looked};
use super::settings::{Column, DeviceBy, FeedSettings, Presence, words};
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::device::{DeviceFacts, DeviceState};
use crate::domain::patient::PatientRef;
use crate::domain::subject::Identity;
use crate::domain::told::{
    Attributes, EventRelationship, FactWords, FeedKind, FeedName, Known, Marks, Place, Told,
};
use crate::foundation::clock::Timestamp;

/// All feeds, with the words that they tell of.
#[derive(Debug, Default)]
pub struct Feeds {
    seats: Vec<Seat>,
    words: FactWords,
    /// The relationships of those who share a place.
    common: Vec<Common>,
}

/// The relationship of a person and a patient who share a place.
#[derive(Clone, Copy, Debug)]
struct Common {
    presence: Presence,
    place: Place,
    position: usize,
}

/// A feed, and where its own words stand among all.
#[derive(Debug)]
struct Seat {
    feed: Arc<Feed>,
    relationships: Vec<usize>,
    flags: Vec<usize>,
    marks: Marks,
}

impl Feeds {
    /// These feeds. Nothing has been read of them yet.
    pub fn new(settings: &[FeedSettings]) -> Self {
        let words = words(settings.iter());
        let seat = |settings: &FeedSettings| {
            let relationships: Vec<usize> =
                settings.relationships.iter().filter_map(|(word, _)| words.relationship(word)).collect();
            Seat {
                flags: settings.flags.iter().filter_map(|(word, _)| words.flag(word)).collect(),
                marks: relationships.iter().fold(Marks::NONE, |marks, position| marks.with(*position)),
                relationships,
                feed: Arc::new(Feed::new(settings.clone())),
            }
        };
        let ways = Presence::ALL.iter().flat_map(|way| Place::ALL.iter().map(|place| (*way, *place)));
        let common = ways.filter_map(|(presence, place)| {
            let word = presence.word(place);
            let declared = settings.iter().flat_map(|feed| &feed.relationships);
            let position = words.relationship(&word)?;
            let is_common = !declared.map(|(word, _)| word).any(|declared| *declared == word);
            is_common.then_some(Common { presence, place, position })
        });
        let common = common.collect();
        Self { seats: settings.iter().map(seat).collect(), common, words }
    }

    /// Takes over what is known of feeds whose settings have not changed.
    pub fn inherit(&mut self, before: &Self) {
        for seat in &mut self.seats {
            let same = before.seats.iter().find(|known| known.feed.settings == seat.feed.settings);
            if let Some(known) = same {
                seat.feed = known.feed.clone();
            }
        }
    }

    /// The words that they tell of.
    pub const fn words(&self) -> &FactWords {
        &self.words
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// The feeds.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.seats.iter().map(|seat| &seat.feed)
    }

    /// Rises whenever one of them was taken.
    pub fn revision(&self) -> u64 {
        self.all().map(|feed| feed.revision()).sum()
    }

    /// How they stand.
    pub fn now(&self, now: Timestamp) -> Vec<FeedNow> {
        self.all().map(|feed| feed.now(now)).collect()
    }

    /// Whether one that tells of people of a provider, of patients of one of these applications or of devices is too old, or was never
    /// read.
    pub fn are_aged_at(
        &self,
        provider: &ProviderName,
        applications: &[&ApplicationName],
        now: Timestamp,
    ) -> bool {
        let concerns = |feed: &&Arc<Feed>| {
            let settings = &feed.settings;
            let is_of_people = settings.provider.as_ref() == Some(provider);
            let is_of_patients = applications.iter().any(|name| settings.applications.contains(name));
            match settings.kind {
                FeedKind::Relationship => is_of_people && is_of_patients,
                FeedKind::Shift | FeedKind::Person => is_of_people,
                FeedKind::Patient => is_of_patients,
                FeedKind::Device => true,
            }
        };
        let is_aged = |feed: &Arc<Feed>| feed.held().as_ref().is_none_or(|held| feed.is_aged(held, now));
        self.all().filter(concerns).any(is_aged)
    }

    /// Reads every file that has changed, and says what came of it. Blocks.
    pub fn look(&self, now: Timestamp) -> Vec<(FeedName, Looked)> {
        self.all().map(|feed| (feed.settings.name.clone(), feed.look(now))).collect()
    }

    /// What they tell of a device. The first that knows it counts, in the order in which they are written; but if any says
    /// that it is withdrawn, it is.
    pub fn device(&self, seen: DeviceSeen<'_>, now: Timestamp) -> Option<DeviceFacts> {
        self.device_by(|held, by| held.table.device(seen, by), now)
    }

    /// The same, of a device by what feeds name it by: `policy explain` sees none.
    pub fn device_called(&self, name: &str, now: Timestamp) -> Option<DeviceFacts> {
        self.device_by(|held, by| held.table.device_called(name, by), now)
    }

    fn device_by(
        &self,
        find: impl for<'h> Fn(&'h Held, &DeviceBy) -> Option<&'h DeviceState>,
        now: Timestamp,
    ) -> Option<DeviceFacts> {
        let mut found: Option<DeviceFacts> = None;
        for feed in self.all() {
            let Some(settings) = &feed.settings.devices else { continue };
            let held = feed.held();
            let Some(held) = held.as_ref() else { continue };
            let Some(state) = find(held, &settings.by) else { continue };
            let is_withdrawn = *state == DeviceState::Withdrawn;
            if is_withdrawn || found.is_none() {
                found = Some(DeviceFacts {
                    feed: feed.settings.name.clone(),
                    age: now.since(held.as_of),
                    is_aged: feed.is_aged(held, now),
                    state: state.clone(),
                });
            }
            if is_withdrawn {
                break;
            }
        }
        found
    }

    /// The headers of trusted proxies by which they name devices.
    pub fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        let by = self.all().filter_map(|feed| feed.settings.devices.as_ref().map(|devices| &devices.by));
        by.filter_map(|by| match by {
            DeviceBy::Header(header) => Some(header),
            DeviceBy::Certificate | DeviceBy::Thumbprint | DeviceBy::Address => None,
        })
    }

    /// What they tell about a person, about a patient with them, and about the device, of which [`device`](Self::device) has told.
    pub fn about(
        &self,
        who: &Identity,
        patient: Option<&PatientRef>,
        device: Option<&DeviceFacts>,
        now: Timestamp,
    ) -> Told {
        let mut told = Told::default();
        if let Some(device) = device {
            told.device_places = device.places().cloned();
            told.device_places_aged = device.is_aged;
            told.device_class_aged = device.is_aged && device.class().is_some();
        }
        if patient.is_none() {
            told.own_chart = Known::No;
        }
        let (mut asked, mut missing) = (Marks::NONE, Marks::NONE);
        let mut shifts: Option<Known> = None;
        for seat in &self.seats {
            match seat.feed.settings.kind {
                FeedKind::Relationship => {
                    let Some(patient) = patient.filter(|patient| seat.names(who, patient)) else { continue };
                    asked = asked.or(seat.marks);
                    if !seat.tell_ties(&mut told, who, patient, now) {
                        missing = missing.or(seat.marks);
                    }
                }
                FeedKind::Shift if seat.is_of(who) => {
                    let says = seat.is_at_work(who, now);
                    shifts = Some(shifts.map_or(says, |before| before.or(says)));
                }
                FeedKind::Person if seat.is_of(who) => seat.tell_person(&mut told, who, patient, now),
                FeedKind::Patient => seat.tell_flags(&mut told, patient, now),
                FeedKind::Shift | FeedKind::Person | FeedKind::Device => {}
            }
        }
        told.on_shift = shifts.unwrap_or_default();
        asked.without(missing).positions().for_each(|position| told.note_known(position));
        for common in &self.common {
            let shared = self.share(&told, *common, who, patient, now);
            told.note_relationship(common.position, shared);
            if matches!(shared, Known::Yes | Known::No) {
                told.note_known(common.position);
            }
        }
        told
    }

    /// Whether the person is where the patient is.
    fn share(
        &self,
        told: &Told,
        common: Common,
        who: &Identity,
        patient: Option<&PatientRef>,
        now: Timestamp,
    ) -> Known {
        let Some((feed, held)) = patient.and_then(|patient| self.of_patient(patient)) else {
            return Known::Unknown;
        };
        let whereabouts = patient.and_then(|it| held.table.whereabouts(it.id().reveal()));
        let Some(there) = whereabouts.and_then(|places: &Attributes| places.get(&common.place)) else {
            return Known::Unknown;
        };
        let is_there = match common.presence {
            Presence::Workplace => shared((told.places.as_ref(), told.places_aged), common.place, there),
            Presence::Device => {
                shared((told.device_places.as_ref(), told.device_places_aged), common.place, there)
            }
            Presence::Shift => self.is_at_work_in(who, common.place, there, now),
        };
        match is_there {
            Known::Yes | Known::No if feed.is_aged(&held, now) => Known::Aged,
            Known::Yes | Known::No | Known::Aged | Known::Unknown => is_there,
        }
    }

    /// Whether the person is at work in one of these places now.
    fn is_at_work_in(&self, who: &Identity, place: Place, those: &[String], now: Timestamp) -> Known {
        let tells = |seat: &&Seat| {
            let settings = &seat.feed.settings;
            settings.kind == FeedKind::Shift && seat.is_of(who) && settings.places().any(|it| it == place)
        };
        let says = self.seats.iter().filter(tells).map(|seat| {
            seat.of_shifts(who, now, |held, name| held.table.is_at_work_in(name, place, those, now))
        });
        says.reduce(Known::or).unwrap_or_default()
    }

    /// The feed that tells where the patients of an application are, with what it says.
    fn of_patient(&self, patient: &PatientRef) -> Option<(&Feed, Arc<Held>)> {
        let seat = self
            .seats
            .iter()
            .find(|seat| seat.feed.settings.kind == FeedKind::Patient && seat.is_from(patient))?;
        Some((&seat.feed, seat.feed.held().as_ref()?.clone()))
    }

    /// Which feeds tell of these relationships, and how old they are: for the event of what rested on them.
    pub fn told_by(
        &self,
        who: &Identity,
        patient: Option<&PatientRef>,
        rested: Marks,
        now: Timestamp,
    ) -> Vec<EventRelationship> {
        rested.positions().filter_map(|position| self.source(who, patient?, position, now)).collect()
    }

    fn source(
        &self,
        who: &Identity,
        patient: &PatientRef,
        position: usize,
        now: Timestamp,
    ) -> Option<EventRelationship> {
        let relationship = self.words.relationships.get(position)?.clone();
        let mut found: Option<EventRelationship> = None;
        let common = self.common.iter().any(|common| common.position == position);
        for seat in &self.seats {
            let tells = if common {
                seat.feed.settings.kind == FeedKind::Patient && seat.is_from(patient)
            } else {
                seat.marks.has(position) && seat.names(who, patient)
            };
            let held = seat.feed.held();
            let Some(held) = held.as_ref().filter(|_| tells) else { continue };
            let stale = seat.feed.is_aged(held, now);
            let says = common || seat.ties(held, who, patient, now).is_some_and(|marks| marks.has(position));
            if !says && !stale {
                continue;
            }
            let better = found.as_ref().is_none_or(|before| before.stale && !stale);
            if better {
                found = Some(EventRelationship {
                    relationship: relationship.clone(),
                    feed: Some(seat.feed.settings.name.clone()),
                    age_seconds: Some(now.since(held.as_of).as_secs()),
                    stale,
                });
            }
        }
        found.or(Some(EventRelationship { relationship, feed: None, age_seconds: None, stale: true }))
    }

    /// The addresses that are asked, and how often.
    pub fn asked(&self) -> impl Iterator<Item = (&Arc<Feed>, Duration)> {
        self.all().filter_map(|feed| Some((feed, feed.asked_every()?)))
    }
}

impl Seat {
    /// Whether the person is one of those whom it may name.
    fn is_of(&self, who: &Identity) -> bool {
        self.feed.settings.provider.as_ref() == Some(&who.provider)
    }

    /// Whether the patient is one of those whom it may name.
    fn is_from(&self, patient: &PatientRef) -> bool {
        self.feed.settings.applications.contains(patient.application())
    }

    fn names(&self, who: &Identity, patient: &PatientRef) -> bool {
        self.is_of(who) && self.is_from(patient)
    }

    /// What it calls the person; none where the provider has not told that, or several.
    fn name_of<'i>(&self, who: &'i Identity) -> Option<&'i str> {
        let Some(word) = &self.feed.settings.person else { return Some(&who.subject.sub) };
        match who.subject.attributes.get(word).map(Vec::as_slice) {
            Some([only]) => Some(only),
            Some(_) | None => None,
        }
    }

    /// What it says of the ties, by the words of all; none where it cannot say.
    fn ties(&self, held: &Held, who: &Identity, patient: &PatientRef, now: Timestamp) -> Option<Marks> {
        let own = held.table.ties(self.name_of(who)?, patient.id().reveal(), now);
        Some(translated(own, &self.relationships))
    }

    /// Whether it could say anything.
    fn tell_ties(&self, told: &mut Told, who: &Identity, patient: &PatientRef, now: Timestamp) -> bool {
        let held = self.feed.held();
        let Some(held) = held.as_ref() else { return false };
        let Some(ties) = self.ties(held, who, patient, now) else { return false };
        if self.feed.is_aged(held, now) {
            told.aged = told.aged.or(self.marks);
        } else {
            told.holds = told.holds.or(ties);
        }
        true
    }

    fn is_at_work(&self, who: &Identity, now: Timestamp) -> Known {
        self.of_shifts(who, now, |held, name| held.table.is_at_work(name, now))
    }

    /// What a feed of shifts answers about a person.
    fn of_shifts(&self, who: &Identity, now: Timestamp, says: impl FnOnce(&Held, &str) -> bool) -> Known {
        let held = self.feed.held();
        match (held.as_ref(), self.name_of(who)) {
            (Some(held), Some(_)) if self.feed.is_aged(held, now) => Known::Aged,
            (Some(held), Some(name)) => Known::of(says(held, name)),
            (None, _) | (_, None) => Known::Unknown,
        }
    }

    fn tell_person(&self, told: &mut Told, who: &Identity, patient: Option<&PatientRef>, now: Timestamp) {
        let held = self.feed.held();
        let (Some(held), Some(name)) = (held.as_ref(), self.name_of(who)) else { return };
        let aged = self.feed.is_aged(held, now);
        told.places = held.table.workplace(name).cloned();
        told.places_aged = aged;
        let settings = &self.feed.settings;
        let tells_own = settings.has(Column::OwnPatient) || settings.has(Column::Household);
        let Some(patient) = patient.filter(|patient| tells_own && self.is_from(patient)) else { return };
        told.own_chart = match held.table.is_own(name, patient.id().reveal()) {
            None => Known::Unknown,
            // Nobody stops being who they are.
            Some(true) => Known::Yes,
            Some(false) if aged => Known::Aged,
            Some(false) => Known::No,
        };
    }

    fn tell_flags(&self, told: &mut Told, patient: Option<&PatientRef>, now: Timestamp) {
        let tells = self.feed.settings.has(Column::Flags);
        let Some(patient) = patient.filter(|patient| tells && self.is_from(patient)) else { return };
        let held = self.feed.held();
        let Some(held) = held.as_ref() else { return };
        told.flags = translated(held.table.flags(patient.id().reveal()), &self.flags);
        told.flags_known = if self.feed.is_aged(held, now) { Known::Aged } else { Known::Yes };
    }
}

/// Whether one of the places is one of `there`; `aged` says that whoever tells them is late.
fn shared((places, aged): (Option<&Attributes>, bool), place: Place, there: &[String]) -> Known {
    match places.and_then(|all| all.get(&place)) {
        Some(_) if aged => Known::Aged,
        Some(here) => Known::of(here.iter().any(|one| there.contains(one))),
        None => Known::Unknown,
    }
}

/// A feed's own words as those of all.
fn translated(own: Marks, positions: &[usize]) -> Marks {
    let mut all = Marks::NONE;
    for position in own.positions().filter_map(|own| positions.get(own)) {
        all = all.with(*position);
    }
    all
}
