//! Rules of detection, settled.

use std::time::Duration;

use crate::domain::application::{ApplicationName, RoleName};
use crate::domain::detection::{DetectionKind, DetectionName, DetectionThen, Severity};
use crate::domain::hours::Hours;

/// A rule of detection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionSettings {
    /// Its name.
    pub name: DetectionName,
    /// What it looks for.
    pub when: When,
    /// More than so many, 0 to 1 000 000; where single events are told apart, 0 to 500.
    pub more_than: u64,
    /// In this time, 1 min to 24 h.
    pub within: Duration,
    /// And more than so many times of what is usual for the person, where that is known; 0: that does not count.
    pub usual_times: u64,
    /// Whose; empty: everybody's.
    pub roles: Vec<RoleName>,
    /// Where; empty: everywhere.
    pub applications: Vec<ApplicationName>,
    /// How soon somebody should look.
    pub severity: Severity,
    /// What comes of it.
    pub then: DetectionThen,
    /// Whether that holds for whoever works for treatment or in an emergency, too.
    pub in_treatment: bool,
    /// For how long it is quiet about a person of whom a reviewer has said that it is fine, 1 to 365 days.
    pub quiet: Duration,
}

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Records taken away.
    RecordsTaken,
    /// Files taken away, whatever is in them.
    FilesTaken,
    /// Different patients opened.
    PanelSweep,
    /// Different patients whom lists and files have named.
    ListSweep,
    /// Patients asked for by numbers that follow one another.
    SequentialIds,
    /// Requests outside of these hours.
    OffHours(Hours),
    /// Requests of somebody who was not there for so long.
    Dormant(Duration),
    /// Denials.
    Denials,
    /// Files taken away soon after an emergency.
    AfterBreakGlass,
    /// Minutes in which requests came from several networks.
    Elsewhere,
    /// Charts that were asked for, and that no rule opens.
    NothingToDo,
}

impl When {
    /// The word for it.
    pub const fn kind(&self) -> DetectionKind {
        match self {
            Self::RecordsTaken | Self::FilesTaken => DetectionKind::MassExport,
            Self::PanelSweep => DetectionKind::PanelSweep,
            Self::ListSweep => DetectionKind::ListSweep,
            Self::SequentialIds => DetectionKind::SequentialIds,
            Self::OffHours(_) => DetectionKind::OffHours,
            Self::Dormant(_) => DetectionKind::Dormant,
            Self::Denials => DetectionKind::Denials,
            Self::AfterBreakGlass => DetectionKind::AfterBreakGlass,
            Self::Elsewhere => DetectionKind::Elsewhere,
            Self::NothingToDo => DetectionKind::NothingToDo,
        }
    }
}

/// The longest time within which anything is counted.
pub const WITHIN_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// For how long a rule that is not declared any more stays quiet where it was said to.
pub const QUIET: Duration = Duration::from_secs(30 * 24 * 60 * 60);
