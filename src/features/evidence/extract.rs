//! Extracts of the events: the dated instances that an auditor asks for, as tables for spreadsheets (RFC 4180).

use std::collections::BTreeMap;

use super::safeguard::Exhibit;
use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::count::Count;
use crate::domain::event::{Event, EventKind, Opening, Outcome, Verdict};
use crate::domain::listed::Listed;
use crate::domain::patient::PatientDigest;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::digest::Digest;
use crate::foundation::text::{plain, without_formula};

/// Gathers what exhibits show of a stream of events. Bounded memory: [`ROWS_MAX`] rows of each.
#[derive(Default)]
pub struct Extracts(Vec<Gathering>);

/// What one exhibit shows.
#[derive(Debug)]
pub struct Extract {
    /// Which.
    pub exhibit: Exhibit,
    /// The table, in UTF-8.
    pub table: Vec<u8>,
    /// Its rows.
    pub rows: u64,
    /// Events that fit and are not in it.
    pub left_out: u64,
}

struct Gathering {
    exhibit: Exhibit,
    rows: Rows,
    found: u64,
}

enum Rows {
    /// All, in the order in which they ended.
    All { table: Box<Table>, rows: usize },
    /// Some of each verdict, chosen by a digest of their references: nobody chooses, and the same come again.
    Sample(BTreeMap<Verdict, BTreeMap<Digest, Row>>),
}

type Table = csv::Writer<Vec<u8>>;
type Row = [String; COLUMNS.len()];

impl Extracts {
    /// What is to be gathered of these exhibits; those that are made otherwise are passed over.
    pub fn of(exhibits: &[Exhibit]) -> Result<Self, csv::Error> {
        let gatherings = exhibits.iter().filter_map(|exhibit| Gathering::of(*exhibit).transpose());
        Ok(Self(gatherings.collect::<Result<_, _>>()?))
    }

    /// Takes the next event of the period.
    pub fn take(&mut self, event: &Event) -> Result<(), csv::Error> {
        self.0.iter_mut().filter(|it| shows(it.exhibit, event)).try_for_each(|it| it.take(event))
    }

    /// What there is to show.
    pub fn finish(self) -> Result<Vec<Extract>, csv::Error> {
        self.0.into_iter().map(Gathering::finish).collect()
    }
}

impl std::fmt::Debug for Extracts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|gathering| gathering.exhibit)).finish()
    }
}

impl Gathering {
    fn of(exhibit: Exhibit) -> Result<Option<Self>, csv::Error> {
        let rows = match exhibit {
            Exhibit::Decisions => Rows::Sample(BTreeMap::new()),
            Exhibit::Refusals
            | Exhibit::Withheld
            | Exhibit::Exports
            | Exhibit::Emergencies
            | Exhibit::SignIns
            | Exhibit::SessionsEnded
            | Exhibit::Reviews
            | Exhibit::SealsOpened
            | Exhibit::Disclosures
            | Exhibit::ProtectedCategories
            | Exhibit::PatientRequests => Rows::All { table: Box::new(table()?), rows: 0 },
            Exhibit::UserActivity
            | Exhibit::Privileged
            | Exhibit::Leavers
            | Exhibit::Coverage
            | Exhibit::Policies
            | Exhibit::Verification
            | Exhibit::Checkpoints => return Ok(None),
        };
        Ok(Some(Self { exhibit, rows, found: 0 }))
    }

    fn take(&mut self, event: &Event) -> Result<(), csv::Error> {
        self.found += 1;
        match &mut self.rows {
            Rows::All { table, rows } if *rows < ROWS_MAX => {
                *rows += 1;
                table.write_record(row(event))
            }
            Rows::All { .. } => Ok(()),
            Rows::Sample(samples) => {
                let rank = Digest::of(event.opening.event.to_string().as_bytes());
                let chosen = samples.entry(event.opening.verdict).or_default();
                let is_chosen =
                    chosen.len() < SAMPLE || chosen.last_key_value().is_some_and(|(last, _)| rank < *last);
                if is_chosen {
                    chosen.insert(rank, row(event));
                }
                if chosen.len() > SAMPLE {
                    chosen.pop_last();
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Extract, csv::Error> {
        let Self { exhibit, rows, found } = self;
        let (table, rows) = match rows {
            Rows::All { table, rows } => (*table, rows),
            Rows::Sample(samples) => {
                let mut rows: Vec<Row> = samples.into_values().flat_map(BTreeMap::into_values).collect();
                rows.sort();
                let mut table = table()?;
                rows.iter().try_for_each(|row| table.write_record(row))?;
                (table, rows.len())
            }
        };
        let table = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let rows = rows as u64;
        Ok(Extract { exhibit, table, rows, left_out: found.saturating_sub(rows) })
    }
}

/// A table that has nothing but its head.
fn table() -> Result<Table, csv::Error> {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    table.write_record(COLUMNS)?;
    Ok(table)
}

/// Whether an exhibit shows this event.
fn shows(exhibit: Exhibit, event: &Event) -> bool {
    let (opening, closing) = (&event.opening, event.closing.as_ref());
    let is_request = opening.kind == EventKind::Request;
    let purpose = opening.subject.as_ref().map(|subject| subject.purpose);
    match exhibit {
        Exhibit::Decisions => is_request,
        Exhibit::Refusals => is_request && opening.verdict == Verdict::Deny,
        Exhibit::Withheld => closing.is_some_and(|closing| closing.outcome == Outcome::Withheld),
        Exhibit::Exports => {
            opening.action.is_some_and(Action::takes_away)
                || closing.is_some_and(|closing| closing.found_file)
        }
        Exhibit::Emergencies => purpose.is_some_and(Purpose::is_emergency),
        Exhibit::SignIns => opening.kind == EventKind::Authentication,
        Exhibit::SessionsEnded => {
            let is_over = |reason: &Reason| ENDED.contains(reason);
            opening.kind == EventKind::Revocation
                || opening.lock.is_some()
                || opening.reasons.iter().any(is_over)
                || closing.and_then(|closing| closing.reason).as_ref().is_some_and(is_over)
        }
        Exhibit::Reviews => opening.detection.is_some() || opening.review.is_some(),
        Exhibit::SealsOpened => opening.reading.is_some(),
        Exhibit::Disclosures => event.is_disclosure(),
        Exhibit::ProtectedCategories => {
            !opening.laws.is_empty() || opening.reasons.iter().any(|it| OF_A_LAW.contains(it))
        }
        Exhibit::PatientRequests => purpose == Some(Purpose::PatientRequest),
        Exhibit::UserActivity
        | Exhibit::Privileged
        | Exhibit::Leavers
        | Exhibit::Coverage
        | Exhibit::Policies
        | Exhibit::Verification
        | Exhibit::Checkpoints => false,
    }
}

/// An event as a row. What somebody said in their own words is not in it: it may name a patient.
fn row(event: &Event) -> Row {
    let (opening, closing) = (&event.opening, event.closing.as_ref());
    let subject = opening.subject.as_ref();
    let list = |words: Vec<String>| words.join(" ");
    let text = |word: Option<&str>| word.unwrap_or_default().to_owned();
    let reasons = opening.reasons.iter().copied().chain(closing.and_then(|closing| closing.reason));
    let given = opening.justification.as_ref();
    let row = [
        opening.time.to_string(),
        opening.event.to_string(),
        opening.kind.to_string(),
        text(subject.map(|subject| &*subject.name)),
        text(subject.map(|subject| &*subject.sub)),
        list(
            subject
                .map(|subject| subject.roles.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
        ),
        text(subject.map(|subject| subject.purpose.as_str())),
        text(opening.application.as_ref().map(ApplicationName::as_str)),
        text(opening.route.as_ref().map(RouteName::as_str)),
        text(opening.action.map(Action::as_str)),
        list(digests(&opened(opening))),
        closing.and_then(|closing| closing.listed.as_ref()).map(listed).unwrap_or_default(),
        list(opening.laws.iter().map(ToString::to_string).collect()),
        opening.verdict.to_string(),
        list(reasons.map(|reason| reason.to_string()).collect()),
        list(opening.rules.iter().map(ToString::to_string).collect()),
        text(opening.rules_version.as_deref()),
        text(given.map(|given| given.code.as_str())),
        text(given.and_then(|given| given.number.as_deref())),
        text(given.and_then(|given| given.recipient.as_deref())),
        text(Some(closing.map_or("unknown", |closing| closing.outcome.as_str()))),
        closing.map(|closing| count(closing.records)).unwrap_or_default(),
        text(opening.note.as_deref()),
    ];
    row.map(|cell| without_formula(plain(&cell)))
}

/// Whose record was asked for: in a batch several.
fn opened(opening: &Opening) -> Vec<PatientDigest> {
    let beside = opening.taken.as_ref().map_or(&[][..], |taken| &taken.opened);
    let mut opened: Vec<_> = opening.patient.iter().chain(beside).copied().collect();
    opened.sort_unstable();
    opened.dedup();
    opened
}

/// Whom the reply listed; where there were too many, the digest of all.
fn listed(listed: &Listed) -> String {
    match listed {
        Listed::Each(patients) => digests(patients.as_slice()).join(" "),
        Listed::Together(all) => format!("all:{all}"),
    }
}

fn digests(patients: &[PatientDigest]) -> Vec<String> {
    patients.iter().map(|patient| patient.digest().to_string()).collect()
}

fn count(count: Count) -> String {
    match count {
        Count::Exactly(number) => number.to_string(),
        Count::AtLeast(number) => format!("{number}+"),
        Count::Unknown(_) => "unknown".to_owned(),
        Count::NotCounted => String::new(),
    }
}

const COLUMNS: [&str; 23] = [
    "time",
    "event",
    "kind",
    "person",
    "identifier",
    "roles",
    "purpose",
    "application",
    "route",
    "action",
    "patient_digest",
    "listed_digests",
    "laws",
    "decision",
    "reasons",
    "rules",
    "rules_version",
    "justification",
    "number",
    "recipient",
    "outcome",
    "records",
    "note",
];

/// What tells that a session was over.
const ENDED: [Reason; 3] = [Reason::SessionExpired, Reason::SessionLocked, Reason::SessionRevoked];
/// What tells that a law of a category, or a patient's wish, has decided.
const OF_A_LAW: [Reason; 5] = [
    Reason::PsychotherapyNotes,
    Reason::SudCounselingNotes,
    Reason::SudRecords,
    Reason::PatientRestriction,
    Reason::StateLaw,
];
/// The most rows of an extract, as of a report's table.
pub const ROWS_MAX: usize = 10_000;
/// As many decisions of each kind as auditors use to sample.
const SAMPLE: usize = 25;
