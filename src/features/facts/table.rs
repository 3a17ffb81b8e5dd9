//! The tables that are made of a feed's rows, and what is found in them: a look or two by hash.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::fault::FeedFault;
use super::moment::{End, moment};
use super::names::Names;
use super::rows::{Row, read};
use super::settings::{Column, FeedSettings};
use crate::domain::told::{Attributes, FeedKind, Marks, Place};
use crate::foundation::clock::Timestamp;

/// What a feed says, ready to be asked. Prints numbers only.
pub struct Table {
    /// How many rows it has.
    pub rows: u64,
    /// How many of them say something that nobody has declared a word for, and were left out.
    pub left_out: u64,
    /// When they were made, as the oldest of them says, if they say it.
    pub as_of: Option<Timestamp>,
    content: Content,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("rows", &self.rows).field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

enum Content {
    Ties(Ties),
    Shifts(HashMap<Box<str>, Vec<Span>>),
    People(HashMap<Box<str>, Worker>),
    Patients(HashMap<Box<str>, Marked>),
}

/// From one moment until another; then no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    from: Timestamp,
    until: Timestamp,
}

impl Span {
    fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Who has to do with which patients: of each person, their ties in the order of the patients' numbers.
struct Ties {
    people: Names,
    patients: Names,
    /// Where a person's ties begin; one more than there are people.
    begins: Vec<u32>,
    all: Vec<Tie>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tie {
    patient: u32,
    /// By its position among the feed's own words.
    relationship: u8,
    span: Span,
}

/// Where somebody works, and which patients they are or live with.
#[derive(Default)]
struct Worker {
    places: Attributes,
    own: Vec<Box<str>>,
}

/// Where a patient is, and what is marked of them.
#[derive(Default)]
struct Marked {
    places: Attributes,
    flags: Marks,
}

impl Table {
    /// The table of a feed's bytes, or the first thing that is wrong with them.
    pub fn read(bytes: &[u8], settings: &FeedSettings) -> Result<Self, FeedFault> {
        let mut draft = Draft::new(settings);
        let rows = read(bytes, settings, |row| draft.take(row))?;
        let Draft { left_out, as_of, content, ties, .. } = draft;
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
            Content::Shifts(shifts) => Content::Shifts(shifts),
        };
        Ok(Self { rows, left_out, as_of, content })
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
        shifts.get(person).is_some_and(|spans| spans.iter().any(|span| span.holds(now)))
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
    fn with(mut self, mut ties: Vec<(u32, Tie)>) -> Self {
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

/// A table while its rows come in.
struct Draft<'s> {
    settings: &'s FeedSettings,
    zone: TimeZone,
    left_out: u64,
    as_of: Option<Timestamp>,
    content: Content,
    ties: Vec<(u32, Tie)>,
    /// Places that were met: most people share theirs.
    known: HashMap<BTreeMap<Place, Vec<String>>, Attributes>,
}

impl<'s> Draft<'s> {
    fn new(settings: &'s FeedSettings) -> Self {
        let content = match settings.kind {
            FeedKind::Relationship => Content::Ties(Ties {
                people: Names::default(),
                patients: Names::default(),
                begins: Vec::new(),
                all: Vec::new(),
            }),
            FeedKind::Shift => Content::Shifts(HashMap::new()),
            FeedKind::Person => Content::People(HashMap::new()),
            FeedKind::Patient => Content::Patients(HashMap::new()),
        };
        // Which time zone it is was asked when the configuration was loaded.
        let zone = TimeZone::get(&settings.time_zone).unwrap_or(TimeZone::UTC);
        Self { settings, zone, left_out: 0, as_of: None, content, ties: Vec::new(), known: HashMap::new() }
    }

    fn take(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
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
        }
    }

    fn take_tie(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let (person, patient) = (self.name(row, Column::Person)?, self.name(row, Column::Patient)?);
        let span = self.span(row)?;
        let Some(relationship) = self.relationship(row)? else {
            self.left_out += 1;
            return Ok(());
        };
        let Content::Ties(Ties { people, patients, .. }) = &mut self.content else { return Ok(()) };
        let (person, patient) = (people.number(person), patients.number(patient));
        self.ties.push((person, Tie { patient, relationship, span }));
        Ok(())
    }

    /// None where nobody has declared a word for it.
    fn relationship(&self, row: &Row<'_>) -> Result<Option<u8>, FeedFault> {
        let Some(at) = self.position(Column::Relationship) else { return Ok(Some(0)) };
        let said = row.text(at);
        if said.is_empty() {
            return Err(fault(row, Column::Relationship, "is empty"));
        }
        let words = self.settings.relationships.iter();
        let found = words.enumerate().find(|(_, (_, text))| text.as_deref() == Some(said));
        Ok(found.and_then(|(position, _)| u8::try_from(position).ok()))
    }

    fn take_shift(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let person = self.name(row, Column::Person)?;
        let span = self.span(row)?;
        for (column, is_open) in
            [(Column::From, span.from == ALWAYS.from), (Column::Until, span.until == ALWAYS.until)]
        {
            if is_open {
                return Err(fault(row, column, "is empty"));
            }
        }
        let Content::Shifts(shifts) = &mut self.content else { return Ok(()) };
        shifts.entry(person.into()).or_default().push(span);
        Ok(())
    }

    fn take_worker(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let person = self.name(row, Column::Person)?;
        let places = self.places(row);
        let own = [Column::OwnPatient, Column::Household].into_iter().filter_map(|it| self.position(it));
        let own: Vec<Box<str>> = own.flat_map(|at| row.list(at)).map(Into::into).collect();
        let Content::People(people) = &mut self.content else { return Ok(()) };
        let known = people.entry(person.into()).or_default();
        known.own.extend(own);
        let both = joined(&known.places, places);
        known.places = shared(&mut self.known, both);
        Ok(())
    }

    fn take_patient(&mut self, row: &Row<'_>) -> Result<(), FeedFault> {
        let patient = self.name(row, Column::Patient)?;
        let places = self.places(row);
        let flags = self.flags(row);
        let Content::Patients(patients) = &mut self.content else { return Ok(()) };
        let known = patients.entry(patient.into()).or_default();
        known.flags = known.flags.or(flags);
        let both = joined(&known.places, places);
        known.places = shared(&mut self.known, both);
        Ok(())
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

    fn places(&self, row: &Row<'_>) -> BTreeMap<Place, Vec<String>> {
        let at = [
            (Column::Location, Place::Location),
            (Column::Department, Place::Department),
            (Column::Facility, Place::Facility),
        ];
        let told = at.into_iter().filter_map(|(column, place)| {
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
        let from = end(Column::From, End::First, ALWAYS.from)?;
        let until = end(Column::Until, End::Last, ALWAYS.until)?;
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

    /// A name of a person or a patient.
    fn name<'r>(&self, row: &'r Row<'_>, column: Column) -> Result<&'r str, FeedFault> {
        let name = self.position(column).map_or("", |at| row.text(at));
        if name.chars().any(char::is_control) {
            return Err(fault(row, column, "is a list"));
        }
        if (1..=NAME_BYTES_MAX).contains(&name.len()) {
            return Ok(name);
        }
        Err(fault(row, column, if name.is_empty() { "is empty" } else { "is longer than 255 bytes" }))
    }

    /// The position of a column among those that are wanted.
    fn position(&self, column: Column) -> Option<usize> {
        self.settings.columns.keys().position(|known| *known == column)
    }
}

fn fault(row: &Row<'_>, column: Column, what: &'static str) -> FeedFault {
    FeedFault::Cell { place: row.place, column, what }
}

/// What two rows about one say together.
fn joined(known: &Attributes, more: BTreeMap<Place, Vec<String>>) -> BTreeMap<Place, Vec<String>> {
    let mut all = BTreeMap::clone(known);
    for (place, values) in more {
        let of = all.entry(place).or_default();
        of.extend(values);
        of.sort_unstable();
        of.dedup();
    }
    all
}

fn shared(
    known: &mut HashMap<BTreeMap<Place, Vec<String>>, Attributes>,
    places: BTreeMap<Place, Vec<String>>,
) -> Attributes {
    if let Some(same) = known.get(&places) {
        return same.clone();
    }
    let made: Attributes = Arc::new(places.clone());
    known.insert(places, made.clone());
    made
}

/// A tie that nobody has limited.
const ALWAYS: Span = Span { from: Timestamp::from_millis(i64::MIN), until: Timestamp::from_millis(i64::MAX) };
/// As OpenID Connect Core 2 has it for `sub`.
const NAME_BYTES_MAX: usize = 255;
