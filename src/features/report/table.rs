//! What a report says, before it is said in a language or a format.

use crate::domain::action::Action;
use crate::domain::application::Category;
use crate::domain::break_glass::{BreakFinding, BreakReason, BreakRelation};
use crate::domain::closed_list;
use crate::domain::count::Count;
use crate::domain::event::{Closing, Event, EventStanding, Outcome};
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::foundation::clock::Timestamp;

closed_list! {
    /// What a table is about.
    SectionName {
        /// What somebody meant to do.
        Deliberate = "deliberate",
        /// What came about by itself, or in a list.
        Incidental = "incidental",
        /// Who has seen a record, and when.
        Visits = "visits",
        /// Lists and files in which a patient stood.
        Listed = "listed",
        /// What was disclosed of one patient.
        Disclosed = "disclosed",
        /// What may have held the patient among others.
        MayHaveHeld = "may_have_held",
        /// What each person did.
        People = "people",
        /// Where and what.
        ByRoute = "by_route",
        /// Privileged use of applications.
        OfApplications = "of_applications",
        /// Administration of the gateway.
        OfGateway = "of_gateway",
        /// Emergency access.
        Breaks = "breaks",
        /// How often it was asked for, and used.
        BreakFigures = "break_figures",
        /// Those who have left.
        Leavers = "leavers",
        /// What was done under their names afterwards.
        Afterwards = "afterwards",
        /// What is seen of each application.
        Applications = "applications",
        /// What is seen of each route.
        Routes = "routes",
        /// Times in which requests left no event.
        Gaps = "gaps",
        /// Versions of the rules.
        Versions = "versions",
        /// What each of them has changed.
        Changes = "changes",
        /// The texts of the last of them.
        InForce = "in_force",
    }
}

closed_list! {
    /// What a column holds.
    Column {
        /// When.
        Time = "time",
        /// Until when.
        Until = "until",
        /// When first.
        First = "first",
        /// When last.
        Last = "last",
        /// Who.
        Person = "person",
        /// The provider's identifier.
        Identifier = "identifier",
        /// In which roles.
        Roles = "roles",
        /// In which department.
        Department = "department",
        /// At what kind of device.
        Device = "device",
        /// Where.
        Application = "application",
        /// By which route.
        Route = "route",
        /// What they did.
        Action = "action",
        /// What they did, in plain words.
        Did = "did",
        /// What kind of data.
        Data = "data",
        /// How many records.
        Records = "records",
        /// Why they work.
        Purpose = "purpose",
        /// What they have to do with the patient.
        Relationship = "relationship",
        /// Whether it was an emergency.
        Emergency = "emergency",
        /// How it ended.
        Outcome = "outcome",
        /// Why it was decided so.
        Reason = "reason",
        /// To whom it went.
        Recipient = "recipient",
        /// Why it was disclosed, and where the law says so.
        Why = "why",
        /// The number by which it was done.
        Number = "number",
        /// How often.
        Times = "times",
        /// How many requests.
        Requests = "requests",
        /// How many were not permitted.
        Refused = "refused",
        /// How many patients were opened.
        Patients = "patients",
        /// How many files were taken away.
        Files = "files",
        /// The share of peers who opened fewer patients.
        PatientsPercentile = "patients_percentile",
        /// The share of peers who took away fewer records.
        RecordsPercentile = "records_percentile",
        /// What was done, as the journal has it.
        Note = "note",
        /// On whose word.
        Cause = "cause",
        /// How many sessions were ended.
        Sessions = "sessions",
        /// How many accesses came afterwards.
        Accesses = "accesses",
        /// How many routes were seen.
        Routes = "routes",
        /// How many requests no route knows.
        Unmatched = "unmatched",
        /// How many of them passed.
        Observed = "observed",
        /// Of how many replies it is not known how much they held.
        Unknown = "unknown",
        /// How many of those that open a record name no patient.
        NoPatient = "no_patient",
        /// The share of those that open a record and name the patient.
        PatientShare = "patient_share",
        /// The event.
        Event = "event",
        /// The version of the rules.
        Version = "version",
        /// When it was first seen.
        Since = "since",
        /// How many events name it.
        Events = "events",
        /// Who has approved it.
        ApprovedBy = "approved_by",
        /// Whose record, by the first digits of the digest that events have of them.
        Whom = "whom",
        /// Why, as the person said.
        Given = "given",
        /// How long a chart was open, in minutes.
        Minutes = "minutes",
        /// Whether the person's own words are still owed.
        TextOwed = "text_owed",
        /// What 42 CFR 2.51(c) asks for.
        Sheet = "sheet",
        /// Who has disclosed records of a programme.
        Discloser = "discloser",
        /// Who has looked at it.
        Reviewer = "reviewer",
        /// What they have found.
        Finding = "finding",
        /// In how many days it was settled.
        DaysToClose = "days_to_close",
        /// How often somebody was asked whether it is an emergency.
        Prompted = "prompted",
        /// How often they went back.
        Cancelled = "cancelled",
        /// How often a chart was opened in an emergency.
        Breaks = "breaks",
        /// The share that a relationship has explained.
        AutoExplained = "auto_explained",
        /// The file.
        File = "file",
        /// What it says.
        Text = "text",
        /// In which line.
        Line = "line",
        /// What stood there.
        Was = "was",
        /// What stands there.
        Is = "is",
    }
}

closed_list! {
    /// How something ended, for whoever reads of it.
    Ending {
        /// It was done.
        Completed = "completed",
        /// It was not permitted.
        Refused = "refused",
        /// It was held back.
        Withheld = "withheld",
        /// It was broken off.
        Aborted = "aborted",
        /// It did not work.
        Failed = "failed",
        /// Nobody knows.
        Unknown = "unknown",
    }
}

impl Ending {
    /// How an event ended.
    pub fn of(closing: Option<&Closing>) -> Self {
        closing.map_or(Self::Unknown, |closing| match closing.outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Refused => Self::Refused,
            Outcome::Withheld => Self::Withheld,
            Outcome::Aborted => Self::Aborted,
            Outcome::Failed => Self::Failed,
        })
    }
}

closed_list! {
    /// Whether what 42 CFR 2.51(c) asks for is there.
    SheetState {
        /// It is still to be written.
        Owed = "owed",
        /// It is there.
        Filed = "filed",
    }
}

closed_list! {
    /// Why a text cannot be told.
    Missing {
        /// It is not as it was.
        Changed = "changed",
        /// It is not there.
        Absent = "absent",
    }
}

/// One table of a report.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is about.
    pub name: SectionName,
    /// What its columns hold.
    pub columns: &'static [Column],
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows there would be besides.
    pub left_out: u64,
}

/// What stands in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing is known, or there is nothing.
    Nothing,
    /// A text, from outside as it may be.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// A number.
    Number(u64),
    /// How many, as far as that was counted.
    Count(Count),
    /// A share in percent.
    Percent(u64),
    /// A moment.
    Time(Timestamp),
    /// A moment, and how long it went on after.
    Span(Timestamp, Timestamp),
    /// What was asked for.
    Action(Action),
    /// What was done, in plain words.
    Did(Vec<Action>),
    /// Why somebody worked.
    Purposes(Vec<Purpose>),
    /// Why something was disclosed, and where the law says so.
    Basis(Purpose),
    /// Why it was decided so.
    Reason(Reason),
    /// How it ended.
    Ending(Ending),
    /// Whether it is so.
    Yes(bool),
    /// Why somebody broke the glass.
    Given(BreakReason),
    /// What was known of the two then.
    Relation(BreakRelation),
    /// What the review has found.
    Finding(BreakFinding),
    /// Whether what the law asks for is there.
    Sheet(SheetState),
    /// A text of several lines.
    Written(String),
    /// What should be kept is not, or is not as it was.
    Missing(Missing),
}

impl Cell {
    /// A text that may not be there.
    pub(super) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }

    /// Texts, of which there may be none.
    pub(super) fn texts(texts: impl IntoIterator<Item = impl ToString>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(|text| text.to_string()).collect();
        if texts.is_empty() { Self::Nothing } else { Self::Texts(texts) }
    }

    /// What kinds of data a route leads to.
    pub(super) fn data<'c>(categories: impl IntoIterator<Item = &'c Category>) -> Self {
        Self::texts(categories.into_iter().map(|category| category.as_str().replace(['-', '_'], " ")))
    }

    /// How many records went.
    pub(super) fn records(event: &Event) -> Self {
        event.closing.as_ref().map_or(Self::Nothing, |closing| Self::Count(closing.records))
    }

    /// The person's department, where somebody has told it.
    pub(super) fn department(event: &Event) -> Self {
        let standing = event.opening.subject.as_ref().and_then(|subject| subject.standing.as_ref());
        Self::texts(standing.into_iter().flat_map(EventStanding::departments))
    }

    /// A share of a whole, rounded down; nothing of nothing.
    pub(super) fn share(part: u64, whole: u64) -> Self {
        part.saturating_mul(100).checked_div(whole).map_or(Self::Nothing, Self::Percent)
    }
}
