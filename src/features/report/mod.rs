//! What officers and patients are told of the events: reports.
//!
//! A report is a function of a stream of events: no I/O and no clock, bounded memory. The same events give the same bytes in each
//! [`Format`], so that whoever doubts one makes it again from the journal; what it was made from stands at its end ([`MadeOf`]).
//! Patients are keyed digests here, as in events: nobody is named whom the journal does not name.
//!
//! Whoever has the events hands each to a [`Maker`], in the order in which they ended.

use std::sync::Arc;

use serde::Serialize;

use crate::domain::application::ApplicationName;
use crate::domain::closed_list;
use crate::domain::event::Event;
use crate::domain::patient::PatientDigests;
use crate::foundation::clock::Timestamp;

mod activity;
mod break_glass;
mod coverage;
mod disclosures;
mod leavers;
mod lines;
mod made;
mod people;
mod policy;
mod privileged;
mod rows;
pub mod table;
#[cfg(test)]
mod tests;
mod who_saw;
mod words;
mod write;

pub use made::MadeOf;
pub use write::{Format, Style, WriteError, write};

use table::Section;

closed_list! {
    /// What can be told.
    ReportName {
        /// Everything that was done about one patient.
        Patient = "patient",
        /// Who has seen a patient's record, in the patient's own words.
        WhoSaw = "who-saw",
        /// An accounting of disclosures (45 CFR 164.528).
        Disclosures = "disclosures",
        /// What people did, without patients, and beside their peers.
        UserActivity = "user-activity",
        /// What was done with privileges: administration, configuration, exports.
        Privileged = "privileged",
        /// Whose glass was broken by whom, and what came of the review.
        BreakGlass = "break-glass",
        /// Who has left, and what was done under their names afterwards.
        Leavers = "leavers",
        /// What the gateway recognizes of what passes, and where it is blind.
        Coverage = "coverage",
        /// Which rules were in force, and what they say.
        Policy = "policy",
    }
}

impl ReportName {
    /// Whether it is about one patient.
    pub const fn is_of_patient(self) -> bool {
        match self {
            Self::Patient | Self::WhoSaw | Self::Disclosures => true,
            Self::UserActivity
            | Self::Privileged
            | Self::BreakGlass
            | Self::Leavers
            | Self::Coverage
            | Self::Policy => false,
        }
    }
}

/// Which report, and about what.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which.
    pub report: ReportName,
    /// About which patient; of a report about one it has to be said.
    pub patient: Option<PatientDigests>,
    /// Only what was done at this application.
    pub application: Option<ApplicationName>,
    /// Only what somebody did: the provider's identifier, or a part of the name in any case.
    pub person: Option<String>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// How people are told of.
    pub people: People,
    /// With what nobody has meant, too: lists and files in which a patient stood, and pages that ask by themselves.
    pub all: bool,
}

/// How people are told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum People {
    /// By name.
    #[default]
    ByName,
    /// By what they work as.
    ByRole,
}

/// What cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It is about one patient.
    #[error("the report `{0}` is about one patient: say which, and of which application")]
    NoPatient(ReportName),
}

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked.
    pub asked: Asked,
    /// What is told.
    pub sections: Vec<Section>,
    /// What it was made from.
    pub made_of: MadeOf,
}

/// What is between the events and a report.
trait Collect {
    /// Takes an event that fits what was asked.
    fn take(&mut self, event: &Event);
    /// The versions of the rules whose texts have to be told; none where no report needs them.
    fn versions(&self) -> Vec<Arc<str>> {
        Vec::new()
    }

    /// Takes the texts of one of them.
    fn tell(&mut self, _version: Arc<str>, _in_force: InForce) {}

    /// Says what there is to tell.
    fn finish(self: Box<Self>) -> Vec<Section>;
}

/// Makes a report of events.
pub struct Maker {
    asked: Asked,
    collect: Box<dyn Collect + Send>,
    made_of: MadeOf,
}

impl std::fmt::Debug for Maker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Maker").field("report", &self.asked.report).finish_non_exhaustive()
    }
}

impl Maker {
    /// Begins a report.
    pub fn new(asked: Asked) -> Result<Self, AskError> {
        let report = asked.report;
        let patient = || asked.patient.clone().ok_or(AskError::NoPatient(report));
        let collect: Box<dyn Collect + Send> = match report {
            ReportName::Patient => Box::new(activity::Activity::of(patient()?)),
            ReportName::WhoSaw => Box::new(who_saw::Visits::of(patient()?, asked.people, asked.all)),
            ReportName::Disclosures => Box::new(disclosures::Accounting::of(patient()?)),
            ReportName::UserActivity => Box::new(people::Activity::of(asked.person.clone())),
            ReportName::Privileged => Box::<privileged::Register>::default(),
            ReportName::BreakGlass => Box::<break_glass::Register>::default(),
            ReportName::Leavers => Box::<leavers::Leavers>::default(),
            ReportName::Coverage => Box::<coverage::Coverage>::default(),
            ReportName::Policy => Box::<policy::Policy>::default(),
        };
        Ok(Self { asked, collect, made_of: MadeOf::default() })
    }

    /// Takes the next event; one of another time, or of another application than was asked for, is passed over.
    pub fn take(&mut self, event: &Event) {
        let Asked { application, since, until, .. } = &self.asked;
        let opening = &event.opening;
        let is_meant = since.is_none_or(|since| opening.time >= since)
            && until.is_none_or(|until| opening.time < until)
            && (application.is_none() || opening.application == *application || self.is_of_people(event));
        if is_meant {
            self.made_of.note(event);
            self.collect.take(event);
        }
    }

    /// The versions of the rules whose texts the report tells, if it tells any: to be asked when all events were taken.
    pub fn versions(&self) -> Vec<Arc<str>> {
        self.collect.versions()
    }

    /// Takes the texts of one of them.
    pub fn tell(&mut self, version: Arc<str>, in_force: InForce) {
        self.collect.tell(version, in_force);
    }

    /// Who has left is told by events that are of no application.
    fn is_of_people(&self, event: &Event) -> bool {
        self.asked.report == ReportName::Leavers && event.opening.application.is_none()
    }

    /// The report, and what the journal was that the events are of.
    pub fn finish(self, read: Read) -> Report {
        let Self { asked, collect, mut made_of } = self;
        made_of.read = read;
        Report { asked, sections: collect.finish(), made_of }
    }
}

/// What is kept of the texts of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InForce {
    /// Each file, by its path, and what it says.
    Whole(Vec<(String, String)>),
    /// Something else: it was changed since.
    Changed,
    /// Nothing.
    Absent,
}

/// What was read of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Read {
    /// The number of its first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The last entry that was read, and its hash: `SEQUENCE:HASH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// What of the time that was asked for is in the archive and was not looked at: entries, and their times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<String>,
    /// What of it was destroyed at the end of its retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destroyed: Option<String>,
    /// Why it could not be read further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// The most rows of a table.
pub const ROWS_MAX: usize = 10_000;
