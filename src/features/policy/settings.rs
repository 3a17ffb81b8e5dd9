//! Roles, settled: the document that 45 CFR 164.514(d)(2) asks for.

use std::time::Duration;

use crate::domain::action::Action;
use crate::domain::application::{ApplicationName, Category, RoleName};
use crate::domain::assurance::AssuranceNeed;
use crate::domain::device::DeviceClass;
use crate::domain::limit::Limits;
use crate::domain::purpose::Purpose;

/// A class of persons.
#[derive(Clone, Debug)]
pub struct RoleSettings {
    /// Its name.
    pub name: RoleName,
    /// The provider's groups that give it; any one is enough.
    pub groups: Vec<String>,
    /// Why its people work; the first is the default. Never empty.
    pub purposes: Vec<Purpose>,
    /// What it may do. The rule's stable id is `role/position`, counting from 1.
    pub may: Vec<MaySettings>,
    /// How much.
    pub limits: Limits,
}

/// One thing that a role may do.
#[derive(Clone, Debug)]
pub struct MaySettings {
    /// In which application.
    pub application: ApplicationName,
    /// Which actions; never empty.
    pub actions: Vec<Action>,
    /// On which routes: names, in which a trailing `*` matches the rest; empty: all.
    pub routes: Vec<String>,
    /// On which categories: every category of the route has to be listed; empty: all.
    pub categories: Vec<Category>,
    /// Under which conditions.
    pub when: WhenSettings,
}

/// The conditions of a rule; all have to hold.
#[derive(Clone, Debug, Default)]
pub struct WhenSettings {
    /// How surely, and how freshly, the person must be known.
    pub assurance: Option<AssuranceNeed>,
    /// Whether a reason has to be given. It counts for [`JUSTIFICATION_LASTS`].
    pub justification: bool,
    /// Between which times of the day, in the gateway's time zone.
    pub hours: Option<Hours>,
    /// The `location` attribute has to be one of these; empty: any.
    pub location: Vec<String>,
    /// The device has to be of one of these classes; empty: of any, or of none.
    pub device: Vec<DeviceClass>,
    /// The purpose of the session has to be one of these; empty: any of the role.
    pub purpose: Vec<Purpose>,
    /// The relationship to the patient that is needed, by name. Needs a declared feed: without one
    /// the relationship is unknown and the rule never fires.
    pub relationship: Option<String>,
}

/// How long a justification counts.
pub const JUSTIFICATION_LASTS: Duration = Duration::from_secs(15 * 60);

/// A span of the day, in minutes since midnight; it may run over midnight (`22:00-06:00`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// From here.
    pub from_minute: u16,
    /// Until just before here.
    pub until_minute: u16,
}

impl Hours {
    /// Whether the minute of the day lies within.
    pub const fn contain(self, minute: u16) -> bool {
        let (after, before) = (minute >= self.from_minute, minute < self.until_minute);
        if self.from_minute < self.until_minute { after && before } else { after || before }
    }
}

/// A text that is not a span of the day.
#[derive(Debug, Clone, thiserror::Error)]
#[error("hours look like `06:00-20:00`, not `{text}`")]
pub struct HoursError {
    text: String,
}

impl std::str::FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let minute = |text: &str| -> Option<u16> {
            let (hour, minute) = text.split_once(':')?;
            let (two, two_too) = (hour.len() == 2, minute.len() == 2);
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            let ends_the_day = hour == 24 && minute == 0;
            (two && two_too && (hour < 24 && minute < 60 || ends_the_day)).then_some(hour * 60 + minute)
        };
        text.split_once('-')
            .and_then(|(from, until)| Some((minute(from)?, minute(until)?)))
            .filter(|(from, until)| from != until && *from < 24 * 60)
            .map(|(from_minute, until_minute)| Self { from_minute, until_minute })
            .ok_or_else(|| HoursError { text: text.to_owned() })
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, until) = (self.from_minute, self.until_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

/// A file of Cedar policies beyond the roles.
#[derive(Clone, Debug)]
pub struct CedarFile {
    /// Its path as written, for messages.
    pub path: String,
    /// Its text.
    pub text: String,
}
