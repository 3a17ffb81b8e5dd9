//! A table while what it is to say comes in, in whatever that is written.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::devices::{Devices, Name};
use super::fault::{FeedFault, Place as At};
use super::moment::{End, moment};
use super::rows::Row;
use super::settings::{Column, DeviceSettings, FeedSettings, PLACES};
use super::table::{Content, Shift, Span, Table, Tie, Ties};
use crate::domain::device::{DeviceClass, DeviceState};
use crate::domain::told::{Attributes, FeedKind, Marks, Place};
use crate::foundation::clock::Timestamp;

/// Where somebody is, as it comes in.
pub(super) type Places = BTreeMap<Place, Vec<String>>;

/// A table while it is being made.
pub(super) struct Draft<'s> {
    settings: &'s FeedSettings,
    zone: TimeZone,
    /// What is left out: what nobody has declared a word for, and whom nobody can name.
    pub(super) left_out: u64,
    as_of: Option<Timestamp>,
    content: Content,
    ties: Vec<(u32, Tie)>,
    /// Places that were met: most people share theirs.
    known: HashMap<Places, Attributes>,
}

impl<'s> Draft<'s> {
    pub(super) fn new(settings: &'s FeedSettings) -> Self {
        let content = match settings.kind {
            FeedKind::Relationship => Content::Ties(Ties::default()),
            FeedKind::Shift => Content::Shifts(HashMap::new()),
            FeedKind::Person => Content::People(HashMap::new()),
            FeedKind::Patient => Content::Patients(HashMap::new()),
            FeedKind::Device => Content::Devices(Devices::default()),
        };
        let (zone, known) = (zone(settings), HashMap::new());
        Self { settings, zone, left_out: 0, as_of: None, content, ties: Vec::new(), known }
    }

    /// The table, of so many rows.
    pub(super) fn finish(self, rows: u64) -> Table {
        let Self { left_out, as_of, content, ties, .. } = self;
        let content = match content {
            Content::Ties(empty) => Content::Ties(empty.with(ties)),
            Content::People(mut people) => {
                people.shrink_to_fit();
                Content::People(people)
            }
            Content::Patients(mut patients) => {
                patients.shrink_to_fit();
                Content::Patients(patients)
            }
            Content::Devices(mut devices) => {
                devices.shrink();
                Content::Devices(devices)
            }
            Content::Shifts(shifts) => Content::Shifts(shifts),
        };
        Table { rows, left_out, as_of, content }
    }

    /// A row of cells.
    pub(super) fn take(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        if let Some(at) = self.position(Column::AsOf) {
            let made = self.moment(row, at, Column::AsOf, End::First)?;
            let made = made.ok_or_else(|| fault(row, Column::AsOf, "is empty"))?;
            self.as_of = Some(self.as_of.map_or(made, |oldest| oldest.min(made)));
        }
        match self.settings.kind {
            FeedKind::Relationship => self.take_tie(row),
            FeedKind::Shift => self.take_shift(row),
            FeedKind::Person => self.take_worker(row),
            FeedKind::Patient => self.take_patient(row),
            FeedKind::Device => self.take_device(row),
        }
    }

    /// What a person has to do with a patient, by the position of the feed's own word, and while.
    pub(super) fn tie(&mut self, person: &str, patient: &str, relationship: u8, span: Span) {
        let Content::Ties(Ties { people, patients, .. }) = &mut self.content else { return };
        let (person, patient) = (people.number(person), patients.number(patient));
        let span = Span { until: span.until.plus(self.settings.after), ..span };
        self.ties.push((person, Tie { patient, relationship, span }));
    }

    /// When a person is at work, and where.
    pub(super) fn shift(&mut self, person: &str, places: Places, span: Span) {
        let places = shared(&mut self.known, places);
        let Content::Shifts(shifts) = &mut self.content else { return };
        shifts.entry(person.into()).or_default().push(Shift { span, places });
    }

    /// Where a person works, and which patients they are or live with.
    pub(super) fn worker(&mut self, person: &str, places: Places, own: Vec<Box<str>>) {
        let Content::People(people) = &mut self.content else { return };
        let known = people.entry(person.into()).or_default();
        known.own.extend(own);
        let both = joined(&known.places, places);
        known.places = shared(&mut self.known, both);
    }

    /// Where a patient is, and what is marked of them.
    pub(super) fn patient(&mut self, patient: &str, places: Places, flags: Marks) {
        let Content::Patients(patients) = &mut self.content else { return };
        let known = patients.entry(patient.into()).or_default();
        known.flags = known.flags.or(flags);
        let both = joined(&known.places, places);
        known.places = shared(&mut self.known, both);
    }

    fn take_tie(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let (person, patient) = (self.name(row, Column::Person)?, self.name(row, Column::Patient)?);
        let span = self.span(row)?;
        match self.relationship(row)? {
            Some(relationship) => self.tie(person, patient, relationship, span),
            None => self.left_out += 1,
        }
        Ok(())
    }

    /// None where nobody has declared a word for it.
    fn relationship(&self, row: &Row<'_>) -> Result<Option<u8>, FeedFault> {
        let Some(at) = self.position(Column::Relationship) else { return Ok(Some(0)) };
        let said = row.text(at);
        if said.is_empty() {
            return Err(fault(row, Column::Relationship, "is empty"));
        }
        Ok(position(self.settings, said))
    }

    fn take_shift(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let person = self.name(row, Column::Person)?;
        let span = self.span(row)?;
        let always = Span::ALWAYS;
        let is_open = [(Column::From, span.from == always.from), (Column::Until, span.until == always.until)];
        if let Some((column, _)) = is_open.into_iter().find(|(_, is_open)| *is_open) {
            return Err(fault(row, column, "is empty"));
        }
        let places = self.places(row);
        self.shift(person, places, span);
        Ok(())
    }

    fn take_worker(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let person = self.name(row, Column::Person)?;
        let places = self.places(row);
        let own = [Column::OwnPatient, Column::Household].into_iter().filter_map(|it| self.position(it));
        let own = own.flat_map(|at| row.list(at)).map(Into::into).collect();
        self.worker(person, places, own);
        Ok(())
    }

    fn take_patient(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let patient = self.name(row, Column::Patient)?;
        let places = self.places(row);
        let flags = self.flags(row);
        self.patient(patient, places, flags);
        Ok(())
    }

    fn take_device(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let name = self.name(row, Column::Device)?;
        let Some(settings) = &self.settings.devices else { return Ok(()) };
        let Some(name) = Name::read(name, &settings.by) else {
            return Err(fault(
                row,
                Column::Device,
                "is neither an address nor a network such as 10.20.7.0/24",
            ));
        };
        let state = match self.position(Column::Status).map(|at| row.text(at)) {
            Some(status) if !settings.in_use.iter().any(|text| text == status) => DeviceState::Withdrawn,
            Some(_) | None => {
                let class = self.class(row, settings);
                let places = self.places(row);
                DeviceState::InUse { class, places: shared(&mut self.known, places) }
            }
        };
        let Content::Devices(devices) = &mut self.content else { return Ok(()) };
        match devices.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(state);
                Ok(())
            }
            Entry::Occupied(known) if *known.get() == state => Ok(()),
            // Which of two rows counts, nobody could say: not the order in which an export happens to write them.
            Entry::Occupied(_) => Err(fault(row, Column::Device, "stands in two rows that differ")),
        }
    }

    /// A class for which nobody has declared a word is left out: then the device is of none by the feed.
    fn class(&mut self, row: &Row<'_>, settings: &DeviceSettings) -> Option<DeviceClass> {
        let said = self.position(Column::Class).map(|at| row.text(at)).filter(|said| !said.is_empty())?;
        let found = settings.classes.iter().find(|(_, text)| text == said);
        self.left_out += u64::from(found.is_none());
        found.map(|(class, _)| class.clone())
    }

    /// A mark for which nobody has declared a word is left out.
    fn flags(&mut self, row: &Row<'_>) -> Marks {
        let Some(at) = self.position(Column::Flags) else { return Marks::NONE };
        let mut marks = Marks::NONE;
        for said in row.list(at) {
            match self.settings.flags.iter().position(|(_, text)| text == said) {
                Some(position) => marks = marks.with(position),
                None => self.left_out += 1,
            }
        }
        marks
    }

    fn places(&self, row: &Row<'_>) -> Places {
        let told = PLACES.into_iter().filter_map(|(column, place)| {
            let values: Vec<String> = row.list(self.position(column)?).map(str::to_owned).collect();
            (!values.is_empty()).then_some((place, values))
        });
        told.collect()
    }

    fn span(&self, row: &Row<'_>) -> Result<Span, FeedFault> {
        let end = |column, end, open| match self.position(column) {
            Some(at) => Ok::<_, FeedFault>(self.moment(row, at, column, end)?.unwrap_or(open)),
            None => Ok(open),
        };
        let from = end(Column::From, End::First, Span::ALWAYS.from)?;
        let until = end(Column::Until, End::Last, Span::ALWAYS.until)?;
        if until <= from {
            return Err(fault(row, Column::Until, "is not after `from`"));
        }
        Ok(Span { from, until })
    }

    /// None where the cell is empty.
    fn moment(
        &self,
        row: &Row<'_>,
        at: usize,
        column: Column,
        end: End,
    ) -> Result<Option<Timestamp>, FeedFault> {
        let text = row.text(at);
        if text.is_empty() {
            return Ok(None);
        }
        let moment = moment(text, &self.zone, end);
        moment.map(Some).ok_or_else(|| fault(row, column, "is no moment such as 2026-03-01T08:00:00Z"))
    }

    /// A name of a person, a patient or a device.
    fn name<'r>(&self, row: &'r Row<'_>, column: Column) -> Result<&'r str, FeedFault> {
        let name = self.position(column).map_or("", |at| row.text(at));
        if name.chars().any(char::is_control) {
            return Err(fault(row, column, "is a list"));
        }
        named(name, row.place, column)
    }

    /// The position of a column among those that are wanted.
    fn position(&self, column: Column) -> Option<usize> {
        self.settings.columns.keys().position(|known| *known == column)
    }
}

/// A name of a person, a patient or a device, if it can be one.
pub(super) fn named(name: &str, place: At, column: Column) -> Result<&str, FeedFault> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(name);
    }
    let what = if name.is_empty() { "is empty" } else { "is longer than 255 bytes" };
    Err(FeedFault::Cell { place, column, what })
}

/// The position of a relationship among the feed's own words, by what stands there for it.
pub(super) fn position(settings: &FeedSettings, said: &str) -> Option<u8> {
    let found = settings.relationships.iter().position(|(_, text)| text.as_deref() == Some(said));
    found.and_then(|position| u8::try_from(position).ok())
}

/// Which time zone it is was asked when the configuration was loaded.
pub(super) fn zone(settings: &FeedSettings) -> TimeZone {
    TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC)
}

fn fault(row: &Row<'_>, column: Column, what: &'static str) -> FeedFault {
    FeedFault::Cell { place: row.place, column, what }
}

/// What two rows about one say together.
fn joined(known: &Attributes, more: Places) -> Places {
    let mut all = BTreeMap::clone(known);
    for (place, values) in more {
        let of = all.entry(place).or_default();
        of.extend(values);
        of.sort_unstable();
        of.dedup();
    }
    all
}

fn shared(known: &mut HashMap<Places, Attributes>, places: Places) -> Attributes {
    if let Some(same) = known.get(&places) {
        return same.clone();
    }
    let made: Attributes = Arc::new(places.clone());
    known.insert(places, made.clone());
    made
}

/// As OpenID Connect Core 2 has it for `sub`.
const NAME_BYTES_MAX: usize = 255;
